import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_rank.data import league as league_facts
from nba_rank.data.standings import alignment, standings
from nba_rank.odds.seeding import League, Seeds, seed

SINCE_2015 = [f"{year}-{(year + 1) % 100:02d}" for year in range(2015, 2024)]


def of_teams(teams: pd.DataFrame) -> League:
    return League(*alignment(teams))


def season_teams(season: str) -> pd.DataFrame:
    teams = league_facts.league_teams(season).assign(season=season)
    return teams.sort_values("team_id", ignore_index=True)


def made_up_teams(conferences: str, divisions: str) -> pd.DataFrame:
    """One letter a team, such as `EEEWW` and `aabcc`; ids ascend from 1."""
    return pd.DataFrame(
        {
            "season": "2018-19",
            "team_id": np.arange(1, len(conferences) + 1),
            "conference": list(conferences),
            "division": list(divisions),
        }
    )


def season_of(results: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Wins [T, T] and point differences [T] of games (winner, loser, margin) [N, 3]."""
    winner, loser, margin = results.T
    beat = np.bincount(winner * n + loser, minlength=n * n).reshape(n, n)
    scored = np.bincount(winner, weights=margin, minlength=n)
    allowed = np.bincount(loser, weights=margin, minlength=n)
    return beat, (scored - allowed).astype("int64")


def team_games(results: np.ndarray, teams: pd.DataFrame) -> pd.DataFrame:
    """What `standings` reads of the team games of such results."""
    ids = teams["team_id"].to_numpy()
    winner, loser, margin = results.T
    sides = [(winner, loser, 100 + margin, True), (loser, winner, 100 - 0 * margin, False)]
    frames = [
        pd.DataFrame(
            {
                "season": teams["season"].iloc[0],
                "kind": "regular",
                "team_id": ids[own],
                "opponent_team_id": ids[other],
                "points": points,
                "opponent_points": 200 + margin - points,
                "won": won,
            }
        )
        for own, other, points, won in sides
    ]
    return pd.concat(frames, ignore_index=True)


def few_games(rng: np.random.Generator, n: int, games: int) -> np.ndarray:
    """Random pairs: uneven numbers of games, many equal records, few meetings."""
    pairs = np.stack([rng.choice(n, 2, replace=False) for _ in range(games)])
    return np.column_stack([pairs, rng.integers(1, 3, games)])


def shared_wins(rng: np.random.Generator, n: int, meetings: int) -> np.ndarray:
    """Every pair shares its games but for one pair in seven: the later criteria decide."""
    a, b = np.triu_indices(n, 1)
    even = np.repeat(np.concatenate([np.stack([a, b]), np.stack([b, a])], axis=1).T, meetings, 0)
    odd = rng.random(len(a)) < 1 / 7
    pairs = np.stack([a, b], axis=1)[odd]
    swap = rng.random(len(pairs)) < 0.5
    pairs[swap] = pairs[swap, ::-1]
    games = np.concatenate([even, pairs])
    return np.column_stack([games, rng.integers(1, 3, len(games))])


def seeds_of(seasons: list[np.ndarray], teams: pd.DataFrame) -> Seeds:
    parts = [season_of(results, len(teams)) for results in seasons]
    beat, point_diff = (np.stack(part) for part in zip(*parts, strict=True))
    return seed(beat.astype(np.int16), point_diff, of_teams(teams))


def assert_as_standings(seasons: list[np.ndarray], teams: pd.DataFrame) -> None:
    result = seeds_of(seasons, teams)
    for i, results in enumerate(seasons):
        table = standings(team_games(results, teams), teams, teams["season"].iloc[0])
        table = table.sort_values("team_id")
        for column in ("wins", "losses", "win_pct", "seed", "league_rank"):
            name = f"{column} of season {i}"
            np.testing.assert_array_equal(getattr(result, column)[i], table[column], name)


LEAGUES = {
    "thirty": season_teams("2018-19"),
    "twenty_nine_in_four_divisions": season_teams("2001-02"),
    "unequal_conferences": made_up_teams("EWWEEEEWEEEWWEEEEEEWWEW", "aXYbccbZabcXXbacbbcYZcX"),
    "fewer_teams_than_berths": made_up_teams("EEWWWEEW", "abXYXaaY"),
}


@pytest.mark.parametrize("name", LEAGUES)
@pytest.mark.parametrize("games", [0, 6, 40, 150])
def test_few_games_are_seeded_as_in_standings(name, games):
    rng = np.random.default_rng(games)
    teams = LEAGUES[name]
    seasons = [
        few_games(rng, len(teams), games) if games else np.zeros((0, 3), dtype=np.int64)
        for _ in range(20 if games else 1)
    ]
    assert_as_standings(seasons, teams)


@pytest.mark.parametrize("name", LEAGUES)
@pytest.mark.parametrize("meetings", [1, 2])
def test_close_races_are_seeded_as_in_standings(name, meetings):
    rng = np.random.default_rng(meetings)
    teams = LEAGUES[name]
    assert_as_standings([shared_wins(rng, len(teams), meetings) for _ in range(20)], teams)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(2, 12),
    random=st.integers(0, 2**32 - 1),
    games=st.integers(1, 60),
    divisions=st.integers(1, 3),
)
def test_any_small_league_is_seeded_as_in_standings(n, random, games, divisions):
    rng = np.random.default_rng(random)
    conference = rng.permutation(np.r_[0, 1, rng.integers(0, 2, n - 2)])
    division = rng.integers(0, divisions, n) + divisions * conference
    teams = made_up_teams(
        "".join("EW"[code] for code in conference), "".join("abcXYZ"[code] for code in division)
    )
    assert_as_standings([few_games(rng, n, games) for _ in range(4)], teams)


def test_every_criterion_is_reached_by_these_seasons(monkeypatch):
    """Otherwise the tests above could agree without ever looking at the later criteria."""
    from nba_rank.odds import seeding

    sizes: dict[str, set[int]] = {}
    names = [
        "among_tied", "division_record", "in_conference", "own_field", "other_field", "margin",
    ]  # fmt: skip
    for name in names:
        original = getattr(seeding._Records, name)

        def spy(self, row, members, *, name=name, original=original):
            values = original(self, row, members)
            if (values != values[:, :1]).any():
                sizes.setdefault(name, set()).add(members.shape[1])
            return values

        monkeypatch.setattr(seeding._Records, name, spy)
    rng = np.random.default_rng(0)
    teams = LEAGUES["thirty"]
    seasons = [few_games(rng, 30, games) for games in (6, 40, 150) for _ in range(40)]
    seasons += [shared_wins(rng, 30, 1) for _ in range(40)]
    seeds_of(seasons, teams)
    assert sizes.keys() == set(names)
    for name in names:
        assert 2 in sizes[name]
        assert (max(sizes[name]) > 2) == (name != "other_field")


def test_one_conference_does_not_depend_on_the_simulations_beside_it():
    rng = np.random.default_rng(3)
    teams = LEAGUES["thirty"]
    parts = [season_of(few_games(rng, 30, 100), 30) for _ in range(20)]
    beat, point_diff = (np.stack(part) for part in zip(*parts, strict=True))
    together = seed(beat, point_diff, of_teams(teams))
    for i in range(20):
        alone = seed(beat[i : i + 1], point_diff[i : i + 1], of_teams(teams))
        assert (alone.seed[0] == together.seed[i]).all()
        assert (alone.league_rank[0] == together.league_rank[i]).all()


def test_permuted_teams_have_permuted_seeds():
    rng = np.random.default_rng(5)
    league = of_teams(LEAGUES["thirty"])
    parts = [season_of(few_games(rng, 30, 300), 30) for _ in range(50)]
    beat = np.stack([part[0] for part in parts])
    # No two margins are equal, so no tie goes by position.
    point_diff = np.stack([rng.permutation(30) for _ in parts])
    order = rng.permutation(30)
    moved = seed(
        beat[:, order][:, :, order],
        point_diff[:, order],
        League(league.conference[order], league.division[order]),
    )
    result = seed(beat, point_diff, league)
    assert (moved.seed == result.seed[:, order]).all()
    assert (moved.league_rank == result.league_rank[:, order]).all()


def test_margins_may_be_fractions():
    teams = made_up_teams("EEWW", "abXY")
    beat = np.zeros((1, 4, 4), dtype=np.int8)
    result = seed(beat, np.array([[0.1, 0.2, -0.3, -0.2]]), of_teams(teams))
    assert result.seed.tolist() == [[2, 1, 2, 1]]
    assert result.league_rank.tolist() == [[2, 1, 4, 3]]


def test_input_that_does_not_fit_is_refused():
    league = of_teams(made_up_teams("EEWW", "abXY"))
    beat = np.zeros((2, 4, 4), dtype=np.int8)
    with pytest.raises(TypeError, match="whole games"):
        seed(beat.astype(float), np.zeros((2, 4)), league)
    with pytest.raises(ValueError, match="for the league's 4 teams"):
        seed(beat[:, :3, :3], np.zeros((2, 3)), league)
    with pytest.raises(ValueError, match="division 0 lies in both"):
        League(conference=np.array([0, 1]), division=np.array([0, 0]))
    with pytest.raises(ValueError, match="must be 0 and 1"):
        League(conference=np.array([1, 2]), division=np.array([0, 1]))


def test_ten_thousand_seasons_take_well_under_a_second():
    rng = np.random.default_rng(0)
    first, second = np.triu_indices(30, 1)
    wins = rng.binomial(3, 0.5, size=(10_000, len(first)))
    beat = np.zeros((10_000, 30, 30), dtype=np.int8)
    beat[:, first, second], beat[:, second, first] = wins, 3 - wins
    point_diff = rng.integers(-50, 50, size=(10_000, 30))
    start = time.process_time()
    seed(beat, point_diff, of_teams(LEAGUES["thirty"]))
    assert time.process_time() - start < 1


@pytest.mark.real
@pytest.mark.parametrize("season", SINCE_2015)
def test_a_real_season_is_seeded_as_in_standings(real_tables, season):
    games = real_tables.team_games
    rows = games[(games["season"] == season) & (games["kind"] == "regular")]
    teams = real_tables.teams[real_tables.teams["season"] == season].sort_values("team_id")
    ids = teams["team_id"].to_numpy()
    won = rows[rows["won"]]
    results = np.column_stack(
        [
            np.searchsorted(ids, won["team_id"]),
            np.searchsorted(ids, won["opponent_team_id"]),
            won["points"] - won["opponent_points"],
        ]
    )
    beat, point_diff = season_of(results, len(ids))
    result = seed(beat[None], point_diff[None], of_teams(teams))
    table = standings(games, real_tables.teams, season).sort_values("team_id")
    for column in ("wins", "losses", "win_pct", "seed", "league_rank"):
        np.testing.assert_array_equal(getattr(result, column)[0], table[column], column)
