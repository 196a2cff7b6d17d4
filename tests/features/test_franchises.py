"""Franchises that end, begin and move."""

import numpy as np
import pandas as pd
import pytest
from made_games import mapped

from nba_rank.data import league
from nba_rank.data.calendar import as_of_grid
from nba_rank.data.ingest import ingest
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows
from nba_rank.features.elo import elo_ratings
from nba_rank.features.players.cache import cached_ratings
from nba_rank.features.roster import player_sets
from nba_rank.features.store import build_store

CHA, NOP, UTA = 1610612766, 1610612740, 1610612762
FIRST, SECOND, THIRD = "2021-22", "2022-23", "2023-24"


def without(tables: Tables, season: str, team: int) -> Tables:
    """Take a team and its games out of a season."""
    games = tables.games
    played = games.loc[(games[["home_team_id", "away_team_id"]] == team).any(axis=1), "game_id"]

    def kept(name, frame):
        if "game_id" in frame:
            gone = frame["game_id"].isin(played)
        else:
            ids = frame.columns.intersection(["team_id", "home_team_id", "away_team_id"])
            gone = (frame[ids] == team).any(axis=1)
        return frame[~((frame["season"] == season) & gone)].reset_index(drop=True)

    return mapped(tables, kept)


def test_a_team_may_end_and_begin(sim_tables, features, tmp_path):
    """Utah ends after the first season; Charlotte is new in the second and gone in the third."""
    tables = sim_tables
    for season, team in ((SECOND, UTA), (THIRD, UTA), (FIRST, CHA), (THIRD, CHA)):
        tables = without(tables, season, team)
    dates = as_of_grid(tables, [FIRST, SECOND, THIRD], 60)[["season", "as_of_date"]]
    config = features()
    ratings = cached_ratings(tables, dates, config, tmp_path)
    teams = tables.teams[["season", "team_id"]]
    assert len(ratings.merge(teams, on=["season", "team_id"])) == len(ratings)
    store = build_store(tables, ratings, dates, config)
    assert store.frame.groupby("season")["team_id"].nunique().to_dict() == {
        FIRST: 29, SECOND: 29, THIRD: 28,
    }  # fmt: skip
    sets = player_sets(tables, ratings, dates, config.roster)
    assert set(sets.frame["season"]) == {FIRST, SECOND, THIRD}
    # The same from the opening of a season alone.
    last = dates[dates["season"] == THIRD].tail(1)
    alone = cached_ratings(tables, last, config, tmp_path)
    expected = ratings[ratings["as_of_date"].isin(last["as_of_date"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, expected, check_exact=True)


def test_a_club_keeps_its_last_id():
    season, team = np.array([2001, 2002, 2001, 2004]), np.array([CHA, NOP, UTA, CHA])
    assert league.club_ids(season, team).tolist() == [NOP, NOP, UTA, CHA]
    assert team.tolist() == [CHA, NOP, UTA, CHA]


def test_an_elo_rating_moves_with_its_club_and_the_old_id_starts_anew(
    sim_tables, features, as_of, monkeypatch
):
    opening = sim_tables.seasons.set_index("season")["first_date"]

    def rating(tables, team, season):
        rows = Rows.of(tables, as_of(opening[season]))
        return elo_ratings(tables, rows, config)[rows.team == team].item()

    config = features("features.elo.fit=false").elo
    stayed = without(sim_tables, FIRST, NOP)
    carried = rating(stayed, CHA, SECOND)
    monkeypatch.setattr(league, "_MOVED", {CHA: (2022, NOP)})
    moved = without(stayed, SECOND, CHA)
    assert rating(moved, NOP, SECOND) == carried != config.mean
    assert rating(moved, CHA, THIRD) == config.mean


@pytest.mark.real
@pytest.mark.slow
def test_the_real_league_of_29_teams_has_players(raw_dir, history_dir, features, tmp_path):
    """Charlotte moves to New Orleans after 2001-02, and another club begins there in 2004-05."""
    history = raw_dir.parent / "history"
    if not history.is_dir():
        pytest.skip(f"no player logs before 2012-13 in {history}")
    raw = tmp_path / "raw"
    raw.mkdir()
    for year in range(2001, 2005):
        years = f"{year}_{(year + 1) % 100:02d}"
        for name in ("team_logs", "playoffs_team_logs"):
            (raw / f"{name}_{years}.parquet").symlink_to(raw_dir / f"{name}_{years}.parquet")
        (raw / f"player_logs_{years}.parquet").symlink_to(history / f"player_logs_{years}.parquet")
    tables = ingest(raw, tmp_path / "processed").tables
    dates = as_of_grid(tables, tables.seasons["season"].tolist(), 60)[["season", "as_of_date"]]
    config = features()
    ratings = cached_ratings(tables, dates, config, tmp_path / "cache")
    store = build_store(tables, ratings, dates, config)
    assert store.frame.groupby("season")["team_id"].nunique().tolist() == 3 * [29] + [30]
    first = store.frame.drop_duplicates(["season", "team_id"]).set_index(["season", "team_id"])
    share = first["returning_minutes_share"]
    assert share["2002-03", NOP] > 0.5
    assert np.isnan(share["2004-05", CHA])
    opening = dates.loc[dates["season"] == "2002-03", "as_of_date"].min()
    assert ratings.loc[ratings["as_of_date"] == opening, "team_id"].nunique() == 29
    sets = player_sets(tables, ratings, dates, config.roster)
    assert sets.frame["season"].nunique() == 4
