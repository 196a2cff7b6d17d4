import numpy as np
import pandas as pd
import pytest

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.core.metrics import METRICS
from nba_rank.evaluation.evaluate import SCOPES
from nba_rank.evaluation.sweeps import ObjectiveError, objective_rows, season_values


def tidy(**values: float) -> pd.DataFrame:
    """Spearman of all teams, by as-of point, and of the playoff teams at the end."""
    rows = [(point, "league", "stack", "spearman", value) for point, value in values.items()]
    rows.append(("end", "playoff16", "stack", "spearman", 0.2))
    rows.append(("end", "league", "standings", "spearman", 0.99))
    rows.append(("all", "league", "clone_classifier", "playoff_brier", 0.1))
    columns = ["as_of_point", "scope", "ranker", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def test_an_objective_is_the_mean_over_the_points_of_its_own_scope_and_ranker():
    made = tidy(open=0.6, end=0.9)
    found = season_values(made, ["spearman", "playoff_spearman", "clone_brier"], "stack")
    assert found == pytest.approx({"spearman": 0.75, "playoff_spearman": 0.2, "clone_brier": 0.1})
    assert objective_rows(made, "clone_brier", "standings").empty
    assert objective_rows(made, "spearman", "standings")["value"].tolist() == [0.99]


def test_a_missing_or_infinite_point_fails_the_objective():
    for value in (np.nan, np.inf, -np.inf):
        with pytest.raises(ObjectiveError, match="spearman"):
            season_values(tidy(open=value, end=0.9), ["spearman"], "stack")
    with pytest.raises(ObjectiveError, match="champion_log_loss is missing"):
        season_values(tidy(open=0.6), ["champion_log_loss"], "stack")


def test_objectives_name_known_metrics_and_losses_are_minimised():
    for objective in OBJECTIVES.values():
        assert objective.scope in SCOPES
        assert METRICS[objective.metric].higher_is_better is not None
    lower = {name for name, objective in OBJECTIVES.items() if objective.direction == "minimize"}
    assert lower == {"rank_rmse", "champion_log_loss", "clone_brier"}
