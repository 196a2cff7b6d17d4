"""From nothing to tonight, as a user goes: every program is a process and may be killed."""

import io
import itertools
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import as_llimllib
import pandas as pd
import pytest
from loopback import Loopback
from markupsafe import Markup
from programs import command, environment, files_of, program

from nba_rank.config.schema import SimParams
from nba_rank.data import league
from nba_rank.data.ingest import read_raw
from nba_rank.data.simulated.league import simulate_league, write_league
from nba_rank.report.render import block, with_block

SEASONS, CURRENT = ("2021_22", "2022_23", "2023_24"), "2024_25"
SCHEDULE = "/espn_nba_schedules/nba_schedule_2025.parquet"
LOGS = {  # of the season in progress
    level: f"/nba/stats/{level}_game_logs/season=2025/data.parquet" for level in ("team", "player")
}
DAYS = ("2025-01-15", "2025-01-16", "2025-01-22")
TINY = (
    "data=nba", "folds=production", "folds.n_test_seasons=1", "data.as_of_every_days=120",
    "features.projection.n_simulations=20", "odds.n_simulations=200", "model.xgb.n_estimators=10",
    "model.rf.n_estimators=10", "model.model_a.n_seeds=1", "model.model_a.encoder_dims=[8]",
    "trainer=cpu", "trainer.max_epochs=1", "trainer.num_threads=1", "callbacks=quiet",
    "callbacks/not_learning=off",
)  # fmt: skip

pytestmark = pytest.mark.slow


class Mirror:
    """The default source, and ESPN's schedule beside it, as they are on a morning."""

    def __init__(self, server: Loopback, source: Path) -> None:
        self.server, self.source = server, source
        for season in SEASONS:
            server.files |= as_llimllib.files(source, season)
        regular = pd.read_parquet(source / f"team_logs_{CURRENT}.parquet")
        sides = regular["MATCHUP"].str.contains(" vs. ", regex=False)
        games = regular[sides].merge(regular[~sides], on="GAME_ID", suffixes=("", "_AWAY"))
        self.games = games.sort_values(["GAME_DATE", "GAME_ID"], ignore_index=True)
        due = self.games[self.games["GAME_DATE"] == DAYS[1]]
        self.postponed = str(due["GAME_ID"].iloc[0])
        # The last game of the 13th that was decided by few points goes to the other team.
        close = self.games[self.games["GAME_DATE"] == "2025-01-13"]
        self.corrected = close.loc[close["PLUS_MINUS"].abs().idxmin()]

    def turn_to(self, day: str) -> None:
        """Serve the games before a day; from the second day on, one is postponed, one corrected."""
        until = f"{pd.Timestamp(day) - pd.Timedelta(days=1):%Y-%m-%d}"
        self.server.files |= as_llimllib.files(self.source, CURRENT, until)
        date = self.games["GAME_DATE"]
        if day != DAYS[0]:
            date = date.mask(self.games["GAME_ID"] == self.postponed, "2025-03-31")
            for path in LOGS.values():
                log = pd.read_parquet(io.BytesIO(self.server.files[path]))
                log = log[log["game_id"] != self.postponed]
                self.server.files[path] = as_llimllib.parquet(self._correct(log))
        name_of = {team: name for name, team in league.franchise_names().items()}
        schedule = pd.DataFrame({"game_date": date, "season_type": 2, "neutral_site": False})
        for side, team in (("home", "TEAM_ID"), ("away", "TEAM_ID_AWAY")):
            schedule[f"{side}_display_name"] = self.games[team].map(name_of)
        schedule["game_id"] = schedule.index
        self.server.files[SCHEDULE] = as_llimllib.parquet(schedule)

    def _correct(self, log: pd.DataFrame) -> pd.DataFrame:
        """Give the loser so many free throws more that it has won by one point."""
        margin = self.corrected["PLUS_MINUS"]
        loser = self.corrected["TEAM_ID_AWAY" if margin > 0 else "TEAM_ID"]
        game = log["game_id"] == self.corrected["GAME_ID"]
        more = game & (log["team_id"] == str(loser))
        if "player_id" in log:
            more &= log.index == log.index[more][0]
        else:
            log = log.assign(win=log["win"] ^ game)
            log.loc[game, "plus_minus"] = more[game].map({True: 1, False: -1})
        gain = abs(margin) + 1
        return log.assign(**{name: log[name] + gain * more for name in ("pts", "ftm", "fta")})


