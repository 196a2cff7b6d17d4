import itertools
import time
from email.utils import formatdate

import pytest
import tenacity

from nba_rank.config.schema import WebConfig
from nba_rank.data.fetch import web as fetch_web
from nba_rank.data.fetch.web import FetchError, Web

CONFIG = WebConfig(tries=3, wait_seconds=4.0, timeout_seconds=5.0, download_seconds=60.0)


@pytest.fixture
def slept(monkeypatch):
    """Seconds that are waited, in order, without waiting; jitter is none."""
    seconds: list[float] = []
    monkeypatch.setattr(fetch_web.time, "sleep", seconds.append)
    monkeypatch.setattr(tenacity.nap.time, "sleep", seconds.append)
    monkeypatch.setattr("random.uniform", lambda low, high: low)
    return seconds


def test_waits_double(server, slept):
    server.files["/a"] = b"x"
    server.faults["/a"] = [503, 503]
    assert Web(CONFIG, 0.0).get(f"{server.address}/a").content == b"x"
    assert [wait for wait in slept if wait] == [4.0, 8.0]


@pytest.mark.parametrize(
    "retry_after", [lambda: 30, lambda: formatdate(time.time() + 30, usegmt=True)]
)
def test_a_longer_wait_that_the_server_asks_for_counts(server, slept, retry_after):
    server.files["/a"] = b"x"
    server.retry_after = retry_after()
    server.faults["/a"] = [429]
    Web(CONFIG, 0.0).get(f"{server.address}/a")
    (waited,) = [wait for wait in slept if wait]
    assert 4 < waited <= 30


def test_requests_to_one_source_keep_their_distance(server, slept):
    server.files["/a"] = b"x"
    web = Web(CONFIG, 7.0)
    web.get(f"{server.address}/a")
    web.get(f"{server.address}/a")
    first, second = slept
    assert first == 0
    assert 6 < second <= 7


def test_a_file_that_only_drips_is_given_up(server, slept, monkeypatch):
    server.files["/a"] = bytes(10_000)
    minutes = itertools.count(step=60.0)
    monkeypatch.setattr(fetch_web.time, "monotonic", lambda: next(minutes))
    with pytest.raises(FetchError, match="not complete after 60 s"):
        Web(CONFIG, 0.0).get(f"{server.address}/a")
    assert server.asked() == ["/a"] * 3
