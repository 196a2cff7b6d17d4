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


def quiet():
    return AttentionDiagnostics(attention_debug=False, console=None)


def test_there_is_a_row_before_training_and_one_an_epoch(train, lists):
    callback = quiet()
    train(lists(), [callback], epochs=3)
    assert [row["epoch"] for row in callback.rows] == [BEFORE_TRAINING, 0, 1, 2]
    last = callback.rows[-1]
    assert last["gradient_encoder"] > 0
    assert 0 < last["entropy_ratio"] < 1
    assert last["score_spread"] > callback.rows[0]["score_spread"]
    assert set(callback.rows[0]) == set(last)


def one_player_decides(batch):
    """The third column of the player highest in the second is the outcome, whatever the minutes."""
    stats = batch["stats"]
    best = stats[..., 1].masked_fill(~batch["player_mask"], -9).argmax(dim=2, keepdim=True)
    strength = stats[..., 2].gather(2, best)[..., 0]
    return batch | {"relevance": strength.argsort(dim=1).argsort(dim=1) / 7}


@pytest.mark.parametrize("power", [0.0, 1.0])
@pytest.mark.parametrize("n_prior", [0, 2])
def test_attention_is_alive_where_training_moved_it_off_the_minutes(train, lists, n_prior, power):
    batch = one_player_decides(lists(n_lists=200, n_prior=n_prior))

    def alive(**knobs):
        callback, attention = quiet(), {"minutes_bias_weight": power}
        train(batch, [callback], attention=attention, **knobs)
        rows = pd.DataFrame(callback.rows).assign(fit="one", network=0)
        (verdict,) = last_epochs(rows)["alive"]
        return verdict, rows

    trained, rows = alive(epochs=8)
    assert trained, rows["prior_kl"]
    untouched, rows = alive(epochs=1, learning_rate=1e-9)
    assert not untouched
    assert rows["prior_kl"].max() < 0.01
    assert rows["entropy_ratio"].min() > 0.9, "by entropy alone it would look alive"


def test_watching_changes_neither_weights_nor_losses(train, lists):
    watched = train(lists(), [quiet()], epochs=3)
    alone = train(lists(), [], epochs=3)
    assert watched.losses == alone.losses
    for name, weight in alone.state_dict().items():
        assert torch.equal(watched.state_dict()[name], weight), name


def test_the_row_before_training_is_the_untrained_network(train, lists):
    batch, callback = lists(n_lists=8), quiet()
    seen = {}

    def look(module):
        ranked = module.score_batch(batch)
        module.loss(ranked, batch).backward()
        seen["row"] = diagnose(ranked, batch, gradient_norms(module.ranker)).to_dict()
        module.zero_grad()

    knobs = {"dropout": 0.0, "unknown_player_share": 0.0, "learning_rate": 0.1}
    train(batch, [callback], epochs=1, prepare=look, **knobs)
    first = {name: value for name, value in callback.rows[0].items() if name != "epoch"}
    assert first == pytest.approx(seen["row"], rel=1e-4, nan_ok=True)


def test_beside_a_prior_the_first_gradients_are_zero_and_the_later_ones_are_not(train, lists):
    callback = quiet()
    train(lists(n_prior=2), [callback], epochs=2)
    before, after = callback.rows[0], callback.rows[-1]
    assert before["gradient_attention"] == before["gradient_encoder"] == 0
    assert before["gradient_scorer"] > 0
    assert min(after["gradient_attention"], after["gradient_encoder"]) > 0


def test_gradients_are_measured_before_clipping(train, lists):
    clipped, free = quiet(), quiet()
    train(lists(), [clipped], epochs=1, trainer={"gradient_clip_val": 1e-6})
    train(lists(), [free], epochs=1, trainer={"gradient_clip_val": None})
    for part in ("attention", "encoder", "scorer"):
        assert clipped.rows[0][f"gradient_{part}"] == free.rows[0][f"gradient_{part}"] > 1e-3


def test_a_fallback_in_any_batch_is_counted(train, lists):
    batch, callback = lists(n_lists=20), quiet()
    minutes = batch["minutes_share"].clone()
    minutes[3, 2] = 0
    train(batch | {"minutes_share": minutes}, [callback], epochs=2, lists_per_batch=4)
    shares = [row["fallback_share"] for row in callback.rows[1:]]
    assert shares == pytest.approx([1 / (20 * 8)] * 2)


def test_the_last_full_batch_stands_for_the_epoch(train, lists, monkeypatch):
    sizes = []

    def spy(ranked, batch, gradients, **knobs):
        sizes.append(len(batch["relevance"]))
        return diagnose(ranked, batch, gradients, **knobs)

    monkeypatch.setattr(batch_watch, "diagnose", spy)
    train(lists(n_lists=13), [quiet()], epochs=2, lists_per_batch=6)
    assert sizes == [6, 6]


def test_it_is_to_be_had_on_demand(train, lists):
    callback = BatchWatch()
    with pytest.raises(RuntimeError, match="no batch"):
        callback.diagnostics()
    train(lists(), [callback], epochs=1)
    assert callback.diagnostics().players_per_team == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize(("epochs", "titles"), [(1, 2), (3, 3)])
def test_debug_prints_before_training_and_the_first_and_last_epoch(train, lists, epochs, titles):
    console = Console(file=io.StringIO(), width=100)
    train(lists(), [AttentionDiagnostics(attention_debug=True, console=console)], epochs=epochs)
    text = console.file.getvalue()
    assert text.count("statistic") == titles
    assert "first batch before training" in text
    assert "epoch 0" in text
    assert ("epoch 2, the last" in text) == (epochs == 3)


def test_without_debug_nothing_is_printed(train, lists, capsys):
    console = Console(file=io.StringIO())
    train(lists(), [AttentionDiagnostics(attention_debug=False, console=console)], epochs=1)
    assert console.file.getvalue() == ""


def test_rows_reach_the_log_beside_the_losses(train, lists, tmp_path, compose_as_is):
    callback = quiet()
    loggers = model_loggers(compose_as_is().logger, tmp_path / "fit", 0)
    module = train(lists(), [callback], epochs=2, trainer={"logger": loggers})
    log = pd.read_csv(tmp_path / "fit" / "network_0" / "metrics.csv")
    assert log["epoch"].tolist() == [BEFORE_TRAINING, 0, 1]
    assert log["entropy_ratio_head_1"].tolist() == pytest.approx(
        [row["entropy_ratio_head_1"] for row in callback.rows]
    )
    assert log["train_loss"].iloc[1:].tolist() == pytest.approx(
        [row["train_loss"] for row in module.losses]
    )


def test_the_config_switches_the_callbacks(compose_as_is):
    config = compose_as_is().callbacks
    both = model_callbacks(config, None)
    assert both.active == [both.attention_diagnostics, both.not_learning]
    off = replace(
        config,
        attention_diagnostics=replace(config.attention_diagnostics, enabled=False),
        not_learning=replace(config.not_learning, enabled=False),
    )
    assert model_callbacks(off, None).active == []
