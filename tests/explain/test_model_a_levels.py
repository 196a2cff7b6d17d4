from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import torch
from made_sets import ATTENTION, GAMES, made_up_prior, made_up_sets

from nba_rank.config.schema import ModelAConfig
from nba_rank.explain.model_a import MISS, WHO, SetParts, model_a_levels
from nba_rank.models.model_a.fitted import FittedModelA
from nba_rank.models.model_a.inputs import Inputs
from nba_rank.models.model_a.lightning_module import ModelA

CONFIG = ModelAConfig(
    list_scope="conference", loss="list_mle", team_prior=[], embedding_dim=3,
    encoder_dims=[12, 8], dropout=0.1, attention=ATTENTION, games=GAMES, unknown_player_share=0.1,
    learning_rate=0.01, weight_decay=0.01, lists_per_batch=4, dates_per_epoch=0, n_seeds=1,
    mc_dropout_samples=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def known():
    """Player sets of a single date, and store features of their teams."""
    sets, relevance = made_up_sets(["2020-21"], n_dates=1)
    return sets, made_up_prior(sets, relevance)


@pytest.fixture(scope="module")
def make(known):
    """Makes model A of two networks with random weights: `make(prior=True, **knobs)`."""
    sets, features = made_up_sets(["2019-20", "2020-21"])
    features = made_up_prior(sets, features)

    def model(*, prior=True, **knobs) -> FittedModelA:
        config = replace(CONFIG, **knobs)
        inputs = Inputs.fit(sets, features if prior else features[[]])
        networks = []
        for seed in range(2):
            torch.manual_seed(seed)
            network = ModelA(
                columns=inputs.scaler.outputs,
                prior_columns=inputs.prior.columns,
                vocabulary_size=len(inputs.vocabulary),
                config=asdict(config),
                seed=seed,
            )
            network.inputs = inputs
            torch.nn.init.normal_(network.ranker.scorer[-1].weight)
            if network.ranker.embedding is not None:
                torch.nn.init.normal_(network.ranker.embedding.weight)
            networks.append(network)
        return FittedModelA.of(networks)

    return model


def gap(parts: SetParts) -> float:
    """How much of the score the integral misses at most, in spreads of the players' part."""
    of_set = parts.players.sum(axis=(1, 2))
    whole = parts.prior.sum(axis=1).to_numpy() + parts.average + of_set
    return np.abs(parts.score - whole).max() / of_set.std()


@pytest.mark.parametrize("knobs", [{}, {"embedding_dim": 0}, {"prior": False}])
def test_gradients_are_complete_as_closely_as_asked_for(make, known, knobs):
    model = make(**knobs)
    few, usual, many = (SetParts.of(model, *known, miss=miss) for miss in (1.0, MISS, 1e-4))
    assert gap(usual) < 2 * MISS < gap(few)
    assert gap(many) < 4e-4
    for parts in (few, usual):
        apart = np.abs(parts.players - many.players).sum(axis=(1, 2)).max()
        assert apart < (0.02 if parts is usual else 1.0) * many.players.sum(axis=(1, 2)).std()
    assert (WHO in many.columns) == (knobs != {"embedding_dim": 0})
    assert np.ptp(many.average) < 1e-5
    empty = known[0].player_id == 0
    assert empty.any()
    assert not many.players[empty].any()


def test_what_a_network_does_not_read_has_no_part(make, known):
    model = make()
    column = model.inputs.scaler.outputs.index("skill")
    for network in model.networks:
        network.ranker.encoder[0].weight.data[:, column] = 0
    parts = SetParts.of(model, *known)
    assert not parts.players[..., column].any()
    assert np.abs(parts.players).sum(axis=(0, 1))[column + 1 :].all()


def test_a_poisoned_column_moves_the_player_and_the_column_that_name_it(make, known):
    model, (sets, prior) = make(), known
    poisoned = replace(sets, stats=sets.stats.copy())
    row, place, column = 3, 1, sets.columns.index("skill")
    poisoned.stats[row, place, column] += 5 * np.nanstd(sets.stats[..., column])
    before, after = (SetParts.of(model, each, prior).players for each in (sets, poisoned))
    change = np.abs(after - before)
    assert np.unravel_index(change.argmax(), change.shape) == (row, place, column)
    assert np.delete(change, row, axis=0).max() < change.max() / 100


def test_unknown_players_have_no_name(make, known):
    model, (sets, prior) = make(), known
    strangers = replace(sets, player_id=np.where(sets.player_id, sets.player_id + 10_000, 0))
    assert not SetParts.of(model, strangers, prior).players[..., -1].any()
    assert SetParts.of(model, sets, prior).players[..., -1].any()


def test_levels_hold_prior_players_and_how_attention_fares(make, known):
    model, (sets, prior) = make(), known
    before = sets.stats.copy()
    whole, detail, weights, ranks = model_a_levels(model, sets, prior)
    np.testing.assert_array_equal(sets.stats, before)
    score = model.predict(sets, prior, with_intervals=False).score
    sums = whole.groupby("team_id")["value"].sum().reindex(sets.frame["team_id"])
    np.testing.assert_allclose(sums, score, atol=1e-9)
    assert {"rating", "full_strength"} < set(whole["part"])
    assert set(detail["part"]) == {*sets.columns, WHO}
    by_player = whole[whole["player_id"] > 0].set_index("player_id")["value"]
    of_columns = detail.groupby("player_id")["value"].sum()
    np.testing.assert_allclose(of_columns, by_player.reindex(of_columns.index), atol=1e-9)

    wide = weights.pivot(index="player_id", columns="part", values="value")  # noqa: PD010
    row, place = 4, 1
    gone = replace(
        sets,
        player_id=sets.player_id.copy(),
        minutes_share=sets.minutes_share.copy(),
        stats=sets.stats.copy(),
    )
    player = gone.player_id[row, place]
    gone.player_id[row, place], gone.minutes_share[row, place] = 0, 0
    gone.stats[row, place] = np.nan
    left = model.predict(gone, prior, with_intervals=False).score
    assert wide.loc[player, "occlusion"] == pytest.approx(score[row] - left[row], abs=1e-6)
    own = wide.loc[sets.player_id[row][sets.player_id[row] > 0]]
    expected = own["attention"].corr(own["occlusion"].abs(), method="spearman")
    team = sets.frame["team_id"].iloc[row]
    [got] = ranks[(ranks["team_id"] == team) & (ranks["part"] == "attention_and_occlusion")][
        "value"
    ]
    assert got == pytest.approx(expected)


def test_a_team_of_one_player_has_no_occlusion(make, known):
    model, (sets, prior) = make(), known
    few = replace(sets, player_id=sets.player_id.copy())
    few.player_id[3, 1:] = 0
    *_, weights, ranks = model_a_levels(model, few, prior)
    assert weights["value"].isna().sum() == 1
    team = few.frame["team_id"].iloc[3]
    assert ranks[ranks["team_id"] == team]["value"].isna().all()
    assert pd.notna(ranks[ranks["team_id"] != team]["value"]).all()


def test_one_team_is_explained_as_among_all(make, known):
    model, (sets, prior) = make(), known
    team = int(sets.frame["team_id"].iloc[7])
    everyone, alone = (model_a_levels(model, sets, prior, teams) for teams in (None, [team]))
    for whole, own in zip(everyone, alone, strict=True):
        of_team = whole[whole["team_id"] == team].reset_index(drop=True)
        pd.testing.assert_frame_equal(own.reset_index(drop=True), of_team, atol=2e-6, rtol=0)
