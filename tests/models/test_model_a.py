from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from nba_rank.config import ModelAConfig
from nba_rank.features.roster import player_sets
from nba_rank.lists import Vocabulary, list_tensors
from nba_rank.models.listmle import list_mle
from nba_rank.models.model_a import FittedModelA, ModelA, fit_model_a

SMALL = ModelAConfig(
    list_scope="conference",
    embedding_dim=3,
    encoder_dims=[12, 8],
    n_heads=2,
    attention="learned",
    minutes_bias_weight=1.0,
    dropout=0.1,
    unknown_player_share=0.1,
    learning_rate=0.01,
    weight_decay=0.01,
    lists_per_batch=4,
)


@pytest.fixture(scope="module")
def fit(compose_as_is):
    """Fits a small model A: `fit(sets, relevance, epochs=2, patience=0, seed=1, **knobs)`."""
    config = compose_as_is("trainer=cpu", "callbacks=quiet")

    def run(
        sets, relevance, epochs=2, patience=0, seed=1, on_epoch=lambda: None, clip=1.0, **knobs
    ):
        trainer = replace(config.trainer, max_epochs=epochs, num_threads=1, gradient_clip_val=clip)
        ready = replace(
            config,
            model=replace(config.model, model_a=replace(SMALL, **knobs)),
            trainer=trainer,
            callbacks=replace(config.callbacks, early_stopping_patience=patience),
        )
        return fit_model_a(sets, relevance, ready, seed, on_epoch)

    return run


def scores(fitted, sets):
    return fitted.predict(sets)[0]


def of_season(sets, season):
    return sets.take(np.flatnonzero(sets.frame["season"] == season))


def spearman(first, second):
    return pd.Series(first).corr(pd.Series(second), method="spearman")


def test_the_loss_falls_and_the_scores_rank_by_the_relevance(fit, three_seasons, make_sets):
    sets, relevance = three_seasons
    epochs = []
    fitted = fit(sets, relevance, epochs=25, on_epoch=lambda: epochs.append(1))
    losses = fitted.losses["train_loss"]
    assert losses.iloc[-1] < losses.iloc[0] - 0.2
    assert losses.iloc[-5:].mean() < losses.iloc[5:10].mean()
    assert fitted.losses["epoch"].tolist() == list(range(25))
    assert len(epochs) == 25
    assert spearman(scores(fitted, sets), relevance) > 0.8
    strangers, strangers_relevance = make_sets(["2025-26"], seed=9, first_player=900)
    assert spearman(scores(fitted, strangers), strangers_relevance) > 0.6


def test_trained_attention_is_neither_zero_nor_uniform(fit, three_seasons):
    sets, relevance = three_seasons
    trained, untrained = (
        fit(sets, relevance, epochs=20, minutes_bias_weight=0.0, learning_rate=rate).predict(sets)[
            1
        ]
        for rate in (0.01, 1e-8)
    )
    taken = sets.player_id != 0
    assert trained.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (trained[~taken] == 0).all()
    assert (trained[taken] > 0).all()
    to_uniform = (trained * taken.sum(axis=1, keepdims=True))[taken]
    assert to_uniform.std() > 0.03
    assert np.abs(trained - untrained).max() > 0.01


def test_uniform_attention_weighs_every_player_alike_and_changes_the_scores(fit, three_seasons):
    sets, relevance = three_seasons
    uniform, learned = (
        fit(sets, relevance, attention=attention).predict(sets)
        for attention in ("uniform", "learned")
    )
    taken = sets.player_id != 0
    expected = taken / taken.sum(axis=1, keepdims=True)
    assert uniform[1] == pytest.approx(expected, abs=1e-6)
    assert not np.allclose(uniform[0], learned[0], atol=1e-3)


@pytest.mark.parametrize(
    "knob",
    [
        {"minutes_bias_weight": 3.0},
        {"dropout": 0.5},
        {"unknown_player_share": 0.5},
        {"n_heads": 4},
        {"embedding_dim": 5},
        {"encoder_dims": [8]},
        {"list_scope": "league"},
        {"learning_rate": 0.003},
        {"weight_decay": 0.5},
        {"lists_per_batch": 2},
        {"epochs": 3},
    ],
    ids=lambda knob: next(iter(knob)),
)
def test_every_knob_changes_the_fitted_scores(fit, three_seasons, knob):
    sets, relevance = three_seasons
    plain, changed = scores(fit(sets, relevance), sets), scores(fit(sets, relevance, **knob), sets)
    assert np.isfinite(changed).all()
    assert not np.allclose(plain, changed, rtol=0, atol=1e-4)


def test_gradient_clipping_changes_the_fitted_scores(fit, three_seasons):
    sets, relevance = three_seasons
    loose, tight = (scores(fit(sets, relevance, clip=clip), sets) for clip in (1.0, 1e-6))
    assert not np.allclose(loose, tight, rtol=0, atol=1e-4)