@pytest.fixture(scope="module", autouse=True)
def without_git() -> Iterator[None]:
    """Hide the checkout's revision: if it changes meanwhile, the same day has a new forecast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_DIR", os.devnull)
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """An empty folder, in which the programs run."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def mirror(tmp_path_factory) -> Iterator[Mirror]:
    """A simulated league of three seasons and one in progress, served by the mirror."""
    source = tmp_path_factory.mktemp("source")
    write_league(simulate_league(SimParams(seed=11, n_seasons=4)), source)
    with Loopback() as server:
        yield Mirror(server, source)


@pytest.fixture(scope="module")
def servers(mirror) -> list[str]:
    address = mirror.server.address
    return [
        f"source.address={address}/nba", f"addresses.hoopr={address}", "source.pause_seconds=0",
        "web.wait_seconds=0",
    ]  # fmt: skip


def killed(words: list[str], home: Path, is_time: Callable[[list[str]], bool]) -> None:
    """Start a program and kill it when it is time, which is told from what it has shown so far."""
    with (home / "shown").open("w+") as shown:
        process = subprocess.Popen(
            words, cwd=home, env=environment(), stdout=shown, stderr=subprocess.STDOUT
        )
        while not is_time((home / "shown").read_text().splitlines()):
            assert process.poll() is None, (home / "shown").read_text()
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


def finished(name: str, *words: str, home: Path) -> str:
    done = program(name, *words, cwd=home)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def fetched(home, mirror, servers) -> Counter:
    """Fetches the three seasons, killed in the middle and again; counts what was served whole."""
    words = [*servers, "data.raw_dir=data/raw", "seasons=2021-22..2023-24"]
    # The seventh of twelve files comes slowly, and is cut off when the program is killed.
    seventh = "/nba/stats/player_game_logs/season=2022/data.parquet"
    mirror.server.faults[seventh] = ["slow"]
    log = mirror.server.log
    killed(command("fetch", *words), home, lambda _: seventh in dict(log))
    assert not (home / "data/raw/player_logs_2021_22.parquet").exists()
    finished("fetch", *words, home=home)
    times = Counter(path for path, status in log if status == 200)
    log.clear()
    times[seventh] -= 1
    return times


@pytest.fixture(scope="module")
def days(home, fetched, mirror, servers) -> list[SimpleNamespace]:
    """Trains, and follows the season for three days; each time it is killed somewhere, and again.

    Returns what each day has `shown`, the `history` and the `files` of the season thereafter, the
    mirror's team `log` of that morning, the history's bytes when it was `killed`, and the
    `statuses` of the mirror's answers after that.
    """
    finished("train", *TINY, "data.raw_dir=data/raw", home=home)
    folder = home / "outputs3/season_2024-25"
    history = folder / "history.parquet"
    states = []

    def size() -> int:
        return history.stat().st_size if history.exists() else 0

    for day in DAYS:
        mirror.turn_to(day)
        words, before = [f"as_of={day}", *servers], size()
        moments = {
            DAYS[0]: lambda _: LOGS["player"] in dict(mirror.server.log),
            DAYS[1]: lambda lines: any(line.startswith("Ingesting") for line in lines),
            DAYS[2]: lambda _, before=before: size() > before,
        }
        mirror.server.faults[LOGS["player"]] = ["slow"]
        killed(command("today", *words), home, moments[day])
        left = history.read_bytes() if history.exists() else b""
        mirror.server.log.clear()
        shown = finished("today", *words, home=home)
        states.append(
            SimpleNamespace(
                shown=shown,
                history=pd.read_parquet(history),
                killed=left,
                statuses={status for _, status in mirror.server.log},
                log=pd.read_parquet(io.BytesIO(mirror.server.files[LOGS["team"]])),
                files={name: (folder / name).read_bytes() for name in files_of(folder)},
            )
        )
    return states


def ranks(state: SimpleNamespace) -> list[list[str]]:
    """Return the words of the lines of the ranking."""
    lines = [line.split() for line in state.shown.splitlines()]
    start = next(i for i, words in enumerate(lines) if words[:2] == ["team", "rank"])
    return [words for words in lines[start + 1 : start + 40] if words][1:31]


def test_a_fetch_that_was_killed_loses_nothing_and_fetches_nothing_twice(
    fetched, home, mirror, servers
):
    assert set(fetched.values()) == {1}
    assert len(fetched) == 12
    tables, _ = read_raw(home / "data/raw")
    team_games = tables.team_games.groupby("season", observed=True).size()
    for season in SEASONS:
        logs = as_llimllib.read_logs(mirror.source, "team", season)
        assert team_games[season.replace("_", "-")] == len(logs)


