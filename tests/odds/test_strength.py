import numpy as np
import pandas as pd
import pytest
from scipy.special import log_ndtr

from nba_rank.odds.past_games import RatedGames
from nba_rank.odds.strength import DOUBT, NOISE, NOISE_GAMES, SCORE, StrengthModel

T, D = 30, 6


def games_between(home, away, margin, **other) -> RatedGames:
    """Pairs of rows of a frame, each game once unless told otherwise."""
    n = len(home)
    fields = {
        "game": np.arange(n),
        "season": np.zeros(n, dtype=np.int64),
        "edge": np.full(n, 2.5),
        "at_home": np.ones(n),
        "rest": np.zeros(n),
        "weight": np.ones(n),
    }
    given = {"home": home, "away": away, "margin": margin, **other}
    return RatedGames(**(fields | {name: np.asarray(value) for name, value in given.items()}))


NO_GAMES = games_between(*(np.zeros(0, dtype=np.int64) for _ in range(3)))


def planted(
    coef, change, *, n_games=12_000, noise=12.0, home=0.0, rest=0.0, seed=0
) -> tuple[pd.DataFrame, RatedGames]:
    """A frame of inputs `a`, `b`, ... and games of the strengths that follow from weights."""
    rng = np.random.default_rng(seed)
    progress = np.repeat(np.arange(D) / D, T)
    inputs = rng.normal(0, 5, (len(progress), len(coef)))
    strength = ((np.array(coef) + np.outer(progress - 0.5, change)) * inputs).sum(axis=1)
    date = rng.integers(0, D, n_games)
    first = rng.integers(0, T, n_games)
    second = (first + rng.integers(1, T, n_games)) % T
    at_home, tired = rng.random(n_games) < 0.9, rng.choice([-1.0, 0.0, 1.0], n_games)
    edge = 2.5 * at_home
    expected = strength[date * T + first] - strength[date * T + second]
    expected += edge + home * at_home + rest * tired
    frame = pd.DataFrame(inputs, columns=list("abc")[: len(coef)])
    frame = frame.assign(progress=progress, team_id=np.tile(np.arange(T), D))
    games = games_between(
        date * T + first,
        date * T + second,
        expected + rng.normal(0, noise, n_games),
        edge=edge,
        at_home=at_home.astype(np.float64),
        rest=tired,
    )
    return frame, games


def test_planted_weights_are_recovered():
    truth = {"coef": [0.8, 0.3], "change": [0.4, -0.2], "home": 1.0, "rest": 1.5}
    frame, games = planted(**truth, noise=9.0)
    fitted = StrengthModel.fit(frame, games, {"a": 0.0, "b": 0.0})
    assert fitted.inputs == ["a", "b"]
    np.testing.assert_allclose(fitted.coef, truth["coef"], atol=0.05)
    np.testing.assert_allclose(fitted.coef_change, truth["change"], atol=0.12)
    assert fitted.home == pytest.approx(1.0, abs=0.3)
    assert fitted.rest == pytest.approx(1.5, abs=0.3)


def test_units_of_the_inputs_do_not_matter():
    frame, games = planted([0.8, 0.3], [0.4, -0.2])
    start = {"a": 0.5, "b": 0.1}
    in_points = StrengthModel.fit(frame, games, start)
    scaled = frame.assign(a=frame["a"] * 1000)
    in_thousandths = StrengthModel.fit(scaled, games, start | {"a": 0.0005})
    np.testing.assert_allclose(
        in_thousandths.strength(scaled), in_points.strength(frame), atol=1e-9
    )
    assert in_thousandths.noise == pytest.approx(in_points.noise, rel=1e-6)


def test_without_games_nothing_is_learned():
    frame, _ = planted([1.0, 1.0], [0.0, 0.0])
    fitted = StrengthModel.fit(frame, NO_GAMES, {"a": 0.7, "b": -0.2})
    np.testing.assert_allclose(fitted.coef, [0.7, -0.2])
    assert (fitted.coef_change, fitted.home, fitted.rest) == ([0.0, 0.0], 0.0, 0.0)
    assert fitted.noise == pytest.approx(NOISE, rel=1e-4)
    assert fitted.doubt == DOUBT
    assert fitted == StrengthModel.fit(frame.iloc[:0], NO_GAMES, {"a": 0.7, "b": -0.2})


def test_a_score_needs_more_games_than_a_rating_to_be_believed():
    frame, games = planted([1.0], [0.0])
    frame = frame.assign(**{SCORE: frame["a"]})
    few = games.take(np.arange(1000))
    rating, score = (StrengthModel.fit(frame, few, {name: 0.0}).coef[0] for name in ("a", SCORE))
    assert 0.8 < rating < 1.0
    assert 0.3 < score < 0.7


