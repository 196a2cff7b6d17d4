import numpy as np
import pandas as pd
import pytest

from nba_rank.config.schema import RfConfig
from nba_rank.core import content_hash
from nba_rank.core.fit_or_load import fit_or_load

RF = RfConfig(
    n_estimators=3, max_depth=2, min_samples_leaf=1, max_features=0.5, max_samples=1.0
)  # fmt: skip
BASE = (np.array([1.0, 2.0]), "a")


def write(text, folder):
    (folder / "text").write_text(text)


@pytest.fixture
def ask(tmp_path):
    """Asks for the result of some parts, `ask("made", *parts)`; tells whether it was kept."""

    def run(text, *parts, name="one", folder=tmp_path, make=None, write=write):
        return fit_or_load(
            folder,
            name,
            parts,
            made_by="nba_rank.core.errors",
            make=make or (lambda: text),
            write=write,
            read=lambda folder: (folder / "text").read_text(),
        )

    return run


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_result_of_equal_parts_is_loaded(ask, tmp_path):
    values, frame = np.arange(6.0).reshape(2, 3), pd.DataFrame({"a": [1.0, np.nan]})
    assert ask("first", values, np.array([np.nan]), frame, RF, ["x"], 7) == ("first", False)
    # Neither the layout of an array, the bits of NaN nor a frame's index count.
    equal = [np.asfortranarray(values), np.array([-np.nan]), frame.set_axis([5, 6])]
    assert ask("second", *equal, RF, ["x"], 7) == ("first", True)
    (entry,) = tmp_path.iterdir()
    assert entry.name.startswith("one_")
    assert entries(entry) == ["contents.json", "text"]


@pytest.mark.parametrize(
    "parts",
    [
        (np.array([1.0, 2.5]), "a"),
        (np.array([1.0, 2.0], dtype=np.float32), "a"),
        (np.array([[1.0, 2.0]]), "a"),
        (np.array([1.0, 2.0], dtype=object), "a"),
        (BASE[0], "b"),
        BASE[:1],
        BASE[::-1],
        (pd.DataFrame({"a": [1.0, 2.0]}), "a"),
        (pd.DataFrame({"b": [1.0, 2.0]}), "a"),
        (RF, "a"),
        (RfConfig(**{**vars(RF), "max_depth": 3}), "a"),
    ],
)
def test_other_parts_are_another_entry(ask, parts):
    ask("base", *BASE)
    assert ask("other", *parts) == ("other", False)
    assert ask("again", *BASE) == ("base", True)


def test_another_name_or_other_code_is_another_entry_and_no_folder_is_none(ask, monkeypatch):
    ask("base", *BASE)
    assert ask("named", *BASE, name="two") == ("named", False)
    assert ask("unkept", *BASE, folder=None) == ("unkept", False)
    assert ask("again", *BASE) == ("base", True)
    monkeypatch.setattr(content_hash, "code_hash", lambda module: "edited")
    assert ask("edited", *BASE) == ("edited", False)


DAMAGES = {
    "cut": {"text": "fir"}, "flipped": {"text": "firsu"}, "gone": {"text": None},
    "added": {"more": ""}, "unlisted": {"contents.json": None}, "nonsense": {"contents.json": "{"},
    "half": {"contents.json": None, "text": None},
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_made_again_and_replaced(ask, tmp_path, damage):
    ask("first", *BASE)
    (entry,) = tmp_path.iterdir()
    for name, text in DAMAGES[damage].items():
        (entry / name).unlink() if text is None else (entry / name).write_text(text)
    assert ask("second", *BASE) == ("second", False)
    assert ask("third", *BASE) == ("second", True)
    assert entries(tmp_path) == [entry.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_write_leaves_nothing(ask, tmp_path, error):
    def stop(text, folder):
        write(text, folder)
        raise error

    with pytest.raises(error):
        ask("first", *BASE, write=stop)
    assert entries(tmp_path) == []


def test_of_two_runs_at_once_the_result_kept_first_stays(ask, tmp_path):
    def meanwhile():
        ask("theirs", *BASE)
        return "ours"

    assert ask("", *BASE, make=meanwhile) == ("ours", False)
    assert ask("third", *BASE) == ("theirs", True)
    assert len(entries(tmp_path)) == 1
