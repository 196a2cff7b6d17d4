import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_rank.data import league as league_facts
from nba_rank.data.standings import alignment, standings
from nba_rank.odds import seeding
from nba_rank.odds.seeding import League, Seeds, seed


def of_teams(teams: pd.DataFrame) -> League:
    rule = league_facts.seeded_with_winners(teams["season"].iloc[0])
    return League(*alignment(teams), rule)


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
    """Seeds of seasons of games (winner, loser, margin) [N, 3]."""
    S, n = len(seasons), len(teams)
    beat, point_diff = np.zeros((S, n, n), dtype=np.int16), np.zeros((S, n), dtype=np.int64)
    for i, (winner, loser, margin) in enumerate(results.T for results in seasons):
        np.add.at(beat[i], (winner, loser), 1)
        np.add.at(point_diff[i], winner, margin)
        np.add.at(point_diff[i], loser, -margin)
    return seed(beat, point_diff, of_teams(teams))


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
    "first_four_with_three_winners": season_teams("2008-09"),
    "unequal_conferences": made_up_teams("EWWEEEEWEEEWWEEEEEEWWEW", "aXYbccbZabcXXbacbbcYZcX"),
    "fewer_teams_than_berths": made_up_teams("EEWWWEEW", "abXYXaaY"),
}


@pytest.mark.parametrize("name", LEAGUES)
def test_seasons_are_seeded_as_in_standings(name):
    rng = np.random.default_rng(0)
    teams = LEAGUES[name]
    assert_as_standings([np.zeros((0, 3), dtype=np.int64)], teams)
    for games in (6, 40, 150):
        assert_as_standings([few_games(rng, len(teams), games) for _ in range(8)], teams)
    for meetings in (1, 2):
        assert_as_standings([shared_wins(rng, len(teams), meetings) for _ in range(8)], teams)


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


def test_margins_may_be_fractions():
    teams = made_up_teams("EEWW", "abXY")
    beat = np.zeros((1, 4, 4), dtype=np.int8)
    result = seed(beat, np.array([[0.1, 0.2, -0.3, -0.2]]), of_teams(teams))
    assert result.seed.tolist() == [[2, 1, 2, 1]]
    assert result.league_rank.tolist() == [[2, 1, 4, 3]]


def test_input_that_does_not_fit_is_refused():
    league = of_teams(made_up_teams("EEWW", "abXY"))
    beat = np.zeros((2, 4, 4), dtype=np.int8)
    with pytest.raises(ValueError, match="for the league's 4 teams"):
        seed(beat[:, :3, :3], np.zeros((2, 3)), league)
    with pytest.raises(ValueError, match="division 0 lies in both"):
        League(conference=np.array([0, 1]), division=np.array([0, 0]))
    with pytest.raises(ValueError, match="must be 0 and 1"):
        League(conference=np.array([1, 2]), division=np.array([0, 1]))