def test_more_games_lead_further_from_the_start():
    frame, games = planted([1.0], [0.0])
    distance = [
        abs(StrengthModel.fit(frame, games.take(np.arange(n)), {"a": 0.0}).coef[0] - 1.0)
        for n in (10, 100, 1000, 10_000)
    ]
    assert (np.diff(distance) < 0).all()
    assert distance[0] > 0.8
    # A hundred typical games count for as much as the start.
    assert 0.4 < distance[1] < 0.6


def test_an_uninformative_input_keeps_its_start():
    frame, games = planted([1.0], [0.0])
    fitted = StrengthModel.fit(frame.assign(b=0.0), games, {"a": 1.0, "b": 0.4})
    assert fitted.coef[1] == pytest.approx(0.4)


def test_unknown_inputs_are_refused():
    frame, games = planted([1.0, 1.0], [0.0, 0.0], n_games=100)
    frame.loc[games.away[7], "b"] = np.nan
    with pytest.raises(ValueError, match=r"inputs \['b'\] are unknown"):
        StrengthModel.fit(frame, games, {"a": 1.0, "b": 0.0})
    known = (games.home != games.away[7]) & (games.away != games.away[7])
    StrengthModel.fit(frame, games.take(known), {"a": 1.0, "b": 0.0})


def test_a_game_that_follows_many_dates_counts_once():
    frame, games = planted([1.0, 0.3], [0.2, 0.0], n_games=400)
    start = {"a": 0.0, "b": 0.0}
    once = StrengthModel.fit(frame, games, start)
    twice = games.take(np.tile(np.arange(400), 2))
    halved = games_between(**(vars(twice) | {"weight": np.full(800, 0.5)}))
    again = StrengthModel.fit(frame, halved, start)
    np.testing.assert_allclose(again.coef, once.coef)
    np.testing.assert_allclose(again.coef_change, once.coef_change)
    assert again.noise == pytest.approx(once.noise, rel=1e-4)


def test_blowouts_are_clipped():
    frame, games = planted([1.0], [0.0], n_games=500)
    beyond = np.where(np.abs(games.margin) >= 30, 10 * games.margin, games.margin)
    assert (beyond != games.margin).any()
    wild = games_between(**(vars(games) | {"margin": beyond}))
    assert StrengthModel.fit(frame, wild, {"a": 0.5}) == StrengthModel.fit(frame, games, {"a": 0.5})


@pytest.mark.parametrize("noise", [9.0, 15.0])
def test_planted_noise_is_recovered(noise):
    frame, games = planted([1.0], [0.0], noise=noise)
    fitted = StrengthModel.fit(frame, games, {"a": 1.0})
    # Clipping shortens all strengths a little, and the noise with them.
    assert fitted.noise / fitted.coef[0] == pytest.approx(noise, rel=0.06)


def test_points_added_to_decided_games_do_not_change_the_noise():
    frame, games = planted([1.0], [0.0], noise=9.0)
    rng = np.random.default_rng(1)
    garbage_time = np.sign(games.margin) * rng.permutation(np.abs(rng.normal(0, 6, 12_000)))
    padded = games_between(**(vars(games) | {"margin": games.margin + garbage_time}))
    plain, wild = (StrengthModel.fit(frame, each, {"a": 1.0}) for each in (games, padded))
    assert (wild.noise / wild.coef[0]) == pytest.approx(plain.noise / plain.coef[0], rel=0.03)


@pytest.mark.parametrize("n_games", [60, 12_000])
def test_the_noise_is_as_likely_as_without_bins(n_games):
    frame, games = planted([1.0], [0.0], n_games=n_games)
    fitted = StrengthModel.fit(frame, games, {"a": 1.0})
    side = fitted.expected_margin(frame, games) * np.where(games.margin > 0, 1, -1)
    nearby = fitted.noise * np.linspace(0.999, 1.001, 201)
    misfit = -log_ndtr(side / nearby[:, None]).sum(axis=1)
    misfit += 0.1 * NOISE_GAMES * np.log(nearby / NOISE) ** 2
    assert nearby[misfit.argmin()] == pytest.approx(fitted.noise, rel=1e-4)


def test_an_absurd_rating_leaves_the_noise_finite():
    frame, games = planted([1.0], [0.0], n_games=500)
    frame.loc[0, "a"] = 1e9
    assert np.isfinite(StrengthModel.fit(frame, games, {"a": 1.0}).noise)


