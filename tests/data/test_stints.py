from collections import Counter

import pandas as pd
import pytest
from raw_issues import check_broken, check_warnings
from raw_logs import BOS, CLE, DEN, LAL, player_log, put_rows, team_log, write

from nba_rank.data.ingest import read_raw
from nba_rank.data.tables import LINE_UP

TEN = [f"{side}{place}" for side in "HA" for place in range(1, 6)]
COLUMNS = [
    "GAME_ID", "PERIOD", "START", "END", "HOME_TEAM_ID", "AWAY_TEAM_ID",
    "PTS_H", "PTS_A", "POSS_H", "POSS_A", *TEN,
]  # fmt: skip
OPENER, SECOND, THIRD = (f"002230000{number}" for number in (1, 2, 3))
FILE = "stints/stints_2023_24.parquet"


def stint(period, start, end, points=(0, 0), game=OPENER, teams=(BOS, CLE), ten=range(1, 11)):
    return (game, period, start, end, *teams, *points, 1, 2, *ten)


def whole(game=OPENER, teams=(BOS, CLE), points=(102, 100)):
    """Four stints, one a period, of a game that the home side wins 102-100."""
    return [stint(period, 0, 720, points if period == 4 else (0, 0), game, teams)
            for period in (1, 2, 3, 4)]  # fmt: skip


def put(folder, rows, file=FILE, columns=COLUMNS):
    put_rows(folder, file, columns, rows)
    return folder


@pytest.fixture
def logged(folder):
    """A folder whose players, three a team, have played all the time of their teams."""
    log = pd.read_parquet(folder / "player_logs_2023_24.parquet")
    return write(folder, player_logs_2023_24=with_third(log))


def with_third(log):
    third = log[1::2].assign(PLAYER_ID=log["PLAYER_ID"] + 1000, PLAYER_NAME="Third")
    return pd.concat([log, third]).assign(MIN=80)


@pytest.mark.parametrize("file", [FILE, "stints_2023_24.csv"])
def test_stints_of_a_game_by_hand(logged, file):
    first = [stint(1, 0, 400, (20, 10)), stint(1, 400, 720, (3, 0), ten=[11, *range(2, 11)])]
    rest = [stint(2, 0, 720), stint(3, 0, 720), stint(4, 0, 720, (79, 90))]
    tables, report = read_raw(put(logged, [*rest, *first[::-1]], file))
    rows = tables.stints
    assert rows[["period", "start", "end"]].to_numpy().tolist()[:2] == [[1, 0, 400], [1, 400, 720]]
    assert rows["home_1"].tolist() == [1, 11, 1, 1, 1]
    assert rows[["home_points", "away_points"]].to_numpy().tolist()[1] == [3, 0]
    assert rows[["home_possessions", "away_possessions"]].to_numpy().tolist()[0] == [1, 2]
    facts = ["2023-24", "regular", pd.Timestamp("2023-10-24")]
    assert (rows[["season", "kind", "game_date"]] == facts).all(axis=None)
    check_warnings(report, "stints", {})
    assert tables.without_players().stints.empty


def test_what_happens_in_no_time_counts_for_the_stint_before(logged):
    other = [20, *range(2, 11)]
    rows = [
        stint(1, 0, 0, (1, 0), ten=other), stint(1, 0, 300), stint(1, 300, 300, (2, 0), ten=other),
        stint(1, 300, 720, (5, 0)), *whole(points=(94, 100))[1:],
    ]  # fmt: skip
    stints = read_raw(put(logged, rows))[0].stints
    assert stints["home_points"].tolist()[:2] == [3, 5]
    assert stints["home_possessions"].tolist()[:2] == [3, 1]
    assert (stints["home_1"] == 1).all()


