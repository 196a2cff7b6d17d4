"""Players against their teams: whole files that are not what they seem, and single rows."""

import numpy as np
import pandas as pd
import pytest
from raw_logs import BOS, CLE, NAMES

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.player_rows import player_rows
from nba_rank.data.tables import BOX_COLUMNS

N_GAMES, N_PLAYERS = 20, 8
POINTS = 96


@pytest.fixture
def sides():
    """Both teams' rows of twenty games."""
    games = [f"00223{game:05d}" for game in range(N_GAMES)]
    frame = pd.DataFrame([(game, team) for game in games for team in (BOS, CLE)])
    frame.columns = ["game_id", "team_id"]
    return frame.assign(
        season="2023-24", kind="regular", game_date=pd.Timestamp(2023, 11, 5), points=POINTS,
        tov=np.nan, is_home=frame["team_id"] == BOS, matchup="BOS vs. CLE", file="teams",
        row=frame.index + 1,
    )  # fmt: skip


@pytest.fixture
def rows(sides):
    """Eight players a team and game, half an hour and twelve points each."""
    frame = sides.loc[sides.index.repeat(N_PLAYERS)].reset_index(drop=True)
    place = frame.index % N_PLAYERS
    counts = dict.fromkeys(BOX_COLUMNS, 1.0)
    return frame.assign(
        file="players", row=frame.index + 1, folder=0, modified=0.0, points=POINTS / N_PLAYERS,
        player_id=frame["team_id"] % 100 * 10.0 + place,
        player_name=frame["team_id"].map(NAMES) + " " + place.map(str),
        seconds=240 * 60 / N_PLAYERS, plus_minus=0.0, shots_reconstructed=False, **counts,
    )  # fmt: skip


def idle(rows):
    """Rows of the same players who did not play."""
    counts = dict.fromkeys([*BOX_COLUMNS, "points", "seconds"], 0.0)
    more = rows.assign(
        player_id=rows["player_id"] + 1000, player_name="Idle " + rows["player_name"], **counts
    )
    return more.assign(row=10_000 + more["row"])


def check(rows, sides, *told):
    issues = IngestIssues()
    found = player_rows(rows, sides, issues)
    counts = {warning.what: warning.count for warning in issues.warnings}
    assert len(counts) == len(told), counts
    for what, count in told:
        assert [n for text, n in counts.items() if text.startswith(what)] == [count], counts
    return found, issues


def test_rows_that_add_up_are_kept(rows, sides):
    late = rows["game_id"] == rows["game_id"].iloc[-1]
    overtime = rows.assign(seconds=rows["seconds"].mask(late, 265 * 60 / N_PLAYERS + 20))
    found, issues = check(overtime, sides)
    assert len(found) == len(rows)
    assert not issues.errors


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda rows: rows[rows["is_home"]], "20 have the players of one team only"),
        (lambda rows: rows.assign(seconds=0.0), "20 have minutes that are not 240 a team"),
        (lambda rows: rows[rows.index % N_PLAYERS < 5], "20 have points that are not the team's"),
        (lambda rows: rows.assign(seconds=rows["seconds"] / 60), "20 have minutes"),
    ],
)
def test_players_who_are_not_whole_teams_in_most_games_are_an_error(rows, sides, edit, told):
    issues = IngestIssues()
    player_rows(edit(rows), sides, issues)
    (error,) = issues.errors
    assert error.file == "players"
    assert told in error.what
    assert error.remedy


@pytest.mark.parametrize("n", [1, N_PLAYERS * 2, N_PLAYERS * 18])
def test_a_season_with_players_of_few_games_has_none(rows, sides, n):
    few = rows.head(n)
    short = [("points of the players do not add up", 1)] if n == 1 else []
    found, issues = check(few, sides, ("SEASON WITHOUT PLAYERS", 1), *short)
    assert found.empty
    told = next(w for w in issues.warnings if "SEASON" in w.what)
    assert f"2023-24 regular: {n // 16} of 20 games" in told.examples[0]


def test_players_of_single_games_with_impossible_minutes_are_left_out(rows, sides):
    zero, short = rows["game_id"] == rows["game_id"][0], rows.index == len(rows) - 1
    rows = rows.assign(seconds=rows["seconds"].mask(zero, 0).mask(short, 60))
    what = "minutes of the players do not add up"
    found, _ = check(rows, sides, (f"dropped: players of a team whose {what}", 2), ("minutes", 1))
    assert len(found) == len(rows) - 2 * N_PLAYERS


