"""Oliver's four factors ("Basketball on Paper", 2004), in the forms of Basketball-Reference."""

import pandas as pd

from nba_rank.config.schema import GroupConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, ratio
from nba_rank.features.team_sums import Totals, regular_season_sums

_INPUTS = ["fgm", "fga", "fg3m", "ftm", "fta", "oreb", "dreb", "tov"]


def build(tables: Tables, rows: Rows, config: GroupConfig) -> pd.DataFrame:
    """Build the four factors of the season to date as shares; NaN before a team's first game.

    `efg_pct = (FGM + .5 FG3M) / FGA`, `tov_pct = TOV / (FGA + .44 FTA + TOV)`,
    `orb_pct = ORB / (ORB + opponents' DRB)`, `ft_rate = FTM / FGA`; the prefix `opponent_` is what
    the team allowed, the suffix `_diff` own minus opponents'.
    """
    columns = _INPUTS + [f"opponent_{column}" for column in _INPUTS]
    totals = regular_season_sums(tables, rows, columns).total(rows)
    own = _factors(totals, "", "opponent_")
    allowed = _factors(totals, "opponent_", "")
    features = {}
    for name, value in own.items():
        features[name] = value
        features[f"opponent_{name}"] = allowed[name]
        features[f"{name}_diff"] = value - allowed[name]
    return pd.DataFrame(features)


def _factors(totals: Totals, side: str, other: str) -> dict[str, FloatArray]:
    fga, tov = totals[f"{side}fga"], totals[f"{side}tov"]
    oreb = totals[f"{side}oreb"]
    return {
        "efg_pct": ratio(totals[f"{side}fgm"] + 0.5 * totals[f"{side}fg3m"], fga),
        "tov_pct": ratio(tov, fga + 0.44 * totals[f"{side}fta"] + tov),
        "orb_pct": ratio(oreb, oreb + totals[f"{other}dreb"]),
        "ft_rate": ratio(totals[f"{side}ftm"], fga),
    }
