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


def test_the_best_restores_the_chosen_config_without_paths_and_search_options(
    compose_as_is, tmp_path, study
):
    kept = [
        "experiment=quick", "hparams_search=xgb", "data=sim", "seed=7", "trainer=cpu",
        "++model.rf.n_estimators=9", "features/elo=off", "features.roster.windows=[5,9]",
    ]  # fmt: skip
    left_out = [
        "paths.outputs=elsewhere", "data.raw_dir=a", "data.processed_dir=b", "tuning.margin=2",
        "logger=tensorboard", "include_clone_classifier=true",
    ]  # fmt: skip
    fixed = [*kept, *left_out]
    config = compose_as_is(*fixed)
    config.tuning.margin, config.tuning.batch_id = 0.0, "three"
    write_trials(Sweep(RunDir(tmp_path), config, fixed, lambda all_: compose_as_is(*all_)), study)
    found = compose_as_is(known_to_hydra(f"experiment={tmp_path / 'best.yaml'}"))
    chosen = compose_as_is(*kept, "model.xgb.max_depth=3")
    assert found == replace(chosen, tuning=found.tuning)
    text = (tmp_path / "best.yaml").read_text()
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
