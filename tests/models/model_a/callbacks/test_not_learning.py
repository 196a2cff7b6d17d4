import io
import re
from operator import attrgetter

import pytest
import torch
from rich.console import Console

from nba_rank.models.model_a.callbacks.attention_diagnostics import AttentionDiagnostics
from nba_rank.models.model_a.callbacks.not_learning import NotLearning, NotLearningError
from nba_rank.models.model_a.diagnostics import Cause

PATIENCE = 3
LOSSES = ("list_mle", "p_list_mle", "soft_spearman")


def with_constant(batch, *names):
    constant = {name: torch.full_like(batch[name], 1) * batch["player_mask"] for name in names}
    return batch | {name: value.to(batch[name].dtype) for name, value in constant.items()}


def equal_stats(batch):
    return batch | {"stats": torch.full_like(batch["stats"], 0.3)}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_prior", [0, 2])
@pytest.mark.parametrize("loss", LOSSES)
def test_healthy_training_goes_on(watch, lists, seed, n_prior, loss):
    module, verdict = watch(lists(seed=seed, n_prior=n_prior), seed=seed, loss=loss)
    assert verdict is None
    assert len(module.losses) == 6


@pytest.mark.parametrize("pooling", ["uniform", "mean"])
def test_pooling_without_attention_is_not_called_collapsed(watch, lists, pooling):
    _, verdict = watch(lists(), attention={"pooling": pooling})
    assert verdict is None


@pytest.mark.parametrize(("min_delta", "adds"), [(1e-4, True), (5.0, False)])
def test_a_set_that_adds_too_little_to_the_prior_is_found_but_not_stopped(
    train, lists, min_delta, adds
):
    console = Console(file=io.StringIO(), width=100)
    callback = NotLearning(min_delta=min_delta, patience=PATIENCE, console=console)
    health = AttentionDiagnostics(attention_debug=False, console=None)
    module = train(lists(n_prior=2), [health, callback], epochs=6)
    assert callback.verdict is None
    assert len(module.losses) == 6
    last = module.losses[-1]
    gain = (last["prior_loss"] - last["train_loss"]) / last["prior_loss"]
    assert health.rows[-1]["prior_gain"] == pytest.approx(gain, abs=1e-6)
    assert 1e-4 < gain < 5
    assert (callback.finding == "") == adds
    assert ("the set adds nothing to the team prior" in console.file.getvalue()) == (not adds)


def test_before_the_first_step_the_prior_is_the_network(train, lists):
    module = train(lists(n_prior=2), [], epochs=2, learning_rate=1e-12)
    for row in module.losses:
        assert row["prior_loss"] == pytest.approx(row["train_loss"], rel=1e-6)


def test_what_has_learned_and_learns_no_more_has_converged(watch, lists):
    module, verdict = watch(lists(n_lists=8), epochs=30, dropout=0.0, min_delta=0.05)
    losses = [row["train_loss"] for row in module.losses]
    assert min(losses[-5:]) > min(losses[:-5]) - 0.02, "it has not levelled off"
    assert verdict is None
    assert len(losses) == 30


@pytest.mark.parametrize("n_prior", [0, 2])
def test_a_single_step_an_epoch_is_not_dead_for_its_first_gradient(watch, lists, n_prior):
    batch = lists(n_prior=n_prior)
    _, verdict = watch(batch, patience=1, epochs=3, lists_per_batch=40, dropout=0.0)
    assert verdict is None


@pytest.mark.parametrize("n_prior", [0, 2])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_learning_rate_of_ten_is_named(watch, lists, n_prior, loss, seed):
    batch = lists(seed=seed, n_prior=n_prior)
    module, verdict = watch(batch, seed=seed, loss=loss, learning_rate=10.0)
    assert verdict.cause is Cause.LEARNING_RATE
    assert verdict.epoch == len(module.losses) - 1 < PATIENCE
    assert "lower model.model_a.learning_rate" in verdict.explanation
    assert "10" in verdict.explanation


def test_constant_inputs_are_named_with_or_without_differing_players(watch, lists):
    for batch in (equal_stats(lists()), with_constant(equal_stats(lists()), "player")):
        module, verdict = watch(batch)
        assert verdict.cause is Cause.CONSTANT_INPUTS
        assert verdict.epoch == len(module.losses) - 1 == PATIENCE - 1
        assert "features.roster.columns" in verdict.explanation


def test_constant_targets_are_named(watch, lists):
    batch = lists()
    module, verdict = watch(batch | {"relevance": torch.full_like(batch["relevance"], 0.5)})
    assert verdict.cause is Cause.CONSTANT_TARGETS
    assert verdict.epoch == len(module.losses) - 1 == PATIENCE - 1
    assert "target.name" in verdict.explanation


def test_missing_minutes_are_named_even_though_the_loss_falls(watch, lists):
    batch = lists()
    batch = batch | {"minutes_share": torch.zeros_like(batch["minutes_share"])}
    module, verdict = watch(batch)
    assert module.losses[-1]["train_loss"] < module.losses[0]["train_loss"] - 0.05
    assert verdict.cause is Cause.MISSING_MINUTES
    assert verdict.epoch == len(module.losses) - 1 == PATIENCE - 1
    _, without = watch(batch, attention={"minutes_bias_weight": 0.0})
    assert without is None, "minutes that do not count may be missing"


