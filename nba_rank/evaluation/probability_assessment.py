"""Judge probabilities: how far teams go, who wins a series and who wins a single game."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtr

from nba_rank.core.arrays import FloatArray
from nba_rank.core.names import MARGINS, PLATT
from nba_rank.data.outcomes import EVENTS
from nba_rank.data.tables import Tables
from nba_rank.evaluation.advancement import advancement_metrics, finish_table, rank_interval_metrics
from nba_rank.evaluation.baselines import market_title_prob
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.references import reference_odds
from nba_rank.evaluation.series import (
    decided_series,
    series_metrics,
    series_references,
    series_upsets,
)
from nba_rank.evaluation.single_games import COLUMNS, KINDS, game_metrics, game_references
from nba_rank.features.store import KEY
from nba_rank.models.members import Scores
from nba_rank.models.ranker import League, Ranker
from nba_rank.odds.home_edge import HomeEdge
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.past_games import RatedGames

_POINT = ["season", "as_of_date", "as_of_point"]


@dataclass(frozen=True)
class Forecast:
    """The final ranker and its scores, probabilities and odds of all dates of a test season."""

    ranker: Ranker
    predicted: Scores


@dataclass(frozen=True)
class ProbabilityFindings:
    """Tidy metrics and tables of probabilities, as in `nba_rank.evaluation.result`.

    `odds` are those of the ranker, of calibration and of the references at the as-of points, by
    `season`, `as_of_point`, `team_id` and `ranker`; without a simulation the last two are empty.
    """

    metrics: pd.DataFrame
    odds: pd.DataFrame
    games: pd.DataFrame
    finishes: pd.DataFrame
    series: pd.DataFrame


def assess_probabilities(
    forecasts: dict[str, Forecast],
    league: League,
    baselines: pd.DataFrame,
    grid: pd.DataFrame,
    name: str,
    simulated: pd.DataFrame,
    own_games: pd.DataFrame,
) -> ProbabilityFindings:
    """Judge the forecasts of the test seasons by the final ranker, `name`.

    `baselines` and `grid` are those of all seasons; `simulated` holds the odds of the reference
    `MARGINS` at the as-of points, or no rows; `own_games` the ranker's forecasts of single games,
    from `nba_rank.odds.next_games`, or no rows.
    """
    tables, results, seasons = league.tables, league.results, list(forecasts)
    points = grid[grid["as_of_point"] != ""]
    inputs = league.inputs
    league_in = {one: replace(league, inputs=inputs[inputs["season"] == one]) for one in seasons}
    frames = [forecast.predicted.frame for forecast in forecasts.values()]
    at_points = pd.concat(frames, ignore_index=True).merge(points[_POINT], on=_POINT[:2])
    references = [_market(tables, seasons), reference_odds(baselines, results, seasons)]
    if len(simulated):
        columns = ["season", "as_of_point", "team_id", *[f"{event}_prob" for event in EVENTS]]
        references.append(simulated[columns].assign(ranker=MARGINS))
    odds = pd.concat([*_own_odds(at_points, name), *references], ignore_index=True)
    tidy = [advancement_metrics(odds, results)]
    forecast_games = [win_probabilities(forecasts[one], league_in[one], name) for one in seasons]
    if len(own_games):
        single = own_games[own_games["kind"].isin(KINDS)].assign(ranker=name)
        forecast_games = [part[part["ranker"] != name] for part in forecast_games]
        forecast_games.append(single.rename(columns={"home_win_prob": "p_home"}))
    forecast_games.insert(0, game_references(tables, seasons))
    games = pd.concat([part[COLUMNS] for part in forecast_games if len(part)], ignore_index=True)
    tidy.append(game_metrics(games))
    finishes, series = pd.DataFrame(), pd.DataFrame()
    if "projected_rank" in at_points:
        tidy.append(rank_interval_metrics(at_points, results))
        finishes = finish_table(at_points, results).assign(as_of_point=at_points["as_of_point"])
        decided = decided_series(tables, results, seasons)
        own = [
            _series(of_season, forecasts[str(season)], league_in[str(season)], grid)
            for season, of_season in decided.groupby("season")
        ]
        series = pd.concat([*own, series_references(decided, tables, results)], ignore_index=True)
        tidy.append(series_metrics(series))
    return ProbabilityFindings(
        pd.concat(tidy, ignore_index=True)[TIDY_COLUMNS], odds, games, finishes, series
    )


def _own_odds(at_points: pd.DataFrame, name: str) -> list[pd.DataFrame]:
    """Return the ranker's odds and those of its calibration, as far as there are any."""
    key = ["season", "as_of_point", "team_id"]
    parts = []
    for ranker, ending in ((name, "prob"), (PLATT, "prob_platt")):
        columns = {f"{event}_{ending}": f"{event}_prob" for event in EVENTS}
        present = {old: new for old, new in columns.items() if old in at_points}
        if present:
            found = at_points[[*key, *present]].rename(columns=present)
            parts.append(found.assign(ranker=ranker))
    return parts