def test_what_was_forecast_stays_as_it_was_and_nothing_half_written_is_left(days, home):
    def of_dates(state: SimpleNamespace) -> dict[str, bytes]:
        """Return the files of dates; a page's links to other dates do not count."""
        links = rb"(?s)<!-- turns -->.*?<!-- /turns -->"
        return {name: re.sub(links, b"", content) if name.endswith("html") else content
                for name, content in state.files.items() if name[:2] == "20"}  # fmt: skip

    for earlier, later in itertools.pairwise(days):
        kept = later.history.head(len(earlier.history))
        pd.testing.assert_frame_equal(kept, earlier.history)
        assert len(of_dates(earlier)) >= 3
        assert of_dates(earlier).items() <= of_dates(later).items()
    dates = days[-1].history["as_of_date"].dt.strftime("%Y-%m-%d")
    assert dates.tolist() == [day for day in DAYS for _ in range(30)]
    left = [path for folder in ("data/raw", "data/processed", "outputs3")
            for path in (home / folder).rglob(".*@*")]  # fmt: skip
    assert left == []


def test_the_same_day_again_adds_no_forecast_and_fetches_nothing_twice(days):
    """The third day was killed when its forecast was in the history."""
    killed, done = days[-1].killed, days[-1]
    assert killed == done.files["history.parquet"]
    assert done.statuses == {304}


def test_pages_lead_from_day_to_day_and_the_front_door_to_the_newest(days, home):
    folder = home / "outputs3/season_2024-25"
    texts = [days[-1].files[f"{day}.html"].decode() for day in DAYS]
    for text, other in zip(texts, (DAYS[1], DAYS[2], DAYS[1]), strict=True):
        assert f'href="{other}.html"' in block(text, "turns")
    index = (folder / "index.html").read_text()
    assert with_block(index, "dates", Markup()) == texts[-1]
    assert all(f'href="{day}.html"' in block(index, "dates") for day in DAYS)
    assert "<dt>Since January 15</dt>" in texts[-1]
    front = (home / "outputs3/index.html").read_text()
    assert f'<time datetime="{DAYS[-1]}">' in front
    assert 'href="season_2024-25/index.html"' in front
    assert str(block(texts[-1], "lead")) in front


def test_records_are_those_of_the_mirror_on_every_morning(days, mirror):
    short = league.league_teams("2024-25").set_index("team_id")["abbreviation"]
    for state in days:
        won = state.log.groupby(pd.to_numeric(state.log["team_id"]))["win"].agg(["sum", "size"])
        expected = {short[team]: f"{wins}-{games - wins}" for team, wins, games in won.itertuples()}
        assert {row[0]: next(w for w in row if "-" in w[1:]) for row in ranks(state)} == expected
        fixtures = int(re.search(r"(\d+) fixtures to come", state.shown)[1])
        assert fixtures == 1230 - len(state.log) // 2


def test_a_postponed_game_is_forecast_for_its_new_day_alone(days, mirror):
    game = mirror.games.set_index("GAME_ID").loc[mirror.postponed]
    due = []
    for day, state in zip(DAYS, days, strict=True):
        games = pd.read_csv(io.BytesIO(state.files[f"{day}_games.csv"]))
        own = games[["home_team_id", "away_team_id"]] == [game["TEAM_ID"], game["TEAM_ID_AWAY"]]
        due.append(games.loc[own.all(axis=1), "game_date"].tolist())
    assert due == [[DAYS[1]], [], []]


def test_movement_is_that_of_the_ranks_since_the_days_it_names(days):
    history = days[-1].history.assign(day=lambda rows: rows["as_of_date"].dt.strftime("%m-%d"))
    ranks_on = history.pivot(index="team", columns="day", values="rank")  # noqa: PD010
    looked_back = [[], ["01-15"], ["01-16", "01-15"]]
    for day, state, earlier in zip(DAYS, days, looked_back, strict=True):
        assert re.findall(r"since (\d\d-\d\d)", state.shown) == earlier
        rows = {row[0]: row[2 : 2 + len(earlier)] for row in ranks(state)}
        for team, shown in rows.items():
            moved = [ranks_on.loc[team, since] - ranks_on.loc[team, day[5:]] for since in earlier]
            assert shown == [f"{places:+d}" if places else "=" for places in moved]
