import re
from io import StringIO
from types import SimpleNamespace

import pandas as pd
import pytest
from omegaconf import OmegaConf
from rich.console import Console

from nba_rank.config.compose import config_from_yaml
from nba_rank.core.run_dir import read_manifest
from nba_rank.evaluation.ablations import LISTS, MEAN
from nba_rank.experiments import ablate_model_a
from nba_rank.experiments import run as pipeline
from nba_rank.experiments.ablate_model_a import ablate
from nba_rank.experiments.train import train
from nba_rank.experiments.variants import FULL, VARIANTS

TINY = [
    "data=nba",
    "data.as_of_every_days=120",
    "folds=walk_forward",
    "folds.n_test_seasons=1",
    "trainer=cpu",
    "trainer.max_epochs=1",
    "trainer.num_threads=1",
    "model.model_a.n_seeds=2",
    "model.model_a.encoder_dims=[8]",
    "model.model_a.learning_rate=0.01",
    "evaluation.bootstrap_samples=200",
    "callbacks=quiet",
]


@pytest.fixture
def program(compose_as_is, cache, sim_tables, tmp_path, monkeypatch):
    """Runs a program on the simulated league: `program(ablate, *overrides)`."""
    prepared = SimpleNamespace(tables=sim_tables)
    monkeypatch.setattr(pipeline, "prepare_tables", lambda *_: prepared)

    def run(of, *overrides):
        paths = [f"paths.outputs={tmp_path / 'outputs3'}", f"paths.cache={cache}"]
        config = compose_as_is(*TINY, *paths, *overrides)
        console = Console(file=StringIO(), width=200)
        result = of(OmegaConf.structured(config), console)
        return result, newest(tmp_path), console.file.getvalue()

    return run


def newest(tmp_path):
    return max((tmp_path / "outputs3").glob("run_*"))


def read(folder, name):
    return pd.read_csv(folder / name, dtype={"as_of_point": "str"})


def test_every_variant_is_in_the_tables_the_figure_and_the_analysis(program):
    result, folder, shown = program(ablate)
    manifest = read_manifest(folder)
    assert manifest["status"] == "finished"
    assert manifest["kind"] == "ablations of model A"
    assert manifest["left_out"] == {}
    names = [FULL, *VARIANTS]
    assert [name for name in manifest["seconds"] if name in names] == names

    tidy, gains = read(folder, "ablations.csv"), read(folder, "ablation_gains.csv")
    pd.testing.assert_frame_equal(gains, result, check_dtype=False)
    assert tidy["variant"].unique().tolist() == names
    assert tidy["season"].unique().tolist() == ["2023-24"]
    known = tidy.set_index(["variant", "as_of_point", "scope"])["spearman"]
    assert len(tidy) == len(names) * len(LISTS)
    assert len(gains) == len(VARIANTS) * len(LISTS)
    for row in gains.itertuples():
        full, less = (known[(name, row.as_of_point, row.scope)] for name in (FULL, row.part))
        assert row.gain == pytest.approx(full - less)
    assert (gains["gain"] != 0).any()

    (analysis,) = folder.glob("ANALYSIS_*.md")
    text = analysis.read_text()
    for name in VARIANTS:
        assert len(re.findall(rf"^- \*\*{name}\*\* ", text, flags=re.MULTILINE)) == 1
        assert name in shown
    assert (folder / "figures" / "ablations.png").read_bytes().startswith(b"\x89PNG")
    assert "figures/ablations.png" in text
    assert config_from_yaml(folder / "config.yaml").model.members == ["model_a"]

    # A pattern that fits no column would quietly take nothing away.
    columns = pd.Series(manifest["players"]["columns"])
    for variant in VARIANTS.values():
        for pattern in variant.columns:
            assert columns.str.fullmatch(pattern.replace("*", ".*")).any()


@pytest.fixture
def few(monkeypatch):
    """Leaves three variants, so that a run is short."""
    kept = {
        name: VARIANTS[name] for name in ("without attention", "one network", "uniform weights")
    }
    monkeypatch.setattr(ablate_model_a, "VARIANTS", kept)


def test_a_variant_that_is_the_full_model_is_left_out_and_said_so(program, few):
    _, folder, shown = program(ablate, "model.model_a.n_seeds=1")
    why = "it is the full model"
    assert read_manifest(folder)["left_out"] == {"one network": why}
    assert f"one network: left out, {why}" in shown
    assert f"**one network** was left out: {why}" in (folder / "ANALYSIS_01.md").read_text()
    fitted = read(folder, "ablations.csv")["variant"].unique().tolist()
    assert fitted == [FULL, "without attention", "uniform weights"]


def test_finished_variants_are_on_disk_when_the_run_is_interrupted(
    program, few, tmp_path, monkeypatch
):
    score, left = ablate_model_a.score_test_seasons, [1, 1]

    def interrupted(*args):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return score(*args)

    monkeypatch.setattr(ablate_model_a, "score_test_seasons", interrupted)
    with pytest.raises(KeyboardInterrupt):
        program(ablate)
    folder = newest(tmp_path)
    assert read_manifest(folder)["status"] == "interrupted"
    assert read(folder, "ablations.csv")["variant"].unique().tolist() == [FULL, "without attention"]
    assert read(folder, "ablation_gains.csv")["part"].unique().tolist() == ["without attention"]


@pytest.mark.slow
def test_the_full_model_is_that_of_a_run(program, few):
    _, folder, _ = program(ablate)
    own = read(folder, "ablations.csv")
    own = own[(own["variant"] == FULL) & (own["scope"] == "league")]
    own = own.set_index("as_of_point")["spearman"].drop(MEAN)
    _, folder, _ = program(train, "model=model_a", "model.model_a.n_seeds=2")
    metrics = read(folder, "metrics.csv")
    rows = metrics[
        (metrics["ranker"] == "model_a")
        & (metrics["scope"] == "league")
        & (metrics["metric"] == "spearman")
    ]
    assert own.to_dict() == pytest.approx(rows.set_index("as_of_point")["value"].to_dict())