@pytest.mark.parametrize("mixed", [False, True])
def test_turnovers_of_teams_are_counted_alike_in_all_seasons(rows, sides, mixed):
    tov = sides.assign(tov=float(N_PLAYERS))
    told = [("team turnovers are left out", 1)]
    if mixed:
        later = {"season": "2024-25"}
        more = tov.assign(game_id="1" + tov["game_id"], tov=9.0, **later)
        players = rows.assign(game_id="1" + rows["game_id"], **later)
        rows, tov, told = pd.concat([rows, players], ignore_index=True), pd.concat([tov, more]), []
    _, issues = check(rows, tov, *told)
    assert [("in 2023-24" in error.what) for error in issues.errors] == [True] * mixed


def test_a_season_all_of_whose_rows_lack_minutes_has_no_players_and_says_so(rows, sides):
    issues = IngestIssues()
    assert player_rows(rows.assign(seconds=np.nan), sides, issues).empty
    (loud,) = [each for each in issues.warnings if "SEASON WITHOUT PLAYERS" in each.what]
    assert loud.examples == ("2023-24 regular: 0 of 20 games have them",)


def test_players_without_points_are_an_error(rows, sides):
    issues = IngestIssues()
    player_rows(rows.assign(points=np.nan), sides, issues)
    (error,) = issues.errors
    assert "20 have points that are not the team's" in error.what


@pytest.mark.parametrize(("n_cameos", "kept"), [(1, 1), (20, 0)])
def test_files_of_one_game_are_judged_together(rows, sides, n_cameos, kept):
    cameos = idle(rows.drop_duplicates("game_id").head(n_cameos))
    cameos = cameos.assign(player_id=900.0 + np.arange(n_cameos), player_name="Cameo")
    every = pd.concat([rows, cameos], ignore_index=True)
    found = player_rows(every.assign(file=every["game_id"]), sides, IngestIssues())
    assert found["seconds"].eq(0).sum() == kept


@pytest.mark.parametrize(("n_games", "kept"), [(1, 1), (2, 0)])
def test_a_regular_has_one_appearance_without_minutes_at_most(rows, sides, n_games, kept):
    sits = rows["player_id"].eq(rows["player_id"].iloc[0])
    sits &= rows["game_id"].isin(rows["game_id"].unique()[:n_games])
    idled = idle(rows[sits]).assign(player_id=rows["player_id"].iloc[0])
    names = {"player_name": rows["player_name"].iloc[0]}
    found = player_rows(pd.concat([rows[~sits], idled.assign(**names)]), sides, IngestIssues())
    assert found["seconds"].eq(0).sum() == kept


def test_rows_of_players_who_did_not_play_are_absences(rows, sides):
    resting = idle(rows[rows.index % N_PLAYERS < 4])
    for seconds in (0.0, np.nan):
        all_rows = pd.concat([rows, resting.assign(seconds=seconds)], ignore_index=True)
        found, _ = check(
            all_rows, sides, ("dropped: row of a player who did not play", len(resting))
        )
        assert len(found) == len(rows)


def test_a_star_who_sat_out_is_absent_and_a_cameo_is_an_appearance(rows, sides):
    star = idle(rows[rows["player_id"] == 380]).head(11)
    cameo = idle(rows[rows["player_id"] == 391]).head(2).assign(player_id=9.0, player_name="Cameo")
    found, _ = check(
        pd.concat([rows, star, cameo], ignore_index=True), sides,
        ("dropped: row of a player who did not play", 11), ("player row of 0 minutes", 2),
    )  # fmt: skip
    assert found["player_name"].eq("Cameo").sum() == 2
    assert not found["player_name"].str.startswith("Idle").any()


def test_who_scored_or_has_a_plus_minus_appeared(rows, sides):
    appeared = idle(rows).assign(plus_minus=2.0)
    found, _ = check(pd.concat([rows, appeared], ignore_index=True), sides)
    assert len(found) == 2 * len(rows)


def test_an_id_that_changes_within_a_season_is_one_player(rows, sides):
    late = rows["game_id"] > "0022300012"
    rows = rows.assign(player_id=rows["player_id"].mask(late & rows["player_id"].eq(380), 5.0))
    found, _ = check(rows, sides, ("player whose id changes within a season", 7))
    assert found.groupby("player_name")["player_id"].nunique().eq(1).all()
    assert found["player_id"].eq(380).sum() == N_GAMES
    namesake = rows.assign(player_name=rows["player_name"].mask(rows["player_id"] == 381, "BOS 0"))
    found, _ = check(namesake, sides, ("two ids of one name in one team and game", 40))
    assert found["player_id"].eq(381).sum() == N_GAMES


def test_a_player_on_both_sides_of_a_game_is_told_by_name(rows, sides):
    rows = rows.assign(player_id=rows["player_id"].mask(rows.index == 8, 380.0))
    rows.loc[8, "player_name"] = "Two Sides"
    issues = IngestIssues()
    player_rows(rows, sides, issues)
    (told,) = [warning for warning in issues.warnings if "both sides" in warning.what]
    assert "Two Sides" in told.examples[1]
