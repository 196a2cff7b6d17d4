import pytest
from made_runs import SEASONS, made_metrics

from nba_rank.evaluation.paired import paired, season_means
from nba_rank.evaluation.past_runs import common_scores, rows_of
from nba_rank.report.season_figures import plot_by_point, plot_differences

LIFTS = {f"outputs3/run_{number:03d}": (number - 4) / 100 for number in range(1, 13)}


@pytest.mark.parametrize("draw", [plot_by_point, plot_differences])
@pytest.mark.parametrize(
    ("n_runs", "metric", "n_seasons"),
    [(2, "spearman", 6), (12, "champion_log_loss", 6), (3, "series_log_loss", 6),
     (2, "spearman", 1)],
)  # fmt: skip
def test_every_run_is_named_in_a_figure_wide_enough(
    tmp_path, drawn, draw, n_runs, metric, n_seasons
):
    seasons = SEASONS[:n_seasons]
    made = {name: made_metrics(lift, seasons=seasons) for name, lift in LIFTS.items()}
    runs = {name: rows_of(rows, "stack", "simulation") for name, rows in made.items()}
    runs = dict(list(runs.items())[:n_runs])
    baseline = next(iter(runs))
    tidy = common_scores(runs, rows_of(made[baseline], "standings"))
    table = paired(tidy, baseline) if draw is plot_differences else season_means(tidy)
    draw(table, baseline, metric, tmp_path / "figure.png")
    width, height = drawn[0].get_size_inches()
    assert width >= 10
    assert height >= 5
    for ax in drawn[0].axes:
        named = {text.get_text() for text in ax.texts}
        if draw is plot_differences:
            named = {text.get_text() for text in ax.get_legend().get_texts()}
        assert named >= set(runs) - ({baseline} if draw is plot_differences else set())
