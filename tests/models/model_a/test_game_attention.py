from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from made_sets import GAMES, made_up_prior

from nba_rank.config.schema import GamesConfig
from nba_rank.core.errors import UserError
from nba_rank.data.tables import Tables
from nba_rank.features.asof import day_of, days
from nba_rank.features.players.game_log import GAME_COLUMNS, GameLog
from nba_rank.features.roster import player_sets
from nba_rank.models.model_a.faithfulness import game_effects
from nba_rank.models.model_a.fitted import FittedModelA
from nba_rank.models.model_a.game_attention import (
    GameAttention,
    GameFloor,
    PackedGames,
    _DecayedSums,
)
from nba_rank.models.model_a.inputs import GAME_RATING, GAME_STRENGTH
from nba_rank.samples.target import relevance

SEASONS = ["2021-22", "2022-23"]
ON = replace(GAMES, enabled=True)


@pytest.fixture(scope="module")
def log(sim_tables) -> GameLog:
    """Games of the simulated league; not to be altered."""
    return GameLog.of(sim_tables)


@pytest.fixture(scope="module")
def floor(log) -> GameFloor:
    """Trained on its first two seasons; not to be altered."""
    return GameFloor.fit(log, SEASONS, ON)


@pytest.fixture(scope="module")
def asked(sim_tables) -> tuple[np.ndarray, np.ndarray]:
    """Players and mornings of the third season."""
    games = sim_tables.player_games.query("season == '2023-24'").iloc[::97]
    return games["player_id"].to_numpy(), days(games["game_date"])


def test_pooling_is_the_softmax_of_minutes_content_and_age(log, floor, asked):
    network = floor.network
    scale = network.scale.double().numpy()
    value, content = network.value.numpy() / scale, network.content.numpy() / scale
    pseudo, newcomer = network.log_pseudo.exp().numpy(), network.newcomer.numpy()
    pooled = floor.pool(log, *asked)
    for player, day, *got in zip(
        *asked, pooled.rating, pooled.weight.T, pooled.divergence.T, strict=True
    ):
        own = (log.player == player) & (log.day < day)
        x, age = log.x[:, own].astype(np.float64), day - log.day[own]
        bound = 3 * scale[:, None]
        told = content @ x.clip(-bound, bound)
        plain = log.minutes[own] * np.exp(-age / network.log_days.exp().numpy()[:, None])
        odds = plain * np.exp(told)
        total = (odds * (value @ x + network.bias.numpy()[:, None])).sum(axis=1)
        weight = odds.sum(axis=1)
        rating = ((total + pseudo * newcomer) / (weight + pseudo)).sum()
        assert float(got[0]) == pytest.approx(rating, abs=1e-4)
        assert got[1].numpy() == pytest.approx(weight, rel=1e-4)
        if own.any():
            shares, before = odds / weight[:, None], plain / plain.sum(axis=1, keepdims=True)
            divergence = (shares * np.log(shares / before)).sum(axis=1)
            assert got[2].numpy() == pytest.approx(divergence, abs=1e-4)


def test_the_running_sums_have_the_gradient_of_their_definition():
    bounds, rng = [0, 4, 7, 8], np.random.default_rng(0)
    terms = torch.tensor(rng.normal(size=(2, 3, 8)), requires_grad=True)
    kept = torch.tensor(rng.uniform(0.2, 1, size=(3, 8)), requires_grad=True)
    given = (terms, kept)
    assert torch.autograd.gradcheck(lambda *parts: _DecayedSums.apply(*parts, bounds), given)


def test_games_are_packed_in_the_order_of_each_players_career(log):
    packed = PackedGames.of(log, GameAttention(2))
    player, day = log.player[packed.order], log.day[packed.order]
    steps = [slice(*pair) for pair in pairwise(packed.bounds)]
    for before, after in pairwise(steps):
        n = after.stop - after.start
        assert np.array_equal(player[before][:n], player[after])
        assert np.array_equal(day[after] - day[before][:n], packed.gap[after].numpy())


# As of a date.


def test_the_number_of_a_player_changes_no_rating(log, floor, asked):
    player, day = asked
    # Unknown players have negative numbers.
    by = player.min() + 1
    moved = floor.pool(replace(log, player=log.player - by), player - by, day)
    assert torch.equal(moved.rating, floor.pool(log, player, day).rating)


