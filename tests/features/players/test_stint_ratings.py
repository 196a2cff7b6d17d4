from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_games import line, mapped, random_league, random_stints, rated, table

from nba_rank.data.tables import LINE_UP
from nba_rank.features.asof import day_of
from nba_rank.features.players import normal_equations
from nba_rank.features.players.court_time import court_time
from nba_rank.features.players.game_days import PlayerGames
from nba_rank.features.players.impact import STINT_RATINGS

TEAMS = {team: list(range(10 * team, 10 * team + 6)) for team in (1, 2, 3, 4)}


@pytest.fixture(scope="module")
def league(small_tables):
    """Two seasons of four teams; two games out of three have stints."""
    rng = np.random.default_rng(6)
    dates = [f"{day:%Y-%m-%d}" for year in (2021, 2022)
             for day in pd.date_range(f"{year}-11-01", periods=12, freq="2D")]  # fmt: skip
    made = small_tables(*random_league(rng, dates, TEAMS))
    return replace(made, stints=random_stints(rng, made, made.games["game_id"][::3].tolist()))


def stint(game, period, home, away, points, possessions):
    keys = {name: game[name] for name in ("game_id", "season", "kind", "game_date")}
    sides = {f"{side}_{what}": value for what, pair in
             (("points", points), ("possessions", possessions))
             for side, value in zip(("home", "away"), pair, strict=True)}  # fmt: skip
    ten = dict(zip(LINE_UP, [*home, *away], strict=True))
    return keys | {"period": period, "start": 0.0, "end": 720.0} | ten | sides


def test_court_time_by_hand(small_tables):
    """Players 1 to 6 at home, 7 to 11 away; 12 is in no log, and 0 is unknown."""
    lines = [line("2022-11-01", player, 1 + (player > 6), 20 if player > 4 else 40)
             for player in range(1, 12)]  # fmt: skip
    made = small_tables([("2022-11-01", 1, 2, 50, 40)], lines)
    game = made.games.iloc[0]
    stints = [
        stint(game, 1, range(1, 6), range(7, 12), (30, 20), (20, 21)),
        stint(game, 2, [6, 2, 3, 4, 0], [12, 8, 9, 10, 11], (20, 20), (10, 9)),
    ]
    (day,) = PlayerGames.of(replace(made, stints=table("stints", stints)), with_stints=True)
    court = court_time(day, 80.0)
    assert court.games.possessions.tolist() == [(20.5 + 9.5) / 100]
    assert (court.games.margin.tolist(), court.games.points.tolist()) == ([10], [90])
    assert court.players.margin.tolist() == [10, 10, 10, 10, 10, 0, 10, 10, 10, 10, 10]
    assert court.players.points[[0, 5, 6]].tolist() == [50, 40, 50]
    together = 100 * court.together[0]
    assert together[0, [0, 1, 5, 6, 7]].tolist() == [20.5, 20.5, 0, -20.5, -20.5]
    assert together[1, [1, 5, 6, 7]].tolist() == [30, 9.5, -20.5, -30]
    np.testing.assert_array_equal(together, together.T)
    # Without stints everybody plays his share of one long stint.
    (day,) = PlayerGames.of(made, with_stints=True)
    court = court_time(day, 80.0)
    share = [1.0, 0.5, -1.0]  # of players 1, 6 and 7
    np.testing.assert_allclose(court.together[0, 0, [0, 5, 6]], 0.8 * np.array(share))
    np.testing.assert_allclose(court.players.margin[[0, 5, 6]], [10, 5, 10])
    np.testing.assert_allclose(court.players.points[[0, 5, 6]], [90, 45, 90])