def test_a_game_is_in_it_whole_or_not_at_all(logged):
    away_first = whole(SECOND, (DEN, LAL), (100, 102))
    late = [stint(period, 0, 719, game=THIRD, teams=(CLE, LAL)) for period in (1, 2, 3)]
    rows = [*whole(), *away_first, *late, *whole("0022300099")]
    tables, report = read_raw(put(logged, rows))
    assert tables.stints["game_id"].value_counts().to_dict() == {OPENER: 4, SECOND: 4}
    turned = tables.stints[tables.stints["game_id"] == SECOND]
    assert turned[["home_1", "away_1", "home_possessions"]].to_numpy().tolist() == [[6, 1, 2]] * 4
    expected = {
        "the other way round": (1, f"row 5: game_id {SECOND}"),
        "they do not fill its periods": (1, f"row 9: game_id {THIRD}"),
        "the game logs lack the game": (1, "row 12: game_id 0022300099"),
    }
    check_warnings(report, "stints", expected)


BROKEN = [
    ("their points are not the final score", whole(points=(101, 100))),
    ("they name other teams", whole(teams=(BOS, LAL))),
    ("do not fill", whole()[:2] + whole()[3:]),
    ("do not fill", whole()[:3]),
    ("do not fill", whole()[1:]),
    ("do not fill", [*whole(), stint(5, 0, 720)]),
    ("do not fill", [*whole(), stint(6, 0, 300)]),
    ("do not fill", [*whole(), stint(1, 100, 200)]),
    ("do not fill", [stint(1, 0, 300), stint(1, 310, 720), *whole()[1:]]),
    ("their seconds are not those of its players", [*whole(), stint(5, 0, 300)]),
]


def test_games_that_do_not_add_up_are_left_out_and_counted(folder):
    ids = [f"00223000{number:02d}" for number in range(1, len(BROKEN) + 2)]
    games = team_log(*((own, f"2023-11-{own[-2:]}", BOS, CLE) for own in ids))
    write(folder, team_logs_2023_24=games, player_logs_2023_24=with_third(player_log(games)))
    rows = [(own, *row[1:]) for own, (_, rows) in zip(ids, BROKEN, strict=False) for row in rows]
    tables, report = read_raw(put(folder, [*rows, *whole(ids[-1])]))
    assert tables.stints["game_id"].unique().tolist() == ids[-1:]
    check_warnings(report, "stints", Counter(why for why, _ in BROKEN))


def test_who_is_unknown_or_stands_there_twice_is_0(logged):
    rows = [(*row, True) for row in whole()]
    rows[0] = (*rows[0][:10], 1, None, 3, 4, 5, 6, 7, 8, 9, 0, False)
    rows[1] = (*rows[1][:10], 1, 2, 3, 4, 5, 6, 7, 8, 9, 5, True)
    rows[2] = (*rows[2][:10], *range(1, 11), False)
    tables, report = read_raw(put(logged, rows, columns=[*COLUMNS, "FULL_10"]))
    assert tables.stints[[*LINE_UP]].to_numpy().tolist() == [
        [1, 0, 3, 4, 5, 6, 7, 8, 9, 0],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 0],
        [0] * 10,
        [*range(1, 11)],
    ]
    expected = {"player on court unknown": (1, "row 1"), "twice": (1, "row 2"), "FULL_10": 1}
    check_warnings(report, "stints", expected)


def test_the_same_stints_in_two_files_are_those_of_one(logged):
    put(logged, whole(), "stints_2023_24.csv")
    tables, report = read_raw(put(logged, whole()))
    assert len(tables.stints) == 4
    check_warnings(report, "stints", {})


def test_broken_stints_are_errors_with_file_and_row(folder):
    good = stint(1, 0, 720)
    rows = [
        (("x", *good[1:]), "no game id: row 1"),
        ((*good[:6], -1, *good[7:]), "impossible PTS_H: row 2"),
        ((*good[:6], 1.5, *good[7:]), None),
        ((*good[:2], "soon", *good[3:]), "START is no number: row 4"),
        ((*good[:10], "LeBron", *good[11:]), "H1 not understood: row 5"),
    ]
    check_broken(folder, "stints/stints_2023_24.csv", COLUMNS, rows)
