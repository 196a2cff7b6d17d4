"""One polite request at a time: a pause, tries with backoff, and errors that say what to do."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from nba_rank.config.schema import WebConfig
from nba_rank.core.errors import UserError

_MAX_WAIT = 120.0  # seconds, also where a server asks for more
_CHUNK = 1 << 10
_FAILURES = 2
_TRY_LATER = {408, 425, 429, 500, 502, 503, 504}
_AGENT = {"User-Agent": "nba_rank"}
_ENCODINGS = {"Accept-Encoding": "gzip, deflate"}  # what is understood without more packages


class FetchError(UserError):
    """A source does not give what it should; the message says what, where and what to do."""


class NotThereError(FetchError):
    """A source has no such file (404): a season that has not begun, or one that it never had."""


class RefusedError(FetchError):
    """A source does not let us in (401, 403)."""


class _PassingError(FetchError):
    """An error that another try may not meet.

    Attributes:
        wait: Seconds that the server asks to wait, 0 where it does not.
    """

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class _DripError(requests.Timeout):
    """A body does not come to its end in time."""


@dataclass(frozen=True)
class Answer:
    """An answer that was read to its end; its status is 200, or 304 for "not modified"."""

    url: str
    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", errors="replace")


class Web:
    """Asks servers, one request at a time.

    Args:
        config: Number of tries, waits and time-outs.
        pause_seconds: Least seconds between two requests to one source.
    """

    def __init__(self, config: WebConfig, pause_seconds: float) -> None:
        self._config = config
        self._pause = pause_seconds
        self._next = 0.0
        self._session = requests.Session()
        self._failures = 0

    def get(
        self,
        url: str,
        params: Any = None,  # noqa: ANN401
        headers: Mapping[str, str] | None = None,
        expected: str = "file",
        **_: object,
    ) -> Answer:
        """Return the answer to a GET request.

        Also what `nba_api` asks of a session, with `timeout` and `proxies`, which are ours.

        Args:
            url: Address.
            params: Query, as in `requests`.
            headers: Headers besides our own.
            expected: `json`, `parquet` or `file`: the form without which the answer is an error.

        Raises:
            NotThereError: Status 404.
            FetchError: Anything else, after the configured tries where another may help.
        """
        backoff = wait_exponential_jitter(self._config.wait_seconds, _MAX_WAIT)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.wait if isinstance(error, _PassingError) else 0.0
            return max(min(asked, _MAX_WAIT), backoff(state))

        tries = Retrying(
            stop=stop_after_attempt(self._config.tries),
            wait=wait,
            retry=retry_if_exception_type(_PassingError),
            reraise=True,
        )
        try:
            answer = tries(
                self._once, url, params, _AGENT | {**(headers or {})} | _ENCODINGS, expected
            )
        except _PassingError:
            self._failures += 1
            raise
        self._failures = 0
        return answer

    @property
    def is_silent(self) -> bool:
        """Whether the last requests have failed, all their tries: it is no use to go on."""
        return self._failures >= _FAILURES

    def _once(
        self,
        url: str,
        params: Any,  # noqa: ANN401
        headers: Mapping[str, str],
        expected: str,
    ) -> Answer:
        time.sleep(max(0.0, self._next - time.monotonic()))
        try:
            answer = self._session.get(
                url, params=params, headers=headers, timeout=self._config.timeout_seconds,
                stream=True,
            )  # fmt: skip
            body = self._body(answer)
        except requests.Timeout as error:
            told = f"no answer within {self._config.timeout_seconds:g} s (web.timeout_seconds)"
            told = str(error) if isinstance(error, _DripError) else told
            raise _PassingError(
                f"{url}: {told}. {_where(url, 'lets requests from clouds wait for ever')}"
            ) from error
        except requests.RequestException as error:
            raise _PassingError(
                f"{url}: the connection failed or broke off ({_reason(error)}). Check the network "
                "and the address, then run the same command again: it goes on where it was"
            ) from error
        finally:
            self._next = time.monotonic() + self._pause
        _check_status(answer, body, url)
        if answer.status_code == requests.codes.ok:
            _check_form(body, expected, url)
        return Answer(answer.url, answer.status_code, answer.headers, body)

    def _body(self, answer: requests.Response) -> bytes:
        """Read a body within the limit; a server that drips has to end, too."""
        limit = self._config.download_seconds
        start, parts = time.monotonic(), []
        for part in answer.iter_content(_CHUNK):
            parts.append(part)
            if time.monotonic() - start > limit:
                answer.close()
                raise _DripError(f"not complete after {limit:g} s (web.download_seconds)")
        return b"".join(parts)


def _check_status(answer: requests.Response, body: bytes, url: str) -> None:
    status = answer.status_code
    if status in (requests.codes.ok, requests.codes.not_modified):
        return
    told = f"{url}: status {status} ({answer.reason})"
    # Object stores that do not list their files deny those that do not exist.
    if status == requests.codes.not_found or (status == 403 and b"<Code>AccessDenied" in body):
        raise NotThereError(f"{told}: the source has no such file")
    if status in _TRY_LATER:
        wait = _seconds(answer.headers.get("Retry-After", ""))
        raise _PassingError(f"{told}: too busy or failing. Try again later", wait)
    if status in (401, 403):
        raise RefusedError(f"{told}: refused. {_where(url, 'refuses addresses of clouds')}")
    raise FetchError(f"{told}. Check the address in the config")


def _where(url: str, habit: str) -> str:
    """Say what to do about a server that keeps us out; the league's site has a habit."""
    if "nba.com" in url:
        return f"The league's site {habit}: take another source, or run this from a home network"
    return "Try again later, or take another source"


def _seconds(retry_after: str) -> float:
    """Return the wait that a server asks for, in seconds or until a date; 0 where it does not."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, until.timestamp() - time.time())


def _check_form(body: bytes, expected: str, url: str) -> None:
    if body[:200].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<error")):
        raise _PassingError(
            f"{url}: a page of HTML or XML came instead of a {expected}: the source is down, or "
            "refuses us for a while. Try again later, or take another source"
        )
    if expected == "parquet" and (body[:4], body[-4:]) != (b"PAR1", b"PAR1"):
        raise _PassingError(f"{url}: not a whole parquet file ({len(body)} bytes). Try again later")
    if expected == "json":
        try:
            json.loads(body)
        except ValueError as error:
            raise _PassingError(f"{url}: not JSON ({error}). Try again later") from error


def _reason(error: Exception) -> str:
    """Return the innermost cause, which libraries wrap several times."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return f"{type(cause).__name__}: {cause}"
