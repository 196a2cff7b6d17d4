import io
from dataclasses import replace

import pandas as pd
import pytest
import torch
from rich.console import Console

from nba_rank.evaluation.attention import last_epochs
from nba_rank.models.model_a.callbacks import batch_watch, model_callbacks
from nba_rank.models.model_a.callbacks.attention_diagnostics import (
    BEFORE_TRAINING,
    AttentionDiagnostics,
)
from nba_rank.models.model_a.callbacks.batch_watch import BatchWatch
from nba_rank.models.model_a.diagnostics import diagnose, gradient_norms
from nba_rank.models.model_a.loggers import model_loggers

PARTS = ("attention", "encoder", "scorer")


def measured(console=None, debug=False):
    watch = BatchWatch()
    return [watch, AttentionDiagnostics(watch, attention_debug=debug, console=console)]


def test_rows_are_kept_and_logged_and_change_no_weight(train, lists, tmp_path, compose_as_is):
    loggers = model_loggers(compose_as_is().logger, tmp_path / "fit", 0)
    module = train(lists(), measured(), epochs=3, trainer={"logger": loggers})
    rows = module.diagnostics
    assert [row["epoch"] for row in rows] == [BEFORE_TRAINING, 0, 1, 2]
    assert set(rows[0]) == set(rows[-1])
    assert 0 < rows[-1]["entropy_ratio"] < 1
    assert rows[-1]["score_spread"] > rows[0]["score_spread"]

    log = pd.read_csv(tmp_path / "fit" / "network_0" / "metrics.csv")
    assert log["epoch"].tolist() == [BEFORE_TRAINING, 0, 1, 2]
    assert log["step"].tolist() == [0, 4, 9, 14]
    heads = [row["entropy_ratio_head_1"] for row in rows]
    assert log["entropy_ratio_head_1"].tolist() == pytest.approx(heads)
    losses = [row["train_loss"] for row in module.losses]
    assert log["train_loss"].iloc[1:].tolist() == pytest.approx(losses)

    alone = train(lists(), [], epochs=3)
    assert module.losses == alone.losses
    for name, weight in alone.state_dict().items():
        assert torch.equal(module.state_dict()[name], weight), name


def one_player_decides(batch):
    """The third column of the player highest in the second is the outcome, whatever the minutes."""
    stats = batch["stats"]
    best = stats[..., 1].masked_fill(~batch["player_mask"], -9).argmax(dim=2, keepdim=True)
    strength = stats[..., 2].gather(2, best)[..., 0]
    return batch | {"relevance": strength.argsort(dim=1).argsort(dim=1) / 7}


@pytest.mark.parametrize(("n_prior", "power"), [(0, 1.0), (2, 0.0)])
def test_attention_is_alive_where_training_moved_it_off_the_minutes(train, lists, n_prior, power):
    batch = one_player_decides(lists(n_lists=150, n_prior=n_prior))

    def alive(**knobs):
        module = train(batch, measured(), attention={"minutes_bias_weight": power}, **knobs)
        rows = pd.DataFrame(module.diagnostics).assign(fit="one", network=0)
        (verdict,) = last_epochs(rows)["alive"]
        return verdict, rows

    trained, rows = alive(epochs=8)
    assert trained, rows["prior_kl"]
    untouched, rows = alive(epochs=1, learning_rate=1e-9)
    assert not untouched
    assert rows["prior_kl"].max() < 0.01
    assert rows["entropy_ratio"].min() > 0.9, "by entropy alone it would look alive"


def test_the_row_before_training_is_the_untrained_network(train, lists):
    batch, seen = lists(n_lists=8), {}

    def look(module):
        ranked = module.score_batch(batch)
        module.loss(ranked, batch).backward()
        seen["row"] = diagnose(ranked, batch, gradient_norms(module.ranker)).to_dict()
        module.zero_grad()

    knobs = {"dropout": 0.0, "unknown_player_share": 0.0, "learning_rate": 0.1}
    module = train(batch, measured(), epochs=1, prepare=look, **knobs)
    first = {name: value for name, value in module.diagnostics[0].items() if name != "epoch"}
    assert first == pytest.approx(seen["row"], rel=1e-4, nan_ok=True)


def test_beside_a_prior_only_the_first_gradients_of_the_set_are_zero(train, lists):
    rows = train(lists(n_prior=2), measured(), epochs=1).diagnostics
    assert rows[0]["gradient_attention"] == rows[0]["gradient_encoder"] == 0
    assert rows[0]["gradient_scorer"] > 0
    assert min(rows[-1][f"gradient_{part}"] for part in PARTS) > 0


def test_gradients_are_measured_before_clipping(train, lists):
    clipped, free = (
        train(lists(), measured(), epochs=1, trainer={"gradient_clip_val": value}).diagnostics[0]
        for value in (1e-6, None)
    )
    for part in PARTS:
        assert clipped[f"gradient_{part}"] == free[f"gradient_{part}"] > 1e-3


def test_fallbacks_are_counted_in_all_batches_and_the_rest_in_the_last_one(
    train, lists, monkeypatch
):
    sizes = []

    def spy(ranked, batch, gradients, **knobs):
        sizes.append(len(batch["relevance"]))
        return diagnose(ranked, batch, gradients, **knobs)

    monkeypatch.setattr(batch_watch, "diagnose", spy)
    batch = lists(n_lists=20)
    minutes = batch["minutes_share"].clone()
    minutes[3, 2] = 0
    batch |= {"minutes_share": minutes}
    rows = train(batch, measured(), epochs=2, lists_per_batch=6).diagnostics
    assert [row["fallback_share"] for row in rows[1:]] == pytest.approx([1 / (20 * 8)] * 2)
    assert sizes == [5, 5]


@pytest.mark.parametrize(("debug", "epochs", "titles"), [(True, 1, 2), (True, 3, 3), (False, 1, 0)])
def test_debug_prints_before_training_and_the_first_and_last_epoch(
    train, lists, debug, epochs, titles
):
    console = Console(file=io.StringIO(), width=100)
    train(lists(n_lists=8), measured(console, debug), epochs=epochs)
    text = console.file.getvalue()
    assert text.count("statistic") == titles
    assert ("first batch before training" in text) == debug
    assert ("epoch 0" in text) == debug
    assert ("epoch 2, the last" in text) == (epochs == 3)


def test_the_config_switches_the_callbacks(compose_as_is):
    config = compose_as_is().callbacks
    callbacks, judge = model_callbacks(config, None)
    kinds = [type(callback).__name__ for callback in callbacks]
    assert kinds == ["BatchWatch", "AttentionDiagnostics", "NotLearning"]
    assert judge is callbacks[-1]
    off = replace(
        config,
        attention_diagnostics=replace(config.attention_diagnostics, enabled=False),
        not_learning=replace(config.not_learning, enabled=False),
    )
    assert model_callbacks(off, None) == ([], None)
