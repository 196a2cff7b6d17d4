import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.dates import num2date
from matplotlib.patches import Rectangle

from nba_rank.evaluation.calibration import reliability_table
from nba_rank.report.odds_figures import (
    RACERS,
    plot_odds_heatmap,
    plot_reliability,
    plot_title_odds,
)

TEAMS = [f"T{number:02}" for number in range(30)]


def race(n_dates=5):
    """Title odds that fall with the number of the team; T10 leads on the second date alone."""
    share = 0.7 ** np.arange(30)
    parts = []
    for number, date in enumerate(pd.date_range("2023-10-24", periods=n_dates, freq="28D")):
        odds = share.copy()
        if number == 1:
            odds[10] = 2
        parts.append(pd.DataFrame({"as_of_date": date, "team": TEAMS, "title_prob": odds / 4}))
    return pd.concat(parts, ignore_index=True)


def odds_of_a_date(n=30):
    reach = {
        name: np.clip(scale * 0.85 ** np.arange(n), 0, 1)
        for name, scale in (("playoff", 1.2), ("round_1", 0.9), ("round_2", 0.6),
                            ("finals", 0.4), ("title", 0.2))
    }  # fmt: skip
    finishes = ["Finals", "Champion", "Conference finals", "Second round", "First round", "Play-in"]
    odds = pd.DataFrame({f"{name}_prob": values for name, values in reach.items()})
    finish = (finishes + ["Lottery"] * n)[:n]
    return odds.assign(team=TEAMS[:n], finish=finish, expected_wins=60.0 - np.arange(n))


def names(figure):
    return [text.get_text().split()[0] for text in figure.axes[0].texts]


def test_the_race_names_whoever_led_at_any_time(tmp_path, drawn):
    plot_title_odds(race(), tmp_path / "race.png", "2023-24", champion="T02")
    assert sorted(names(drawn[0])) == [*TEAMS[: RACERS - 1], "T10"]
    bold = [text for text in drawn[0].axes[0].texts if text.get_fontweight() == "bold"]
    assert [text.get_text().split() for text in bold] == [["T02", "12%"]]
    caption = drawn[0].get_supxlabel()
    assert "Bold: T02, the later champion. Thin: the other 22 teams." in caption
    assert caption.endswith("February 13, 2024.")


def test_names_do_not_overlap(tmp_path, drawn):
    plot_title_odds(race(), tmp_path / "race.png", "2023-24")
    ax = drawn[0].axes[0]
    places = np.sort([text.get_position()[1] for text in ax.texts])
    assert np.diff(places).min() >= 0.0499
    assert -1e-9 <= places[0] <= places[-1] <= 1 + 1e-9


def test_an_outsider_who_won_is_named_too(tmp_path, drawn):
    plot_title_odds(race(), tmp_path / "race.png", "2023-24", champion="T29")
    assert sorted(names(drawn[0])) == [*TEAMS[: RACERS - 1], "T10", "T29"]


@pytest.mark.parametrize(("date", "n_lines"), [("2024-01-16", 1), ("2024-02-13", 0)])
def test_the_begin_of_the_playoffs_is_marked_where_the_race_goes_on(tmp_path, drawn, date, n_lines):
    begin = pd.Timestamp(date)
    plot_title_odds(race(), tmp_path / "race.png", "2023-24", playoffs_begin=begin)
    ax = drawn[0].axes[0]
    assert [text.get_text() for text in ax.texts].count("playoffs begin") == n_lines
    marks = [line for line in ax.lines if len(set(line.get_xdata())) == 1]
    assert [num2date(line.get_xdata()[0]).date() for line in marks] == [begin.date()] * n_lines


def test_a_race_of_one_date(tmp_path, drawn):
    plot_title_odds(race(1), tmp_path / "race.png", "2023-24")
    first, last = (num2date(end) for end in drawn[0].axes[0].get_xlim())
    assert (last - first).days == 7
    assert "Bold" not in drawn[0].get_supxlabel()


def test_a_race_of_nobody_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no title odds to draw"):
        plot_title_odds(race().head(0), tmp_path / "race.png", "2023-24")
    with pytest.raises(ValueError, match="of the champion 'XYZ'"):
        plot_title_odds(race(), tmp_path / "race.png", "2023-24", champion="XYZ")


def test_the_table_has_the_favourite_first_and_frames_what_came_true(tmp_path, drawn):
    odds = odds_of_a_date()
    plot_odds_heatmap(odds.sample(frac=1, random_state=0), tmp_path / "odds.png", "2023-24")
    ax = drawn[0].axes[0]
    teams = [text for text in ax.texts if text.get_text() in TEAMS]
    ordered = sorted(teams, key=lambda text: text.get_position()[1])
    assert [text.get_text() for text in ordered] == TEAMS
    (shades,) = [part for part in ax.collections if isinstance(part, QuadMesh)]
    np.testing.assert_allclose(shades.get_array()[:, -1], odds["title_prob"] ** 0.6)
    frames = [part for part in ax.patches if isinstance(part, Rectangle)]
    assert [round(part.get_width()) for part in frames] == [4, 5, 3, 2, 1]
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("Lottery") == 24
    assert {"Expected\nwins", "Actual\nfinish", "60", "20%"} <= set(texts)


