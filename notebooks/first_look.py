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
# # A first look at a run
# Is it ahead of the standings and Elo? Do its probabilities come true? What does it say on a date?
# `NBA_RANK_RUN` names the run folder; by default it is the newest in `outputs3`.

# %%
import os
from pathlib import Path

import numpy as np
import pandas as pd

import nba_rank
from nba_rank.core.names import ALL
from nba_rank.core.run_dir import newest_finished, read_manifest
from nba_rank.evaluation.calibration import measure_calibration, reliability_table
from nba_rank.evaluation.paired import season_means
from nba_rank.evaluation.past_runs import read_run
from nba_rank.report.forecast_figures import plot_reliability, plot_title_odds
from nba_rank.report.format import pivot, table, where
from nba_rank.report.labels import POINT_LABELS
from nba_rank.report.season_figures import plot_skill_over_season

# %matplotlib inline

os.chdir(Path(nba_rank.__file__).parents[1])  # a run's own paths start at the checkout
RUN = Path(os.environ.get("NBA_RANK_RUN") or newest_finished(Path("outputs3"), "odds.parquet"))
run = read_run(RUN, read_manifest(RUN))

# %%
tidy = run.metrics[run.metrics["season"] != ALL]
print(f"{RUN.name} ranks by {run.ranker}; test seasons: {', '.join(sorted(set(tidy['season'])))}")

# %% [markdown]
# ## Skill over the season
# Spearman correlation of the ranking with the final outcome, mean over the test seasons, with 95% t
# intervals. Seasons are the only independent unit, so below five of them there is no interval.

# %%
means = season_means(where(tidy, metric="spearman", scope=["league", "playoff16"]))
three = where(means, scope="league", ranker=[run.ranker, "standings", "elo"])
pivot(three, "ranker", "as_of_point", spec="±")

# %%
plot_skill_over_season(means)

# %% [markdown]
# Intervals of two rankers may overlap although one is better in every season. What counts is the
# paired difference: season by season, the run minus the other. A star marks a significant one.

# %%
differences = pd.read_csv(RUN / "differences.csv", dtype={"as_of_point": str})
ahead = where(differences, metric="spearman", scope="league", ranker=run.ranker)
ahead = where(ahead, reference=["standings", "elo"])
pivot(ahead, "reference", "as_of_point", "difference", "+±*", heading=f"{run.ranker} minus")

# %% [markdown]
# ## Calibration
# Of all that was called 70% likely, did 70% happen? The forecasts of a season are no independent
# draws: a team that surprises does so on every date. So the bars are too short.

# %%
predictions = pd.read_parquet(RUN / "predictions.parquet")
games = pd.read_parquet(RUN / "game_forecasts.parquet")
judged = where(predictions, as_of_point=[*POINT_LABELS]).dropna(subset="actual_rank")
rank, of_a_team = judged["actual_rank"], judged.groupby(["season", "team_id"]).ngroup()
forecasts = {
    "Makes the playoffs": (judged["playoff_prob"], rank <= 16, of_a_team),
    "Wins the title": (judged["title_prob"], rank == 1, of_a_team),
    "Home team wins": (games["home_win_prob"], games["home_won"], None),
}
tables = {name: reliability_table(p, happened) for name, (p, happened, _) in forecasts.items()}
plot_reliability(tables, "Does it happen as often as forecast?")

# %% [markdown]
# The calibration error (ECE) is never zero, not even of a perfect forecaster. `floor` is what that
# one would have on average, `floor 95%` what it would exceed once in twenty times.

# %%
rng = np.random.default_rng(0)
measured = pd.DataFrame(
    {name: measure_calibration(*f[:2], rng, f[2]) for name, f in forecasts.items()}
)
table(
    measured.T.infer_objects().rename_axis("forecast").reset_index(),
    [
        ("forecast", "forecast"),
        ("n", "forecasts"),
        ("ece", "ECE"),
        ("ece_floor", "floor"),
        ("ece_floor_95", "floor 95%"),
    ],
)

# %% [markdown]
# ## The odds of a date
# Halfway through the last test season: simulated wins and outcome rank with 90% intervals, and the
# chances of each round. `DATE` may be any date of `odds.parquet`.

# %%
odds = pd.read_parquet(RUN / "odds.parquet")
season = where(odds, season=odds["season"].max())
DATE = where(season, as_of_point="0.5")["as_of_date"].iloc[0]
day = where(season, as_of_date=DATE).sort_values("projected_rank")

# %%
wins = table(
    day.assign(low=day["wins_low"], high=day["wins_high"]),
    [("team", "team"), ("expected_wins", "wins", ".0f±")],
)
ranks = table(
    day.assign(low=day["rank_low"], high=day["rank_high"]),
    [("projected_rank", "outcome rank", ".0f±")],
)
chances = table(
    day,
    [
        (f"{event}_prob", words, "chance")
        for event, words in {
            "playoff": "playoffs",
            "round_1": "round 1",
            "round_2": "round 2",
            "finals": "Finals",
            "title": "title",
        }.items()
    ],
)
print(f"{DATE:%Y-%m-%d}")
pd.concat([wins, ranks, chances], axis=1).head(10)

# %% [markdown]
# The chances of all teams sum to the places there are: 16, 8, 4, 2 and 1.

# %%
day[["playoff_prob", "round_1_prob", "round_2_prob", "finals_prob", "title_prob"]].sum().round(6)

# %%
of_season = where(predictions, season=season["season"].iloc[0])
champion = next(iter(of_season.loc[of_season["actual_rank"] == 1, "team"]), None)
regular_season_ends = where(of_season, as_of_point="end")["as_of_date"].max()
plot_title_odds(season, "The race for the title", champion, regular_season_ends)
