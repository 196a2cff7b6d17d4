# %% [markdown]
# # A look at a run folder
# Open as a notebook (Jupytext, VS Code) or run as a script from the top of the repository:
# `python notebooks/look_at_a_run.py outputs3/run_001`

# %%
import sys
from pathlib import Path

import pandas as pd

run = Path(sys.argv[1] if len(sys.argv) > 1 else "outputs3/run_001")
metrics = pd.read_csv(run / "metrics.csv")
predictions = pd.read_parquet(run / "predictions.parquet")

# %% Mean Spearman over the test seasons, by point of the season
points = ["open", "0.05", "0.15", "0.25", "0.5", "0.75", "end"]
skill = metrics.query("metric == 'spearman' and scope == 'league'")
print(skill.pivot_table(index="ranker", columns="as_of_point", values="value")[points].round(3))

# %% How one team's rank moved through the last test season
season = predictions["season"].max()
team = predictions.query("season == @season and actual_rank == 1")
print(team[["as_of_date", "team", "rank", "playoff_prob", "title_prob"]].to_string(index=False))
