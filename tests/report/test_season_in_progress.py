import numpy as np
import pandas as pd
import pytest

from nba_rank.data.league import league_teams
from nba_rank.report.season_in_progress import season_figures

DATES = pd.to_datetime(["2023-11-01", "2023-11-02", "2023-11-09"])


@pytest.fixture
def made() -> pd.DataFrame:
    """Forecasts of three dates; the last date's order is that of the teams' list."""
    teams = league_teams("2023-24")[["abbreviation", "conference"]]
    place = teams.groupby("conference").cumcount() + 1
    seeds = {f"seed_{n}": 0.75 * place.eq(n) + 0.25 * place.eq(n % 15 + 1) for n in range(1, 16)}
    each = teams.rename(columns={"abbreviation": "team"}).assign(
        season="2023-24", title_prob=1 / 30, **seeds
    )
    order = np.arange(30)
    rows = [
        each.assign(as_of_date=date, rank=np.roll(order, shift) + 1)
        for date, shift in zip(DATES, (3, 1, 0), strict=True)
    ]
    return pd.concat(rows, ignore_index=True)


def test_ranks_are_named_in_the_order_of_the_newest_date(made):
    ax = season_figures(made)["ranks"].axes[0]
    newest = made[made["as_of_date"] == DATES[-1]]
    assert [text.get_text().split() for text in ax.get_yticklabels()] == [
        [str(rank), team] for rank, team in zip(newest["rank"], newest["team"], strict=True)
    ]
    lines = [line.get_ydata().tolist() for line in ax.lines]
    assert [28, 30, 1] in lines


def test_of_several_forecasts_of_a_date_the_last_is_drawn(made):
    again = made[made["as_of_date"] == DATES[-1]].assign(rank=range(30, 0, -1))
    ax = season_figures(pd.concat([made, again]))["ranks"].axes[0]
    assert ax.get_yticklabels()[0].get_text().endswith(again["team"].iloc[-1])
    assert [28, 30, 30] in [line.get_ydata().tolist() for line in ax.lines]


def test_seeds_are_those_of_the_newest_date_with_the_play_in_marked(made):
    figure = season_figures(made)["seeds"]
    assert "November 9, 2023" in figure.get_suptitle()
    east = figure.axes[0]
    shares = np.asarray(east.images[0].get_array())
    assert shares.shape == (15, 15)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert [text.get_text() for text in east.texts].count("75%") == 15
    assert sorted(line.get_xdata()[0] for line in east.lines) == [5.5, 9.5]


def test_a_run_without_simulation_has_ranks_alone(made):
    plain = made[["season", "as_of_date", "team", "conference", "rank"]]
    assert list(season_figures(plain)) == ["ranks"]
    assert list(season_figures(made, "BOS")) == ["ranks", "title_race", "seeds"]
