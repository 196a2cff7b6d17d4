from io import StringIO

import pandas as pd
from rich.console import Console

from nba_rank.data.calendar import as_of_grid
from nba_rank.experiments.bench import before_models
from nba_rank.features.players.impact import player_ratings


def test_all_that_lies_before_the_models_is_timed(sim_tables, compose):
    config = compose("features.projection.n_simulations=20")
    grid = as_of_grid(sim_tables, sim_tables.seasons["season"].tolist(), 60)
    grid, text = grid[["season", "as_of_date"]], StringIO()
    ratings, data = before_models(sim_tables, grid, config, Console(file=text, width=80))
    names = [line.split()[0] for line in text.getvalue().splitlines()]
    assert names[0] == "features"
    assert "roster_strength" in names
    assert names[-3:] == ["projection", "one", "peak"]
    pd.testing.assert_frame_equal(
        ratings, player_ratings(sim_tables, grid, config.features.impact), check_exact=True
    )
    assert data.relevance["season"].nunique() == grid["season"].nunique()
