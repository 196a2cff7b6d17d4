"""Figures of a season in progress, from the forecasts that were made of it."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from nba_rank.data.league import EAST, WEST, play_in
from nba_rank.data.standings import BERTHS
from nba_rank.report.forecast_figures import OTHERS, RACERS, plot_title_odds
from nba_rank.report.format import chance
from nba_rank.report.style import GREY, INK, Look, look, panels

_SHOWN = 0.005
"""Probabilities of a seed from here on are written."""


def season_figures(history: pd.DataFrame, champion: str | None = None) -> dict[str, Figure]:
    """Return the figures of a season by the name of their file.

    Args:
        history: Forecasts, a row a date and team: `season`, `as_of_date`, `team`, `conference`,
            `rank`, and where the run has them `title_prob` and `seed_1` to `seed_15`. Of several
            forecasts of a date, the last one counts.
        champion: Abbreviation of the champion; None while unknown.

    Returns:
        `ranks`, and where there are odds `title_race` and `seeds`, the last of the newest date.
    """
    made = history.drop_duplicates(["as_of_date", "team"], keep="last").sort_values("as_of_date")
    newest = made[made["as_of_date"] == made["as_of_date"].max()]
    season = newest["season"].iloc[0]
    figures = {"ranks": plot_ranks(made, f"Strength in {season}, rank by date")}
    known = newest.columns[newest.notna().all()]
    if "title_prob" in known:
        odds = made.dropna(subset="title_prob")
        title = f"The race for the title of {season}"
        figures["title_race"] = plot_title_odds(odds, title, champion)
    if "seed_1" in known:
        day = newest["as_of_date"].iloc[0]
        figures["seeds"] = plot_seeds(newest, f"Seeds of {season}, forecast on {day:%B %-d, %Y}")
    return figures


@look
def plot_ranks(made: pd.DataFrame, title: str) -> Figure:
    """Draw the rank of every team over the dates of forecasts; the first of today have a colour.

    Args:
        made: `as_of_date`, `team` and `rank` (1 is best), a row a date and team.
        title: Title of the figure.
    """
    wide = made.pivot(index="as_of_date", columns="team", values="rank")  # noqa: PD010
    order = wide.iloc[-1].sort_values().index
    looks = dict.fromkeys(order, Look(GREY, 0.8)) | dict(zip(order[:RACERS], OTHERS, strict=False))
    caption = f"Coloured: the first {RACERS} of today."
    figure, axes = panels(title, caption, (10, 7), left=0.2, right=0.9, bottom=0.4, top=0.1)
    ax = axes.item()
    for team, style in looks.items():
        style._replace(marker="o" if len(wide) == 1 else "").draw(ax, wide.index, wide[team])
    before = pd.Timedelta(days=0 if len(wide) > 1 else 7)
    ax.set(ylim=(len(order) + 0.5, 0.5), xlim=(wide.index[0] - before, wide.index[-1]))
    ax.yaxis.tick_right()
    ax.set_yticks(range(1, len(order) + 1), [f"{n}  {team}" for n, team in enumerate(order, 1)])
    for text, style in zip(ax.get_yticklabels(), looks.values(), strict=True):
        text.set_color(style.colour)
    ax.tick_params(axis="y", length=0)
    locator = AutoDateLocator(minticks=4, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    return figure


@look
def plot_seeds(newest: pd.DataFrame, title: str) -> Figure:
    """Draw how likely each team is to finish on each seed of its conference, before the play-in.

    Args:
        newest: Of one date: `season`, `team`, `conference` and `seed_1` to `seed_15` (0 to 1).
        title: Title of the figure.
    """
    rule = play_in(newest["season"].iloc[0])
    last = rule.line if rule else BERTHS
    caption = "Teams by their mean seed. "
    caption += "Between the lines: the play-in." if rule else "Left of the line: the playoffs."
    figure, axes = panels(title, caption, (6.2, 6.2), (1, 2), left=0.75, bottom=0.6)
    for ax, conference in zip(axes.flat, (EAST, WEST), strict=True):
        teams = newest[newest["conference"] == conference].set_index("team")
        _draw_seeds(ax, teams.filter(regex=r"^seed_\d+$"))
        for seed in {last, 2 * BERTHS - last}:
            ax.axvline(seed - 0.5, color=GREY, lw=1)
        ax.set_title(conference)
        ax.set_xlabel("seed")
    return figure


def _draw_seeds(ax: Axes, share: pd.DataFrame) -> None:
    """Draw the probabilities [teams, seeds] of a conference as a heat map with numbers."""
    n = len(share)
    share = share.iloc[:, :n]
    seeds = np.arange(1, n + 1)
    share = share.iloc[np.argsort(share.to_numpy() @ seeds, kind="stable")]
    cells = share.to_numpy()
    ax.imshow(cells, cmap=mpl.colormaps["Blues"], vmin=0, vmax=1, aspect="auto")
    for row, column in zip(*np.nonzero(cells >= _SHOWN), strict=True):
        p = cells[row, column]
        ax.text(column, row, chance(p), ha="center", va="center", fontsize=9,
                color="white" if p > 0.55 else INK)  # fmt: skip
    ax.set_xticks(range(n), [str(seed) for seed in seeds])
    ax.set_yticks(range(n), share.index.tolist())
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
