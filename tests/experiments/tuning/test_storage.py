import multiprocessing
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from nba_rank.core.passwords import redact_password
from nba_rank.experiments.tuning.storage import StudyError, open_storage
from nba_rank.experiments.tuning.study import SharedStudy

N_WORKERS = 4


def meet(barrier) -> None:
    """Give the workers of a process what they wait at before each start."""
    meet.barrier = barrier


def start(url: str, seed: int) -> tuple[bool, list[int]]:
    """Start a worker with its own question, and ask for three trials."""
    meet.barrier.wait(60)
    study = SharedStudy(url, "shared", ["spearman"])
    try:
        study.check_same_question({"seed": str(seed)})
    except StudyError:
        return False, []
    return True, [study.ask().number for _ in range(3)]


@pytest.fixture(scope="module")
def workers():
    """Starts as many workers as there are seeds, at the same moment, in processes of their own."""
    context = multiprocessing.get_context("spawn")
    arguments = [context.Barrier(N_WORKERS)]
    with ProcessPoolExecutor(N_WORKERS, context, meet, arguments) as pool:
        yield lambda url, seeds: [*pool.map(start, [url] * N_WORKERS, seeds)]


@pytest.fixture(params=["sqlite", "journal", pytest.param("postgresql", marks=pytest.mark.slow)])
def empty(request, tmp_path: Path) -> Callable[[int], str]:
    """Makes the URL of an empty storage, given a number."""
    if request.param == "postgresql":
        make = request.getfixturevalue("postgres")
        return lambda _: make()
    if request.param == "journal":
        return lambda n: f"journal://{tmp_path / 'new' / f'{n}.log'}"
    return lambda n: f"sqlite:///{tmp_path / f'{n}.db'}"


@pytest.mark.slow
def test_any_number_of_workers_may_start_at_once(workers, empty):
    for n in range(10):
        found = workers(empty(n), [5] * N_WORKERS)
        numbers = [number for _, of_worker in found for number in of_worker]
        assert sorted(numbers) == [*range(3 * N_WORKERS)]


def test_of_workers_that_start_at_once_one_decides_the_question(empty):
    meet(threading.Barrier(N_WORKERS))
    with ThreadPoolExecutor(N_WORKERS) as pool:
        found = [*pool.map(start, [empty(0)] * N_WORKERS, range(N_WORKERS))]
    assert sum(is_the_same for is_the_same, _ in found) == 1


SECRET = [
    "postgresql+psycopg://me:secret@127.0.0.1:9/none",
    "postgresql+psycopg://127.0.0.1:9/none?user=me&password=secret",
    "postgresql+psycopg://127.0.0.1:9/none?sslpassword=secret&PWD=secret",
    "postgresql+psycopg://me:x%40secret@127.0.0.1:9/none?connect_timeout=1&passwd=secret",
    "postgresql+psycopg://me:x@secret@127.0.0.1:9/none",
    "postgresql+psycopg://me:x:secret/1@127.0.0.1:9/none",
    "nothing://me:secret@host/name",
]


@pytest.mark.parametrize("url", [*SECRET, "sqlite:////nowhere/at/all.db", "what"])
def test_a_storage_that_cannot_be_opened_is_named_without_its_password(url):
    with pytest.raises(StudyError, match="the study cannot be opened at") as error:
        open_storage(url)
    assert "secret" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("url", SECRET)
def test_a_password_is_redacted_wherever_it_stands(url):
    told = redact_password(f"overrides:\n- hydra.sweeper.storage={url}\n- seed=1\n")
    assert "secret" not in told
    assert told.startswith("overrides:\n- hydra.sweeper.storage=")
    assert told.endswith("\n- seed=1\n")


@pytest.mark.parametrize(
    "url", ["journal:///a/b@c.log", "sqlite:////a/b.db", "postgresql+psycopg://me@host:5432/name"]
)
def test_a_url_without_a_password_stays(url):
    assert redact_password(url) == url
