from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
import torch
from pytorch_lightning.loggers import CSVLogger
from sklearn.metrics import ndcg_score

from nba_rank.config.schema import ModelAConfig
from nba_rank.core.errors import UserError
from nba_rank.models.model_a.callbacks.not_learning import NotLearningError
from nba_rank.models.model_a.lightning_module import ModelA


def scores(fitted, sets, prior=None):
    known = pd.DataFrame(index=range(len(sets.frame))) if prior is None else prior
    return fitted.predict(sets, known).score


def spearman(first, second):
    return pd.Series(first).corr(pd.Series(second), method="spearman")


@pytest.fixture(scope="module")
def plain(fit, three_seasons):
    """A network of two epochs, with the default knobs."""
    return fit(*three_seasons)


@pytest.fixture(scope="module")
def prior(three_seasons, make_prior):
    """A team prior of the three seasons; not to be altered."""
    return make_prior(*three_seasons)


# Learning.


@pytest.mark.parametrize("seed", range(3))
def test_on_every_seed_the_loss_falls_and_attention_is_alive(fit, three_seasons, seed):
    fitted = fit(*three_seasons, epochs=10, seed=seed, watch={"enabled": True})
    losses = fitted.losses["train_loss"]
    assert losses.iloc[-1] < losses.iloc[0] - 0.1
    last = fitted.diagnostics.iloc[-1]
    assert 0.2 < last["entropy_ratio"] < 0.98
    assert last["fallback_share"] == 0
    assert np.isfinite(last.filter(like="gradient")).all()


@pytest.mark.parametrize("loss", ["list_mle", "p_list_mle", "soft_spearman"])
def test_every_loss_ranks_strangers_too(fit, three_seasons, make_sets, loss):
    sets, relevance = three_seasons
    epochs = []
    fitted = fit(sets, relevance, epochs=20, loss=loss, on_epoch=lambda: epochs.append(1))
    assert len(epochs) == 20
    assert spearman(scores(fitted, sets), relevance) > 0.7
    strangers, strangers_relevance = make_sets(["2025-26"], seed=9, first_player=900)
    assert spearman(scores(fitted, strangers), strangers_relevance) > 0.6


KNOBS = {
    "list_scope": "league",
    "loss": "soft_spearman",
    "embedding_dim": 5,
    "encoder_dims": [8],
    "dropout": 0.5,
    "attention": {"minutes_bias_weight": 3.0},
    "unknown_player_share": 0.5,
    "learning_rate": 0.003,
    "weight_decay": 0.5,
    "lists_per_batch": 2,
    "dates_per_epoch": 2,
    "n_seeds": 2,
}


def test_every_field_of_the_config_is_among_the_knobs():
    # The team prior, the games and the dropout samples have tests of their own.
    own = {"team_prior", "games", "mc_dropout_samples"}
    assert {field.name for field in fields(ModelAConfig)} == set(KNOBS) | own


@pytest.mark.parametrize(
    "knob",
    [*({name: value} for name, value in KNOBS.items()), {"epochs": 3}, {"clip": 1e-6}],
    ids=lambda knob: next(iter(knob)),
)
def test_every_knob_changes_the_fitted_scores(fit, three_seasons, plain, knob):
    sets, relevance = three_seasons
    changed = scores(fit(sets, relevance, **knob), sets)
    assert np.isfinite(changed).all()
    assert not np.allclose(scores(plain, sets), changed, rtol=0, atol=1e-4)


# Three seasons of three dates with two conferences each.
@pytest.mark.parametrize(("n_dates", "n_lists"), [(3, 6), (27, 18)])
def test_an_epoch_draws_some_dates(fit, three_seasons, n_dates, n_lists):
    fitted = fit(*three_seasons, epochs=1, lists_per_batch=1, dates_per_epoch=n_dates)
    assert fitted.networks[0].losses[0]["step"] + 1 == n_lists


# Chance.


def test_scores_depend_on_the_seed_and_not_on_the_global_random_state(fit, three_seasons, no_prior):
    sets, relevance = three_seasons
    knobs = {"mc_dropout_samples": 3, "dates_per_epoch": 2, "epochs": 1}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (
        fit(sets, relevance, seed=seed, **knobs).predict(sets, no_prior(sets)) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.rand(3), expected)
    assert np.array_equal(first.score, again.score)
    assert np.array_equal(first.attention, again.attention)
    assert first.intervals.equals(again.intervals)
    assert not np.allclose(first.score, other.score)


