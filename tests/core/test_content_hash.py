from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from nba_rank.core import content_hash, imports
from nba_rank.core.content_hash import PACKAGES, code_hash, content_key
from nba_rank.core.imports import closure

FRAME = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", "y"]})
SMALL = "nba_rank.core.errors"


@dataclass
class Part:
    depth: int


@pytest.fixture
def forget():
    """Forgets the sources read so far; also afterwards."""

    def clear():
        for cached in (imports.modules, imports.imports, imports.closure, code_hash):
            cached.cache_clear()

    yield clear
    clear()


def test_the_closure_contains_all_that_decides_a_result_and_no_more():
    needed = {
        "nba_rank.experiments.tuning.trial": {
            "evaluation.assessment", "models.playoff_classifier", "samples.playoff_splits",
            "experiments.inputs",
        },
        "nba_rank.odds.projection": {"odds.projection", "odds.bracket"},
        "nba_rank.features.store": {"features.elo"},
        "nba_rank.models.members": {"models.model_a.set_attention", "samples.lists"},
    }  # fmt: skip
    for maker, modules in needed.items():
        assert {f"nba_rank.{module}" for module in modules} <= closure(maker)
    assert not any(name.startswith("nba_rank.report") for name in closure("nba_rank.odds.bracket"))


def test_an_edit_changes_the_keys_of_the_modules_that_need_it_only(tmp_path, monkeypatch, forget):
    package = tmp_path / "made_up"
    package.mkdir()
    sources = {
        "__init__": "", "a": "from made_up import b", "b": "def late():\n    import made_up.c",
        "c": "", "d": "",
    }  # fmt: skip
    for name, text in sources.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.setattr(imports, "_ROOT", package)

    def keys():
        forget()
        return {name: content_key(f"made_up.{name}", ["same"]) for name in "abcd"}

    def whole():
        forget()
        return content_key("made_up", ["same"])

    monkeypatch.setattr(imports, "PACKAGE", "made_up")
    monkeypatch.setattr(content_hash, "PACKAGE", "made_up")
    first = keys()
    assert keys() == first
    for edited, changed in (("c", "abc"), ("d", "d"), ("__init__", "abcd")):
        before, of_all = keys(), whole()
        (package / f"{edited}.py").write_text("# edited")
        after = keys()
        assert whole() != of_all
        assert "".join(name for name in "abcd" if after[name] != before[name]) == changed


def test_imports_are_found_at_any_depth(tmp_path, monkeypatch, forget):
    text = """
try:
    import made_up.a
except ImportError:
    with open("x"):
        from made_up import b
else:
    class One:
        def two(self):
            match self:
                case One():
                    import made_up.c
"""
    package = tmp_path / "made_up"
    package.mkdir()
    for name in ("__init__", *"abc"):
        (package / f"{name}.py").write_text("")
    (package / "d.py").write_text(text)
    monkeypatch.setattr(imports, "_ROOT", package)
    forget()
    assert {*imports.imports("made_up.d")} == {"made_up.a", "made_up.b", "made_up.c"}


def test_another_version_of_a_package_changes_the_key(monkeypatch):
    needed = {"numpy", "pandas", "scipy", "scikit-learn", "xgboost", "torch"}
    assert needed <= set(PACKAGES)
    versions = dict.fromkeys(PACKAGES, "1")
    monkeypatch.setattr(content_hash.metadata, "version", versions.get)
    before = code_hash.__wrapped__(SMALL)
    for package in needed:
        with monkeypatch.context() as patch:
            patch.setitem(versions, package, "2")
            assert code_hash.__wrapped__(SMALL) != before


def test_other_parts_give_another_key_and_equal_ones_the_same():
    a = np.array([1.0, 2.0])
    other = [
        [a, "a"], [a], ["a", a], [a, "b"], [np.array([1.0, 2.5]), "a"], [a.astype("float32"), "a"],
        [a[None], "a"], [a.astype(object), "a"], [FRAME], [FRAME.rename(columns={"a": "c"})],
        [FRAME.astype({"a": "float32"})], [FRAME.iloc[::-1]], [FRAME.assign(a=[1.0, 2.0])],
        [Part(3)], [Part(4)], ["ab"], ["a", "b"],
    ]  # fmt: skip
    assert len({content_key(SMALL, parts) for parts in other}) == len(other)
    # Neither the layout of an array, the bits of NaN nor a frame's index count.
    values, nan = np.arange(6.0).reshape(2, 3), np.array([np.nan])
    equal = [np.asfortranarray(values), -nan, FRAME.set_axis([5, 6])]
    assert content_key(SMALL, equal) == content_key(SMALL, [values, nan, FRAME])
    assert content_key(None, equal) == content_key(None, [values, nan, FRAME])
    assert content_key(None, equal) not in (content_key(SMALL, equal), content_key(None, [nan]))