def test_the_same_seed_gives_identical_scores_and_another_seed_others(fit, three_seasons):
    sets, relevance = three_seasons
    first, again, other = (fit(sets, relevance, seed=seed).predict(sets) for seed in (1, 1, 2))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.allclose(first[0], other[0])


def test_fitting_leaves_the_global_random_state_alone(fit, three_seasons):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(*three_seasons)
    assert torch.equal(torch.rand(3), expected)


def test_the_order_of_the_rows_does_not_move_a_score_to_another_team(fit, three_seasons):
    sets, relevance = three_seasons
    fitted = fit(sets, relevance)
    order = np.random.default_rng(0).permutation(len(relevance))
    shuffled, _ = fitted.predict(sets.take(order))
    assert shuffled == pytest.approx(scores(fitted, sets)[order], abs=1e-5)


def test_a_saved_model_scores_identically(fit, three_seasons, tmp_path):
    sets, relevance = three_seasons
    fitted = fit(sets, relevance)
    fitted.save(tmp_path / "model_a.pt")
    loaded = FittedModelA.load(tmp_path / "model_a.pt")
    for got, expected in zip(loaded.predict(sets), fitted.predict(sets), strict=True):
        assert np.array_equal(got, expected)
    assert loaded.columns == fitted.columns
    assert loaded.module.config == fitted.module.config
    pd.testing.assert_frame_equal(loaded.losses, fitted.losses)


@pytest.mark.parametrize("scope", ["conference", "league"])
def test_a_date_alone_scores_exactly_as_among_many(fit, three_seasons, scope):
    sets, relevance = three_seasons
    fitted = fit(sets, relevance, list_scope=scope)
    together, attention = fitted.predict(sets)
    for _, rows in sets.frame.groupby(["season", "as_of_date"]):
        alone, alone_attention = fitted.predict(sets.take(rows.index.to_numpy()))
        assert np.array_equal(alone, together[rows.index])
        assert np.array_equal(alone_attention, attention[rows.index])


def test_other_player_columns_are_refused_by_name(fit, three_seasons):
    sets, relevance = three_seasons
    fitted = fit(sets, relevance)
    other = replace(sets, columns=["skill", "sometimes_unknown", "noise_1", "age"])
    with pytest.raises(ValueError, match=r"\['age', 'noise_2'\]"):
        fitted.predict(other)
    with pytest.raises(ValueError, match="other player columns"):
        fitted.predict(replace(sets, columns=sets.columns[::-1]))


def test_unknown_players_share_one_row_and_known_ones_do_not(fit, three_seasons):
    sets, relevance = three_seasons
    fitted = fit(sets, relevance)
    taken = sets.player_id != 0
    first, second = (
        scores(fitted, replace(sets, player_id=np.where(taken, stranger, 0)))
        for stranger in (5_000_000, 7_777_777)
    )
    assert np.array_equal(first, second)
    assert not np.allclose(first, scores(fitted, sets), rtol=0, atol=1e-6)
    assert fitted.vocabulary.rows(np.array([0, 5_000_000, 100])).tolist() == [0, 0, 1]


def test_the_row_of_unknown_players_is_learned(fit, three_seasons):
    sets, relevance = three_seasons
    slow, fast = (
        fit(sets, relevance, weight_decay=0.0, learning_rate=rate).module.ranker.embedding.weight
        for rate in (1e-3, 1e-1)
    )
    assert not torch.equal(slow[1], fast[1])
    assert not torch.equal(slow[0], fast[0])


def test_a_vocabulary_knows_its_players_only():
    vocabulary = Vocabulary.of(np.array([[7, 0], [3, 7], [0, 11]]))
    assert vocabulary.player_ids.tolist() == [3, 7, 11]
    assert len(vocabulary) == 4
    assert vocabulary.rows(np.array([[3, 7], [11, 4], [0, 99]])).tolist() == [
        [1, 2],
        [3, 0],
        [0, 0],
    ]


def test_early_stopping_holds_out_the_newest_season_and_stops(fit, three_seasons):
    sets, relevance = three_seasons
    newest = (sets.frame["season"] == "2021-22").to_numpy()
    # What is learnt from the first two seasons is upside down in the newest one.
    upside_down = np.where(newest, 1 - relevance, relevance)
    fitted = fit(sets, upside_down, epochs=40, patience=2)
    assert "val_loss" in fitted.losses
    assert 3 <= len(fitted.losses) < 40
    assert fitted.losses["val_loss"].iloc[-1] > fitted.losses["val_loss"].min()
    assert len(fit(sets, relevance, epochs=10, patience=9).losses) == 10


