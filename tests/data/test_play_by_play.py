"""One game in the league's three forms of play-by-play, and real seasons against their stints."""

import json

import numpy as np
import pandas as pd
import pytest
from raw_issues import check_errors, check_warnings
from raw_logs import BOS, CLE, player_log, regular_games, write

from nba_rank.data.ingest import read_raw
from nba_rank.data.raw.files import REQUIRED
from nba_rank.data.tables import LINE_UP

OPENER = "0022300001"
V2_KIND = {"make": 1, "miss": 2, "line": 3, "rebound": 4, "turnover": 5, "foul": 6,
           "technical": 6, "sub": 8, "jump": 10, "delay": 7}  # fmt: skip
V3_KIND = {"make": "Made Shot", "miss": "Missed Shot", "line": "Free Throw", "rebound": "Rebound",
           "turnover": "Turnover", "foul": "Foul", "technical": "Foul", "sub": "Substitution",
           "jump": "Jump Ball", "delay": "Violation"}  # fmt: skip
CDN_KIND = V3_KIND | {"line": "freethrow", "sub": "substitution", "foul": "foul",
                      "technical": "foul", "rebound": "rebound", "turnover": "turnover",
                      "jump": "jumpball", "delay": "violation"}  # fmt: skip

# (period, clock, kind, player, other player, points). Boston's players are 101 to 106, Cleveland's
# 201 to 206; the sixth of each starts on the bench. Boston's fifth commits a technical foul on the
# bench and stands in no event of the fourth period.
FIRST = [
    (1, "12:00", "jump", 203, 104, 0),
    (1, "12:00", "delay", 106, 0, 0),
    (1, "11:40", "make", 101, 102, 3),
    (1, "11:00", "miss", 201, 103, 0),
    (1, "10:55", "rebound", 104, 0, 0),
    (1, "10:00", "sub", 105, 106, 0),
    (1, "09:00", "foul", 202, 106, 0),
    (1, "09:00", "line", 106, 0, 1),
    (1, "09:00", "sub", 205, 206, 0),
    (1, "09:00", "line", 106, 0, 0),
    (1, "08:58", "rebound", 206, 0, 0),
    (1, "08:00", "technical", 105, 0, 0),
    (1, "08:00", "technical line", 204, 0, 1),
    (1, "07:30", "turnover", 204, 101, 0),
    (1, "06:00", "miss", 101, 0, 0),
    (1, "00:00", "rebound", BOS, 0, 0),
]


def game():
    """The events of a game of 102-100."""
    events = list(FIRST)
    for turn in range(33):
        period, minute = turn // 11 + 2, turn % 11
        mine, theirs = 101 + turn % (5 if period < 4 else 4), 201 + turn % 5
        points = 2 if turn == 32 else 3
        events.append((period, f"{11 - minute:02d}:30", "make", mine, 0, points))
        events.append((period, f"{11 - minute:02d}:00", "make", theirs, 0, 3))
    return events


def team_of(player):
    return player if player > 10_000 else BOS if player < 200 else CLE


def name(player):
    return f"Surname{player}"


def v2():
    rows, score = [], {BOS: 0, CLE: 0}
    for number, (period, clock, what, player, other, points) in enumerate(game(), start=1):
        kind, team = what.split()[-1], team_of(player)
        score[team] += points
        is_team = player > 10_000
        text = {
            "make": f"{name(player)} {'3PT ' * (points == 3)}Jump Shot",
            "line": f"{'MISS ' * (not points)}{name(player)} Free Throw 1 of 2",
        }.get(kind, name(player))
        text = text.replace("Throw", "Throw Technical") if what == "technical line" else text
        row = {
            "GAME_ID": OPENER, "EVENTNUM": number, "EVENTMSGTYPE": V2_KIND[kind],
            "EVENTMSGACTIONTYPE": 11 if what == "technical" else int(kind in ("foul", "delay")),
            "PERIOD": period, "PCTIMESTRING": clock,
            "HOMEDESCRIPTION": text if team == BOS else None,
            "VISITORDESCRIPTION": text if team == CLE else None,
            "SCORE": f"{score[CLE]} - {score[BOS]}" if points else None,
            "PLAYER1_ID": player, "PLAYER1_TEAM_ID": None if is_team else team,
            "PLAYER2_ID": other, "PLAYER2_TEAM_ID": team_of(other) if other else None,
            "PLAYER3_ID": 0, "PLAYER3_TEAM_ID": None,
        }  # fmt: skip
        if kind == "miss" and other:
            row |= {"PLAYER3_ID": other, "PLAYER3_TEAM_ID": team_of(other), "PLAYER2_ID": 0}
        rows.append(row)
    return pd.DataFrame(rows)