def test_the_networks_of_an_ensemble_differ_and_the_first_is_the_same_alone(
    fit, three_seasons, plain, tmp_path
):
    several = fit(
        *three_seasons,
        n_seeds=2,
        loggers=lambda network: [CSVLogger(tmp_path, name="", version=f"network_{network}")],
    )
    assert plain.networks[0].seed == several.networks[0].seed != several.networks[1].seed
    first, second = (network.ranker.state_dict() for network in several.networks)
    for name, value in plain.networks[0].ranker.state_dict().items():
        assert torch.equal(value, first[name])
    assert not torch.equal(first["encoder.0.weight"], second["encoder.0.weight"])
    assert several.losses["network"].tolist() == [0, 0, 1, 1]
    assert several.losses["epoch"].tolist() == [0, 1] * 2
    assert set(several.diagnostics["network"]) == {0, 1}
    for network, losses in several.losses.groupby("network"):
        logged = pd.read_csv(tmp_path / f"network_{network}" / "metrics.csv")
        by_epoch = logged.dropna(subset="train_loss")
        assert by_epoch["train_loss"].to_numpy() == pytest.approx(losses["train_loss"].to_numpy())
        assert by_epoch["entropy_ratio"].between(0, 1).all()


# Team prior.


def test_the_warm_start_ranks_and_training_improves_on_it(fit, three_seasons, prior):
    sets, relevance = three_seasons
    without = fit(sets, relevance, epochs=1, learning_rate=1e-8)
    started, trained = (
        fit(sets, relevance, prior, epochs=epochs, learning_rate=rate)
        for epochs, rate in ((1, 1e-8), (15, 0.01))
    )
    # The scorer starts at zero: the warm start of the skip ranks alone.
    warm = spearman(scores(started, sets, prior), relevance)
    assert warm > 0.8
    assert spearman(scores(without, sets), relevance) < 0.5
    loss = started.losses["train_loss"].item()
    assert loss < without.losses["train_loss"].item() - 0.3
    assert trained.losses["train_loss"].iloc[-1] < loss - 0.1
    first, last = (fitted.networks[0].ranker.skip.weight for fitted in (started, trained))
    assert torch.equal(first, last), "it does not train"
    part = pd.DataFrame(trained.networks[0].losses)["set_loss"]
    assert part.iloc[-1] < part.iloc[0] - 0.02
    assert spearman(scores(trained, sets, prior), relevance) > warm


def test_every_feature_of_the_prior_reaches_the_score_and_unknown_is_the_mean(
    fit, three_seasons, prior
):
    sets, relevance = three_seasons
    fitted = fit(sets, relevance, prior)
    expected = scores(fitted, sets, prior)
    for name in prior.columns:
        assert not np.allclose(expected, scores(fitted, sets, prior.assign(**{name: 0.3})))
    mean = prior.assign(rating=prior["rating"].mean())
    unknown = scores(fitted, sets, prior.assign(rating=np.nan))
    assert unknown == pytest.approx(scores(fitted, sets, mean), abs=1e-5)
    by_name = prior[list(prior.columns[::-1])]
    assert np.array_equal(scores(fitted, sets, by_name), expected)


# Early stopping.


def test_early_stopping_keeps_the_weights_of_the_sets_lowest_validation_loss(
    fit, three_seasons, prior
):
    sets, relevance = three_seasons
    newest = np.flatnonzero(sets.frame["season"] == "2021-22")
    # What the first two seasons teach is wrong in the newest one.
    upside_down = relevance.copy()
    upside_down[newest] = 1 - relevance[newest]
    fitted = fit(sets, upside_down, prior, epochs=40, patience=2)
    losses = pd.DataFrame(fitted.networks[0].losses)
    val_loss = losses["val_set_loss"]
    assert 3 <= len(val_loss) < 40
    assert val_loss.iloc[-1] > val_loss.min()
    batch = fitted.inputs.lists(
        sets.take(newest), prior.iloc[newest], upside_down[newest], "conference"
    ).tensors
    network = fitted.networks[0]
    with torch.inference_mode():
        ranked = network.score_batch(batch)
        kept = [part.item() for part in network.set_loss(ranked, batch)]
    best = min(network.losses, key=lambda row: row["val_set_loss"])
    assert kept == pytest.approx([best["val_loss"], best["val_set_loss"]], rel=1e-4)
    ndcg = [
        ndcg_score([list_relevance[teams].numpy()], [list_score[teams].numpy()])
        for list_relevance, list_score, teams in zip(
            batch["relevance"], ranked.score, batch["team_mask"], strict=True
        )
    ]
    assert best["val_ndcg"] == pytest.approx(np.mean(ndcg), rel=1e-4)


def test_each_network_holds_out_every_third_season_and_learns_nothing_from_it(fit, make_sets):
    seasons = ["2018-19", "2019-20", "2020-21", "2021-22"]
    sets, relevance = make_sets(seasons)
    plain = fit(sets, relevance, epochs=1, patience=5, n_seeds=3)
    for season in seasons[1:]:
        upside_down = np.where(sets.frame["season"] == season, 1 - relevance, relevance)
        changed = fit(sets, upside_down.astype("f4"), epochs=1, patience=5, n_seeds=3)
        trained = [
            not torch.equal(one.ranker.encoder[0].weight, other.ranker.encoder[0].weight)
            for one, other in zip(plain.networks, changed.networks, strict=True)
        ]
        held_out = seasons[::-1].index(season)
        assert trained == [network != held_out for network in range(3)]
        different = plain.losses["val_loss"] != changed.losses["val_loss"]
        assert different[held_out]


