import base64
import io
from itertools import product

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.league import league_teams
from nba_rank.data.outcomes import EVENTS, FINISHES
from nba_rank.data.tables import SCHEMA, Tables, conform
from nba_rank.evaluation.advancement import advancement_metrics, finish_table, rank_interval_metrics
from nba_rank.evaluation.predictions import SIMULATED
from nba_rank.evaluation.probability_assessment import ProbabilityFindings
from nba_rank.evaluation.series import series_metrics
from nba_rank.evaluation.single_games import game_metrics
from nba_rank.models.members import Scores
from nba_rank.odds.season_sim import N_SEEDS
from nba_rank.report import render


@pytest.fixture(scope="session")
def png():
    """A picture of two by three pixels."""
    return base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAYAAAC56t6BAAAAEklEQVR4nGP8z8Dwn4GBgYEBAAoMAQNiUr1yAAAA"
        "AElFTkSuQmCC"
    )


@pytest.fixture
def drawn(monkeypatch, png):
    """Writes a tiny picture in place of each figure."""

    def keep(figure, path):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png)

    monkeypatch.setattr(render, "save", keep)


@pytest.fixture
def written(tmp_path):
    """Writes a report: `written(write, report)`; returns its text and what was printed."""

    def run(write, report):
        console = Console(file=io.StringIO(), width=120)
        write(report, RunDir(tmp_path), console)
        text = max(tmp_path.glob("ANALYSIS_*.md")).read_text(encoding="utf-8")
        assert (tmp_path / "report.html").exists()
        return text, console.file.getvalue()

    return run


@pytest.fixture(scope="session")
def table():
    """Reads the first table below a heading: the cells of each line by the first one."""

    def read(text, heading):
        below = text.partition(f"# {heading}\n")[2].partition("|")[2].partition("\n\n")[0]
        cells = [line.strip("| ").split(" | ") for line in below.splitlines()]
        return {first: rest for first, *rest in cells}

    return read


@pytest.fixture(scope="session")
def learning_curves():
    """Losses of two networks of two fits, of which one has a validation season."""
    return pd.DataFrame(
        [
            (fit, network, epoch, 2 - 0.1 * epoch + network, 2.1 if fit == "2021-22" else np.nan)
            for fit in ("2021-22", "2022-23")
            for network in (0, 1)
            for epoch in range(4)
        ],
        columns=["fit", "network", "epoch", "train_loss", "val_loss"],
    )


@pytest.fixture(scope="session")
def occlusion():
    """Effects of taking out players in four seasons; top moves a score about twice as far."""
    rng = np.random.default_rng(1)
    keys = [f"20{18 + season}-{19 + season}" for season in range(4)], AS_OF_POINTS, range(30)
    rows = [(*key, *rng.uniform((0.2, 0.1), (0.4, 0.2))) for key in product(*keys)]
    return pd.DataFrame(rows, columns=["season", "as_of_point", "team_id", "top", "like_minutes"])


SEEDS = [f"seed_{place}" for place in range(1, N_SEEDS + 1)]