def poisoned(tables: Tables, date: pd.Timestamp) -> Tables:
    """Alter every game from a date on."""
    games, rows = tables.games.copy(), tables.player_games.copy()
    games.loc[games["game_date"] >= date, ["home_points", "away_points"]] *= 3
    late = rows["game_date"] >= date
    rows.loc[late, ["points", "ast", "plus_minus", "seconds"]] *= 2
    return replace(tables, games=games, player_games=rows)


def test_no_game_from_the_date_on_reaches_a_rating_to_the_last_bit(sim_tables, log, floor):
    date = pd.Timestamp("2023-12-20")
    player = np.unique(log.player[log.day < day_of(date)])
    day = np.full(len(player), day_of(date))
    rows = sim_tables.player_games
    cut = rows[rows["game_date"] < date].sample(frac=1, random_state=0)
    expected = floor.pool(log, player, day)
    for tables in (poisoned(sim_tables, date), replace(sim_tables, player_games=cut)):
        for got, known in zip(floor.pool(GameLog.of(tables), player, day), expected, strict=True):
            assert torch.equal(got, known)


def test_a_player_rates_alone_as_among_others_whatever_the_grid(log, floor, asked):
    together = floor.pool(log, *asked).rating
    for number in (0, 5, 11):
        alone = floor.pool(log, *(part[[number]] for part in asked))
        assert torch.equal(alone.rating, together[[number]])


def test_later_games_teach_nothing(sim_tables, floor):
    later = GameLog.of(poisoned(sim_tables, pd.Timestamp("2023-07-01")))
    again = GameFloor.fit(later, SEASONS, ON)
    assert again.losses == floor.losses
    for name, value in floor.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name]), name


# What it learns.


def test_the_loss_falls_and_the_ratings_know_the_coming_season(log, floor):
    assert floor.losses[-1] < 0.97 * floor.losses[0]
    coming = log.seasons[log.game] == "2023-24"
    rating = floor.pool(log, log.player[coming], log.day[coming]).rating.numpy()
    expected = np.bincount(log.game[coming], log.share[coming] * rating, len(log.margin))
    played = log.seasons == "2023-24"
    error, zero = (
        np.mean((log.margin - floor.network.edge.item() - guess)[played] ** 2)
        for guess in (expected, 0.0)
    )
    assert error < 0.95 * zero


def test_content_moves_the_weights_away_from_minutes_and_decay(log, floor, asked):
    assert (floor.pool(log, *asked).divergence > 1e-4).any()
    assert floor.kl > 1e-4
    assert 0 < floor.gain < 1
    alone = GameFloor.fit(log, SEASONS, replace(ON, content_penalty=None))
    plain = alone.pool(log, *asked)
    assert plain.divergence.abs().max() < 1e-5
    assert alone.kl == pytest.approx(0, abs=1e-5)


KNOBS = {
    "n_heads": 3, "value_penalty": 1.0, "content_penalty": 0.001,
    "iterations": 3,
}  # fmt: skip


def test_every_knob_changes_the_ratings(log, floor, asked):
    assert {field.name for field in fields(GamesConfig)} == {"enabled", *KNOBS}
    plain = GameFloor.fit(log, SEASONS, ON).pool(log, *asked).rating.numpy()
    for name, value in KNOBS.items():
        changed = GameFloor.fit(log, SEASONS, replace(ON, **{name: value}))
        assert not np.allclose(plain, changed.pool(log, *asked).rating.numpy(), atol=1e-4), name
    ageing = GameFloor.fit(log, SEASONS, ON, season_half_life=0.5)
    assert not np.allclose(plain, ageing.pool(log, *asked).rating.numpy(), atol=1e-4)


def test_the_heaviest_game_has_the_largest_mean_share_of_the_heads(log, floor, asked):
    row, n_games = floor.heaviest(log, *asked)
    played = [
        np.flatnonzero((log.player == one) & (log.day < day))
        for one, day in zip(*asked, strict=True)
    ]
    played = [(own, day) for own, day in zip(played, asked[1], strict=True) if len(own)]
    assert n_games.tolist() == [len(own) for own, _ in played]
    network = floor.network
    for (own, day), got in zip(played, row, strict=True):
        told = network.content_of(network.clip(torch.from_numpy(log.x[:, own])))
        age = torch.from_numpy((day - log.day[own]).astype("f4"))
        odds = torch.from_numpy(log.minutes[own]) * torch.exp(told - network.rate * age)
        share = (odds / odds.sum(dim=1, keepdim=True)).mean(dim=0)
        assert share[np.flatnonzero(own == got)[0]] == pytest.approx(share.max().item(), rel=1e-5)


