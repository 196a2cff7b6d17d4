"""Record and form: win share and margin to date and over the newest games."""

import pandas as pd

from nba_rank.config.schema import RecordConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, ratio
from nba_rank.features.prior_season import prior_season_results
from nba_rank.features.team_sums import regular_season_sums


def build(tables: Tables, rows: Rows, config: RecordConfig) -> pd.DataFrame:
    """Build win shares, and margins in points per game.

    Columns: `season_progress` (share of the team's scheduled games played), `games_played`;
    `regressed_win_pct = (wins + k p) / (games + k)`, where p is .500 plus `config.prior_carry_over`
    of last season's distance from it and k is `config.prior_games`; and, NaN before a team's first
    game, `win_pct`, `margin_per_game`, `form_win_pct` and `form_margin_per_game` (of the season's
    newest `config.last_games` games).
    """
    sums = regular_season_sums(tables, rows, ["won", "margin"])
    to_date = sums.total(rows)
    form = sums.total(rows, last=config.last_games)
    prior = prior_season_results(tables, rows)["prior_win_pct"].fillna(0.5).to_numpy()
    expected = 0.5 + config.prior_carry_over * (prior - 0.5)
    return pd.DataFrame(
        {
            "season_progress": to_date.games / rows.scheduled(),
            "games_played": to_date.games,
            "regressed_win_pct": (to_date["won"] + config.prior_games * expected)
            / (to_date.games + config.prior_games),
            "win_pct": ratio(to_date["won"], to_date.games),
            "margin_per_game": ratio(to_date["margin"], to_date.games),
            "form_win_pct": ratio(form["won"], form.games),
            "form_margin_per_game": ratio(form["margin"], form.games),
        }
    )
