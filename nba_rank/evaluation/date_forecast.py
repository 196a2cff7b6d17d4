"""The forecast of one date, and its files."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from nba_rank.core.files import write_frame
from nba_rank.data.freshness import Basis
from nba_rank.evaluation.predictions import event_column, flat


@dataclass(frozen=True)
class DateForecast:
    """The forecast of one date.

    Attributes:
        predictions: See `predictions_table`.
        tables: What else is forecast, by name, none empty: where the run simulates, `seeds` with
            `season`, `as_of_date`, `team_id` and the probability of each seed, `seed_1` to
            `seed_15`, `games`, the `coming_games` of the next days, `series`, the `series_table`,
            and `bracket`, the `bracket_table`, all with the abbreviation of each team before its
            id; `strengths`, see `nba_rank.odds.strength_now`; `standings`, see
            `nba_rank.odds.ended_today`; and `reasons`, see `nba_rank.explain.strength`. Where
            players are known, `players`, see `nba_rank.features.players.squads`.
        decided: See `nba_rank.data.outcomes.decided`.
        basis: What the forecast rests on.
        data: Hash of the tables.
        changed: Tables that have changed since the run.
        forgotten: Why an ingest is needed, or None.
        hypothetical: What is assumed that is not known, in words; empty for a plain forecast.
    """

    predictions: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    decided: pd.DataFrame
    basis: Basis
    data: str
    changed: list[str]
    forgotten: str | None
    hypothetical: str = ""

    def write(self, out: Path) -> list[Path]:
        """Write the predictions to a file, and `tables` beside it as `<stem>_<name>`.

        Each file of a hypothetical forecast says so in a column of that name.
        """
        files = {out: flat(self.predictions)}
        files |= {
            out.with_name(f"{out.stem}_{name}{out.suffix}"): table
            for name, table in self.tables.items()
        }
        for path, table in files.items():
            if self.hypothetical:
                table = table.assign(hypothetical=self.hypothetical)
            write_frame(path, table)
        return list(files)


def beside(plain: DateForecast, hypothetical: DateForecast) -> DateForecast:
    """Return the hypothetical forecast with the table `differences`.

    It has a row a team, best first under the assumptions: `team_id`, `team` and, of `rank`,
    `strength` (points, that of the games to come), `expected_wins` and the chances of the playoffs
    and the title as far as there are any, `<name>` (plain), `<name>_what_if` and
    `<name>_difference`.
    """
    strength = "playoffs_strength" if plain.basis.regular_over else "regular_strength"
    before, after = (
        of.predictions.rename(columns={strength: "strength"}) for of in (plain, hypothetical)
    )
    before = before.set_index("team_id")
    chances = [event_column(before, event) for event in ("playoff", "title")]
    table = after[["team_id", "team"]].copy()
    for name in ("rank", "strength", "expected_wins", *chances):
        if name in before:
            table[name] = table["team_id"].map(before[name])
            table[f"{name}_what_if"] = after[name]
            table[f"{name}_difference"] = table[f"{name}_what_if"] - table[name]
    return replace(hypothetical, tables={"differences": table} | hypothetical.tables)