@pytest.mark.parametrize("patience", [0, 9])
def test_all_epochs_run_and_without_patience_all_seasons_teach(fit, three_seasons, patience):
    sets, relevance = three_seasons
    fitted = fit(sets, relevance, epochs=3, patience=patience)
    assert fitted.losses["epoch"].tolist() == [0, 1, 2]
    assert fitted.losses["val_loss"].isna().all() == (patience == 0)
    assert fitted.inputs.vocabulary.player_ids.tolist() == np.unique(sets.player_id)[1:].tolist()


def test_early_stopping_with_two_seasons_is_refused(fit, make_sets):
    sets, relevance = make_sets(["2020-21", "2021-22"])
    with pytest.raises(UserError, match="early_stopping_patience=0"):
        fit(sets, relevance, patience=2)


# What goes wrong.


@pytest.mark.parametrize("restart", [False, True])
def test_a_network_that_does_not_learn_is_named_after_a_restart_if_asked(
    fit, three_seasons, restart
):
    sets, relevance = three_seasons
    epochs = []
    with pytest.raises(NotLearningError, match="network 0") as caught:
        fit(
            sets,
            np.full_like(relevance, 0.5),
            epochs=5,
            on_epoch=lambda: epochs.append(1),
            watch={"enabled": True, "patience": 2, "restart": restart},
        )
    assert caught.value.verdict.epoch < 5
    one_attempt = caught.value.verdict.epoch + 1
    assert len(epochs) == one_attempt * (2 if restart else 1)


def test_a_restart_learns_from_another_seed(fit, three_seasons, plain, monkeypatch):
    """The first network is called dead whatever it does."""
    from nba_rank.models.model_a.callbacks import not_learning

    judge, judged = not_learning.cause_in_data, []

    def first_is_dead(found):
        judged.append(found)
        return not_learning.Cause.CONSTANT_INPUTS if len(judged) == 1 else judge(found)

    monkeypatch.setattr(not_learning, "cause_in_data", first_is_dead)
    fitted = fit(*three_seasons, watch={"enabled": True, "patience": 1, "restart": True})
    assert len(judged) == 3
    assert len(fitted.networks) == 1
    assert fitted.networks[0].seed != plain.networks[0].seed
    assert fitted.losses["epoch"].tolist() == [0, 1]


@pytest.mark.parametrize(
    "watch", [{}, {"watch": {"enabled": True}}, {"watch": {"enabled": True}, "patience": 2}]
)
def test_a_blown_up_loss_stops_with_the_remedy(fit, three_seasons, watch):
    with pytest.raises(UserError, match=r"model\.model_a\.learning_rate") as caught:
        fit(*three_seasons, epochs=5, learning_rate=1e30, **watch)
    assert isinstance(caught.value, NotLearningError) == bool(watch)


def test_a_gpu_without_enough_memory_is_an_error_with_the_remedy(
    fit, three_seasons, plain, no_prior, monkeypatch
):
    def refuse(*args, **kwargs):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    sets, relevance = three_seasons
    monkeypatch.setattr(ModelA, "score_batch", refuse)
    with pytest.raises(
        UserError, match=r"training .* lower model\.model_a\.lists_per_batch.*2\.00"
    ):
        fit(sets, relevance)
    with pytest.raises(UserError, match=r"predicting .* lower model\.model_a\.mc_dropout_samples"):
        plain.predict(sets, no_prior(sets))


def test_infinite_columns_are_refused_by_name(fit, three_seasons, prior):
    sets, relevance = three_seasons
    stats = sets.stats.copy()
    stats[0, 0, 0] = np.inf
    with pytest.raises(UserError, match="skill"):
        fit(replace(sets, stats=stats), relevance)
    infinite = prior.copy()
    infinite.loc[3, "rating"] = np.inf
    with pytest.raises(UserError, match="rating"):
        fit(sets, relevance, infinite)


def test_ctrl_c_reaches_the_caller(fit, three_seasons):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(*three_seasons, on_epoch=stop)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_network_fitted_on_the_gpu_predicts_there(fit, three_seasons, prior):
    sets, relevance = three_seasons
    fitted = fit(
        sets, relevance, prior, accelerator="gpu", epochs=12, patience=11, mc_dropout_samples=3
    )
    assert {value.device.type for value in fitted.networks[0].parameters()} == {"cuda"}
    assert fitted.losses["train_loss"].iloc[-1] < fitted.losses["train_loss"].iloc[0] - 0.1
    assert spearman(scores(fitted, sets, prior), relevance) > 0.8
