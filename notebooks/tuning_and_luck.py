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
# # Tuning and its luck
# A sweep picks the best of many trials, and the best of many is partly the luckiest. How much of
# its lead on the validation seasons was luck, and what is left on the test seasons?
#
# `NBA_RANK_SWEEP` names the sweep's folder; by default it is the newest in `outputs3/sweeps`. One
# comes from `python -m nba_rank.train -m hparams_search=quick`, with two or more
# `tuning.n_validation_seasons`. Here the first objective is looked at.

# %%
import os
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import nba_rank
from nba_rank.config.objectives import OBJECTIVES
from nba_rank.core.errors import UserError
from nba_rank.core.names import ALL, STANDINGS
from nba_rank.core.run_dir import read_manifest
from nba_rank.evaluation import sweeps
from nba_rank.evaluation.paired import MEAN, paired, t_interval, with_mean
from nba_rank.evaluation.past_runs import read_run
from nba_rank.report.format import number, table, where
from nba_rank.report.style import BLUE, GREY, INK, ORANGE, PALE, look, panels

# %matplotlib inline

os.chdir(Path(nba_rank.__file__).parents[1])  # a run's own paths start at the checkout
done = Path("outputs3/sweeps").glob(f"*/{sweeps.VALIDATION_FILE}")
newest = max(done, key=lambda file: file.stat().st_mtime, default=None)
if newest is None and "NBA_RANK_SWEEP" not in os.environ:
    raise UserError("outputs3/sweeps holds no finished sweep: run one, or set NBA_RANK_SWEEP")
SWEEP = Path(os.environ.get("NBA_RANK_SWEEP") or newest.parent)

# %%
objective = read_manifest(SWEEP)["objectives"][0]
tested = {
    name: read_run(SWEEP / name, read_manifest(SWEEP / name))
    for name in (sweeps.TEST_DEFAULT, sweeps.TEST_BEST)
    if (SWEEP / name).exists()
}
ranker = tested[sweeps.TEST_DEFAULT].ranker
trials = pd.read_csv(SWEEP / sweeps.TRIALS_FILE).set_index("number")
print(f"{SWEEP.name}: {objective} of {ranker}; trials: {trials['state'].value_counts().to_dict()}")

# %% [markdown]
# ## What validation promised
# The lead of each trial over the default configuration, season by season: above zero is better,
# whichever way the objective points.

# %%
default = pd.read_csv(SWEEP / "default" / sweeps.TRIAL_METRICS_FILE, dtype={"as_of_point": str})
default = default[default["season"] != ALL]
bar = pd.Series(
    {
        season: sweeps.season_values(rows, [objective], ranker)[objective]
        for season, rows in default.groupby("season")
    }
)
values = where(trials, state="complete")[[f"seasons.{season}.{objective}" for season in bar.index]]
sign = 1 if OBJECTIVES[objective].maximize else -1
leads = sign * (values.set_axis(bar.index, axis="columns") - bar)
promised = t_interval(leads.to_numpy().T).set_index(leads.index)
choices = trials.filter(regex="^params").rename(columns=lambda name: name.split(".")[-1])
ranked = promised[["mean", "se"]].join(choices).sort_values("mean", ascending=False)
ranked.head().round(4)


# %%
@look
def leads_by_trial() -> Figure:
    order = promised["mean"].sort_values().index
    caption = "Point: mean over the validation seasons. Bar: its standard error. Grey: each season."
    title = f"Lead over the default in {objective}, by trial"
    figure, axes = panels(title, caption, (8, 3.8), right=0.3)
    ax, x = axes.item(), np.arange(len(order))
    ax.plot(x, leads.loc[order], color=GREY, ls="", marker="_", ms=9)
    mean, se = promised.loc[order, "mean"], promised.loc[order, "se"]
    ax.errorbar(x, mean, se, color=BLUE, marker="o", ls="", lw=1.8)
    ax.axhline(0, color=INK, lw=1)
    ax.set(xlabel="trials, the worst first", ylabel="lead", xticks=[])
    return figure


leads_by_trial()

# %% [markdown]
# ## How much of it is luck?
# If trials differ by chance alone, who is good in one season is not good in the next. The mean rank
# correlation of the trials between seasons is then about zero.

# %%
by_trial = values.set_axis(bar.index, axis="columns").to_dict("records")
print(f"agreement between seasons: {number(sweeps.season_agreement(by_trial), '+.2f')}")

# %% [markdown]
# The same in leads: deal each season's values to the trials anew and look at the best of each deal.
# What all trials share stays; what sets one apart is luck. A best trial that is no better than
# these has shown nothing by being the best.

# %%
rng = np.random.default_rng(0)
deals = np.broadcast_to(leads, (2000, *leads.shape))
lucky = rng.permuted(deals, axis=1).mean(axis=2).max(axis=1)
best = promised["mean"].max()


@look
def lead_of_the_best() -> Figure:
    caption = f"{(lucky >= best).mean():.0%} of the deals have a best trial that leads by as much."
    figure, axes = panels("Lead of the best trial, and by luck alone", caption, (7, 3.2))
    ax = axes.item()
    ax.hist(lucky, bins=30, color=PALE)
    ax.axvline(best, color=ORANGE, lw=3)
    ax.text(best, 1, " the best trial", color=ORANGE, transform=ax.get_xaxis_transform(), va="top")
    ax.set(xlabel=f"lead in {objective}, mean over the validation seasons", ylabel="deals")
    return figure


lead_of_the_best()

# %% [markdown]
# Choose without one season, then look at it. What was promised comes from the seasons of the
# choice, what was given from the one left out; the default may be chosen, too.

# %%
own = np.vstack([np.zeros(leads.shape[1]), leads])  # the default, then the trials
others = (own.sum(axis=1, keepdims=True) - own) / (own.shape[1] - 1)
choice = others.argmax(axis=0)
left_out = pd.DataFrame(
    {"promised": others.max(axis=0), "given": own[choice, np.arange(own.shape[1])]},
    index=leads.columns,
)
pd.concat([left_out, left_out.mean().to_frame("mean").T]).round(4)

# %% [markdown]
# ## What the test seasons gave
# Whole runs of the default and, if a trial was chosen, of that one, on seasons that no trial has
# seen. Differences to the default are paired by season; below five seasons there is no interval.

# %%
rows = [
    sweeps.objective_rows(run.metrics, objective, run.ranker).assign(ranker=name)
    for name, run in tested.items()
]
rows.append(sweeps.objective_rows(tested[sweeps.TEST_DEFAULT].metrics, objective, STANDINGS))
against = where(paired(with_mean(pd.concat(rows)), sweeps.TEST_DEFAULT), as_of_point=MEAN)
table(
    against,
    [
        ("ranker", "run"),
        ("value", objective),
        ("reference_value", "default"),
        ("difference", "difference", "+±"),
        ("n_seasons", "seasons"),
        ("verdict", "verdict"),
    ],
)

# %%
given = sign * where(against, ranker=sweeps.TEST_BEST)["difference"]
pd.Series(
    {
        "promised: lead of the best trial": best,
        "by luck alone": lucky.mean(),
        "given, on a season left out": left_out["given"].mean(),
        "given: lead of the choice in the test": next(iter(given), 0.0),
    }
).round(4).to_frame("lead")

# %% [markdown]
# A lead that is no larger than luck makes, or that is gone on a season left out, is no reason to
# change a default. Nor is one good test season: that is a single draw.
