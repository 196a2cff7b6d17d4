import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nba_rank.core import content_hash, imports
from nba_rank.core.content_hash import code_hash, content_key, frame_hash
from nba_rank.core.imports import closure

FRAME = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", "y"]})


@pytest.fixture
def fresh():
    """Forgets what was read of the sources, before and after."""

    def forget():
        for remembered in (imports.modules, imports.imports, imports.closure, code_hash):
            remembered.cache_clear()

    forget()
    yield forget
    forget()


@pytest.fixture
def copied(tmp_path, monkeypatch, fresh) -> Path:
    """A copy of the package whose sources the test may edit."""
    package = tmp_path / "nba_rank"
    shutil.copytree(imports._ROOT, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(imports, "_ROOT", package)
    fresh()
    return package


TRIAL = "nba_rank.experiments.tuning.trial"


@pytest.mark.parametrize(
    ("maker", "needed"),
    [
        (TRIAL, "nba_rank.evaluation.assessment"),
        (TRIAL, "nba_rank.models.playoff_classifier"),
        (TRIAL, "nba_rank.samples.playoff_splits"),
        (TRIAL, "nba_rank.experiments.inputs"),
        ("nba_rank.odds.projection", "nba_rank.odds.projection"),
        ("nba_rank.odds.projection", "nba_rank.odds.bracket"),
        ("nba_rank.features.store", "nba_rank.features.elo"),
        ("nba_rank.models.members", "nba_rank.models.model_a.set_attention"),
        ("nba_rank.models.members", "nba_rank.samples.lists"),
    ],
)
def test_the_closure_holds_what_decides_a_result(maker, needed):
    assert needed in closure(maker)


def test_the_closure_leaves_out_what_the_maker_does_not_need():
    assert not any(name.startswith("nba_rank.report") for name in closure("nba_rank.odds.bracket"))


def test_an_edit_of_any_needed_module_changes_the_key(copied, fresh):
    before = content_key("nba_rank.odds.projection", ["same"])
    with (copied / "odds" / "bracket.py").open("a") as file:
        file.write("# edited\n")
    fresh()
    assert content_key("nba_rank.odds.projection", ["same"]) != before


def test_an_edit_of_another_module_leaves_the_key(copied, fresh):
    before = content_key("nba_rank.odds.projection", ["same"])
    with (copied / "report" / "style.py").open("a") as file:
        file.write("# edited\n")
    fresh()
    assert content_key("nba_rank.odds.projection", ["same"]) == before


@pytest.mark.parametrize(
    "package", ["numpy", "pandas", "scipy", "scikit-learn", "xgboost", "torch"]
)
def test_another_version_of_a_package_changes_the_key(monkeypatch, fresh, package):
    before = code_hash("nba_rank.odds.bracket")
    version = content_hash.metadata.version
    monkeypatch.setattr(
        content_hash.metadata, "version", lambda name: "0" if name == package else version(name)
    )
    code_hash.cache_clear()
    assert code_hash("nba_rank.odds.bracket") != before


@pytest.mark.parametrize("parts", [["ab"], ["a", "c"], ["a"], ["b", "a"]])
def test_other_parts_give_another_key(parts):
    assert content_key(TRIAL, parts) != content_key(TRIAL, ["a", "b"])


@pytest.mark.parametrize(
    "other",
    [
        FRAME.rename(columns={"a": "c"}),
        FRAME.astype({"a": "float32"}),
        FRAME.iloc[::-1],
        FRAME.assign(a=[1.0, 2.0]),
    ],
)
def test_a_frame_hash_sees_names_dtypes_values_and_order(other):
    assert frame_hash(other) != frame_hash(FRAME)
    assert frame_hash(FRAME.copy()) == frame_hash(FRAME)