@pytest.mark.parametrize("date", ["2021-11-16", "2022-11-16"])
def test_ratings_are_the_dense_ridge_on_offence_and_defence(
    league, as_of, rate, features, date, monkeypatch
):
    """With as many possessions of both sides: an equation a side and stint, 2 unknowns a player."""
    monkeypatch.setattr(normal_equations, "LEAST_SHARE", 0.0)
    stints = league.stints
    even = stints.assign(away_possessions=stints["home_possessions"])
    tables = replace(league, stints=even)
    # With hardly any weight the box priors are zero.
    change = {"stint_decay_days": 60.0, "stint_ridge": 2.0, "prior_ridge": 1e15}
    got = rate(tables, as_of(date), **change, stint_share=1.0)
    n, today = len(got), day_of(pd.Timestamp(date))
    assert got["player_id"].tolist() == PlayerGames.of(tables).player_ids.tolist()
    gram, moment = 2.0 * np.eye(2 * n), np.zeros(2 * n)
    past, squares, total = [], np.zeros(2), 0.0
    for day in PlayerGames.of(tables, with_stints=True):
        if day.day >= today:
            break
        # The league's possessions and points, fast, and the home edge, slowly, of earlier days.
        fast = [np.exp((then - day.day) / 100.0) for then, *_ in past]
        slow = [np.exp((then - day.day) / 60.0) for then, *_ in past]
        old = np.exp((past[0][0] - day.day) / 100.0) if past else 1.0
        sums = old * np.array([1.0, 95.0, 99.75])
        sums += sum(f * np.array(row[2:]) for f, row in zip(fast, past, strict=True))
        level = sums[2] / sums[1]
        home = sum(s * np.array(row[1]) for s, row in zip(slow, past, strict=True))
        edge = home[0] / home[1] if past and home[1] > 0 else 0.0
        weight, margins, possessions, points = np.exp((day.day - today) / 60.0), [], [], []
        for game in range(len(day.home_margin)):
            rows = np.flatnonzero(day.game == game)
            own = day.stints.game == game
            on, events = [], []
            for place, pair, scored in zip(
                day.stints.place[own], day.stints.possessions[own], day.stints.points[own],
                strict=True,
            ):  # fmt: skip
                five = np.zeros(len(rows))
                five[place[place >= 0]] = 1.0
                on.append(five)
                events.append((pair.mean(), *scored))
            if not on:
                on = [day.share[rows]]
                events = [(sums[1] / sums[0], *day.points[game])]
            left = np.zeros(2)
            for five, (played, scored, conceded) in zip(on, events, strict=True):
                half = 0.0 if day.neutral[game] else edge * played / 2
                for points_of, sign, lead in ((scored, 1.0, half), (conceded, -1.0, -half)):
                    x = np.zeros(2 * n)
                    attack, defend = day.side[rows] == sign, day.side[rows] == -sign
                    x[day.player[rows[attack]]] = five[attack]
                    x[n + day.player[rows[defend]]] = -five[defend]
                    gap = points_of - level * played - lead
                    gram += weight * played / 100 * np.outer(x, x)
                    moment += weight * gap * x
                    left += gap * np.array([sign, 1.0])
            squares += weight * left**2
            played, scored, conceded = np.sum(events, axis=0)
            total += weight * played / 100
            margins.append((scored - conceded) * (not day.neutral[game]))
            possessions.append(played)
            points.append((scored + conceded) / 2)
        at_home = sum(p for p, away in zip(possessions, day.neutral, strict=True) if not away)
        past.append((day.day, (sum(margins), at_home), len(margins), sum(possessions), sum(points)))
    offence, defence = np.linalg.solve(gram, moment).reshape(2, n)
    np.testing.assert_allclose(got["offence_rating"], offence, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(got["defence_rating"], defence, rtol=1e-6, atol=1e-9)
    assert offence.std() > 0.1
    inverse = np.linalg.inv(gram).reshape(2, n, 2, n)
    # Half the inverse, since the sum and the difference of two equations have twice the noise.
    plus, minus = (
        inverse[0, :, 0] + inverse[1, :, 1] + sign * (inverse[0, :, 1] + inverse[1, :, 0])
        for sign in (1, -1)
    )
    net = squares[0] / total * np.diag(plus) / 2
    np.testing.assert_allclose(got["net_error"] ** 2, net, rtol=1e-6)
    other = squares[1] / total * np.diag(minus) / 2
    np.testing.assert_allclose(got["side_error"] ** 2, (net + other) / 4, rtol=1e-6)


def test_one_stint_of_whole_games_is_no_stint_at_all(small_tables, as_of, rate):
    """Five players a team who play all game, as many possessions as by the box scores."""
    rng = np.random.default_rng(1)
    fives = {team: ids[:5] for team, ids in TEAMS.items()}
    games, lines = random_league(rng, ["2021-11-01", "2021-11-03", "2021-11-05"], fives)
    box = {"fga": 90.0, "fgm": 40.0, "fta": 0.0, "oreb": 0.0, "dreb": 30.0, "tov": 10.0}
    games = [(*game[:5], game[5] | {"home": box, "away": box}) for game in games]
    lines = [(day, player, team, 2880, box) for day, player, team, _, box in lines]
    made = small_tables(games, lines)
    rows = [
        stint(game, 1, fives[game["home_team_id"]], fives[game["away_team_id"]],
              (game["home_points"], game["away_points"]), (100, 100))
        for game in made.games.to_dict("records")
    ]  # fmt: skip
    got = rate(replace(made, stints=table("stints", rows)), as_of("2021-11-06"))
    pd.testing.assert_frame_equal(got, rate(made, as_of("2021-11-06")), rtol=1e-9)


def test_shuffled_rows_change_nothing(league, as_of, rate):
    dates = as_of("2021-11-10", "2022-11-16")
    rng = np.random.default_rng(0)
    shuffled = mapped(league, lambda _, frame: frame.iloc[rng.permutation(len(frame))])
    ordered = {name: getattr(league, name) for name in ("rosters", "seasons", "schedule")}
    expected = rate(league, dates)
    pd.testing.assert_frame_equal(
        rate(replace(shuffled, **ordered), dates), expected, check_exact=True
    )
    # Stints are read at all, and only where they have a share.
    bare = replace(league, stints=league.stints.iloc[:0])
    assert not rate(bare, dates)["offence_rating"].equals(expected["offence_rating"])
    by_games = rate(league, dates, stint_share=0.0)
    assert not set(STINT_RATINGS) & set(by_games.columns)
    pd.testing.assert_frame_equal(rate(bare, dates, stint_share=0.0), by_games, check_exact=True)


def test_errors_shrink_with_court_time(league, as_of, rate):
    early, late = (rate(league, as_of(date)) for date in ("2022-11-05", "2022-11-24"))
    assert (late["net_error"] < early["net_error"]).mean() > 0.9
    assert (late[["side_error", "net_error"]] > 0).all(axis=None)


def test_the_group_by_hand(small_tables, as_of, built):
    """Five players a team, each at the cap of 38 minutes."""
    ratings = rated("2022-11-01", [(1 + place // 5, 30.0, 30.0, 0.0) for place in range(10)])
    ratings = ratings.assign(
        offence_rating=[1.0, 2, 3, 4, 5, 0, 0, 0, 0, 0],
        defence_rating=[0.0] * 5 + [1.0] * 5,
        net_error=2.0,
    )
    got = built("on_off", small_tables([("2022-11-02", 1, 2, 100, 90)], n_teams=3),
                as_of("2022-11-01"), ratings).loc["2022-11-01"]  # fmt: skip
    assert got["offence_strength"].tolist()[:2] == pytest.approx([7.5 * 38 / 48, -7.5 * 38 / 48])
    assert got["defence_strength"].tolist()[:2] == pytest.approx([-2.5 * 38 / 48, 2.5 * 38 / 48])
    assert got["strength_error"].tolist()[:2] == pytest.approx([20**0.5 * 38 / 48] * 2)
    assert got.loc[3].isna().all()
