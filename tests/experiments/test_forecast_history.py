import pandas as pd
import pytest

from nba_rank.experiments.history import append, before, named_as


def forecast(day, ranks=(1, 2), data="a", **more):
    return pd.DataFrame(
        {
            "as_of_date": pd.Timestamp(day), "run": "run_001", "git_revision": "r", "data": data,
            "made_at": f"{day}T10:00:00+00:00", "team_id": [11, 12], "rank": list(ranks), **more,
        }
    )  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "season_2026-27" / "history.parquet"


def test_dates_are_appended_and_read_back(path):
    append(path, forecast("2026-11-01"))
    history = append(path, forecast("2026-11-02", (2, 1)))
    pd.testing.assert_frame_equal(pd.read_parquet(path), history)
    assert history["rank"].tolist() == [1, 2, 2, 1]


def test_the_same_forecast_is_kept_once_and_the_file_is_not_touched(path):
    append(path, forecast("2026-11-01"))
    written = path.read_bytes()
    again = append(path, forecast("2026-11-01", made_at="later"))
    assert path.read_bytes() == written
    assert len(again) == 2


def test_new_data_make_a_second_forecast_of_a_date_and_leave_the_first(path):
    first = append(path, forecast("2026-11-01"))
    history = append(path, forecast("2026-11-01", (2, 1), data="b", title_prob=[0.4, 0.1]))
    pd.testing.assert_frame_equal(history[first.columns].head(2), first)
    assert history["title_prob"].isna().tolist() == [True, True, False, False]
    assert before(history, pd.Timestamp("2026-11-02"), 1)["rank"].tolist() == [2, 1]


def test_movement_looks_back_at_least_so_many_days(path):
    for day, ranks in (("2026-11-01", (1, 2)), ("2026-11-07", (2, 1)), ("2026-11-08", (1, 2))):
        history = append(path, forecast(day, ranks))
    as_of = pd.Timestamp("2026-11-08")
    assert before(history, as_of, 1)["as_of_date"].unique() == [pd.Timestamp("2026-11-07")]
    assert before(history, as_of, 7)["as_of_date"].unique() == [pd.Timestamp("2026-11-01")]
    assert before(history, as_of, 8).empty


def test_teams_are_called_as_in_the_newest_forecast(path):
    append(path, forecast("2011-12-10", team=["BKN", "NOP"]))
    newest = forecast("2011-12-26", team=["NJN", "NOH"])
    history = named_as(append(path, newest), newest)
    assert history["team"].tolist() == ["NJN", "NOH"] * 2
