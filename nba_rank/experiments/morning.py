"""The morning of a date: all that its forecast is made of."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from nba_rank.config.schema import Config, DataConfig, PredictConfig, manifest_path, raw_dirs
from nba_rank.core.content_hash import content_key
from nba_rank.core.errors import UserError
from nba_rank.data.calendar import expected_opening, season_of_date, with_coming_season
from nba_rank.data.freshness import Basis
from nba_rank.data.league import team_ids_of
from nba_rank.data.manifest import is_stale, read_checked
from nba_rank.data.outcomes import outcomes
from nba_rank.data.prepare import seen
from nba_rank.data.tables import Tables
from nba_rank.experiments.finished_run import read_run
from nba_rank.experiments.inputs import inputs_on, ratings_on
from nba_rank.models.ranker import League, Ranker
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.restated import restated
from nba_rank.samples.dataset import Dataset
from nba_rank.samples.folds import FoldPlan


def one_date(season: str, date: pd.Timestamp) -> pd.DataFrame:
    """Return a frame of `season` and `as_of_date` with a single row."""
    return pd.DataFrame({"season": [season], "as_of_date": [date]})


@dataclass(frozen=True)
class Morning:
    """All that the forecast of a date is made of.

    Attributes:
        season: Season of the date.
        as_of_date: The date.
        ranker: Models that have not seen the season.
        config: That of their run.
        tables: The canonical tables.
        results: Outcomes by season and team, as far as they are known.
        ratings: Of the players on the date.
        days: Days whose games are forecast.
        basis: What the forecast rests on.
        data: Hash of the tables.
        changed: Tables that have changed since the run.
        forgotten: Why an ingest is needed, or None.
        hypothesis: What is assumed of the games to come, if anything.
        hypothetical: All that is assumed, in words; empty for a forecast of what is known.
        known_ratings: The players as they are known to be, where others are assumed.
        spells: Days, ascending, each with the morning of the games before it, while some players
            are assumed to be out.
    """

    season: str
    as_of_date: pd.Timestamp
    ranker: Ranker
    config: Config
    tables: Tables
    results: pd.DataFrame
    ratings: pd.DataFrame
    days: int
    basis: Basis
    data: str
    changed: list[str]
    forgotten: str | None
    hypothesis: Hypothesis | None = None
    hypothetical: str = ""
    known_ratings: pd.DataFrame | None = None
    spells: "tuple[tuple[int, Morning], ...]" = ()

    @property
    def teams(self) -> "pd.Series[str]":
        """Abbreviations of the season's teams by id."""
        own = self.tables.teams[self.tables.teams["season"] == self.season]
        return own.set_index("team_id")["abbreviation"]

    def team(self, text: str) -> int:
        """Return the id of the team that an id, abbreviation, name or nickname means.

        Raises:
            UserError: The season has no such team; the message names all.
        """
        found = team_ids_of(pd.Series([text])).iloc[0]
        if found not in self.teams.index:
            known = ", ".join(sorted(self.teams))
            raise UserError(f"{self.season} has no team {text}; its teams are {known}")
        return int(found)

    @cached_property
    def inputs(self) -> tuple[Dataset, League]:
        """What the ranker reads, built once."""
        dates = one_date(self.season, self.as_of_date)
        data, league = inputs_on(self.tables, self.ratings, dates, self.results, self.config)
        if self.known_ratings is not None:
            inputs = restated(league.inputs, self.tables, self.known_ratings, self.ratings)
            league = replace(league, inputs=inputs)
        return data, replace(league, hypothesis=self.hypothesis)


def read_morning(config: PredictConfig) -> Morning:
    """Read the morning of a date, without assumptions.

    Raises:
        UserError: The run is missing or unfinished, the tables are missing or altered, the date is
            none or outside the data, too many games before it are missing, or the models have
            learned from its season.
    """
    folder = Path(config.run)
    manifest, run_config = read_run(folder)
    plan = FoldPlan.from_dict(manifest["folds"])
    date = _date(config.as_of)
    processed_dir = Path(config.data.processed_dir or run_config.data.processed_dir)
    tables = seen(read_checked(processed_dir), run_config.data)
    known = manifest["tables"]
    hashes = tables.hashes()
    changed = [name for name, content in hashes.items() if known.get(name) != content]
    known_tables, tables = tables, with_coming_season(tables, date)
    season = season_of_date(tables, date)
    basis = Basis.of(tables, season, date, expected_opening(known_tables, season))
    basis.check(config.max_missed_days, "max_missed_days")
    part = plan.part_of(season)
    if part is None:
        raise UserError(
            f"every model of {folder} has learned from {season} or a later season; it ranks "
            f"dates from {plan.tests[0].fit} on. To rank {config.as_of}, train with more test "
            "seasons, such as folds=walk_forward"
        )
    lost = sorted({*plan.fit_of(part).train} - {*tables.seasons["season"]})
    if lost:
        raise UserError(
            f"{processed_dir} lacks {len(lost)} seasons that {folder} has learned from, such as "
            f"{lost[0]}: put their raw files back and ingest them, or train anew on what is there"
        )
    complete = tables.seasons.loc[tables.seasons["complete"], "season"].tolist()
    return Morning(
        season,
        date,
        Ranker.load(folder / "models" / part.fit),
        run_config,
        tables,
        # Outcomes are looked up for the season itself; before its end there are none.
        outcomes(tables, season if season in complete else max(complete, default=None)),
        ratings_on(tables, one_date(season, date), run_config),
        config.days,
        basis,
        content_key(None, [hashes]),
        changed,
        None if config.data.processed_dir else _forgotten(run_config.data),
    )


def _forgotten(config: DataConfig) -> str | None:
    """Say why the tables of a run are not those of its raw files; None if they are or none lie."""
    folders = raw_dirs(config)
    if not all(folder.is_dir() for folder in folders):
        return None
    return is_stale(folders, Path(config.processed_dir), manifest_path(config))


def _date(text: str) -> pd.Timestamp:
    try:
        return pd.to_datetime(text, format="%Y-%m-%d").as_unit("us")
    except ValueError as error:
        raise UserError(f"as_of={text} is not a date of the form 2024-01-15") from error