def test_early_stopping_keeps_the_weights_of_the_lowest_validation_loss(fit, three_seasons):
    sets, relevance = three_seasons
    newest = np.flatnonzero(sets.frame["season"] == "2021-22")
    upside_down = relevance.copy()
    upside_down[newest] = 1 - relevance[newest]
    fitted = fit(sets, upside_down, epochs=40, patience=2)
    lists = list_tensors(
        sets.take(newest), upside_down[newest], "conference", fitted.scaler, fitted.vocabulary
    ).tensors
    with torch.inference_mode():
        score, _ = fitted.module.ranker(
            lists["stats"], lists["player"], lists["minutes_share"], lists["team_mask"]
        )
    kept = list_mle(score, lists["relevance"], lists["team_mask"]).item()
    assert kept == pytest.approx(fitted.losses["val_loss"].min(), rel=1e-4)


def test_what_is_held_out_teaches_nothing(fit, make_sets):
    sets, relevance = make_sets(["2019-20", "2020-21"])
    newest = np.flatnonzero(sets.frame["season"] == "2020-21")
    moved = replace(sets, player_id=sets.player_id.copy(), stats=sets.stats.copy())
    moved.player_id[newest] += np.where(moved.player_id[newest] > 0, 1000, 0)
    moved.stats[newest] *= 100
    plain, other = (fit(some, relevance, epochs=2, patience=5) for some in (sets, moved))
    assert np.array_equal(plain.vocabulary.player_ids, other.vocabulary.player_ids)
    assert np.array_equal(plain.scaler.mean, other.scaler.mean)
    assert np.array_equal(scores(plain, sets), scores(other, sets))
    assert plain.losses["val_loss"].iloc[0] != other.losses["val_loss"].iloc[0]


def test_without_patience_all_seasons_teach_and_all_epochs_run(fit, three_seasons):
    sets, relevance = three_seasons
    fitted = fit(sets, relevance, epochs=3)
    assert len(fitted.losses) == 3
    assert "val_loss" not in fitted.losses
    assert fitted.vocabulary.player_ids.tolist() == np.unique(sets.player_id)[1:].tolist()


def test_early_stopping_with_one_season_is_refused(fit, make_sets):
    sets, relevance = make_sets(["2021-22"])
    with pytest.raises(ValueError, match="early_stopping_patience=0"):
        fit(sets, relevance, patience=2)


def test_a_loss_that_is_not_finite_stops_with_the_remedy(fit, three_seasons):
    with pytest.raises(FloatingPointError, match=r"model\.model_a\.learning_rate"):
        fit(*three_seasons, epochs=5, learning_rate=1e30)


def test_infinite_player_columns_are_not_replaced_in_silence(fit, three_seasons):
    sets, relevance = three_seasons
    stats = sets.stats.copy()
    stats[0, 0, 0] = np.inf
    with pytest.raises((FloatingPointError, ValueError), match=r"finite|features|skill"):
        fit(replace(sets, stats=stats), relevance)


def test_a_stop_by_the_user_reaches_the_caller(fit, three_seasons):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(*three_seasons, on_epoch=stop)


def test_a_checkpoint_alone_rebuilds_its_network(fit, three_seasons, tmp_path):
    sets, relevance = three_seasons
    fitted = fit(sets, relevance, n_heads=4, attention="uniform", encoder_dims=[4, 4, 4])
    fitted.save(tmp_path / "model_a.pt")
    loaded = FittedModelA.load(tmp_path / "model_a.pt").module
    assert isinstance(loaded, ModelA)
    assert loaded.ranker.attention.uniform
    assert loaded.ranker.attention.n_heads == 4
    assert len([layer for layer in loaded.ranker.encoder if hasattr(layer, "weight")]) == 3


def test_it_learns_from_a_simulated_league(fit, sim_tables, compose):
    seasons = sim_tables.seasons
    dates = pd.DataFrame(
        {
            "season": np.repeat(seasons["season"].to_numpy(), 3),
            "as_of_date": [
                first + pd.Timedelta(days=days)
                for first in seasons["first_date"]
                for days in (60, 100, 140)
            ],
        }
    ).astype({"season": "str", "as_of_date": "datetime64[us]"})
    sets = player_sets(sim_tables, dates, compose().features.roster)
    wins = sim_tables.team_games.groupby(["season", "team_id"])["won"].sum().rename("wins")
    joined = sets.frame.join(wins, on=["season", "team_id"])["wins"]
    relevance = joined.to_numpy(dtype=np.float32)
    test = (sets.frame["season"] == "2023-24").to_numpy()
    fitted = fit(sets.take(np.flatnonzero(~test)), relevance[~test], epochs=15, patience=0)
    losses = fitted.losses["train_loss"]
    assert losses.iloc[-1] < losses.iloc[0] - 0.1
    newest = of_season(sets, "2023-24")
    score, attention = fitted.predict(newest)
    assert spearman(score, relevance[test]) > 0.3
    taken = newest.player_id != 0
    assert attention.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (attention[~taken] == 0).all()
    assert (attention.max(axis=1) > 1.2 / taken.sum(axis=1)).all()
    assert not np.allclose(attention, newest.minutes_share, atol=1e-3)
