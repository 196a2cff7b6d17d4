import errno
import os

import numpy as np
import pytest

from nba_rank.core import content_hash
from nba_rank.core import fit_or_load as fit_or_load_module
from nba_rank.core.fit_or_load import fit_or_load

BASE = (np.array([1.0, 2.0]), "a")


@pytest.fixture
def ask(tmp_path):
    """Asks for the result of some parts, `ask("made", *parts)`; tells whether it was kept."""

    def run(text, *parts, name="one", folder=tmp_path, make=None):
        return fit_or_load(
            folder,
            name,
            parts,
            made_by="nba_rank.core.errors",
            make=make or (lambda: text),
            write=lambda text, folder: (folder / "text").write_text(text),
            read=lambda folder: (folder / "text").read_text(),
        )

    return run


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_result_of_equal_parts_is_loaded(ask, tmp_path):
    assert ask("first", *BASE) == ("first", False)
    (entry,) = tmp_path.iterdir()
    assert entry.name.startswith("one_")
    assert entries(entry) == ["contents.json", "text"]
    assert ask("second", BASE[0].copy(), "a") == ("first", True)
    assert ask("other", BASE[0], "b") == ("other", False)


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


def test_the_result_kept_first_wins_over_a_concurrent_one(ask, tmp_path):
    def meanwhile():
        ask("theirs", *BASE)
        return "ours"

    assert ask("", *BASE, make=meanwhile) == ("ours", False)
    assert ask("third", *BASE) == ("theirs", True)
    assert len(entries(tmp_path)) == 1


def test_a_cache_that_may_only_be_read_keeps_nothing_and_says_so(ask, tmp_path, monkeypatch):
    ask("known", "a")

    def fail(number):
        def write(folder, _):
            raise OSError(number, os.strerror(number), str(folder))

        monkeypatch.setattr(fit_or_load_module, "replace_folder", write)

    for number in (errno.EACCES, errno.EROFS):
        fail(number)
        with pytest.warns(UserWarning, match=f"the cache {tmp_path} cannot be written"):
            assert ask("made", "b") == ("made", False)
        assert ask("again", "a") == ("known", True)
    fail(errno.ENOSPC)
    with pytest.raises(OSError, match="No space left"):
        ask("made", "b")
