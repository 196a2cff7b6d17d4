import pytest
from made_runs import SEASONS, made_metrics
from matplotlib.backends.backend_agg import FigureCanvasAgg

from nba_rank.evaluation.paired import paired, season_means
from nba_rank.evaluation.past_runs import common_scores, rows_of
from nba_rank.report.season_figures import plot_by_point, plot_differences


@pytest.mark.parametrize("draw", [plot_by_point, plot_differences])
@pytest.mark.parametrize(
    ("n_runs", "metric", "n_seasons"),
    [(2, "spearman", 6), (12, "champion_log_loss", 6), (3, "series_log_loss", 6),
     (2, "spearman", 1)],
)  # fmt: skip
def test_every_run_is_named_in_a_figure(draw, n_runs, metric, n_seasons):
    runs = {}
    for number in range(n_runs):
        made = made_metrics((number - 3) / 100, seasons=SEASONS[:n_seasons])
        runs[f"outputs3/run_{number:03d}"] = rows_of(made, "stack", "simulation")
    baseline = next(iter(runs))
    tidy = common_scores(runs, rows_of(made, "standings"))
    table = paired(tidy, baseline) if draw is plot_differences else season_means(tidy)
    (ax,) = draw(table, baseline, metric, "league").axes
    legend = ax.get_legend()
    named = {text.get_text() for text in (legend.get_texts() if legend else ax.texts)}
    assert named >= set(runs) - ({baseline} if draw is plot_differences else set())


@pytest.mark.parametrize("draw", [plot_by_point, plot_differences])
def test_names_of_runs_fit_into_the_figure(draw):
    runs = {name: rows_of(made_metrics(), "stack") for name in ("a", "sweeps/quick_1a2b/best")}
    tidy = common_scores(runs, rows_of(made_metrics(), "standings"))
    table = paired(tidy, "a") if draw is plot_differences else season_means(tidy)
    figure = draw(table, "a", "spearman", "playoff16")
    FigureCanvasAgg(figure).draw()
    box = figure.axes[0].get_tightbbox()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