class Forecasts:
    """A made-up league of some test seasons whose outcomes follow a strength, and its forecasts.

    Every forecaster sees the strength with more or less noise, so that it is known who is better.
    """

    def __init__(self, n_seasons=4, *, odds="monte_carlo", platt=True):
        self.rng = np.random.default_rng(n_seasons)
        self.seasons = [f"20{year}-{year + 1}" for year in range(24 - n_seasons, 24)]
        teams = league_teams("2023-24").assign(name=lambda t: t["abbreviation"])
        self.teams = pd.concat([teams.assign(season=season) for season in self.seasons])
        self.teams["strength"] = self.rng.normal(size=len(self.teams))
        self.results = pd.concat([self._results(season) for season in self.seasons])
        self.completed = {season: self._completed(season, odds, platt) for season in self.seasons}
        self.findings = self._findings(odds == "monte_carlo", platt)
        self.tables = Tables(
            **{name: conform(name, pd.DataFrame(columns=list(SCHEMA[name]))) for name in SCHEMA}
            | {"teams": conform("teams", self.teams[list(SCHEMA["teams"])])}
        )

    def predictions(self):
        """As much of the predictions table as a report looks at."""
        names = self.teams.rename(columns={"abbreviation": "team"}).drop(columns="strength")
        frame = pd.concat([part.frame for part in self.completed.values()])
        outcome = self.results[["season", "team_id", "outcome_rank"]]
        table = frame.merge(names, on=["season", "team_id"]).merge(
            outcome, on=["season", "team_id"]
        )
        list_of = table.groupby(["season", "as_of_date", "conference"])["outcome_rank"]
        place = list_of.rank().astype("int64")
        return table.rename(columns={"outcome_rank": "actual_rank"}).assign(
            conference_rank=place, actual_conference_rank=place
        )

    def _of(self, season):
        return self.teams[self.teams["season"] == season].set_index("team_id")

    def _results(self, season):
        """The eight best of each conference play on, and go as far as strength and luck say."""
        teams = self._of(season)
        made = teams.groupby("conference")["strength"].rank(ascending=False) <= 8
        form = teams["strength"] + self.rng.normal(scale=0.5, size=len(teams)) + 100 * made
        rank = form.rank(ascending=False).astype(int)
        rounds = np.array([4, 3, 2, 2, *[1] * 4, *[0] * 22])[rank - 1]
        place = np.where(made, 4 - rounds, 6)
        return pd.DataFrame(
            {
                "season": season, "team_id": teams.index, "made_playoffs": made.to_numpy(),
                "rounds_won": rounds, "finish": [FINISHES[i] for i in place],
                "outcome_rank": rank.to_numpy(),
            }
        )  # fmt: skip

    def odds_of(self, season, noise):
        """Odds of all events that add up to 16, 8, 4, 2 and 1."""
        teams = self._of(season)
        seen = teams["strength"] + noise * self.rng.normal(size=len(teams))
        odds = {}
        for event, total in zip(EVENTS, (16, 8, 4, 2, 1), strict=True):
            weight = np.exp(2 * seen.to_numpy())
            for _ in range(40):
                share = weight / (1 + weight)
                weight = weight * total / share.sum()
            odds[f"{event}_prob"] = share
        return pd.DataFrame(odds, teams.index).reset_index()

    def _completed(self, season, odds, platt):
        parts = []
        for number, point in enumerate(AS_OF_POINTS):
            for extra, name in ((0, point), (14, "")):
                frame = self.odds_of(season, 0.6 - 0.06 * number)
                found = frame.rename(columns={f"{e}_prob": f"{e}_prob_platt" for e in EVENTS})
                if odds == "none":
                    frame = frame[["team_id"]]
                elif odds == "softmax":
                    frame = frame[["team_id", "title_prob"]]
                else:
                    rank = frame["title_prob"].rank(ascending=False)
                    ranks = {"projected_rank": rank, "rank_low": rank - 6, "rank_high": rank + 6}
                    made = dict.fromkeys([*SIMULATED, *SEEDS], 0.1) | {"assumption": ""}
                    frame = frame.assign(**made | ranks | dict(frame))
                if platt:
                    frame = frame.merge(found, on="team_id")
                date = pd.Timestamp(f"{season[:4]}-10-20") + pd.Timedelta(days=28 * number + extra)
                parts.append(frame.assign(season=season, as_of_date=date, as_of_point=name))
        return Scores(pd.concat(parts, ignore_index=True), None)

    def _findings(self, simulated, platt):
        frames = pd.concat([part.frame for part in self.completed.values()])
        points = frames[frames["as_of_point"] != ""]
        key = ["season", "as_of_point", "team_id"]
        rows = [points[key].assign(playoff_prob=16 / 30, title_prob=1 / 30, ranker="random")]
        for name, ending in (("stack", "prob"), ("platt", "prob_platt")):
            columns = {f"{e}_{ending}": f"{e}_prob" for e in EVENTS if f"{e}_{ending}" in points}
            if columns:
                named = points[[*key, *columns]].rename(columns=columns)
                rows.append(named.assign(ranker=name))
        others = {"standings": 1.0, "elo": 0.2}
        for name, season, point in product(others, self.seasons, AS_OF_POINTS):
            some = self.odds_of(season, others[name])[["team_id", "playoff_prob", "title_prob"]]
            rows.append(some.assign(ranker=name, season=season, as_of_point=point))
        odds = pd.concat(rows, ignore_index=True)
        games = self._games(simulated, platt)
        tidy = [advancement_metrics(odds, self.results), game_metrics(games)]
        finishes, series = pd.DataFrame(), pd.DataFrame()
        if simulated:
            tidy.append(rank_interval_metrics(points, self.results))
            finishes = finish_table(points, self.results).assign(as_of_point=points["as_of_point"])
            series = self._series()
            tidy.append(series_metrics(series))
        return ProbabilityFindings(pd.concat(tidy), odds, games, finishes, series)

    def _games(self, simulated, platt, n=120):
        """Bookmakers know most, the ranker less, Elo least; they price every second game."""
        parts = []
        noise = {"market": 0.0, "elo": 1.5, "elo_fitted": 1.2, "always_home": 5.0}
        noise |= {"stack": 0.4} if simulated else {}
        for season, kind in product(self.seasons, ("regular", "playoffs")):
            gap = self.rng.normal(size=n)
            facts = pd.DataFrame({
                "season": season, "kind": kind, "game_id": [f"{season}{kind}{i}" for i in range(n)],
                "home_won": self.rng.random(n) < 1 / (1 + np.exp(-2 * gap)),
            })  # fmt: skip
            own = noise | ({"platt": 0.5} if platt and kind == "regular" else {})
            for name, scale in own.items():
                seen = gap + scale * self.rng.normal(size=n)
                part = facts.assign(ranker=name, p_home=1 / (1 + np.exp(-2 * seen / (1 + scale))))
                parts.append(part[::2] if name == "market" else part)
        return pd.concat(parts, ignore_index=True)

    def _series(self):
        parts = []
        for season in self.seasons:
            gap = np.abs(self.rng.normal(size=15)) + 0.1
            facts = pd.DataFrame({
                "season": season, "round": 1, "guest_strength": 0.0,
                "host_won": self.rng.random(15) < 1 / (1 + np.exp(-1.5 * gap)),
                **dict(zip(("host_team_id", "guest_team_id"),
                           np.split(self._of(season).index.to_numpy(), 2), strict=True)),
            })  # fmt: skip
            for name, noise in (("simulation", 0.3), ("standings", 0.8), ("elo", 0.1)):
                strength = gap + noise * self.rng.normal(size=15)
                p = 1 / (1 + np.exp(-strength)) if name == "simulation" else np.nan
                parts.append(facts.assign(ranker=name, host_strength=strength, p_host=p))
        return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def forecasts():
    """Makes `Forecasts`, each kind once; not to be altered."""
    made = {}

    def make(n_seasons=4, **kind):
        key = (n_seasons, *sorted(kind.items()))
        if key not in made:
            made[key] = Forecasts(n_seasons, **kind)
        return made[key]

    return make
