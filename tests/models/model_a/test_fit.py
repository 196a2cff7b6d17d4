from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
import torch
from pytorch_lightning.loggers import CSVLogger
from sklearn.metrics import ndcg_score

from nba_rank.config.schema import ModelAConfig
from nba_rank.core.errors import UserError
from nba_rank.features.players.impact import player_ratings
from nba_rank.features.roster import player_sets
from nba_rank.models.model_a.callbacks.not_learning import NotLearningError


def scores(fitted, sets, prior=None):
    known = pd.DataFrame(index=range(len(sets.frame))) if prior is None else prior
    return fitted.predict(sets, known).score


def spearman(first, second):
    return pd.Series(first).corr(pd.Series(second), method="spearman")


def of_season(sets, season):
    return sets.take(np.flatnonzero(sets.frame["season"] == season))


# Learning.


@pytest.mark.parametrize("seed", range(5))
def test_on_every_seed_the_loss_falls_and_attention_is_alive(fit, three_seasons, seed):
    fitted = fit(*three_seasons, epochs=12, seed=seed, watch={"enabled": True})
    losses = fitted.losses["train_loss"]
    assert losses.iloc[-1] < losses.iloc[0] - 0.1
    last = fitted.diagnostics.iloc[-1]
    assert 0.2 < last["entropy_ratio"] < 0.98
    assert last["fallback_share"] == 0
    assert np.isfinite(last.filter(like="gradient")).all()


def test_the_scores_rank_by_the_relevance_among_strangers_too(fit, three_seasons, make_sets):
    sets, relevance = three_seasons
    epochs = []
    fitted = fit(sets, relevance, epochs=25, on_epoch=lambda: epochs.append(1))
    losses = fitted.losses["train_loss"]
    assert losses.iloc[-1] < losses.iloc[0] - 0.2
    assert losses.iloc[-5:].mean() < losses.iloc[5:10].mean()
    assert len(epochs) == 25
    assert spearman(scores(fitted, sets), relevance) > 0.8
    strangers, strangers_relevance = make_sets(["2025-26"], seed=9, first_player=900)
    assert spearman(scores(fitted, strangers), strangers_relevance) > 0.6


def test_trained_attention_is_neither_zero_nor_uniform(fit, three_seasons, no_prior):
    sets, relevance = three_seasons
    trained, untrained = (
        fit(
            sets,
            relevance,
            epochs=20,
            attention={"minutes_bias_weight": 0.0},
            learning_rate=rate,
        )
        .predict(sets, no_prior(sets))
        .attention
        for rate in (0.01, 1e-8)
    )
    taken = sets.player_id != 0
    assert trained.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (trained[~taken] == 0).all()
    assert (trained[taken] > 0).all()
    to_uniform = (trained * taken.sum(axis=1, keepdims=True))[taken]
    assert to_uniform.std() > 0.03
    assert np.abs(trained - untrained).max() > 0.01


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
    "dates_per_season": 2,
    "n_seeds": 2,
}


def test_every_field_of_the_config_is_among_the_knobs():
    # The team prior and the dropout samples have tests of their own.
    own = {"team_prior", "mc_dropout_samples"}
    assert {field.name for field in fields(ModelAConfig)} == set(KNOBS) | own


@pytest.mark.parametrize(
    "knob",
    [*({name: value} for name, value in KNOBS.items()), {"epochs": 3}, {"clip": 1e-6}],
    ids=lambda knob: next(iter(knob)),
)
def test_every_knob_changes_the_fitted_scores(fit, three_seasons, knob):
    sets, relevance = three_seasons
    plain, changed = scores(fit(sets, relevance), sets), scores(fit(sets, relevance, **knob), sets)
    assert np.isfinite(changed).all()
    assert not np.allclose(plain, changed, rtol=0, atol=1e-4)


@pytest.mark.parametrize("loss", ["list_mle", "p_list_mle", "soft_spearman"])
def test_every_loss_ranks(fit, three_seasons, loss):
    sets, relevance = three_seasons
    fitted = fit(sets, relevance, epochs=20, loss=loss)
    assert spearman(scores(fitted, sets), relevance) > 0.7