def v3():
    actions = []
    for number, (period, clock, what, player, other, points) in enumerate(game(), start=1):
        kind = what.split()[-1]
        is_team = player > 10_000
        base = {
            "actionNumber": number, "clock": f"PT{clock.replace(':', 'M')}.00S", "period": period,
            "teamId": 0 if is_team else team_of(player), "personId": player,
            "playerName": "" if is_team else name(player),
            "playerNameI": "" if is_team else f"X. {name(player)}",
            "actionType": V3_KIND[kind], "subType": "", "description": name(player),
            "shotValue": points if kind == "make" else 2 if kind == "miss" else 0,
        }  # fmt: skip
        if kind == "sub":
            base["description"] = f"SUB: {name(other)} FOR {name(player)}"
        elif kind == "line":
            base["subType"] = "Free Throw " + ("Technical" if "tech" in what else "1 of 2")
            base["description"] = f"{'MISS ' * (not points)}{name(player)} Free Throw"
        elif "tech" in what:
            base["subType"] = "Technical"
        elif kind == "delay":
            base["subType"] = "Delay Of Game"
        actions.append(base)
        if kind in ("miss", "turnover") and other:
            helper = {
                "teamId": team_of(other), "personId": other, "playerName": name(other),
                "playerNameI": f"X. {name(other)}", "actionType": "", "shotValue": 0,
            }  # fmt: skip
            told = f"{name(other)} {'BLOCK (1 BLK)' if kind == 'miss' else 'STEAL (1 STL)'}"
            actions.append(base | helper | {"description": told})
    return {"game": {"gameId": OPENER, "actions": actions}}


def cdn():
    actions = []
    for number, (period, clock, what, player, other, points) in enumerate(game(), start=1):
        kind = what.split()[-1]
        is_team = player > 10_000
        base = {
            "actionNumber": number * 10, "clock": f"PT{clock.replace(':', 'M')}.00S",
            "period": period, "teamId": team_of(player), "personId": 0 if is_team else player,
            "actionType": CDN_KIND[kind], "subType": "", "possession": team_of(player),
            "descriptor": None, "shotResult": None,
        }  # fmt: skip
        if kind in ("make", "miss", "line"):
            base["shotResult"] = "Made" if points else "Missed"
        if kind in ("make", "miss"):
            base["actionType"] = "3pt" if points == 3 else "2pt"
            base["assistPersonId"] = other if kind == "make" and other else None
        if "tech" in what:
            base |= {"descriptor": "technical"} if kind == "line" else {"subType": "technical"}
        if kind == "delay":
            base["subType"] = "delay-of-game"
        if kind == "sub":
            actions += [base | {"subType": "out"}]
            base |= {"subType": "in", "personId": other, "actionNumber": number * 10 + 1}
        actions.append(base)
        if kind in ("miss", "turnover") and other:
            helper = {"teamId": team_of(other), "personId": other, "subType": ""}
            told = "block" if kind == "miss" else "steal"
            actions.append(base | helper | {"actionType": told, "actionNumber": number * 10 + 1})
    return {"meta": {"version": 1}, "game": {"gameId": OPENER, "actions": actions}}


def put(folder, form):
    place = folder / "play_by_play"
    place.mkdir(exist_ok=True)
    if form is v2:
        form().to_parquet(place / "play_by_play_2023_24.parquet")
    elif form is v3:
        game = form()["game"]
        table = pd.DataFrame(game["actions"]).assign(gameId=game["gameId"])
        table.to_csv(place / "play_by_play_2023_24.csv", index=False)
    else:
        (place / "2023_24").mkdir(exist_ok=True)
        (place / "2023_24" / f"playbyplay_{OPENER}.json").write_text(json.dumps(form()))
    return folder


@pytest.fixture
def logged(tmp_path):
    """A folder whose player log has the opener's six players a side, with the time they played."""
    teams = regular_games()
    minutes = dict.fromkeys((1, 2, 3, 4), 48.0)
    logs = []
    for team, start, more in ((BOS, 100, {5: 38.0, 6: 10.0}), (CLE, 200, {5: 39.0, 6: 9.0})):
        row = player_log(teams)[lambda log, team=team: log["TEAM_ID"] == team].iloc[[0]]
        logs += [row.assign(PLAYER_ID=start + place, MIN=time, PLAYER_NAME=name(start + place))
                 for place, time in (minutes | more).items()]  # fmt: skip
    return write(tmp_path / "raw", team_logs_2023_24=teams, player_logs_2023_24=pd.concat(logs))


