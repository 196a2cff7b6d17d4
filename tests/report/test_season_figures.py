import pytest
from made_runs import SEASONS, made_metrics

from nba_rank.evaluation.paired import paired, season_means
from nba_rank.evaluation.past_runs import common_scores, rows_of
from nba_rank.report.season_figures import plot_by_point, plot_differences


@pytest.mark.parametrize("draw", [plot_by_point, plot_differences])
@pytest.mark.parametrize(
    ("n_runs", "metric", "n_seasons"),
    [(2, "spearman", 6), (12, "champion_log_loss", 6), (3, "series_log_loss", 6),
     (2, "spearman", 1)],
)  # fmt: skip
def test_every_run_is_named_in_a_figure_wide_enough(draw, n_runs, metric, n_seasons):
    runs = {}
    for number in range(n_runs):
        made = made_metrics((number - 3) / 100, seasons=SEASONS[:n_seasons])
        runs[f"outputs3/run_{number:03d}"] = rows_of(made, "stack", "simulation")
    baseline = next(iter(runs))
    tidy = common_scores(runs, rows_of(made, "standings"))
    table = paired(tidy, baseline) if draw is plot_differences else season_means(tidy)
    figure = draw(table, baseline, metric)
    width, height = figure.get_size_inches()
    assert width >= 10
    assert height >= 5
    for ax in figure.axes:
        legend = ax.get_legend()
        named = {text.get_text() for text in (legend.get_texts() if legend else ax.texts)}
        assert named >= set(runs) - ({baseline} if draw is plot_differences else set())