def test_an_epoch_draws_some_dates_of_each_season(fit, three_seasons, tmp_path):
    sets, relevance = three_seasons
    # Three seasons of three dates with two conferences each.
    for per_season, n_lists in {0: 18, 1: 6, 2: 12, 3: 18, 9: 18}.items():
        folder = tmp_path / str(per_season)
        fit(
            sets,
            relevance,
            epochs=1,
            lists_per_batch=1,
            dates_per_season=per_season,
            loggers=lambda _, folder=folder: [CSVLogger(folder, name="", version="")],
        )
        steps = pd.read_csv(folder / "metrics.csv").dropna(subset="train_loss")["step"]
        assert steps.item() + 1 == n_lists


# Chance.


def test_the_same_seed_gives_identical_scores_and_another_seed_others(fit, three_seasons, no_prior):
    sets, relevance = three_seasons
    knobs = {"mc_dropout_samples": 3, "dates_per_season": 2}
    first, again, other = (
        fit(sets, relevance, seed=seed, **knobs).predict(sets, no_prior(sets)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.score, again.score)
    assert np.array_equal(first.attention, again.attention)
    assert first.intervals.equals(again.intervals)
    assert not np.allclose(first.score, other.score)


def test_fitting_and_predicting_leave_the_global_random_state_alone(fit, three_seasons, no_prior):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fitted = fit(*three_seasons, mc_dropout_samples=2)
    fitted.predict(three_seasons[0], no_prior(three_seasons[0]))
    assert torch.equal(torch.rand(3), expected)


def test_the_networks_of_an_ensemble_differ_and_the_first_is_the_same_alone(fit, three_seasons):
    sets, relevance = three_seasons
    alone, several = fit(sets, relevance), fit(sets, relevance, n_seeds=3)
    assert len(several.networks) == 3
    assert len({network.seed for network in several.networks}) == 3
    assert alone.networks[0].seed == several.networks[0].seed
    first, second, third = (network.ranker.state_dict() for network in several.networks)
    for name, value in alone.networks[0].ranker.state_dict().items():
        assert torch.equal(value, first[name])
    assert not torch.equal(second["encoder.0.weight"], third["encoder.0.weight"])
    assert several.losses["network"].tolist() == [0, 0, 1, 1, 2, 2]
    assert several.losses["epoch"].tolist() == [0, 1] * 3
    assert set(several.diagnostics["network"]) == {0, 1, 2}


# Team prior.


def test_the_warm_start_beats_the_players_alone_before_the_first_step(
    fit, three_seasons, make_prior
):
    sets, relevance = three_seasons
    prior = make_prior(sets, relevance)
    with_prior, without = (
        fit(sets, relevance, known, epochs=1, learning_rate=1e-8) for known in (prior, None)
    )
    # The scorer starts at zero: what is ranked here is the warm start of the skip.
    assert spearman(scores(with_prior, sets, prior), relevance) > 0.8
    assert spearman(scores(without, sets), relevance) < 0.5
    untrained, guess = with_prior.losses["train_loss"].item(), without.losses["train_loss"].item()
    assert untrained < guess - 0.3


def test_training_improves_on_the_warm_start_and_moves_the_skip(fit, three_seasons, make_prior):
    sets, relevance = three_seasons
    prior = make_prior(sets, relevance)
    started, trained = (
        fit(sets, relevance, prior, epochs=epochs, learning_rate=rate)
        for epochs, rate in ((1, 1e-8), (20, 0.01))
    )
    assert trained.losses["train_loss"].iloc[-1] < started.losses["train_loss"].item() - 0.1
    first, last = (fitted.networks[0].ranker.skip.weight for fitted in (started, trained))
    assert not torch.allclose(first, last, atol=1e-3)
    better = spearman(scores(trained, sets, prior), relevance)
    assert better > spearman(scores(started, sets, prior), relevance)


def test_every_feature_of_the_prior_reaches_the_score_and_unknown_is_the_mean(
    fit, three_seasons, make_prior
):
    sets, relevance = three_seasons
    prior = make_prior(sets, relevance)
    fitted = fit(sets, relevance, prior)
    plain = scores(fitted, sets, prior)
    for name in prior.columns:
        assert not np.allclose(plain, scores(fitted, sets, prior.assign(**{name: 0.3})))
    mean = prior.assign(rating=prior["rating"].mean())
    unknown = scores(fitted, sets, prior.assign(rating=np.nan))
    assert unknown == pytest.approx(scores(fitted, sets, mean), abs=1e-5)
    by_name = prior[list(prior.columns[::-1])]
    assert np.array_equal(scores(fitted, sets, by_name), plain)


# Early stopping.


def upside_down_at_the_end(sets, relevance):
    """What is learnt from the first two seasons is wrong in the newest one."""
    newest = (sets.frame["season"] == sets.frame["season"].max()).to_numpy()
    return np.where(newest, 1 - relevance, relevance)


def test_early_stopping_holds_out_the_newest_season_and_stops(fit, three_seasons):
    sets, relevance = three_seasons
    fitted = fit(sets, upside_down_at_the_end(sets, relevance), epochs=40, patience=2)
    val_loss = fitted.losses["val_loss"]
    assert 3 <= len(val_loss) < 40
    assert val_loss.iloc[-1] > val_loss.min()
    assert len(fit(sets, relevance, epochs=10, patience=9).losses) == 10


def test_early_stopping_keeps_the_weights_of_the_lowest_validation_loss(
    fit, three_seasons, make_prior
):
    sets, relevance = three_seasons
    upside_down = upside_down_at_the_end(sets, relevance)
    prior = make_prior(sets, relevance)
    fitted = fit(sets, upside_down, prior, epochs=40, patience=2)
    newest = np.flatnonzero(sets.frame["season"] == "2021-22")
    batch = fitted.inputs.lists(
        sets.take(newest), prior.iloc[newest], upside_down[newest], "conference"
    ).tensors
    network = fitted.networks[0]
    with torch.inference_mode():
        ranked = network.score_batch(batch)
        kept = network.loss(ranked, batch).item()
    assert kept == pytest.approx(fitted.losses["val_loss"].min(), rel=1e-4)
    best = min(network.losses, key=lambda row: row["val_loss"])
    ndcg = [
        ndcg_score([list_relevance[teams].numpy()], [list_score[teams].numpy()])
        for list_relevance, list_score, teams in zip(
            batch["relevance"], ranked.score, batch["team_mask"], strict=True
        )
    ]
    assert best["val_ndcg"] == pytest.approx(np.mean(ndcg), rel=1e-4)


def test_what_is_held_out_teaches_nothing(fit, make_sets, make_prior):
    sets, relevance = make_sets(["2019-20", "2020-21"])
    prior = make_prior(sets, relevance)
    newest = np.flatnonzero(sets.frame["season"] == "2020-21")
    moved = replace(sets, player_id=sets.player_id.copy(), stats=sets.stats.copy())
    moved.player_id[newest] += np.where(moved.player_id[newest] > 0, 1000, 0)
    moved.stats[newest] *= 100
    moved_prior = prior.copy()
    moved_prior.loc[newest, "rating"] *= -7
    plain, other = (
        fit(some, relevance, known, epochs=1, patience=5)
        for some, known in ((sets, prior), (moved, moved_prior))
    )
    for name, value in plain.inputs.state().items():
        assert np.array_equal(value, other.inputs.state()[name]), name
    assert np.array_equal(scores(plain, sets, prior), scores(other, sets, prior))
    assert plain.losses["val_loss"].iloc[0] != other.losses["val_loss"].iloc[0]


def test_without_patience_all_seasons_teach_and_all_epochs_run(fit, three_seasons):
    sets, relevance = three_seasons
    fitted = fit(sets, relevance, epochs=3)
    assert fitted.losses["epoch"].tolist() == [0, 1, 2]
    assert fitted.losses["val_loss"].isna().all()
    assert fitted.inputs.vocabulary.player_ids.tolist() == np.unique(sets.player_id)[1:].tolist()


def test_early_stopping_with_one_season_is_refused(fit, make_sets):
    sets, relevance = make_sets(["2021-22"])
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
            epochs=20,
            on_epoch=lambda: epochs.append(1),
            watch={"enabled": True, "patience": 2, "restart": restart},
        )
    assert caught.value.verdict.epoch < 5
    one_attempt = caught.value.verdict.epoch + 1
    assert len(epochs) == one_attempt * (2 if restart else 1)


