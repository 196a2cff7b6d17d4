import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.dates import num2date

from nba_rank.evaluation.calibration import reliability_table
from nba_rank.report.forecast_figures import (
    RACERS,
    plot_predicted_vs_actual,
    plot_reliability,
    plot_title_odds,
)

TEAMS = [f"T{number:02}" for number in range(30)]


def test_teams_stand_at_their_ranks_and_those_far_off_are_bold():
    actual = np.arange(1, 16)
    shifts = {("0.25", "East"): 0, ("0.25", "West"): 3, ("end", "West"): -4}
    frames = [
        pd.DataFrame({"actual_conference_rank": actual, "conference_rank": actual + shift}).assign(
            as_of_point=point, conference=side, team=[f"{point}{side}{place}" for place in actual]
        )
        for (point, side), shift in shifts.items()
    ]
    figure = plot_predicted_vs_actual(pd.concat(frames), "2023-24", tolerance=3)
    texts = {text.get_text(): text for text in figure.axes[0].texts}
    places = {name: np.array(text.get_position()) for name, text in texts.items()}
    east, west, end = (places[name] for name in ("0.25East5", "0.25West5", "endWest5"))
    assert (places["0.25East6"] - east).tolist() == [1, 1]
    # A panel lies beside or below another, by more than its 15 places.
    assert (west[0] - east[0] > 15, west[1] - east[1]) == (True, 3)
    assert (end[0] - west[0], end[1] + 7 - west[1] > 15) == (0, True)
    bold = {name for name, text in texts.items() if text.get_fontweight() == "bold"}
    assert {name for name in bold if name[-1].isdigit()} == {f"endWest{i}" for i in actual}


def race(n_dates=5):
    """Title odds that fall with the number of the team; T10 leads on the second date alone."""
    odds = np.tile(0.7 ** np.arange(30) / 4, (n_dates, 1))
    odds[1:2, 10] = 0.5
    dates = pd.date_range("2023-10-24", periods=n_dates, freq="28D", name="as_of_date")
    wide = pd.DataFrame(odds, dates, TEAMS).rename_axis(columns="team")
    return wide.stack().rename("title_prob").reset_index()  # noqa: PD013


def names(figure):
    return [text.get_text().split()[0] for text in figure.axes[0].texts]


def test_the_race_names_whoever_led_at_any_time_and_the_champion():
    figure = plot_title_odds(race(), "2023-24", champion="T02")
    assert sorted(names(figure)) == [*TEAMS[: RACERS - 1], "T10"]
    bold = [text for text in figure.axes[0].texts if text.get_fontweight() == "bold"]
    assert [text.get_text().split() for text in bold] == [["T02", "12%"]]
    caption = figure.get_supxlabel()
    assert "Bold: T02, the later champion. Thin: the other 22 teams." in caption
    assert caption.endswith("February 13, 2024.")
    places = np.sort([text.get_position()[1] for text in figure.axes[0].texts])
    assert np.diff(places).min() >= 0.0499
    assert -1e-9 <= places[0] <= places[-1] <= 1 + 1e-9
    outsider = plot_title_odds(race(), "2023-24", champion="T29")
    assert sorted(names(outsider)) == [*TEAMS[: RACERS - 1], "T10", "T29"]


@pytest.mark.parametrize(("date", "n_lines"), [("2024-01-16", 1), ("2024-02-13", 0)])
def test_the_begin_of_the_playoffs_is_marked_where_the_race_goes_on(date, n_lines):
    begin = pd.Timestamp(date)
    ax = plot_title_odds(race(), "2023-24", playoffs_begin=begin).axes[0]
    marks = [line for line in ax.lines if len(set(line.get_xdata())) == 1]
    assert [num2date(line.get_xdata()[0]).date() for line in marks] == [begin.date()] * n_lines


def test_a_race_of_one_date_has_room_and_no_champion():
    figure = plot_title_odds(race(1), "2023-24")
    first, last = (num2date(end) for end in figure.axes[0].get_xlim())
    assert (last - first).days == 7
    assert "Bold" not in figure.get_supxlabel()


@pytest.fixture(scope="module")
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


def test_reliability_has_a_panel_a_table_with_every_bin_as_close_as_it_needs(tables):
    axes = plot_reliability(tables, "Calibration").axes
    assert [ax.get_title(loc="left") for ax in axes] == list(tables)
    for ax, table in zip(axes, tables.values(), strict=True):
        both = np.vstack([place for place, _ in points(ax)])
        shown = both[np.argsort(both[:, 0])]
        np.testing.assert_allclose(shown, table[["mean_p", "frequency"]])
        assert ax.get_xlim() == ax.get_ylim()
        assert ax.get_xlim()[1] > table[["mean_p", "high"]].max(axis=None)
    ends = [ax.get_xlim()[1] for ax in axes]
    assert ends[0] == ends[1] > 1
    assert ends[3] < ends[2] < 0.7
    assert len(points(axes[0])[1][0]) < 3
    assert len(points(axes[1])[1][0]) > 4
    assert axes[0].texts[0].get_text() == "600 forecasts\n10 bins of 60\n" + (
        f"{np.average(tables['Playoffs']['frequency']):.0%} happened"
    )
    assert "1 bin\n" in axes[3].texts[0].get_text()


def test_the_area_of_a_point_goes_by_its_count():
    p = np.repeat([0.2, 0.8], [300, 100])
    table = reliability_table(p, np.arange(400) % 5 == 0, n_bins=4)
    assert table["count"].tolist() == [300, 100]
    ax = plot_reliability({"Finals": table}, "Calibration").axes[0]
    (_, on), (_, off) = points(ax)
    assert on.item() == pytest.approx(3 * off.item())
    assert "2 bins of 100 to 300" in ax.texts[0].get_text()
