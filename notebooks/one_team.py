# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One team's season, explained
# How the rank of a team moved, what its strength is made of, and which players it rests on.
# `NBA_RANK_RUN` names the run folder; by default it is the newest in `outputs3`.

# %%
import os
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import nba_rank
from nba_rank.config.schema import ExplainConfig, PredictDataConfig, WhatIfConfig
from nba_rank.core.run_dir import newest_finished
from nba_rank.experiments.explain import Explanation, explanation
from nba_rank.report.explanation_figures import explanation_figure
from nba_rank.report.forecast_figures import OTHERS
from nba_rank.report.format import pivot, where
from nba_rank.report.labels import POINT_LABELS, label
from nba_rank.report.style import BLUE, GREY, INK, PALE, Look, look, name_ends, panels

# %matplotlib inline

os.chdir(Path(nba_rank.__file__).parents[1])  # a run's own paths start at the checkout
RUN = Path(os.environ.get("NBA_RANK_RUN") or newest_finished(Path("outputs3"), "odds.parquet"))

# %% [markdown]
# By default the team is the champion of the last test season. Any abbreviation will do.

# %%
predictions = pd.read_parquet(RUN / "predictions.parquet")
season = where(predictions, season=predictions["season"].max())
TEAM = season.sort_values("actual_rank")["team"].iloc[0]
own = where(season, team=TEAM).sort_values("as_of_date")
print(f"{TEAM} in {own['season'].iloc[0]}, in {RUN.name}")

# %% [markdown]
# ## Its rank over the season
# The line is the rank on each date. The band holds 90% of the simulated outcomes: it shows how open
# the season still is.


# %%
@look
def rank_over_season() -> Figure:
    dates = own["as_of_date"]
    caption = "Band: 90% of the simulated outcomes. Dotted: the actual outcome."
    figure, axes = panels(f"{TEAM}: rank over the season", caption, (8, 3.6), right=0.3)
    ax = axes.item()
    ax.fill_between(dates, own["rank_low"], own["rank_high"], color=PALE, lw=0)
    ax.plot(dates, own["rank"], color=BLUE, lw=3, marker="o", ms=4)
    ax.axhline(own["actual_rank"].iloc[0], color=INK, ls=":")
    ax.set(ylim=(30.5, 0.5), ylabel="rank (1 is best)", yticks=[1, 5, 10, 15, 20, 25, 30])
    figure.autofmt_xdate(rotation=0, ha="center")
    return figure


rank_over_season()

# %% [markdown]
# ## Its strength by part
# The strength is what the simulation plays with: points per game above an average team. It is a sum
# of what the players, the margin to date and the ratings say. `explanation` takes it apart.


# %%
def explained(
    date: pd.Timestamp, since: pd.Timestamp | None = None, players: int = 0
) -> Explanation:
    return explanation(
        ExplainConfig(
            run=str(RUN),
            as_of=f"{date:%Y-%m-%d}",
            team=TEAM,
            against=None,
            since=None if since is None else f"{since:%Y-%m-%d}",
            players=players,
            data=PredictDataConfig(processed_dir=None),
            what_if=WhatIfConfig(out=[], back=[], trades=[], results=[]),
            max_missed_days=7,
            out=None,
        )
    )


at = own.set_index("as_of_point")["as_of_date"]
points = ["open", "0.25", "0.5", "end"]
strength = pd.concat(
    where(explained(at[point]).table, level="strength").assign(as_of_point=point)
    for point in points
)

# %%
parts = strength.groupby(["part", "as_of_point"], sort=False)["value"].sum().reset_index()
pivot(parts, "part", "as_of_point", spec="+.2f")

# %% [markdown]
# The parts sum to the strength that the run itself has in `predictions.parquet`.

# %%
total = parts.groupby("as_of_point", sort=False)["value"].sum()
np.testing.assert_allclose(total, own.set_index("as_of_point").loc[points, "regular_strength"])
total.round(2)


# %%
@look
def strength_by_part() -> Figure:
    wide = parts.pivot(index="as_of_point", columns="part", values="value").loc[points]  # noqa: PD010
    caption = "Points per game above an average team, on a neutral court. Bold: the sum."
    figure, axes = panels(f"{TEAM}: strength by part", caption, (6.5, 4), right=3.2)
    ax, x = axes.item(), np.arange(len(wide))
    lines = {
        label("part", name): (wide[name], style) for name, style in zip(wide, OTHERS, strict=False)
    }
    lines["strength"] = (wide.sum(axis=1), Look(BLUE, 3.2, bold=True))
    for values, style in lines.values():
        style.draw(ax, x, values)
    ax.axhline(0, color=GREY, lw=1)
    ax.set_xticks(x, [POINT_LABELS[point] for point in points])
    ax.set(xlim=(0, len(wide) - 1), xlabel="share of the season", ylabel="points")
    name_ends(ax, {name: (values.iloc[-1], style) for name, (values, style) in lines.items()})
    return figure


strength_by_part()

# %% [markdown]
# ## Its players
# Halfway through the season. A player's part is his share of the minutes times his rating above
# that of the league's average minute. The figure is of the projection, which makes the rank;
# the parts above are of the odds, which read the score of the models, too, so they differ a little.

# %%
halfway = explained(at["0.5"], since=at["open"], players=5)
plain, moved = (where(halfway.table, compared_with=name) for name in ("", halfway.told.since))
explanation_figure(plain, halfway.told)

# %% [markdown]
# Without him the others share his minutes, and the team is forecast again. Places above zero are
# lost without him.

# %%
without = where(plain, level="without_player").assign(
    part=lambda rows: rows["part"] + ", " + rows["unit"]
)
pivot(without, "player", "part", spec="+.2f")

# %% [markdown]
# What has moved since opening night: the same parts, then minus now. They sum to the difference of
# the two strengths.

# %%
change = where(moved, level="strength")
who = change["player"].where(
    change["player"] != "", change["part"].map(lambda part: label("part", part))
)
by_reason = change.groupby(who)["value"].sum()
most = by_reason.reindex(by_reason.abs().sort_values(ascending=False).index)
print(f"{change['whole'].iloc[0]:+.2f} points in all; the largest parts:")
most.head(10).round(2).rename_axis("part").to_frame("points")