def seasons_of_doubt(
    doubt: tuple[float, float], n_seasons: int, seed: int
) -> tuple[pd.DataFrame, RatedGames]:
    """Ratings that come closer to the true strengths from date to date, and the games.

    What a rating misses does not depend on it, and its variance goes in a straight line with the
    share of the season played.
    """
    rng = np.random.default_rng(seed)
    n, share = 1_230, np.arange(D) / D
    variance = doubt[0] ** 2 + (doubt[1] ** 2 - doubt[0] ** 2) * share
    frames, pairs = [], []
    for season in range(n_seasons):
        steps = np.append(variance[:-1] - variance[1:], variance[-1])
        missing = rng.normal(0, np.sqrt(steps)[:, None], (D, T))[::-1].cumsum(axis=0)[::-1]
        strength = rng.normal(0, 5, T) + missing[0]
        frames.append((strength - missing).ravel())
        when, home = np.sort(rng.random(n)), rng.integers(0, T, n)
        away = (home + rng.integers(1, T, n)) % T
        margin = strength[home] - strength[away] + 2.5 + rng.normal(0, 11, n)
        for date in range(D):
            after = np.flatnonzero(when >= share[date])
            row = (season * D + date) * T
            pairs.append((row + home[after], row + away[after], margin[after], season * n + after))
    home, away, margin, game = (np.concatenate(part) for part in zip(*pairs, strict=True))
    weight = 1 / np.bincount(game)[game]
    games = games_between(home, away, margin, game=game, season=game // n, weight=weight)
    progress = np.tile(np.repeat(share, T), n_seasons)
    ratings, team_id = np.concatenate(frames), np.tile(np.arange(T), D * n_seasons)
    return pd.DataFrame({"a": ratings, "progress": progress, "team_id": team_id}), games


@pytest.mark.parametrize("doubt", [(3.0, 1.5), (2.0, 2.0), (0.0, 0.0)])
def test_planted_doubt_is_recovered(doubt):
    fitted = StrengthModel.fit(*seasons_of_doubt(doubt, 25, seed=1), {"a": 1.0})
    # Three seasons of the usual doubt are mixed in.
    expected = np.sqrt((25 * np.square(doubt) + 3 * np.square(DOUBT)) / 28)
    np.testing.assert_allclose(fitted.doubt, expected, atol=0.35)


def test_few_seasons_shrink_doubt_towards_its_prior():
    few, many = (
        StrengthModel.fit(*seasons_of_doubt((4.0, 4.0), n, seed=2), {"a": 1.0}).doubt
        for n in (1, 12)
    )
    assert (np.less(DOUBT, few) & np.less(few, many)).all()


MODEL = StrengthModel(
    inputs=["a", "b"],
    coef=[1.0, 0.5],
    coef_change=[0.4, -1.0],
    home=1.25,
    rest=0.75,
    noise=12.0,
    doubt=(3.0, 1.0),
)


def test_strength_and_expected_margin_by_hand():
    frame = pd.DataFrame({"a": [2.0, 4.0, 2.0], "b": [1.0, -2.0, 1.0], "progress": [0.5, 0.5, 1.0]})
    np.testing.assert_allclose(MODEL.strength(frame), [2.5, 3.0, 2.4])
    games = games_between([0, 1], [1, 0], [0, 0], edge=[2.0, 0.0], at_home=[1, 0], rest=[-1, 1])
    margin = MODEL.expected_margin(frame, games)
    np.testing.assert_allclose(margin, [-0.5 + 2.0 + 1.25 - 0.75, 0.5 + 0.75])


def test_strength_of_a_row_does_not_depend_on_the_others():
    frame, _ = planted([0.8, 0.3], [0.4, -0.2])
    for part in (slice(3, 4), slice(30, 60), slice(None, None, 7)):
        np.testing.assert_array_equal(MODEL.strength(frame[part]), MODEL.strength(frame)[part])


def test_doubt_is_a_straight_line():
    assert [MODEL.doubt_at(share) for share in (0, 0.25, 0.5, 1)] == [3.0, 2.5, 2.0, 1.0]


def test_noise_is_split_into_doubt_and_the_rest():
    for doubt in (0.0, 1.7, 4.0):
        assert MODEL.noise_beside(doubt) ** 2 + 2 * doubt**2 == pytest.approx(144)
    # Whatever the doubt, games are not decided beforehand.
    assert MODEL.noise_beside(8.0) == MODEL.noise_beside(20.0) == 6.0
