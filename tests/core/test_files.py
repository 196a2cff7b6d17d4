import errno
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nba_rank.core.files import file_hashes, locked, replace_folder, write_atomically

WAYS = pytest.mark.parametrize("write", [write_atomically, replace_folder])


def writer(text, then=lambda: None):
    """Writes text to a file, or to a file in a folder, and does something else before it ends."""

    def write(path):
        (path / "file" if path.is_dir() else path).write_text(text)
        then()

    return write


@WAYS
def test_a_write_replaces_what_was_there_or_leaves_it(tmp_path, write):
    place = tmp_path / "made" / "place"
    for text in ("old", "new"):
        write(place, writer(text))
    assert list(place.parent.iterdir()) == [place]
    before = file_hashes(tmp_path)
    assert [(tmp_path / name).read_text() for name in before] == ["new"]
    for error in (KeyboardInterrupt, OSError):
        for path in (place, tmp_path / "another"):

            def fail(error=error):
                raise error

            with pytest.raises(error):
                write(path, writer("half", fail))
    assert file_hashes(tmp_path) == before


def test_two_threads_may_write_the_same_file(tmp_path):
    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        write = (writer(text, barrier.wait) for text in ("one", "two"))
        list(pool.map(write_atomically, [tmp_path / "file"] * 2, write))
    assert (tmp_path / "file").read_text() in ("one", "two")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@WAYS
def test_the_next_write_clears_what_a_killed_process_left(tmp_path, write):
    place = tmp_path / "place"
    kill = writer("half", lambda: os.kill(os.getpid(), signal.SIGKILL))
    killed = multiprocessing.get_context("fork").Process(target=write, args=(place, kill))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    # Files of this process, which is alive, stay.
    write(place, writer("new", lambda: write(place, writer("meanwhile"))))
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


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


def test_nothing_is_locked_where_nothing_can_be_written(tmp_path, monkeypatch):
    def lock(number):
        def refuse(*args, **kwargs):
            raise OSError(number, "refused")

        with monkeypatch.context() as patch:
            patch.setattr("os.open", refuse)
            with locked(tmp_path / ".lock"):
                pass

    lock(errno.EACCES)
    lock(errno.EROFS)
    with pytest.raises(OSError, match="refused"):
        lock(errno.ENOSPC)