def test_a_table_without_what_is_not_known(tmp_path, drawn):
    odds = odds_of_a_date().drop(columns=["finish", "expected_wins"])
    plot_odds_heatmap(odds, tmp_path / "odds.png", "2023-24")
    ax = drawn[0].axes[0]
    assert not ax.patches
    texts = {text.get_text() for text in ax.texts}
    assert not {"Expected\nwins", "Actual\nfinish"} & texts
    assert "Framed" not in drawn[0].get_supxlabel()


def test_a_table_of_nothing_is_refused(tmp_path):
    odds = odds_of_a_date()
    with pytest.raises(ValueError, match="no odds to draw"):
        plot_odds_heatmap(odds.head(0), tmp_path / "odds.png", "2023-24")
    with pytest.raises(ValueError, match=r"\['finals_prob'\] are missing"):
        plot_odds_heatmap(odds.drop(columns="finals_prob"), tmp_path / "odds.png", "2023-24")


@pytest.fixture
def tables():
    """Calibrated forecasts, overconfident ones, and ones of a rare event."""
    rng = np.random.default_rng(0)
    odds = rng.normal(scale=2, size=600)
    happened = rng.random(600) < 1 / (1 + np.exp(-odds))
    rare = rng.beta(0.5, 12, size=600)
    return {
        "Playoffs": reliability_table(1 / (1 + np.exp(-odds)), happened),
        "Boastful": reliability_table(1 / (1 + np.exp(-3 * odds)), happened),
        "Title": reliability_table(rare, rng.random(600) < rare),
        "Uniform": reliability_table(np.full(600, 1 / 30), rng.random(600) < 1 / 30),
    }


def points(ax):
    """Positions and areas of the points on and off the diagonal."""
    shown = [part for part in ax.collections if isinstance(part, PathCollection)]
    return [(part.get_offsets(), part.get_sizes()) for part in shown]


def test_reliability_has_a_panel_a_table_with_every_bin(tables, tmp_path, drawn):
    plot_reliability(tables, tmp_path / "reliability.png", "Calibration")
    axes = [ax for ax in drawn[0].axes if ax.axison]
    assert [ax.get_title(loc="left") for ax in axes] == list(tables)
    for ax, table in zip(axes, tables.values(), strict=True):
        both = np.vstack([place for place, _ in points(ax)])
        shown = both[np.argsort(both[:, 0])]
        np.testing.assert_allclose(shown, table[["mean_p", "frequency"]])
        assert ax.get_xlim() == ax.get_ylim()
    assert len(points(axes[0])[1][0]) < 3
    assert len(points(axes[1])[1][0]) > 4
    assert axes[0].texts[0].get_text() == "600 forecasts\n10 bins of 60\n" + (
        f"{np.average(tables['Playoffs']['frequency']):.0%} happened"
    )
    assert "1 bin\n" in axes[3].texts[0].get_text()


def test_a_rare_event_is_seen_up_close(tables, tmp_path, drawn):
    plot_reliability(tables, tmp_path / "reliability.png", "Calibration")
    ends = [ax.get_xlim()[1] for ax in drawn[0].axes if ax.axison]
    assert ends[0] == ends[1] > 1
    assert ends[3] < ends[2] < 0.7
    for end, table in zip(ends, tables.values(), strict=True):
        assert end > table[["mean_p", "high"]].max(axis=None)


def test_the_area_of_a_point_goes_by_its_count(tmp_path, drawn):
    p = np.repeat([0.2, 0.8], [300, 100])
    table = reliability_table(p, np.arange(400) % 5 == 0, n_bins=4)
    assert table["count"].tolist() == [300, 100]
    plot_reliability({"Finals": table}, tmp_path / "reliability.png", "Calibration")
    ax = drawn[0].axes[0]
    (_, on), (_, off) = points(ax)
    assert on.item() == pytest.approx(3 * off.item())
    assert "2 bins of 100 to 300" in ax.texts[0].get_text()


def test_reliability_of_nothing_is_refused(tables, tmp_path):
    with pytest.raises(ValueError, match="no bins to draw"):
        plot_reliability({}, tmp_path / "reliability.png", "Calibration")
    with pytest.raises(ValueError, match=r"no bins to draw for \['Title'\]"):
        plot_reliability(
            tables | {"Title": tables["Title"].head(0)}, tmp_path / "r.png", "Calibration"
        )
