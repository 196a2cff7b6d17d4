"""Seasons without a kind of game log that the seasons around them have."""

import pandas as pd

from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.data import league
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.standings import standings

_GAP = "no such game log, though seasons before and after have one"
_LOGS = {
    ("team", "regular"): "team_logs",
    ("team", "playoffs"): "playoffs_team_logs",
    ("player", "regular"): "player_logs",
    ("player", "playoffs"): "playoffs_player_logs",
}
"""Names of the files of each level and kind of game, without the season."""


def warn_gaps(
    team_games: pd.DataFrame, player_games: pd.DataFrame, teams: pd.DataFrame, issues: IngestIssues
) -> None:
    """Warn of each season that lacks a kind of game log between two seasons that have it.

    Play-in games are missed in every season with playoff games whose rule has a play-in.
    """
    rows = {"team": team_games, "player": player_games}
    for (level, kind), name in _LOGS.items():
        frame = rows[level]
        years = {season_start_year(s) for s in frame.loc[frame["kind"] == kind, "season"].unique()}
        for year in range(min(years, default=0) + 1, max(years, default=0)):
            if year not in years:
                _warn(name, season_label(year), _GAP, issues)
    seasons = {kind: set(part["season"]) for kind, part in team_games.groupby("kind")}
    for season in sorted(seasons.get("playoffs", set()) - seasons.get("playin", set())):
        if league.play_in(season) is not None:
            what = "no play-in games, without which playoffs that have begun cannot be simulated"
            _warn("playin_team_logs", season, what, issues, _outsiders(team_games, teams, season))


def _warn(name: str, season: str, what: str, issues: IngestIssues, example: str = "") -> None:
    issues.warn_file(f"{name}_{season.replace('-', '_')}", what, example)


def _outsiders(team_games: pd.DataFrame, teams: pd.DataFrame, season: str) -> str:
    """Return the teams in the playoffs that were not among the first eight, with their seeds."""
    own = team_games[team_games["season"] == season]
    table = standings(own[own["kind"] == "regular"], teams, season).merge(
        teams.loc[teams["season"] == season, ["team_id", "abbreviation"]], on="team_id"
    )
    field = own.loc[own["kind"] == "playoffs", "team_id"].unique()
    outside = table[table["team_id"].isin(field) & (table["seed"] > 8)].sort_values("abbreviation")
    seeds = zip(outside["abbreviation"], outside["seed"], strict=True)
    return ", ".join(f"{team} was seeded {seed}" for team, seed in seeds)
