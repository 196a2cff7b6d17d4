import io
import pickle
import re
from operator import attrgetter

import pytest
import torch
from rich.console import Console

from nba_rank.models.model_a.callbacks.attention_diagnostics import AttentionDiagnostics
from nba_rank.models.model_a.callbacks.batch_watch import BatchWatch
from nba_rank.models.model_a.callbacks.not_learning import NotLearning, NotLearningError
from nba_rank.models.model_a.diagnostics import Cause

PATIENCE = 3
LOSSES = ("list_mle", "p_list_mle", "soft_spearman")


def equal_stats(batch):
    return batch | {"stats": torch.full_like(batch["stats"], 0.3)}


@pytest.mark.parametrize(
    ("loss", "n_prior", "seed"),
    [(loss, n_prior, seed) for seed, loss in enumerate(LOSSES) for n_prior in (0, 2)],
)
class TestEveryLoss:
    def test_healthy_training_goes_on(self, watch, lists, loss, n_prior, seed):
        module, verdict = watch(lists(seed=seed, n_prior=n_prior), seed=seed, loss=loss)
        assert verdict is None
        assert len(module.losses) == 6

    def test_a_learning_rate_of_ten_is_named(self, watch, lists, loss, n_prior, seed):
        batch = lists(seed=seed, n_prior=n_prior)
        module, verdict = watch(batch, seed=seed, loss=loss, learning_rate=10.0)
        assert verdict.cause is Cause.LEARNING_RATE
        assert verdict.epoch == len(module.losses) - 1 < PATIENCE
        assert "a learning rate of 10: lower model.model_a.learning_rate" in verdict.explanation


@pytest.mark.parametrize(("min_delta", "adds"), [(1e-4, True), (5.0, False)])
def test_a_set_that_adds_too_little_to_the_prior_is_noted_but_not_stopped(
    train, lists, min_delta, adds
):
    console = Console(file=io.StringIO(), width=100)
    watched = BatchWatch()
    judge = NotLearning(watched, min_delta=min_delta, patience=PATIENCE, console=console)
    health = AttentionDiagnostics(watched, attention_debug=False, console=None)
    module = train(lists(n_prior=2), [watched, health, judge])
    assert judge.verdict is None
    assert len(module.losses) == 6
    last = module.losses[-1]
    assert module.diagnostics[-1]["set_loss"] == pytest.approx(last["set_loss"])
    assert -5 < last["set_loss"] < -1e-4
    assert (judge.finding == "") == adds
    assert ("the set adds nothing to the team prior" in console.file.getvalue()) == (not adds)


def test_before_the_first_step_the_prior_is_the_network(train, lists):
    (row,) = train(lists(n_prior=2), [], epochs=1, learning_rate=1e-12).losses
    assert row["set_loss"] == pytest.approx(0, abs=1e-6)


def test_a_converged_training_is_not_stopped(watch, lists):
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


def freeze(part):
    return {"prepare": lambda module: module.ranker.get_submodule(part).requires_grad_(False)}


def silence(module):
    for weight in module.ranker.scorer[-1].parameters():
        torch.nn.init.zeros_(weight).requires_grad_(False)


def blow_up(module):
    torch.nn.init.constant_(module.ranker.scorer[-1].weight, torch.inf)


def spoil(name):
    def spoiled(batch):
        tensor = batch[name].clone()
        tensor[:, 2] = torch.nan
        return batch | {name: tensor}

    return spoiled


def same_players(batch):
    return equal_stats(batch) | {"player": batch["player_mask"].long()}


def equal_relevance(batch):
    return batch | {"relevance": torch.full_like(batch["relevance"], 0.5)}


def no_minutes(batch):
    return batch | {"minutes_share": torch.zeros_like(batch["minutes_share"])}


def unchanged(batch):
    return batch


