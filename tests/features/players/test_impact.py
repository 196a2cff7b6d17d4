from dataclasses import fields, replace
from math import e

import numpy as np
import pandas as pd
import pytest
from made_games import line, random_league
from sklearn.linear_model import Ridge

from nba_rank.data.calendar import as_of_points
from nba_rank.features.asof import day_of
from nba_rank.features.players.box_vector import BoxSums
from nba_rank.features.players.game_days import PlayerGames
from nba_rank.features.players.impact import STINT_RATINGS, MarginSums

TEAMS = {team: list(range(10 * team, 10 * team + 6)) for team in (1, 2, 3, 4)}
COLUMNS = [
    "season", "as_of_date", "team_id", "player_id",
    "expected_minutes", "full_strength_minutes", "prior_rating", "impact_rating",
    *STINT_RATINGS,
]  # fmt: skip


@pytest.fixture(scope="module")
def impact(features):
    return lambda **change: replace(features().impact, **change)


def league_games(seed):
    """Two seasons of four teams with six players each."""
    dates = [f"{day:%Y-%m-%d}" for year in (2021, 2022)
             for day in pd.date_range(f"{year}-11-01", periods=12, freq="2D")]  # fmt: skip
    return random_league(np.random.default_rng(seed), dates, TEAMS)


@pytest.fixture(scope="module")
def league(small_tables):
    return small_tables(*league_games(3))


def learned(tables, date, config):
    """The game days before a date with their responses, by loops.

    A response is the clipped margin less the decayed mean of the margins before.
    """
    earlier, found = [], []
    for day in PlayerGames.of(tables):
        if day.day >= day_of(pd.Timestamp(date)):
            break
        margins = np.clip(day.home_margin, -config.margin_cap, config.margin_cap)
        weights = [np.exp((then - day.day) / config.margin_decay_days) for then, _ in earlier]
        edge = np.average([margin for _, margin in earlier], weights=weights) if earlier else 0.0
        found.append((day, np.where(day.neutral, margins, margins - edge)))
        earlier += [(day.day, m) for m, n in zip(margins, day.neutral, strict=True) if not n]
    return found


# The box prior.


@pytest.mark.parametrize("date", ["2021-11-16", "2022-11-01", "2022-11-16"])
def test_the_prior_is_scikit_learns_ridge_on_earlier_seasons(league, as_of, rate, impact, date):
    """In the first season: on that season's games so far."""
    config = impact(prior_ridge=30.0, margin_cap=20.0, shrink_minutes=100.0, box_decay_days=300.0)
    games = PlayerGames.of(league)
    box = BoxSums(
        len(games.player_ids),
        decay_days=config.box_decay_days,
        shrink_minutes=config.shrink_minutes,
    )
    X, y = [], []
    for day, response in learned(league, date, config):
        vectors = box.vectors(day.day)[day.player]
        for game in range(len(response)):
            of = day.game == game
            X.append(sum(day.side[of][:, None] * day.share[of][:, None] * vectors[of]))
        y += response.tolist()
        if day.season == 2021 or date.startswith("2021"):
            n_learned = len(y)
        box.add(day)
    X, y = np.array(X)[:n_learned], np.array(y)[:n_learned]
    scale = X.std(axis=0)
    fitted = Ridge(alpha=30.0, fit_intercept=False).fit(X / scale, y)
    expected = box.vectors(day_of(pd.Timestamp(date))) @ (fitted.coef_ / scale)
    got = rate(league, as_of(date), **vars(config)).set_index("player_id")
    np.testing.assert_allclose(got["prior_rating"], expected, rtol=1e-8)
    assert got.index.tolist() == games.player_ids.tolist()
    assert got["prior_rating"].std() > 0.1


def test_on_the_second_day_of_the_logs_box_scores_have_no_weight_yet(sim_tables, as_of, rate):
    """All vectors were equal on the first morning, so nothing can be learned from them."""
    first = sim_tables.seasons["first_date"].min()
    got = rate(sim_tables, as_of(first, first + pd.Timedelta(days=1)))
    opening, second = (frame for _, frame in got.groupby("as_of_date"))
    assert opening[["prior_rating", "impact_rating"]].isna().all(axis=None)
    assert (second["prior_rating"] == 0).all()
    assert 0 < second["impact_rating"].abs().max() < 2


# The update by margins.


@pytest.mark.parametrize("date", ["2021-11-16", "2022-11-16"])
def test_ratings_are_the_dense_ridge_around_the_prior(league, as_of, rate, impact, date):
    config = impact(margin_decay_days=60.0, update_ridge=2.0, margin_cap=20.0, stint_share=0.0)
    n = len(PlayerGames.of(league).player_ids)
    got = rate(league, as_of(date), **vars(config))
    gram, moment = 2.0 * np.eye(n), 2.0 * got["prior_rating"].to_numpy()
    for day, response in learned(league, date, config):
        weight = np.exp((day.day - day_of(pd.Timestamp(date))) / 60.0)
        for game, margin in enumerate(response):
            x, of = np.zeros(n), day.game == game
            x[day.player[of]] = day.side[of] * day.share[of]
            gram += weight * np.outer(x, x)
            moment += weight * margin * x
    np.testing.assert_allclose(got["impact_rating"], np.linalg.solve(gram, moment), rtol=1e-8)
    assert (got["impact_rating"] - got["prior_rating"]).abs().max() > 0.5