def _market(tables: Tables, seasons: list[str]) -> pd.DataFrame:
    """Return the bookmakers' title odds of opening night, of seasons with all teams."""
    odds = market_title_prob(tables, seasons)
    n_teams = tables.teams.groupby("season").size()
    whole = odds.groupby("season")["team_id"].transform("size") == odds["season"].map(n_teams)
    return odds[whole].assign(as_of_point="open", ranker="market")


def win_probabilities(forecast: Forecast, league: League, name: str) -> pd.DataFrame:
    """Forecast the games of a season, each by the newest as-of date.

    Returns:
        `season`, `game_id`, `home_team_id`, `kind` (of `KINDS`), `ranker`, `p_home`, `home_won`;
        of calibration the regular season alone. Calibration is named `PLATT`, or as the ranker
        where nothing is simulated.
    """
    ensemble, tables = forecast.ranker.ensemble, league.tables
    scored = forecast.predicted.frame.sort_values(KEY, ignore_index=True)
    simulated = isinstance(ensemble.odds, MonteCarloOdds)
    parts = []
    if simulated:
        # Rows of the inputs are those of the scores: both are sorted by the same key.
        inputs = league.rated(scored)
    for kind in KINDS:
        rated = RatedGames.of(tables, scored, kind, next_only=True)
        facts = tables.games.iloc[rated.game][["season", "game_id", "home_team_id"]].assign(
            kind=kind, home_won=rated.margin > 0
        )
        if isinstance(ensemble.odds, MonteCarloOdds):
            p_home = _simulated_win_prob(ensemble.odds, inputs, rated, kind)
            parts.append(facts.assign(ranker=name, p_home=p_home))
        if ensemble.calibration is not None and kind == "regular":
            p_home = ensemble.win_prob(scored, forecast.ranker.members.names, rated)
            parts.append(facts.assign(ranker=PLATT if simulated else name, p_home=p_home))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _simulated_win_prob(
    odds: MonteCarloOdds, inputs: pd.DataFrame, rated: RatedGames, kind: str
) -> FloatArray:
    """Return the home team's probability of winning by the model of each game's date, [N]."""
    p_home = np.empty(len(rated.home))
    for models, own in odds.of_dates(inputs):
        some = own[rated.home]
        of_kind = models.regular if kind == "regular" else models.playoffs
        p_home[some] = ndtr(of_kind.expected_margin(inputs, rated.take(some)) / of_kind.noise)
    return p_home


def _series(
    decided: pd.DataFrame, forecast: Forecast, league: League, grid: pd.DataFrame
) -> pd.DataFrame:
    """Return the playoff series of a season with the strengths after its regular season."""
    odds = forecast.ranker.ensemble.odds
    assert isinstance(odds, MonteCarloOdds)
    end = grid.loc[grid["as_of_point"] == "end", _POINT[:2]]
    rated = league.rated(forecast.predicted.frame.merge(end, on=_POINT[:2]))
    edge = HomeEdge.of(league.tables).on_dates(rated[:1])
    strengths = next(odds.strengths(rated, edge.tolist()))
    return series_upsets(
        decided,
        rated.assign(strength=strengths.playoffs),
        home_edge=strengths.playoffs_edge,
        noise_sd=strengths.playoffs_noise,
        doubt_sd=strengths.playoffs_doubt,
    )
