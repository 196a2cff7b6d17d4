import errno
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nba_rank.core.files import file_hashes, locked, replace_folder, write_atomically


def test_a_write_replaces_the_file_as_a_whole(tmp_path):
    path = tmp_path / "new" / "file"
    for text in ("one", "two"):
        write_atomically(path, lambda part, text=text: part.write_text(text))
    assert path.read_text() == "two"
    assert list(path.parent.iterdir()) == [path]


def test_two_threads_may_write_the_same_file(tmp_path):
    barrier = threading.Barrier(2)

    def write(text):
        def writer(path):
            path.write_text(text)
            barrier.wait()

        write_atomically(tmp_path / "file", writer)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, ["one", "two"]))
    assert (tmp_path / "file").read_text() in ("one", "two")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, error):
    (tmp_path / "file").write_text("old")
    replace_folder(tmp_path / "folder", lambda folder: (folder / "file").write_text("old"))
    before = file_hashes(tmp_path)

    def fail(path):
        (path / "file" if path.is_dir() else path).write_text("new")
        raise error

    for write, old in ((write_atomically, "file"), (replace_folder, "folder")):
        for name in (old, "new"):
            with pytest.raises(error):
                write(tmp_path / name, fail)
    assert file_hashes(tmp_path) == before


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "made" / "folder"
    for name in ("old", "new"):
        replace_folder(folder, lambda part, name=name: (part / name).write_text(name))
    assert list(file_hashes(tmp_path)) == ["made/folder/new"]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    inside, most, waited = [], [], []

    def enter(number):
        with locked(tmp_path / "new" / ".lock", lambda: waited.append(number)):
            inside.append(number)
            most.append(len(inside))
            threading.Event().wait(0.02)
            inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enter, range(4)))
    assert most == [1, 1, 1, 1]
    assert len(waited) >= 1


def test_where_nothing_can_be_written_nothing_is_locked(tmp_path, monkeypatch):
    for number in (errno.EACCES, errno.EROFS, errno.ENOSPC):

        def refuse(*args, number=number, **kwargs):
            raise OSError(number, "refused")

        with monkeypatch.context() as patch:
            patch.setattr("os.open", refuse)
            if number != errno.ENOSPC:
                with locked(tmp_path / ".lock"):
                    pass
                continue
            with pytest.raises(OSError, match="refused"), locked(tmp_path / ".lock"):
                pass