def test_a_player_who_has_hardly_played_keeps_his_prior(small_tables, as_of, rate):
    games, lines = league_games(4)
    lines += [line(games[0][0], 90, games[0][1], 2), line(games[0][0], 91, games[0][1], 14)]
    got = rate(small_tables(games, lines), as_of("2021-11-20"), update_ridge=2.0)
    got = got.set_index("player_id")
    same = got["impact_rating"] == got["prior_rating"]
    assert same[[90, 91]].tolist() == [True, False]


@pytest.mark.parametrize(
    ("change", "games", "responses"),
    [
        # The edge is the decayed mean of earlier margins: (10 / e^2 + 4 / e) / (1 / e^2 + 1 / e).
        (
            {"margin_decay_days": 10.0},
            [(1, 110, 100), (11, 104, 100), (21, 100, 105)],
            [10, 4 - 10, -5 - (10 / e + 4) / (1 / e + 1)],
        ),
        # A neutral game has no edge and does not tell it.
        ({}, [(1, 106, 100), (2, 120, 100, {"neutral": True}), (3, 106, 100)], [6, 20, 0]),
        # Margins are clipped before the edge is taken off.
        ({"margin_cap": 30.0}, [(1, 150, 100), (2, 100, 160)], [30, -60]),
    ],
)
def test_home_edge_by_hand(small_tables, impact, change, games, responses):
    games = [(f"2022-11-{day:02}", 1, 2, *points) for day, *points in games]
    lines = [line(game[0], 10 * team, team, 48) for game in games for team in (1, 2)]
    sums, got = MarginSums(2, impact(**change)), []
    for day in PlayerGames.of(small_tables(games, lines, n_teams=2)):
        got.append(sums.response(day))
        sums.add(day, got[-1])
    assert np.concatenate(got).tolist() == pytest.approx(responses)


# All together.


def test_columns_and_rows(league, small_tables, as_of, rate):
    got = rate(league, as_of("2022-11-16", "2021-11-05"))
    assert list(got.columns) == COLUMNS
    assert got["as_of_date"].is_monotonic_increasing
    assert not got.duplicated(["as_of_date", "player_id"]).any()
    assert len(got) == 48
    assert got.dtypes.astype(str).tolist() == [
        "str", "datetime64[us]", "int64", "int64", *["float64"] * 8
    ]  # fmt: skip
    # Seasons without player logs are skipped.
    games, lines = league_games(7)
    tables = small_tables(games, [game for game in lines if game[0] > "2022"])
    some = rate(tables, as_of("2021-11-05", "2022-11-10"))
    assert some["season"].unique().tolist() == ["2022-23"]
    none = rate(tables, as_of("2021-11-05"))
    assert len(none) == 0
    pd.testing.assert_series_equal(none.dtypes, got.dtypes)


def test_before_the_first_game_listed_players_are_there_without_ratings(small_tables, as_of, rate):
    games, lines = league_games(8)
    tables = small_tables(games, lines, rosters=[("2021-10-30", 1, [10, 99])])
    got = rate(tables, as_of("2021-10-29", "2021-11-01", "2021-11-02"))
    got = got.set_index(["as_of_date", "player_id"])
    opening = got.loc["2021-11-01"]
    assert got.index[0] == (pd.Timestamp("2021-11-01"), 10)
    assert opening["full_strength_minutes"].to_dict() == {10: 12, 99: 12}
    assert opening[["prior_rating", "impact_rating"]].isna().all(axis=None)
    assert got.loc["2021-11-02"].notna().all(axis=None)
    assert (pd.Timestamp("2021-11-02"), 99) in got.index


RATED = {"prior_rating", "impact_rating", *STINT_RATINGS}
CHANGES = {
    "box_decay_days": (60.0, RATED),
    "shrink_minutes": (900.0, RATED),
    "prior_ridge": (50.0, RATED),
    # The prior learns from margins without the home edge, which decays by it.
    "margin_decay_days": (60.0, RATED),
    "update_ridge": (5.0, {"impact_rating"}),
    "margin_cap": (10.0, RATED),
    # One earlier season has no other to weigh against.
    "season_half_life": (0.5, set()),
    "stint_share": (0.8, {"impact_rating"}),
    "stint_decay_days": (60.0, {"impact_rating", *STINT_RATINGS}),
    "stint_ridge": (5.0, {"impact_rating", *STINT_RATINGS}),
    "minutes_half_life": (3.0, {"full_strength_minutes"}),
}


def test_every_parameter_changes_its_columns_only(league, as_of, rate, impact):
    assert {field.name for field in fields(impact())} == set(CHANGES)
    standard = rate(league, as_of("2022-11-16"))
    for name, (value, columns) in CHANGES.items():
        changed = rate(league, as_of("2022-11-16"), **{name: value})
        differing = {name for name in COLUMNS if not changed[name].equals(standard[name])}
        assert differing == columns, name


@pytest.mark.real
@pytest.mark.slow
def test_the_best_players_of_2023_24_are_its_mvp_candidates(real_tables, as_of, rate):
    date = as_of_points(real_tables, "2023-24")["end"]
    best = rate(real_tables, as_of(date)).nlargest(30, "impact_rating")["player_id"].tolist()
    # Jokic, Gilgeous-Alexander, Doncic and Antetokounmpo, the first four of the MVP vote.
    assert {203999, 1628983, 1629029, 203507} <= set(best)
    assert best[0] == 203999
