import io
import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import Config, DebugConfig, IngestConfig
from nba_rank.core.errors import ConfigError
from nba_rank.experiments import debug_model_a
from nba_rank.experiments.debug_model_a import batch_source, debug, main
from nba_rank.models.model_a.diagnostics import Cause

PLAYERS_ALONE = ("trainer=cpu", "model.model_a.team_prior=[]")
DUMMY = ("data=dummy", "model.model_a.lists_per_batch=32", *PLAYERS_ALONE)
SIM = ("data=sim", *PLAYERS_ALONE)


@pytest.fixture
def composed(compose_file):
    """Composes the debugger's config with overrides."""
    return partial(compose_file, "debug_model_a")


@pytest.fixture
def look(composed):
    """Runs the debugger on made-up data and returns what it found and printed."""

    def run(*overrides):
        console = Console(file=io.StringIO(), width=160)
        found = debug(composed(*DUMMY, *overrides), console)
        return found, console.file.getvalue()

    return run


@pytest.fixture
def of_sim(composed, sim_tables, monkeypatch):
    """Builds the source of a batch of the simulated league."""
    ready = SimpleNamespace(tables=sim_tables)
    monkeypatch.setattr(debug_model_a, "prepare_tables", lambda data, console: ready)

    def run(*overrides):
        return batch_source(as_config(composed(*SIM, *overrides), DebugConfig), None)

    return run


def test_an_untrained_model_is_ready_to_learn(look):
    found, text = look()
    assert found.cause is None
    assert not found.stepped
    assert found.diagnostics.gradient_attention > 0
    assert found.loss == pytest.approx(1.86, abs=0.05), "log(15!) / 15 where scores hardly differ"
    assert "ready to learn, loss" in text
    assert 0 <= found.diagnostics.prior_kl < 0.01, "it follows the minutes, whatever its entropy"
    assert "entropy_ratio_head_3" in text
    # The table shows players and weights of three teams.
    rows = re.findall(r"2000-10-31 +(\d+) +(-?\d\.\d{3}) +(.*?) *$", text, re.MULTILINE)
    assert len(rows) == 3
    scores = [float(score) for _, score, _ in rows]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(float(found.ranked.score[0].max()), abs=1e-3)
    team, _, players = rows[0]
    place = int(found.ranked.score[0].argmax())
    assert int(team) == found.row[0, place] % 30 + 1
    shares = [int(share) for share in re.findall(r"\d+ (\d+)%", players)]
    heaviest = found.ranked.weights[0, place].mean(dim=0).sort(descending=True).values[:5]
    assert shares == pytest.approx((100 * heaviest).tolist(), abs=0.51)


def test_beside_a_team_prior_one_optimiser_step_is_taken(look):
    found, text = look("model.model_a.team_prior=[elo_rating]")
    assert found.cause is None
    assert found.stepped
    assert min(found.diagnostics.gradient_attention, found.diagnostics.gradient_encoder) > 0
    assert "one optimiser step" in text


@pytest.mark.parametrize("override", ["minutes_bias_weight=5000", "temperature=0.001"])
def test_a_model_that_cannot_learn_is_named_with_its_cause_and_exits_with_1(
    look, composed, override
):
    override = f"model.model_a.attention.{override}"
    found, text = look(override)
    assert found.cause is Cause.COLLAPSED_ATTENTION
    assert f"cannot learn: {found.cause}:" in text
    assert found.explanation in text
    with pytest.raises(SystemExit, match="1"):
        main(composed(*DUMMY, override), Console(quiet=True))


def test_another_batch_has_other_lists_and_the_same_one_repeats(look):
    state = torch.get_rng_state()
    first, again, second = look()[0], look()[0], look("batch=1")[0]
    assert torch.equal(torch.get_rng_state(), state), "the global random state is left alone"
    assert first.diagnostics == again.diagnostics
    assert torch.equal(first.ranked.score, again.ranked.score)
    assert first.row.shape == (32, 15)
    assert second.row.shape == (16, 15), "48 lists in batches of 32"
    assert not set(first.row.ravel()) & set(second.row.ravel())


def test_a_batch_out_of_range_says_how_many_there_are(look):
    for scope, n_batches in (("conference", 2), ("league", 1)):
        with pytest.raises(ConfigError, match=rf"holds {n_batches} batches.* 0 to {n_batches - 1}"):
            look(f"batch={n_batches}", f"model.model_a.list_scope={scope}")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_a_clear_error(look):
    with pytest.raises(ConfigError, match="no CUDA device: take trainer=cpu"):
        look("trainer=gpu")


def test_the_overrides_of_a_run_are_accepted(look):
    found, _ = look("experiment=run_021", "data=dummy", "callbacks.not_learning.patience=2")
    assert found.cause is None
    assert found.ranked.weights.shape[2] == 4


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_diagnostics_on_the_gpu_equal_those_on_the_cpu(look):
    assert look("trainer=gpu")[0].diagnostics.entropy_ratio == pytest.approx(
        look("trainer=cpu")[0].diagnostics.entropy_ratio, rel=1e-3
    )


@pytest.mark.parametrize(("precision", "pooling"), [("bf16-mixed", "uniform"), ("32-true", "mean")])
def test_poolings_without_attention_have_even_weights(look, precision, pooling):
    found, _ = look(f"trainer.precision={precision}", f"model.model_a.attention.pooling={pooling}")
    assert found.cause is None
    assert found.diagnostics.entropy_ratio == pytest.approx(1, abs=1e-3)


def test_only_the_debugger_takes_dummy_data(compose_file):
    for name, schema in (("config", Config), ("ingest", IngestConfig)):
        with pytest.raises(ConfigError, match="debug_model_a alone: take data=nba or data=sim"):
            as_config(compose_file(name, "data=dummy"), schema)


def test_batches_of_the_league_follow_the_dates_of_the_newest_season(of_sim, sim_tables):
    whole = of_sim("model.model_a.lists_per_batch=1000")
    assert whole.season == "2023-24"
    dates = whole.data.sets.frame["as_of_date"].drop_duplicates().to_numpy()
    # Seven lists of two conferences: the second batch starts in the middle of the fourth date.
    second = of_sim("model.model_a.lists_per_batch=7", "batch=1")
    assert second.first == 1
    touched = second.data.sets.frame["as_of_date"].drop_duplicates().to_numpy()
    np.testing.assert_array_equal(touched, dates[3:7])
    abbreviations = sim_tables.teams.query("season == '2023-24'").set_index("team_id")
    assert second.teams.equals(abbreviations["abbreviation"])
    assert second.data.columns == [], "no store feature was asked for"


def test_players_of_the_league_are_shown_by_name(of_sim, composed, sim_tables):
    console = Console(file=io.StringIO(), width=200)
    cfg = composed(*SIM, "model.model_a.lists_per_batch=4", "batch=3")
    found = debug(cfg, console)
    assert found.cause is None
    text = console.file.getvalue()
    assert "batch 3 of 2023-24" in text
    named = [name for name in sim_tables.player_games["player_name"].unique() if name in text]
    assert len(named) >= 10


def test_attention_over_games_is_looked_at_where_it_is_on(of_sim, composed):
    console = Console(file=io.StringIO(), width=160)
    found = debug(composed(*SIM, "model.model_a.games.enabled=true"), console)
    assert found.cause is None
    assert min(found.game_losses) < found.game_losses[0]
    assert "Attention over games: loss" in console.file.getvalue()
