"""The explanation of one date, by a run folder and the tables."""

from pathlib import Path

import pandas as pd

from nba_rank.config.schema import ExplainConfig, PredictConfig
from nba_rank.core.errors import UserError
from nba_rank.experiments.morning import Morning, read_morning
from nba_rank.experiments.what_if import assume
from nba_rank.explain.date import explain_date, named
from nba_rank.explain.moved import Seen, moved_levels
from nba_rank.explain.parts import difference
from nba_rank.explain.without import Assumed
from nba_rank.report.explained import Explanation, Told

_PLAYERS, _PLAYERS_OF_ALL = 8, 2
"""Players of a team without whom it is forecast again: of one team, and of each of all."""


def explanation(config: ExplainConfig) -> Explanation:
    """Explain the ranks of a date.

    Raises:
        UserError: As `read_morning` and `assume`; a team is not in the season, `against` or `since`
            do not fit, or the columns are not those of the fitted models.
    """
    morning = read_morning(_asked(config, str(config.as_of)))
    team, other = (_team(morning, name) for name in (config.team, config.against))
    if other is not None and other[0] == (team or other)[0]:
        raise UserError(
            f"against={config.against} needs another team to compare: give team=..., not the same"
        )
    earlier = None if config.since is None else _earlier(morning, config)
    if any(vars(config.what_if).values()):
        morning = assume(morning, config.what_if)
    n_players = config.players
    if n_players is None:
        n_players = _PLAYERS if team else _PLAYERS_OF_ALL
    asked = None if team is None else [team[0]]
    ids = asked if other is None or asked is None else [*asked, other[0]]
    whole = explained(morning, ids, n_players, asked)
    own = whole if team is None else whole[whole["team_id"] == team[0]]
    tables = [own.assign(compared_with="")]
    if team is not None and other is not None:
        theirs = whole[whole["team_id"] == other[0]].assign(team_id=team[0], team=team[1])
        tables.append(difference(own, theirs).assign(compared_with=other[1]))
    if earlier is not None:
        before = explained(earlier, asked, 0, asked)
        now = own.drop(columns=["as_of_date"])
        apart = difference(now, before.drop(columns=["as_of_date"]))
        moved = pd.concat([apart, _moved(earlier, morning, asked)])
        tables.append(moved.assign(as_of_date=morning.as_of_date, compared_with=config.since))
    table = pd.concat(tables, ignore_index=True)
    return Explanation(
        table,
        Told(
            morning.as_of_date,
            team[1] if team else "",
            other[1] if other else "",
            config.since or "",
            morning.basis.line,
            morning.hypothetical,
            Path(config.run).name,
        ),
    )


def _earlier(morning: Morning, config: ExplainConfig) -> Morning:
    """Return the plain morning of the earlier date."""
    earlier = read_morning(_asked(config, str(config.since)))
    if earlier.season != morning.season or not earlier.as_of_date < morning.as_of_date:
        raise UserError(
            f"since={config.since} must be an earlier date of {morning.season}, the season of "
            f"as_of={config.as_of}: other seasons are ranked by other models"
        )
    return earlier


def explained(
    morning: Morning, teams: list[int] | None, n_players: int, without: list[int] | None
) -> pd.DataFrame:
    """Return `explain_date` of a morning, which may be one under assumptions."""
    data, league = morning.inputs
    assumed = None
    if morning.known_ratings is not None:
        spells = tuple((day, *spell.inputs, spell.ratings) for day, spell in morning.spells)
        assumed = Assumed(morning.known_ratings, spells)
    return explain_date(
        morning.ranker,
        data,
        league,
        morning.ratings,
        morning.config,
        teams=teams,
        n_players=n_players,
        without=without,
        assumed=assumed,
    )


def _moved(earlier: Morning, morning: Morning, teams: list[int] | None) -> pd.DataFrame:
    """Say why the teams have moved since an earlier morning."""
    before, now = (
        Seen(*each.inputs, each.ratings, each.known_ratings) for each in (earlier, morning)
    )
    levels = moved_levels(morning.ranker, before, now, teams)
    return named(pd.concat(levels, ignore_index=True), morning.tables, now.data.frame)


def _asked(config: ExplainConfig, as_of: str) -> PredictConfig:
    """Return how `predict` would be asked for a date."""
    return PredictConfig(
        run=config.run,
        as_of=as_of,
        days=0,
        max_missed_days=config.max_missed_days,
        data=config.data,
        what_if=config.what_if,
        out=None,
    )


def _team(morning: Morning, name: str | None) -> tuple[int, str] | None:
    """Return id and abbreviation of a team of the season, None where none is asked for."""
    if name is None:
        return None
    found = morning.team(name)
    return found, str(morning.teams[found])