def test_a_restart_learns_from_another_seed(fit, three_seasons, monkeypatch):
    """The first network is called dead whatever it does."""
    from nba_rank.models.model_a.callbacks import not_learning

    judge, judged = not_learning.cause_in_data, []

    def first_is_dead(found):
        judged.append(found)
        return not_learning.Cause.CONSTANT_INPUTS if len(judged) == 1 else judge(found)

    plain = fit(*three_seasons)
    monkeypatch.setattr(not_learning, "cause_in_data", first_is_dead)
    fitted = fit(*three_seasons, watch={"enabled": True, "patience": 1, "restart": True})
    assert len(judged) == 3
    assert len(fitted.networks) == 1
    assert fitted.networks[0].seed != plain.networks[0].seed
    assert fitted.losses["epoch"].tolist() == [0, 1]


def test_a_blown_up_loss_is_named_by_the_watch_or_stops_with_the_remedy(fit, three_seasons):
    with pytest.raises(UserError, match=r"model\.model_a\.learning_rate"):
        fit(*three_seasons, epochs=5, learning_rate=1e30)
    with pytest.raises(UserError, match=r"model\.model_a\.learning_rate"):
        fit(*three_seasons, epochs=5, learning_rate=1e30, watch={"enabled": True})


def test_a_stop_in_the_first_epoch_leaves_early_stopping_whole(fit, three_seasons):
    with pytest.raises(NotLearningError):
        fit(*three_seasons, epochs=5, patience=2, learning_rate=1e30, watch={"enabled": True})