def test_attention_on_one_player_alone_is_named(watch, lists):
    _, verdict = watch(lists(), attention={"minutes_bias_weight": 500.0})
    assert verdict.cause is Cause.COLLAPSED_ATTENTION
    assert verdict.epoch == PATIENCE - 1


def test_constant_scores_are_named(watch, lists):
    def silence(module):
        last = module.ranker.scorer[-1]
        for weight in last.parameters():
            torch.nn.init.zeros_(weight).requires_grad_(False)

    _, verdict = watch(lists(), prepare=silence)
    assert verdict.cause is Cause.CONSTANT_SCORES
    assert verdict.epoch == PATIENCE - 1


@pytest.mark.parametrize("part", ["attention", "encoder", "scorer"])
def test_dead_gradients_are_named(watch, lists, part):
    def freeze(module):
        module.ranker.get_submodule(part).requires_grad_(False)

    _, verdict = watch(lists(), prepare=freeze)
    assert verdict.cause is Cause.DEAD_GRADIENTS
    assert verdict.epoch == PATIENCE - 1


def test_too_small_a_learning_rate_is_named(watch, lists):
    _, verdict = watch(lists(), learning_rate=1e-9, epochs=20, dropout=0.0)
    assert verdict.cause is Cause.LEARNING_RATE
    assert "raise model.model_a.learning_rate" in verdict.explanation


def test_a_loss_that_stays_where_it_was_is_a_plateau(watch, lists):
    module, verdict = watch(lists(), min_delta=10.0)
    assert verdict.cause is Cause.PLATEAU
    assert verdict.epoch == len(module.losses) - 1 == PATIENCE


def test_an_exploding_loss_stops_at_once_as_the_learning_rate(watch, lists):
    module, verdict = watch(lists(), learning_rate=1e30)
    assert verdict.cause is Cause.LEARNING_RATE
    assert verdict.epoch == 0
    assert "batch is finite" in verdict.explanation
    assert len(module.losses) == 1


def test_inputs_that_are_not_finite_are_named_with_their_tensor(watch, lists):
    for name in ("stats", "team_prior"):
        batch = lists(n_prior=2)
        batch[name][:, 2, ...] = torch.nan
        _, verdict = watch(batch)
        assert verdict.cause is Cause.NOT_FINITE
        assert verdict.epoch == 0
        assert f"because {name} of the batch" in verdict.explanation


def test_targets_that_are_not_finite_are_named_though_they_sort_into_some_order(watch, lists):
    batch = lists()
    batch["relevance"][:, 2] = torch.nan
    _, verdict = watch(batch)
    assert verdict.cause is Cause.NOT_FINITE
    assert "of the relevance nan" in verdict.explanation


def test_a_loss_that_is_not_finite_before_any_step_is_not_the_learning_rate(watch, lists):
    def poison(module):
        torch.nn.init.constant_(module.ranker.scorer[-1].weight, torch.inf)

    _, verdict = watch(lists(), prepare=poison)
    assert verdict.cause is Cause.NOT_FINITE
    assert "before the first step" in verdict.explanation


def test_other_callbacks_do_not_change_the_verdict(train, lists):
    batch = equal_stats(lists())
    alone, beside = (NotLearning(min_delta=1e-4, patience=PATIENCE, console=None) for _ in range(2))
    train(batch, [alone])
    train(batch, [AttentionDiagnostics(attention_debug=False, console=None), beside])
    assert alone.verdict == beside.verdict


def test_stopping_prints_the_diagnostics_and_the_cause(train, lists):
    console = Console(file=io.StringIO(), width=200)
    callback = NotLearning(min_delta=1e-4, patience=PATIENCE, console=console)
    train(equal_stats(lists()), [callback])
    text = console.file.getvalue()
    assert "Model A does not learn: constant inputs" in text
    assert "input_spread" in text
    assert callback.verdict.explanation in text


def test_without_a_console_it_writes_to_the_log(train, lists, caplog):
    callback = NotLearning(min_delta=1e-4, patience=PATIENCE, console=None)
    train(equal_stats(lists()), [callback])
    assert "constant inputs: all players" in caplog.text


def test_the_error_says_what_where_and_what_to_do(watch, lists):
    _, verdict = watch(equal_stats(lists()))
    error = NotLearningError(verdict, "network 1 of fit 2019-20")
    assert error.verdict is verdict
    assert str(error).startswith(
        "network 1 of fit 2019-20 does not learn (constant inputs, epoch 2): all players"
    )


def test_remedies_name_keys_that_exist(watch, lists, compose_as_is):
    config, batch = compose_as_is(), lists()
    planted = [
        {"batch": equal_stats(batch)},
        {"batch": batch, "min_delta": 10.0},
        {"batch": batch, "learning_rate": 10.0},
        {"batch": batch, "learning_rate": 1e30},
    ]
    for knobs in planted:
        _, verdict = watch(**knobs)
        keys = re.findall(r"\b(?:model|features|target|trainer)\.[\w.]*\w", verdict.explanation)
        assert keys
        for key in keys:
            attrgetter(key)(config)
