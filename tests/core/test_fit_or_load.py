import numpy as np
import pandas as pd
import pytest

from nba_rank.config.schema import RfConfig
from nba_rank.core import content_hash
from nba_rank.core.fit_or_load import fit_or_load

RF = RfConfig(
    n_estimators=3, max_depth=2, min_samples_leaf=1, max_features=0.5, max_samples=1.0
)  # fmt: skip


def write(text, folder):
    (folder / "text").write_text(text)


def read(folder):
    return (folder / "text").read_text()


@pytest.fixture
def ask(tmp_path):
    """Asks for what is made of some parts: `ask("made", *parts)`; tells whether it was there."""

    def run(text, *parts, name="one", folder=tmp_path):
        return fit_or_load(
            folder,
            name,
            parts,
            made_by="nba_rank.models.members",
            make=lambda: text,
            write=write,
            read=read,
        )

    return run


def entries(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir())


def test_what_was_made_of_the_same_is_there(ask, tmp_path):
    parts = [np.arange(3.0), pd.DataFrame({"a": [1.0, np.nan]}), RF, ["x"], 7]
    assert ask("first", *parts) == ("first", False)
    same = [np.arange(3.0), pd.DataFrame({"a": [1.0, np.nan]}, index=[5, 6]), RF, ["x"], 7]
    assert ask("second", *same) == ("first", True)
    (entry,) = tmp_path.iterdir()
    assert entry.name.startswith("one_")
    assert entries(entry) == ["contents.json", "text"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_is_nan_whatever_its_bits(ask, dtype):
    plus, minus = np.array([np.nan], dtype=dtype), np.array([-np.nan], dtype=dtype)
    assert plus.tobytes() != minus.tobytes()
    ask("first", plus)
    assert ask("second", minus) == ("first", True)


def test_the_layout_of_an_array_does_not_matter(ask):
    values = np.arange(6.0).reshape(2, 3)
    ask("first", values)
    assert ask("second", np.asfortranarray(values)) == ("first", True)
    assert ask("third", values.T) == ("third", False)


BASE = (np.array([1.0, 2.0]), "a")


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


def test_another_name_or_other_code_is_another_entry(ask, monkeypatch):
    ask("base", *BASE)
    assert ask("named", *BASE, name="two") == ("named", False)
    with monkeypatch.context() as patch:
        patch.setattr(content_hash, "code_hash", lambda module: "edited")
        assert ask("edited", *BASE) == ("edited", False)
    assert ask("again", *BASE) == ("base", True)


@pytest.mark.parametrize("damage", ["cut", "flip", "gone", "added", "unsaid", "nonsense", "half"])
def test_a_damaged_entry_is_made_anew_and_mended(ask, tmp_path, damage):
    ask("first", *BASE)
    (entry,) = tmp_path.iterdir()
    contents, text = entry / "contents.json", entry / "text"
    if damage == "cut":
        text.write_text("fir")
    elif damage == "flip":
        text.write_text("firsu")
    elif damage == "gone":
        text.unlink()
    elif damage == "added":
        (entry / "more").write_text("")
    elif damage == "unsaid":
        contents.unlink()
    elif damage == "nonsense":
        contents.write_text("{")
    else:
        contents.unlink()
        text.unlink()
    assert ask("second", *BASE) == ("second", False)
    assert ask("third", *BASE) == ("second", True)
    assert entries(tmp_path) == [entry.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_write_leaves_nothing(tmp_path, error):
    def stop(text, folder):
        write(text, folder)
        raise error

    with pytest.raises(error):
        fit_or_load(
            tmp_path,
            "one",
            BASE,
            made_by="nba_rank.models.members",
            make=lambda: "first",
            write=stop,
            read=read,
        )
    assert entries(tmp_path) == []


def test_of_two_runs_at_once_the_first_one_stays(ask, tmp_path):
    def meanwhile():
        ask("theirs", *BASE)
        return "ours"

    made = fit_or_load(
        tmp_path,
        "one",
        BASE,
        made_by="nba_rank.models.members",
        make=meanwhile,
        write=write,
        read=read,
    )
    assert made == ("ours", False)
    assert ask("third", *BASE) == ("theirs", True)
    assert len(entries(tmp_path)) == 1


def test_without_a_folder_nothing_is_kept(ask, tmp_path):
    assert ask("first", *BASE, folder=None) == ("first", False)
    assert ask("second", *BASE, folder=None) == ("second", False)
    assert entries(tmp_path) == []
