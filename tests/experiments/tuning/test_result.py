from dataclasses import replace

import pytest
from hydra.core.hydra_config import HydraConfig

from nba_rank.config.experiment_file import known_to_hydra
from nba_rank.config.schema import Config
from nba_rank.config.schema.option import roles
from nba_rank.core.errors import ConfigError
from nba_rank.core.run_dir import RunDir
from nba_rank.experiments.train import _check_mode
from nba_rank.experiments.tuning.result import Sweep, write_trials


@pytest.fixture
def best(compose_as_is, tmp_path, study):
    """Writes the `best.yaml` of a sweep with fixed overrides and returns what it composes to."""

    def make(*fixed: str) -> tuple[Config, Config]:
        sweep = Sweep(
            RunDir(tmp_path), compose_as_is(*fixed), [*fixed], lambda words: compose_as_is(*words)
        )
        sweep.config.tuning.margin = 0.0
        sweep.config.tuning.batch_id = "three"
        write_trials(sweep, study)
        word = known_to_hydra(f"experiment={tmp_path / 'best.yaml'}")
        return compose_as_is(word), compose_as_is(*fixed, "model.xgb.max_depth=3")

    return make


@pytest.mark.parametrize(
    "fixed",
    [
        ["hparams_search=xgb", "data=sim", "seed=7", "++model.rf.n_estimators=9", "trainer=cpu"],
        ["experiment=quick", "features/elo=off", "features.roster.windows=[5,9]"],
    ],
)
def test_the_best_restores_the_chosen_config(best, fixed):
    found, chosen = best(*fixed)
    assert found == replace(chosen, tuning=found.tuning)
    assert found.model.xgb.max_depth == 3


def test_the_best_leaves_out_paths_and_search_options(best, tmp_path):
    found, _ = best(
        "paths.outputs=elsewhere",
        "data.raw_dir=a",
        "data.processed_dir=b",
        "tuning.margin=2",
        "logger=tensorboard",
        "include_clone_classifier=true",
    )
    assert (found.paths.outputs, found.logger.name) == ("outputs3", "csv")
    text = (tmp_path / "best.yaml").read_text()
    assert "elsewhere" not in text
    assert "trial 1 of sweep three: spearman 0.8000" in text


def test_every_option_has_a_role():
    known = roles(Config)
    assert {*known.values()} == {"result", "run", "sweep", "nothing"}
    assert known["model.xgb.max_depth"] == known["data.first_season"] == "result"
    assert known["trainer.accelerator"] == known["evaluation.exponential_ndcg"] == "run"


@pytest.mark.parametrize(
    ("word", "expected"),
    [("hparams_search=xgb", "-m hparams_search=xgb"), ("tuning.trial=3", r"tuning\.trial")],
)
def test_a_single_run_refuses_the_options_of_a_sweep(
    compose_file, compose_as_is, monkeypatch, word, expected
):
    composed = compose_file("config", word, with_hydra=True)
    monkeypatch.setattr(HydraConfig.instance(), "cfg", composed)
    with pytest.raises(ConfigError, match=expected):
        _check_mode(compose_as_is(word))
