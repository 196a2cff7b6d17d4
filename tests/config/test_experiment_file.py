import pytest
from programs import program

from nba_rank.config.experiment_file import known_to_hydra
from nba_rank.core.errors import UserError


@pytest.fixture
def read(tmp_path):
    """Names a file of some text on the command line."""

    def make(text: str) -> str:
        (tmp_path / "mine.yaml").write_text(text)
        return known_to_hydra(f"experiment={tmp_path / 'mine.yaml'}")

    return make


OWN = """
# @package _global_
defaults:
  - quick
  - override /model: xgb
  - override /features/elo: "off"
  - override /hydra/sweeper: study
  - override /hydra/sweeper/sampler: random
  - _self_
seed: 7
hydra:
  sweeper:
    n_trials: 5
    n_jobs: 2
    params:
      model.xgb.max_depth: range(2, 5)
      features/elo: choice(on, off)
"""


def test_a_file_may_set_our_config_and_the_search(read, tmp_path):
    name = str(tmp_path / "mine").strip("/").replace("/", "_").replace("-", "_")
    assert read(OWN) == f"experiment={name}"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("hydra: {callbacks: {x: {_target_: pandas.read_pickle}}}", "hydra.callbacks"),
        ("hydra: {job_logging: {handlers: {x: {(): os.system}}}}", "hydra.job_logging"),
        ("hydra: {searchpath: ['file:///tmp']}", "hydra.searchpath"),
        ("hydra: {launcher: {x: 1}, sweeper: {n_trials: 2}}", "hydra.launcher"),
        ("hydra: ${oc.env:X}", "hydra"),
        ("hydra.callbacks: {x: 1}", "hydra.callbacks"),
        ("hydra: {sweeper: {storage: 'sqlite:///x'}}", "hydra.sweeper.storage"),
        ("hydra: {sweeper: {sampler: {x: 1}}}", "hydra.sweeper.sampler"),
        ("hydra: {sweeper: {params: {+hydra.job_logging.x: 1}}}", "hydra.job_logging.x"),
        ("hydra: {sweeper: {params: {~hydra/launcher: a}}}", "hydra/launcher"),
        ("hydra: {sweeper: {params: {model@hydra.callbacks.x: a}}}", "model@hydra.callbacks.x"),
        ("hydra: {sweeper: {params: {model.rf: '{_target_: a}'}}}", "sweeper.params.model.rf"),
        ("model: {xgb: {_target_: os.system}}", "model.xgb._target_"),
        ("model: {members: [{_target_: a}]}", r"model.members.0._target_"),
        ("defaults: [override /hydra/launcher: joblib]", "/hydra/launcher"),
        ("defaults: [override hydra/callbacks: x]", "hydra/callbacks"),
        ("defaults: [override /hydra/sweeper: optuna]", "/hydra/sweeper"),
        ("defaults: [/model@hydra.callbacks.x: xgb]", "/model@hydra"),
        ("defaults: [override /model: ../../../tmp/evil]", "tmp/evil"),
        ("defaults: [../../../tmp/evil]", "tmp/evil"),
        ("defaults: [{a: b, hydra/callbacks: x}]", "hydra/callbacks"),
    ],
)
def test_everything_that_could_run_code_is_refused_and_named(read, text, key):
    with pytest.raises(UserError, match=key) as error:
        read(text)
    assert "mine.yaml may only set" in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"), [("a: [", "as YAML"), ("- a", "not a list"), ("a: ${", "as YAML")]
)
def test_a_file_that_is_no_config_is_named(read, text, expected):
    with pytest.raises(UserError, match=expected):
        read(text)


@pytest.mark.parametrize("value", ["nowhere/best.yaml", "../../nowhere/evil", "/nowhere/evil"])
def test_a_file_that_is_not_there_is_named(value):
    with pytest.raises(UserError, match=f"experiment={value}: there is no such file"):
        known_to_hydra(f"experiment={value}")


@pytest.mark.parametrize("word", ["experiment=quick", "model=xgb", "-m", "paths.outputs=a.yaml"])
def test_other_words_are_returned_unchanged(word):
    assert known_to_hydra(word) == word


def test_a_planted_payload_does_not_run(tmp_path):
    ran = tmp_path / "ran"
    planted = f"hydra: {{callbacks: {{x: {{_target_: pathlib.Path.touch, self: {ran}}}}}}}"
    (tmp_path / "evil.yaml").write_text(planted)
    done = program("train", f"experiment={tmp_path / 'evil.yaml'}", "data=nowhere", cwd=tmp_path)
    assert done.returncode == 1
    assert "hydra.callbacks" in done.stdout
    assert not ran.exists()