LAST = PATIENCE - 1
FAULTS = {
    "equal stats": (equal_stats, {}, Cause.CONSTANT_INPUTS, LAST, "features.roster.columns"),
    "equal players": (same_players, {}, Cause.CONSTANT_INPUTS, LAST, "features.roster.columns"),
    "equal relevance": (equal_relevance, {}, Cause.CONSTANT_TARGETS, LAST, "target.name"),
    "no minutes": (no_minutes, {}, Cause.MISSING_MINUTES, LAST, "minutes of the player logs"),
    "one player": (unchanged, {"attention": {"minutes_bias_weight": 500.0}},
                   Cause.COLLAPSED_ATTENTION, LAST, "temperature"),
    "constant scores": (unchanged, {"prepare": silence}, Cause.CONSTANT_SCORES, LAST, "seed"),
    **{f"frozen {part}": (unchanged, freeze(part), Cause.DEAD_GRADIENTS, LAST, "residual")
       for part in ("attention", "encoder", "scorer")},
    "tiny rate": (unchanged, {"learning_rate": 1e-9, "dropout": 0.0, "epochs": 20},
                  Cause.LEARNING_RATE, None, "raise model.model_a.learning_rate"),
    "flat loss": (unchanged, {"min_delta": 10.0}, Cause.PLATEAU, PATIENCE, "has not fallen by 10"),
    "exploding loss": (unchanged, {"learning_rate": 1e30}, Cause.LEARNING_RATE, 0,
                       "though the batch is finite"),
    "nan stats": (spoil("stats"), {}, Cause.NOT_FINITE, 0, "because stats of the batch"),
    "nan prior": (spoil("team_prior"), {}, Cause.NOT_FINITE, 0, "because team_prior of the batch"),
    "nan relevance": (spoil("relevance"), {}, Cause.NOT_FINITE, LAST, "of the relevance nan"),
    "infinite weights": (unchanged, {"prepare": blow_up}, Cause.NOT_FINITE, 0,
                         "before the first step"),
}  # fmt: skip


@pytest.fixture(scope="module")
def config(compose_as_is):
    return compose_as_is()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_epoch_and_a_remedy(watch, lists, config, fault):
    plant, knobs, cause, epoch, words = FAULTS[fault]
    module, verdict = watch(plant(lists(n_prior=2 if fault == "nan prior" else 0)), **knobs)
    assert verdict.cause is cause
    assert verdict.epoch == len(module.losses) - 1
    assert epoch is None or verdict.epoch == epoch
    assert words in verdict.explanation
    if fault == "no minutes":
        assert module.losses[-1]["train_loss"] < module.losses[0]["train_loss"] - 0.05
    keys = re.findall(r"\b(?:model|features|target|trainer)\.[\w.]*\w", verdict.explanation)
    for key in keys:
        attrgetter(key)(config)
    assert keys or cause is Cause.NOT_FINITE


def test_minutes_that_do_not_count_may_be_missing(watch, lists):
    _, verdict = watch(no_minutes(lists()), attention={"minutes_bias_weight": 0.0})
    assert verdict is None


def test_the_verdict_is_printed_or_logged_and_does_not_depend_on_other_callbacks(
    train, lists, caplog
):
    console = Console(file=io.StringIO(), width=200)
    watched, other = BatchWatch(), BatchWatch()
    printing = NotLearning(watched, min_delta=1e-4, patience=PATIENCE, console=console)
    train(equal_stats(lists()), [watched, printing])
    text = console.file.getvalue()
    assert "Model A does not learn: constant inputs" in text
    assert "input_spread" in text
    assert printing.verdict.explanation in text
    logging = NotLearning(other, min_delta=1e-4, patience=PATIENCE, console=None)
    health = AttentionDiagnostics(other, attention_debug=False, console=None)
    train(equal_stats(lists()), [other, health, logging])
    assert "constant inputs: all players" in caplog.text
    assert logging.verdict == printing.verdict

    error = NotLearningError(logging.verdict, "network 1 of fit 2019-20")
    for one in (error, pickle.loads(pickle.dumps(error))):
        assert one.verdict.cause is Cause.CONSTANT_INPUTS
        assert str(one).startswith(
            "network 1 of fit 2019-20 does not learn (constant inputs, epoch 2): all players"
        )
