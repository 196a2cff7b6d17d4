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


def test_an_objective_is_the_mean_over_the_points_of_its_own_scope():
    found = season_values(tidy(open=0.6, end=0.9), ["spearman", "playoff_spearman"], "stack")
    assert found == pytest.approx({"spearman": 0.75, "playoff_spearman": 0.2})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_point_that_is_not_finite_fails_the_objective(value):
    with pytest.raises(ObjectiveError, match="spearman"):
        season_values(tidy(open=value, end=0.9), ["spearman"], "stack")


def test_a_missing_metric_fails_the_objective():
    with pytest.raises(ObjectiveError, match="champion_log_loss is missing"):
        season_values(tidy(open=0.6), ["champion_log_loss"], "stack")


def test_every_metric_and_scope_that_is_named_exists():
    for objective in OBJECTIVES.values():
        assert objective.scope in SCOPES
        assert METRICS[objective.metric].higher_is_better is not None


def test_objectives_of_the_clone_classifier_are_read_off_its_own_metrics():
    assert season_values(tidy(open=0.6), ["clone_brier"], "stack") == {"clone_brier": 0.1}


def test_losses_are_minimised_and_the_rest_is_maximised():
    lower = {name for name, objective in OBJECTIVES.items() if objective.direction == "minimize"}
    assert lower == {"rank_rmse", "champion_log_loss", "clone_brier"}


def test_the_rows_of_the_standings_are_never_those_of_the_clone_classifier():
    assert objective_rows(tidy(open=0.6), "clone_brier", "standings").empty
    of_standings = objective_rows(tidy(open=0.6), "spearman", "standings")
    assert of_standings["value"].tolist() == [0.99]
