"""The final ranker: members, the stacker over them, calibration and odds."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import pandas as pd
from scipy.special import expit

from nba_rank.config.schema import Config
from nba_rank.core.arrays import FloatArray
from nba_rank.core.errors import UserError
from nba_rank.core.names import MEMBERS
from nba_rank.core.season_weights import season_weights
from nba_rank.data.outcomes import EVENTS, events
from nba_rank.data.tables import Tables
from nba_rank.features.asof import start_years
from nba_rank.features.store import KEY
from nba_rank.models.calibration import PLAYOFF, SERIES, WIN, Calibration, Outcome, probabilities
from nba_rank.models.members import Members, Scores
from nba_rank.models.saved import reading
from nba_rank.models.stacking import Stacker
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames
from nba_rank.odds.next_games import NextGames
from nba_rank.odds.past_games import RatedGames
from nba_rank.odds.softmax import SoftmaxOdds
from nba_rank.odds.strength import SCORE
from nba_rank.samples.dataset import PROGRESS, PROJECTION, Dataset

NEED_PLAYERS = ("model_a", "projected_win_pct", "full_strength", "roster_strength")
"""Inputs of the stacker that are unknown on dates without players."""

_NO_STAND_IN = (*MEMBERS, *PROJECTION, *NEED_PLAYERS)
"""Inputs that must be known of all teams of a date; others may be unknown, see `Stacker`."""

ENSEMBLE, _PROJECTION, _GAMES = "ensemble.json", "projection.json", "next_games.json"

_Part = TypeVar("_Part")


@dataclass(frozen=True)
class League:
    """What odds are made from beside scores.

    Attributes:
        tables: The canonical tables.
        inputs: Ratings of all dates that are scored, from `nba_rank.odds.inputs.strength_inputs`.
        results: Outcomes by season and team.
        hypothesis: What is assumed of the games to come, if anything; there is one date then.
    """

    tables: Tables
    inputs: pd.DataFrame
    results: pd.DataFrame
    hypothesis: Hypothesis | None = None

    def without_players(self) -> Self:
        """Return all that odds need, a tenth of the size."""
        return replace(self, tables=self.tables.without_players())

    def rated(self, scored: pd.DataFrame) -> pd.DataFrame:
        """Return the inputs of the dates of a frame of scores, with its `score` less the mean."""
        rated = self.inputs.merge(scored[[*KEY, SCORE]], on=KEY, validate="one_to_one")
        means = rated.groupby(KEY[:2])[SCORE].transform("mean")
        return rated.assign(**{SCORE: rated[SCORE] - means})


@dataclass(frozen=True)
class Ensemble:
    """What turns member scores into the final score and its probabilities.

    Attributes:
        stacker: Blend of the members; None of a single one, whose score is final.
        teams_stacker: Blend of the inputs that need no players, for dates without; None if all do
            or none does.
        calibration: Probabilities of events from scores.
        odds: Probabilities from the final scores and, by simulation, the schedule.
    """

    stacker: Stacker | None
    teams_stacker: Stacker | None = None
    calibration: Calibration | None = None
    odds: SoftmaxOdds | MonteCarloOdds | None = None

    @classmethod
    def fit(
        cls,
        oof: pd.DataFrame,
        relevance: pd.DataFrame,
        config: Config,
        league: League | None = None,
    ) -> Self:
        """Fit on `Scores.frame` of out-of-fold seasons.

        Args:
            oof: Scores of the members that it holds.
            relevance: Columns `season`, `team_id`, `relevance`.
            config: The run's config.
            league: What calibration and odds learn from, beside `out_of_season_scores`; None fits
                the stack alone.
        """
        stack = cls._stack(_rated(oof, relevance), config)
        if league is None or config.calibration.name == config.odds.name == "none":
            return stack
        known = out_of_season_scores(oof, relevance, config)
        half_life = config.folds.season_half_life
        if config.calibration.name != "none":
            cases = _cases(known, [SCORE, *_members(oof)], league, half_life)
            stack = replace(stack, calibration=Calibration.fit(config.calibration.name, cases))
        if config.odds.name == "softmax":
            key = ["season", "team_id"]
            ranked = known.merge(league.results[[*key, "outcome_rank"]], on=key)
            odds = SoftmaxOdds.fit(ranked.assign(champion=ranked["outcome_rank"] == 1))
            return replace(stack, odds=odds)
        if config.odds.name == "monte_carlo":
            simulated = MonteCarloOdds.fit(
                TrainingGames.of(league.tables, league.rated(known)),
                n_simulations=config.odds.n_simulations,
                seed=config.seed,
                playoff_strength=config.odds.playoff_strength,
                playoff_residual=config.odds.playoff_residual,
                season_half_life=half_life,
            )
            return replace(stack, odds=simulated)
        return stack

    @classmethod
    def _stack(cls, rated: pd.DataFrame, config: Config, *, for_teams: bool = True) -> Self:
        """Fit the stack on rows with their relevance, `teams_stacker` only if asked for."""
        members = _members(rated)
        if len(members) < 2:
            return cls(None)
        inputs = [*members, *[name for name in config.model.stack.features if name in rated]]
        inputs = [name for name in inputs if rated[name].notna().any()]
        of_teams = [name for name in inputs if name not in NEED_PLAYERS]
        return cls(
            _stacker(inputs, rated, config),
            _stacker(of_teams, rated, config)
            if for_teams and 0 < len(of_teams) < len(inputs)
            else None,
        )

    def score(self, members: pd.DataFrame, names: list[str]) -> np.ndarray:
        """Return the final score of each row, higher is better.

        Raises:
            UserError: No players are known on some date, and there is no score without them.
        """
        without = self._without_players(members, names)
        if self.stacker is None:
            return members[names[0]].to_numpy()
        score = _blend(self.stacker, members)
        if self.teams_stacker is None:
            return score
        return np.where(without, _blend(self.teams_stacker, members), score)

    def parts(self, members: pd.DataFrame, names: list[str]) -> pd.DataFrame:
        """Return what makes the score of the teams of one date; each row sums to its score.

        Returns:
            A column for each input of the blend and `intercept`, or for the only member.

        Raises:
            UserError: As `score`.
        """
        without = self._without_players(members, names)
        if self.stacker is None:
            return members[names[:1]]
        stacker = self.stacker
        if self.teams_stacker is not None and without.any():
            stacker = self.teams_stacker
        parts = stacker.parts(members[stacker.inputs].to_numpy(), _progress(members))
        found = pd.DataFrame(parts, index=members.index, columns=stacker.inputs)
        return found.assign(intercept=stacker.intercept)

    def _without_players(self, members: pd.DataFrame, names: list[str]) -> pd.Series:
        """Return which rows are of dates on which no players are known; raises as `score`."""
        inputs = names if self.stacker is None else self.stacker.inputs
        without = members[_needed(inputs)].isna().any(axis=1)
        without = without.groupby([members["season"], members["as_of_date"]]).transform("any")
        if without.any() and self.teams_stacker is None:
            first = members.loc[without, ["season", "as_of_date"]].iloc[0]
            raise UserError(
                f"no players are known in {first['season']} on {first['as_of_date']:%Y-%m-%d}: "
                "ingest that season's player logs, or train with model=xgb or model=rf"
            )
        return without

    def probabilities(self, scored: pd.DataFrame, names: list[str]) -> pd.DataFrame:
        """Return `calibration.probabilities` of rows with the members' scores and `score`.

        Without calibration there are no columns.
        """
        if self.calibration is None:
            return pd.DataFrame(index=scored.index)
        return probabilities(self.calibration, scored, [SCORE, *names], _date_progress(scored))

    def win_prob(self, scored: pd.DataFrame, names: list[str], games: RatedGames) -> FloatArray:
        """Return the calibrated probability that the home team wins, [N].

        Raises:
            UserError: There is no calibration.
        """
        if self.calibration is None:
            raise UserError("no calibration was fitted: calibration=platt_stack or another")
        return expit(self.calibration.log_odds(WIN, *_gaps(scored, [SCORE, *names], games)))


@dataclass(frozen=True)
class Ranker:
    """Fitted members and ensemble; everything that ranks a date.

    Attributes:
        members: Base models.
        ensemble: Stacker, calibration and odds.
        projection: The simulation behind `PROJECTED` and its companions; None where it is off.
        next_games: Models of single games, which the odds play the next games of series by; None
            where nothing is simulated or mornings are not rated, as in tuning.
    """

    members: Members
    ensemble: Ensemble
    projection: MonteCarloOdds | None
    next_games: NextGames | None = None

    def predict(self, data: Dataset, league: League) -> Scores:
        """Score all rows; see `complete` for what comes out."""
        return self.complete(self.members.predict(self.projected(data, league)), league)

    def projected(self, data: Dataset, league: League) -> Dataset:
        """Return the data with the projection of their dates, as they are where it is off."""
        if self.projection is None:
            return data
        summary = self.projection.predict(
            league.inputs, league.tables, rounds=False, hypothesis=league.hypothesis
        )
        return data.with_projection(summary)

    def scored(self, data: Dataset) -> pd.DataFrame:
        """Return the members' scores, without intervals, and `score` of data as `projected`."""
        frame = self.members.predict(data, with_intervals=False).frame
        return frame.assign(score=self.ensemble.score(frame, self.members.names))

    def complete(
        self,
        predicted: Scores,
        league: League,
        *,
        threads: int = 1,
        on_date: Callable[[], None] = lambda: None,
    ) -> Scores:
        """Add `score` and, where fitted, probabilities and odds to the members' scores.

        Dates are simulated in `threads` groups, which does not change the result; `on_date` is
        called after each.
        """
        names = self.members.names
        frame = predicted.frame
        frame = frame.assign(score=self.ensemble.score(frame, names))
        frame = pd.concat([frame, self.ensemble.probabilities(frame, names)], axis=1)
        if isinstance(self.ensemble.odds, SoftmaxOdds):
            frame["title_prob"] = self.ensemble.odds.predict(frame)
        if isinstance(self.ensemble.odds, MonteCarloOdds):
            odds = self.ensemble.odds.predict(
                league.rated(frame),
                league.tables,
                threads=threads,
                on_date=on_date,
                hypothesis=league.hypothesis,
                next_games=self.next_games,
            )
            frame = frame.merge(odds, on=KEY, how="left", validate="one_to_one")
        return Scores(frame, predicted.attention)

    def save(self, folder: Path) -> None:
        """Write the ranker into a folder."""
        self.members.save(folder)
        parts = {name: part for name, part in asdict(self.ensemble).items() if part is not None}
        if "odds" in parts:
            name = "softmax" if isinstance(self.ensemble.odds, SoftmaxOdds) else "monte_carlo"
            parts["odds"] = {name: parts["odds"]}
        _write(folder / ENSEMBLE, parts)
        if self.projection is not None:
            _write(folder / _PROJECTION, asdict(self.projection))
        if self.next_games is not None:
            _write(folder / _GAMES, asdict(self.next_games))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a ranker back; it scores exactly as the one that was saved.

        Raises:
            UserError: The folder holds no members, or a file is not what `save` has written.
        """
        with reading(folder / ENSEMBLE):
            fitted = json.loads((folder / ENSEMBLE).read_text(encoding="utf-8"))
            for key in {"stacker", "teams_stacker"} & fitted.keys():
                fitted[key] = Stacker(**fitted[key])
            if "calibration" in fitted:
                fitted["calibration"] = Calibration.from_dict(fitted["calibration"])
            if "odds" in fitted:
                [(name, fields)] = fitted["odds"].items()
                fitted["odds"] = (
                    SoftmaxOdds(**fields) if name == "softmax" else MonteCarloOdds.from_dict(fields)
                )
            ensemble = Ensemble(**{"stacker": None, **fitted})
        projection = _read(folder / _PROJECTION, MonteCarloOdds.from_dict)
        next_games = _read(folder / _GAMES, NextGames.from_dict)
        return cls(Members.load(folder), ensemble, projection, next_games)


def out_of_season_scores(
    oof: pd.DataFrame, relevance: pd.DataFrame, config: Config
) -> pd.DataFrame:
    """Score each season by a stack that is fitted on the others.

    Calibration and odds must learn from scores as they will be: of a season that the stack has not
    seen. With a single season they are the scores of the stack fitted on it.

    Arguments are those of `Ensemble.fit`.

    Returns:
        The rows of dates on which all members know their score, sorted by `KEY`, with `score`.
    """
    members, rated = _members(oof), _rated(oof, relevance)
    known = oof.dropna(subset=members).sort_values(KEY, ignore_index=True)
    score = np.empty(len(known))
    seasons = known["season"].unique()
    lacking = bool(known[_needed([*known])].isna().any(axis=None))
    for season in seasons:
        others = rated if len(seasons) == 1 else rated[rated["season"] != season]
        own = known["season"] == season
        score[own] = Ensemble._stack(others, config, for_teams=lacking).score(known[own], members)
    return known.assign(**{SCORE: score})


def _rated(oof: pd.DataFrame, relevance: pd.DataFrame) -> pd.DataFrame:
    """Add the relevance of each team of finished seasons."""
    return oof.merge(relevance, on=["season", "team_id"], validate="many_to_one")


def _members(frame: pd.DataFrame) -> list[str]:
    return [name for name in MEMBERS if name in frame.columns]


def _needed(inputs: list[str]) -> list[str]:
    return [name for name in inputs if name in _NO_STAND_IN]


def _stacker(inputs: list[str], rated: pd.DataFrame, config: Config) -> Stacker:
    """Fit a blend on the rows in which no input of `_NO_STAND_IN` is unknown."""
    known = rated.dropna(subset=_needed(inputs))
    settings = config.model.stack
    return Stacker.fit(
        inputs,
        known[inputs].to_numpy(),
        known["relevance"].to_numpy(),
        known["season"].to_numpy(),
        settings.alphas,
        _progress(known) if settings.vary_with_progress else None,
        settings.shrinkage_targets,
        season_weights(start_years(known["season"]), config.folds.season_half_life),
    )


def _blend(stacker: Stacker, scored: pd.DataFrame) -> FloatArray:
    return stacker.predict(scored[stacker.inputs].to_numpy(), _progress(scored))


def _cases(
    known: pd.DataFrame, names: list[str], league: League, half_life: float | None
) -> dict[str, Outcome]:
    """Return the cases of each event: teams on dates, their series, and games after them.

    Scores of teams are less the mean of their rivals, as `probabilities` shifts them: the teams of
    a date and conference in the round or, in the Finals, both teams.
    """
    progress = _date_progress(known)
    weight = season_weights(start_years(known["season"]), half_life)
    left = known.merge(events(league.results), on=["season", "team_id"], validate="many_to_one")
    rounds = []
    for event in EVENTS:
        rivals = KEY[:2] if event == EVENTS[-1] else [*KEY[:2], "conference"]
        centred = left[names] - left.groupby(rivals)[names].transform("mean")
        rounds.append(centred.assign(came=left[event]))
        left = left[left[event]]

    def outcome(rounds: list[pd.DataFrame]) -> Outcome:
        cases = pd.concat(rounds)
        return Outcome(
            scores={name: cases[name].to_numpy(dtype=np.float64) for name in names},
            progress=None if progress is None else progress[cases.index],
            event=cases["came"].to_numpy(dtype=np.bool_),
            weight=weight[cases.index],
        )

    games = RatedGames.of(league.tables, known, "regular", next_only=True)
    return {
        PLAYOFF: outcome(rounds[:1]),
        SERIES: outcome(rounds[1:]),
        WIN: Outcome(*_gaps(known, names, games), games.margin > 0, weight[games.home]),
    }


def _gaps(
    scored: pd.DataFrame, names: list[str], games: RatedGames
) -> tuple[dict[str, FloatArray], FloatArray | None]:
    """Return score gaps of games, home less away, and the share of the season played."""
    values = {name: scored[name].to_numpy(dtype=np.float64) for name in names}
    gaps = {name: score[games.home] - score[games.away] for name, score in values.items()}
    progress = _date_progress(scored)
    return gaps, None if progress is None else progress[games.home]


def _progress(frame: pd.DataFrame) -> FloatArray | None:
    """Return the share of the season played, [N], or None where the record group is off."""
    return frame[PROGRESS].to_numpy() if PROGRESS in frame else None


def _date_progress(frame: pd.DataFrame) -> FloatArray | None:
    """Return the mean share of the season played over the teams of each date.

    Teams have played unequal numbers of games on a date; calibration must keep their order.
    """
    progress = _progress(frame)
    if progress is None:
        return None
    dates = [frame["season"], frame["as_of_date"]]
    return pd.Series(progress, frame.index).groupby(dates).transform("mean").to_numpy()


def _read(path: Path, restore: Callable[[dict[str, Any]], _Part]) -> _Part | None:
    """Read a part that not every ranker has."""
    if not path.exists():
        return None
    with reading(path):
        return restore(json.loads(path.read_text(encoding="utf-8")))


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")