def test_strangers_have_the_rating_of_a_newcomer(log, floor):
    player, day = np.array([-5, 10**9, log.player[-1]]), np.full(3, int(log.day.max()) + 1)
    newcomer = floor.network.newcomer.sum().item()
    assert floor.pool(log, player[:2], day[:2]).rating.tolist() == [newcomer] * 2
    got = floor.pool(log, player, day).rating.tolist()
    assert got[:2] == [newcomer] * 2
    assert got[2] != newcomer


def test_seasons_without_games_are_refused(log):
    with pytest.raises(UserError, match=r"1999-00.*games\.enabled=false"):
        GameFloor.fit(log, ["1999-00"], ON)


def test_games_that_teach_nothing_are_named(log):
    unknown = replace(log, margin=np.full_like(log.margin, np.nan))
    with pytest.raises(UserError, match=r"does not learn.*nan.*games\.enabled=false"):
        GameFloor.fit(unknown, SEASONS, ON)


def test_missing_plus_minus_is_unknown_and_not_zero(sim_tables):
    rows = sim_tables.player_games.copy()
    rows.loc[rows.index % 2 == 0, "plus_minus"] = np.nan
    x = dict(zip(GAME_COLUMNS, GameLog.of(replace(sim_tables, player_games=rows)).x, strict=True))
    flagged = x["plus_minus_unknown"] == 1
    assert flagged.mean() == pytest.approx(0.5, abs=0.01)
    assert (x["plus_minus_per_36"][flagged] == 0).all()
    assert (x["plus_minus_per_36"][~flagged] != 0).mean() > 0.9


# Inside model A.


@pytest.fixture(scope="module")
def sim_sets(sim_tables, sim_ratings, sim_dates, sim_results, compose_as_is, log):
    """Player sets with games, a prior and the relevance of the simulated league."""
    roster = compose_as_is().features.roster
    sets = replace(player_sets(sim_tables, sim_ratings, sim_dates, roster), games=log)
    known = relevance(sim_results, "playoff_outcome")
    own = sets.frame.merge(known, on=["season", "team_id"])["relevance"].to_numpy(np.float32)
    return sets, made_up_prior(sets, own), own


def test_with_games_the_rating_is_a_column_and_its_sum_a_prior(fit, sim_sets, tmp_path):
    sets, prior, own = sim_sets
    off, on = (fit(sets, own, prior, epochs=1, games=games) for games in (GAMES, ON))
    assert off.inputs.floor is None
    assert GAME_RATING in on.inputs.scaler.columns
    assert GAME_STRENGTH in on.inputs.prior.scaler.columns
    assert on.inputs.columns == off.inputs.columns
    assert on.inputs.features == off.inputs.features
    scores = on.predict(sets, prior, with_intervals=False)
    effects = game_effects(on, sets, prior, np.random.default_rng(0), scores)
    assert effects["left_out"].unique() == ["game"]
    assert effects[["top", "other"]].notna().all(axis=None)
    assert (effects["top"] > 0).mean() > 0.9
    assert game_effects(off, sets, prior, np.random.default_rng(0), scores).empty
    assert not np.allclose(scores.score, off.predict(sets, prior).score, atol=1e-3)
    on.save(tmp_path)
    loaded = FittedModelA.load(tmp_path)
    assert np.array_equal(loaded.predict(sets, prior).score, scores.score)
    assert loaded.inputs.floor.losses == on.inputs.floor.losses
    with pytest.raises(UserError, match="games"):
        on.predict(replace(sets, games=None), prior)
    without = replace(sets, games=log_without_games(sets.games))
    assert not np.allclose(on.predict(without, prior).score, scores.score, atol=1e-3)


def log_without_games(log: GameLog) -> GameLog:
    """Take away what all players have played."""
    return log.take(log.day < 0)


def test_players_without_games_are_refused_in_training(fit, three_seasons):
    with pytest.raises(UserError, match=r"games\.enabled=false"):
        fit(*three_seasons, games=ON)


def test_the_reference_run_reads_no_games(compose_as_is):
    assert not compose_as_is("experiment=run_021").model.model_a.games.enabled
