import pandas as pd
import pytest

from nba_rank.report.behind import behind_section


def summary_of(*cells, metric="spearman", scope="league", point="0.25", interval=(-0.1, 0.1)):
    """Means by ranker, as a summary has them."""
    low, high = interval
    return pd.DataFrame(
        [
            {"as_of_point": point, "scope": scope, "ranker": ranker, "metric": metric,
             "mean": mean, "diff_low": low, "diff_high": high, "n_seasons": 9}
            for ranker, mean in cells
        ]
    )  # fmt: skip


def test_where_nothing_is_better_there_is_nowhere():
    text = behind_section(summary_of(("stack", 0.8), ("standings", 0.8)), "stack")
    assert "Nowhere" in text


def test_baselines_are_named_the_best_first_and_other_models_are_none():
    cells = [("stack", 0.8), ("model_a", 0.9), ("standings", 0.81), ("elo", 0.85), ("srs", 0.7)]
    text = behind_section(summary_of(*cells), "stack")
    assert "- all teams, Spearman: 25% behind Elo by 0.050, standings by 0.010" in text
    assert "A attention" not in text


@pytest.mark.parametrize(("metric", "words"), [("rank_mae", "rank MAE"), ("rank_rmse", "RMSE")])
def test_of_an_error_less_is_better(metric, words):
    behind = summary_of(("stack", 4.0), ("standings", 3.5), metric=metric)
    assert f"{words}: 25% behind standings by 0.500" in behind_section(behind, "stack")
    ahead = summary_of(("stack", 3.5), ("standings", 4.0), metric=metric)
    assert "Nowhere" in behind_section(ahead, "stack")


def test_each_list_of_teams_and_measure_has_a_line_with_its_points():
    worse = [("stack", 0.5), ("standings", 0.6)]
    text = behind_section(
        pd.concat(
            [
                summary_of(*worse),
                summary_of(*worse, point="end"),
                summary_of(*worse, metric="kendall"),
                summary_of(*worse, scope="playoff16", metric="ndcg_16"),
            ]
        ),
        "stack",
    )
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert lines == [
        "- all teams, Spearman: 25% behind standings by 0.100; end behind standings by 0.100",
        "- all teams, Kendall: 25% behind standings by 0.100",
        "- the 16 playoff teams, NDCG@16: 25% behind standings by 0.100",
    ]