def test_infinite_columns_are_not_replaced_in_silence(fit, three_seasons, make_prior):
    sets, relevance = three_seasons
    stats = sets.stats.copy()
    stats[0, 0, 0] = np.inf
    with pytest.raises(UserError, match="skill"):
        fit(replace(sets, stats=stats), relevance)
    prior = make_prior(sets, relevance)
    prior.loc[3, "rating"] = np.inf
    with pytest.raises(UserError, match="rating"):
        fit(sets, relevance, prior)


def test_a_stop_by_the_user_reaches_the_caller(fit, three_seasons):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(*three_seasons, on_epoch=stop)


def test_it_learns_from_a_simulated_league(fit, sim_tables, compose, no_prior):
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
    features = compose().features
    ratings = player_ratings(sim_tables, dates, features.impact)
    sets = player_sets(sim_tables, ratings, dates, features.roster)
    wins = sim_tables.team_games.groupby(["season", "team_id"])["won"].sum().rename("wins")
    joined = sets.frame.join(wins, on=["season", "team_id"])["wins"]
    relevance = joined.to_numpy(dtype=np.float32)
    test = (sets.frame["season"] == "2023-24").to_numpy()
    fitted = fit(sets.take(np.flatnonzero(~test)), relevance[~test], epochs=15)
    losses = fitted.losses["train_loss"]
    assert losses.iloc[-1] < losses.iloc[0] - 0.1
    newest = of_season(sets, "2023-24")
    got = fitted.predict(newest, no_prior(newest))
    assert spearman(got.score, relevance[test]) > 0.3
    taken = newest.player_id != 0
    assert got.attention.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (got.attention[~taken] == 0).all()
    assert (got.attention.max(axis=1) > 1.2 / taken.sum(axis=1)).all()
    assert not np.allclose(got.attention, newest.minutes_share, atol=1e-3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_what_is_fitted_on_the_gpu_predicts_on_the_cpu(fit, three_seasons, make_prior):
    sets, relevance = three_seasons
    prior = make_prior(sets, relevance)
    fitted = fit(
        sets, relevance, prior, accelerator="gpu", epochs=12, patience=11, mc_dropout_samples=3
    )
    assert {value.device.type for value in fitted.networks[0].parameters()} == {"cpu"}
    assert fitted.losses["train_loss"].iloc[-1] < fitted.losses["train_loss"].iloc[0] - 0.1
    assert spearman(scores(fitted, sets, prior), relevance) > 0.8


# Logging.


def test_each_network_logs_its_losses_and_diagnostics_to_its_own_loggers(
    fit, three_seasons, tmp_path
):
    fitted = fit(
        *three_seasons,
        n_seeds=2,
        loggers=lambda network: [CSVLogger(tmp_path, name="", version=f"network_{network}")],
    )
    for network, losses in fitted.losses.groupby("network"):
        logged = pd.read_csv(tmp_path / f"network_{network}" / "metrics.csv")
        by_epoch = logged.dropna(subset="train_loss")
        assert by_epoch["train_loss"].to_numpy() == pytest.approx(losses["train_loss"].to_numpy())
        assert by_epoch["entropy_ratio"].between(0, 1).all()
