"""The real league with the player logs of its older seasons beside the newer ones."""

from itertools import pairwise

import pytest

from nba_rank.data import league
from nba_rank.data.ingest import read_raw
from nba_rank.data.tables import BOX_COLUMNS

pytestmark = [pytest.mark.real, pytest.mark.slow]
OLD = [f"{year}-{(year + 1) % 100:02d}" for year in range(2000, 2012)]
CHARLOTTE, NEW_ORLEANS = 1610612766, 1610612740


@pytest.fixture(scope="module")
def both(raw_dir, history_dir):
    return read_raw([raw_dir, history_dir])


@pytest.fixture(scope="module")
def tables(both):
    return both[0]


@pytest.fixture(scope="module")
def regular(tables):
    """Regular-season player rows of the older seasons."""
    rows = tables.player_games
    return rows[(rows["kind"] == "regular") & rows["season"].isin(OLD)]


def test_every_file_is_read_or_named(both, raw_dir, history_dir):
    report = both[1]
    read = {file.path for file in report.files}
    named = {warning.file for warning in report.warnings if warning.what.startswith("not read: ")}
    present = {
        str(path)
        for folder in (raw_dir, history_dir)
        for path in folder.glob("**/*")
        if path.suffix in (".parquet", ".csv", ".json")
    }
    assert read | named == present
    assert f"{history_dir}/market/betting_lines_2007_2012.parquet" in read
    assert f"{history_dir}/players/players.parquet" in read
    assert report.count("dropped: fixture of a season without game logs") in (0, 1200)


def test_players_add_up_to_the_team_logs(tables, regular):
    """By season, in at least 99.8% of the team games; turnovers are the players' own."""
    counts = ["points", *(name for name in BOX_COLUMNS if name != "tov")]
    key = ["season", "game_id", "team_id"]
    sums = regular.groupby(key)[[*counts, "tov"]].sum()
    teams = tables.team_games.set_index(key).loc[sums.index]
    assert len(sums) == 2 * tables.seasons.set_index("season").loc[OLD, "n_regular"].sum()
    agrees = (sums[counts] == teams[counts]).groupby("season").mean()
    assert agrees.min(axis=None) > 0.998
    missed = (teams["tov"] - sums["tov"]).groupby("season").mean()
    assert missed.between(0.3, 1.0).all()
    margin = regular.groupby(key)["plus_minus"].sum()
    assert (margin == 5 * (teams["points"] - teams["opponent_points"])).mean() > 0.999
    # 240 minutes and 25 an overtime.
    extra = regular.groupby(key)["seconds"].sum() / 60 - 240
    assert (extra - 25 * (extra / 25).round()).abs().lt(0.5).mean() > 0.999


def test_players_seen_for_seconds_are_kept(regular):
    seen = regular[regular["seconds"] == 0]
    assert 0 < len(seen) < 100
    assert seen["plus_minus"].notna().all()


def test_players_keep_their_ids_from_season_to_season(tables):
    """Four in five of a season had played in the one before, also where the folders meet."""
    rows = tables.player_games[tables.player_games["kind"] == "regular"]
    of_season = rows.groupby("season")["player_id"].agg(set)
    for before, after in pairwise(of_season):
        assert 0.7 < len(before & after) / len(after) < 0.85


def test_clubs_and_conferences_of_the_older_league(tables):
    teams = tables.teams.set_index(["season", "team_id"])
    assert teams.groupby("season").size()[OLD].tolist() == [29] * 4 + [30] * 8
    present = {
        club: {season for season, team in teams.index if team == club}
        for club in (CHARLOTTE, NEW_ORLEANS)
    }
    assert sorted({*OLD} - present[CHARLOTTE]) == ["2002-03", "2003-04"]
    assert sorted({*OLD} - present[NEW_ORLEANS]) == ["2000-01", "2001-02"]
    conference = teams["conference"]
    assert [conference[season, NEW_ORLEANS] for season in OLD[2:6]] == ["East"] * 2 + ["West"] * 2
    # Three quarters of New Orleans' first minutes were played by men of the club from Charlotte.
    rows = tables.player_games
    before = rows.query(f"season == '2001-02' and team_id == {CHARLOTTE}")["player_id"]
    first = rows.query(f"season == '2002-03' and team_id == {NEW_ORLEANS}")
    stayed = first["player_id"].isin(before)
    assert first.loc[stayed, "seconds"].sum() > 0.6 * first["seconds"].sum()
    assert [league.wins_needed(season, 1) for season in OLD[1:3]] == [3, 4]


def test_every_team_has_an_opening_roster_and_no_playoffs_have_players(tables):
    rosters = tables.rosters[tables.rosters["season"].isin(OLD)]
    sizes = rosters.groupby(["season", "team_id"]).size()
    assert len(sizes) == 4 * 29 + 8 * 30
    assert sizes.between(8, 14).all()
    assert rosters["date"].nunique() == len(OLD)
    known = tables.player_games[["season", "player_id"]].drop_duplicates()
    assert len(rosters.merge(known, on=["season", "player_id"])) == len(rosters)
    rows = tables.player_games
    assert rows.loc[rows["kind"] == "playoffs", "season"].min() == "2012-13"
    assert tables.seasons["has_player_games"].all()


def test_what_ends_earlier_is_read_as_if_the_later_files_were_not_there(
    tables, raw_dir, history_dir, tmp_path
):
    last = "2009-10"
    for folder in (raw_dir, history_dir):
        for path in folder.glob("**/*"):
            year = path.stem[-7:-3]
            dated = path.parent.name == "injury_reports" or (year.isdecimal() and year > "2009")
            if path.is_file() and not dated:
                target = tmp_path / path.relative_to(folder)
                target.parent.mkdir(exist_ok=True)
                target.symlink_to(path)
    assert read_raw(tmp_path)[0].until(last).hashes() == tables.until(last).hashes()