@pytest.mark.parametrize("form", [v2, v3, cdn])
def test_stints_from_each_form_by_hand(logged, form):
    tables, report = read_raw(put(logged, form))
    rows = tables.stints
    bench, bos, cle = [106, 206], [*range(101, 106)], [*range(201, 206)]
    fives = [
        (bos, cle), ([*bos[:4], bench[0]], cle), ([*bos[:4], bench[0]], [*cle[:4], bench[1]]),
        *[(bos, cle)] * 3,
    ]  # fmt: skip
    assert rows[["period", "start", "end"]].to_numpy().tolist() == [
        [1, 0, 120], [1, 120, 180], [1, 180, 720], [2, 0, 720], [3, 0, 720], [4, 0, 720],
    ]  # fmt: skip
    found = rows[[*LINE_UP]].to_numpy().reshape(-1, 2, 5)
    assert np.sort(found).tolist() == [[*map(sorted, ten)] for ten in fives]
    # The free throw of the foul counts before the substitution, the technical one where it is.
    assert rows["home_points"].tolist() == [3, 1, 0, 33, 33, 32]
    assert rows["away_points"].tolist() == [0, 0, 1, 33, 33, 33]
    # A score, and the rebound of the second free throw; the end of the period ends no possession.
    assert rows["home_possessions"].tolist() == [1, 0, 1, 11, 11, 11]
    assert rows["away_possessions"].tolist() == [1, 0, 1, 11, 11, 11]
    check_warnings(report, "play_by_play", {})


def test_a_stint_file_wins_and_other_games_are_derived(logged):
    before = read_raw(put(logged, v2))[0].stints
    columns = [*REQUIRED["stints"]]
    points = [(0, 0), (0, 0), (0, 0), (102, 100)]
    rows = [(OPENER, i + 1, 0, 720, BOS, CLE, *range(1, 11), *points[i], 9, 9) for i in range(4)]
    (logged / "stints").mkdir()
    file = logged / "stints" / "stints_2023_24.csv"
    pd.DataFrame(rows, columns=columns).to_csv(file)
    tables, report = read_raw(logged)
    assert len(tables.stints) == 4
    check_warnings(report, "play_by_play", {"a stint file has the game": 1})
    pd.DataFrame(rows[:3], columns=columns).to_csv(file)
    tables, report = read_raw(logged)
    pd.testing.assert_frame_equal(tables.stints, before)
    check_warnings(report, "stints", {"do not fill its periods": 1})


def test_an_event_that_stands_twice_counts_once_and_a_game_that_lacks_one_is_left_out(logged):
    expected = read_raw(put(logged, v2))[0].stints
    file = logged / "play_by_play" / "play_by_play_2023_24.parquet"
    events = v2()
    pd.concat([events[:20], events[19:]]).to_parquet(file)
    tables, report = read_raw(logged)
    pd.testing.assert_frame_equal(tables.stints, expected)
    check_warnings(report, "play_by_play", {"event repeated": 1})
    pd.concat([events.drop(index=20), events.assign(GAME_ID="0022300077")]).to_parquet(file)
    tables, report = read_raw(logged)
    assert tables.stints.empty
    expected = {"not the final score": 1, "the game logs lack the game": 1}
    check_warnings(report, "play_by_play", expected)


def test_a_game_without_events_is_named(folder):
    place = folder / "play_by_play" / "0022300001.json"
    place.parent.mkdir()
    place.write_text('{"meta": {}, "game": {"gameId": "0022300001", "actions": []}}')
    check_warnings(read_raw(folder)[1], "play_by_play/", {"has no rows": 1})


def test_play_by_play_that_cannot_be_read_is_an_error(folder):
    place = folder / "play_by_play"
    place.mkdir()
    (place / "game.json").write_text('{"actions": []}')
    check_errors(folder, "play_by_play/game.json", "cannot be read .JSON without rows")


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("season", ["2003_04", "2015_16"])
def test_derived_stints_of_real_seasons_are_those_given(season, tmp_path, raw_dir):
    history = raw_dir.parent / "history"
    names = [f"team_logs_{season}.parquet", f"player_logs_{season}.parquet"]
    for file in names:
        source = raw_dir / file
        (tmp_path / file).symlink_to(source if source.exists() else history / file)
    found = {}
    for level in ("stints", "play_by_play"):
        place = tmp_path / level
        place.mkdir()
        link = place / f"{level}_{season}.parquet"
        if not (history / level / link.name).exists():
            pytest.skip(f"there is no {history / level / link.name}")
        link.symlink_to(history / level / link.name)
        found[level] = read_raw(tmp_path)[0].stints
        link.unlink()
    given, derived = found.values()
    assert len(given) > 30_000
    assert derived["game_id"].nunique() >= given["game_id"].nunique()
    both = derived.merge(given, on=["game_id", "period"], suffixes=("", "_given"))
    seconds = (both[["end", "end_given"]].min(axis=1)
               - both[["start", "start_given"]].max(axis=1)).clip(lower=0)  # fmt: skip
    tens = [np.sort(both[[name + end for name in LINE_UP]].to_numpy().reshape(-1, 2, 5))
            for end in ("", "_given")]  # fmt: skip
    same = (tens[0] == tens[1]).all(axis=(1, 2))
    assert seconds[same].sum() > 0.999 * seconds.sum()
    sums = [table.groupby("game_id")[["home_possessions", "away_possessions"]].sum()
            for table in (derived, given)]  # fmt: skip
    apart = (sums[0] - sums[1]).dropna().abs()
    assert (apart <= 1).mean().min() > 0.98
