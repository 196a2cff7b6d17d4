import io
import json
import re
from dataclasses import replace
from functools import cache
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
from nba_rank.evaluation.result import evaluation_result
from nba_rank.evaluation.series import series_metrics
from nba_rank.evaluation.single_games import game_metrics
from nba_rank.models.members import Scores
from nba_rank.odds.season_sim import N_SEEDS
from nba_rank.report import render
from nba_rank.report.run_report import Setting, write_report
from nba_rank.samples.folds import Fit, FoldPlan, TestPart

SEASON = "2023-24"
EMPTY = pd.DataFrame()
NO_MODEL_A = dict.fromkeys(["losses", "diagnostics", "occlusion", "health", "faithfulness"], EMPTY)
MODEL_A_FILES = {"losses.csv", "diagnostics.csv", "faithfulness.csv"}
MODEL_A_FIGURES = {"losses.png", "attention_diagnostics.png"}
ODDS_FILES = {"odds.parquet", "games.csv", "finishes.csv", "series.csv"}
SEEDS = [f"seed_{place}" for place in range(1, N_SEEDS + 1)]
EVIL = "<script>alert(1)</script> | [/red]"


def rankings(seasons):
    """Spearman: the stack leads the standings by .1 but at 75%, where it is as far behind."""
    rows = [
        (season, point, scope, ranker, "spearman", value + 0.001 * int(season[2:4]))
        for season, point, scope in product(seasons, AS_OF_POINTS, ("league", "playoff16"))
        for ranker, value in (
            ("stack", 0.4 if point == "0.75" else 0.6), ("standings", 0.5),
            ("without_model_a", 0.59),
        )
    ]  # fmt: skip
    columns = ["season", "as_of_point", "scope", "ranker", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


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
        key = ["season", "team_id"]
        outcome = self.results[[*key, "outcome_rank"]]
        teams = self.teams.drop(columns="strength").merge(outcome, on=key)
        frame = pd.concat([part.frame for part in self.completed.values()])
        names = {"abbreviation": "team", "outcome_rank": "actual_rank"}
        table = frame.merge(teams, on=key).rename(columns=names)
        place = table.groupby(["season", "as_of_date", "conference"])["actual_rank"].rank()
        return table.assign(conference_rank=place, actual_conference_rank=place)

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
        """Forecasts at each point and between them."""
        parts = []
        dates = pd.date_range(f"{season[:4]}-10-20", periods=2 * len(AS_OF_POINTS), freq="14D")
        for number, date in enumerate(dates):
            frame = self.odds_of(season, 0.6 - 0.03 * number)
            found = frame.rename(columns={f"{e}_prob": f"{e}_prob_platt" for e in EVENTS})
            if odds == "monte_carlo":
                rank = frame["title_prob"].rank(ascending=False)
                ranks = {"projected_rank": rank, "rank_low": rank - 6, "rank_high": rank + 6}
                made = dict.fromkeys([*SIMULATED, *SEEDS], 0.1) | {"assumption": ""}
                frame = frame.assign(**made | ranks | dict(frame))
            else:
                frame = frame[["team_id", "title_prob"][: 1 + (odds == "softmax")]]
            if platt:
                frame = frame.merge(found, on="team_id")
            point = "" if number % 2 else AS_OF_POINTS[number // 2]
            parts.append(frame.assign(season=season, as_of_date=date, as_of_point=point))
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


def occlusion():
    """Effects of taking out players in four seasons; top moves a score about twice as far."""
    rng = np.random.default_rng(1)
    keys = [f"20{18 + season}-{19 + season}" for season in range(4)], AS_OF_POINTS, range(30)
    rows = [(*key, *rng.uniform((0.2, 0.1), (0.4, 0.2))) for key in product(*keys)]
    table = pd.DataFrame(rows, columns=["season", "as_of_point", "team_id", "top", "other"])
    return table.assign(left_out="player")


@pytest.fixture(scope="module")
def make(learning_curves, sound_diagnostics):
    """Makes what a run of made-up forecasts of a kind found, and its tables; each kind once."""

    @cache
    def of(n_seasons=1, **kind):
        league = Forecasts(n_seasons, **kind)
        weights = [(SEASON, "opening", "model_a", 0.6), (SEASON, "opening", "xgb", 0.001)]
        found = evaluation_result(
            ranker="stack",
            rankings=rankings(league.seasons),
            probabilities=league.findings,
            more=EMPTY,
            predictions=league.predictions(),
            completed=league.completed,
            tables=league.tables,
            results=league.results,
            weights=pd.DataFrame(weights, columns=["fit", "moment", "model", "weight"]),
            losses=learning_curves,
            diagnostics=sound_diagnostics,
            occlusion=occlusion(),
            rng=np.random.default_rng(0),
        )
        opening = pd.to_datetime(["2022-10-18", "2023-10-24"])
        seasons = pd.DataFrame({"season": ["2022-23", SEASON], "first_date": opening})
        seasons["has_player_games"] = True
        games = pd.DataFrame({"season": ["2022-23"], "game_date": pd.to_datetime(["2023-06-12"])})
        return found, replace(league.tables, seasons=seasons, games=games)

    return of


@pytest.fixture
def write(make, compose_as_is, tmp_path, drawn, monkeypatch):
    """Writes the report of a kind; returns its folder, its text and what is printed.

    Its figures are tiny pictures; they are plotted nonetheless where `plots` is set.
    """

    def picture(folder, drawing, tell):
        render.save(None, folder / f"figures/{drawing.name}.png")

    def run(n_seasons=1, *, plots=False, config=(), changes=None, **kind):
        if not plots:
            monkeypatch.setattr(render, "_draw", picture)
        found, tables = make(n_seasons, **kind)
        plan = FoldPlan([Fit(SEASON, ["2022-23"], [SEASON])], [TestPart(SEASON, [SEASON], [])])
        config = compose_as_is("trainer.num_threads=1", *config)
        setting = Setting(config, plan, tables, {"models": 1.0}, {"elo": 0.3, "record": 0.1})
        run_dir, out = RunDir.reserve(tmp_path), io.StringIO()
        found = replace(found, **(changes or {}))
        write_report(found, setting, run_dir, Console(file=out, width=200))
        text = (run_dir.path / "ANALYSIS_01.md").read_text(encoding="utf-8")
        return run_dir.path, text, out.getvalue()

    return run


def files_of(folder):
    return {path.name for path in folder.iterdir()}


def test_a_report_says_where_the_stack_is_ahead_and_behind(write):
    path, text, printed = write(6, plots=True)
    assert "over 6 test seasons (2018-19 to 2023-24)" in text
    assert re.search(r"\| opening \| 0.620 \| 0.521 \| \+0.100 \| 0.031 \| better \|", text)
    assert re.search(r"\| Spearman ↑ \| .*standings 0.100\\\*", text)
    assert re.search(r"\| A attention \| \+0.010", text)
    assert not re.search(r"\b(nan|None|NaT)\b|-0\.000\b", text)
    assert "stack minus standings" in printed
    assert "Champion log loss, lower is better, stack: " in printed
    shown = re.findall(r"\]\(figures/(.*?)\)", text)
    assert sorted(shown) == sorted(files_of(path / "figures"))
    assert (path / "report.html").read_text(encoding="utf-8").count("<img src=") == len(shown)


def test_one_season_is_no_evidence_and_files_hold_what_was_found(write, make):
    path, text, _ = write()
    assert "over 1 test season (2023-24)" in text
    assert re.search(r"\| opening \| 0.623 \| 0.523 \| \+0.100 \| \S \| too few seasons \|", text)
    assert files_of(path) >= MODEL_A_FILES | ODDS_FILES | {"differences.csv", "metrics.csv"}
    assert files_of(path / "figures") >= MODEL_A_FIGURES | {
        f"title_race_{SEASON}.png", "reliability_odds.png", "reliability_calibration.png",
    }  # fmt: skip
    odds = pd.read_parquet(path / "odds.parquet")
    assert len(odds) == 2 * len(AS_OF_POINTS) * 30
    assert {*(f"{event}_prob" for event in EVENTS), "seed_1", "assumption", "team"} <= set(odds)
    assert not [name for name in odds if name.endswith(("_x", "_y", "_"))]
    found, _ = make()
    assert len(pd.read_csv(path / "games.csv")) == len(found.games)
    assert pd.read_csv(path / "finishes.csv")["team"].notna().all()
    assert {"host_team", "guest_team", "p_host"} <= set(pd.read_csv(path / "series.csv"))
    short = json.loads((path / "metrics.json").read_text(encoding="utf-8"))
    assert len(short["differences"]) == len(found.differences)
    assert {row["ranker"] for row in short["series"]} == {"simulation", "standings", "elo"}
    assert "nan" not in (path / "metrics.json").read_text(encoding="utf-8").lower()


@pytest.mark.parametrize(
    ("kind", "figures", "absent"),
    [
        (
            {"odds": "softmax", "platt": False},
            {f"title_race_{SEASON}.png", "reliability_odds.png"}, "Playoff series",
        ),
        ({"odds": "none", "platt": False}, set(), "How far will each team go"),
        ({"odds": "none"}, {"reliability_calibration.png"}, "How sure"),
    ],
)  # fmt: skip
def test_what_is_not_forecast_is_not_reported(write, kind, figures, absent):
    path, text, _ = write(**kind)
    assert files_of(path) & ODDS_FILES == {"games.csv"}
    starts = ("title_race", "reliability")
    assert {name for name in files_of(path / "figures") if name.startswith(starts)} == figures
    assert absent not in text


def test_networks_that_are_dead_or_add_nothing_are_counted(write, make):
    _, text, _ = write()
    assert "The set adds nothing to the team prior" not in text
    health = make()[0].health.assign(
        set_loss=[-0.1, -0.00005, 0.0, 0.2], alive=[False, True, True, True]
    )
    _, text, _ = write(changes={"health": health})
    assert "**The set adds nothing to the team prior in 3 of 4 networks**" in text
    assert "**Alive in 3 of 4 networks when training ends**, not in 2021-22 network 0." in text


def test_a_run_without_model_a_or_attention_says_nothing_of_them(write):
    path, text, _ = write(changes=NO_MODEL_A)
    assert not files_of(path) & MODEL_A_FILES
    assert not files_of(path / "figures") & MODEL_A_FIGURES
    assert "## Model A" not in text
    _, text, _ = write(config=["model.model_a.attention.pooling=uniform"])
    assert "Players are pooled by `uniform`" in text
    assert "Is the attention faithful" not in text


def test_names_from_raw_files_are_shown_literally(write):
    players = pd.DataFrame(
        {
            "season": SEASON, "player_name": [EVIL, "=cmd()"], "team": "BOS", "finish": "Champion",
            "games": 20, "minutes_share": 0.16, "box_rating": 20.0, "contribution": [3.2, np.nan],
            "change": -0.04, "reconstructed": [True, False], "unlogged_games": 0,
        }
    )  # fmt: skip
    path, text, _ = write(changes={"players": players})
    assert (
        "| \\<script\\>alert(1)\\</script\\> \\| \\[/red\\] | BOS | Champion | 20 | 16% | 20.0 | "
        "3.20 | +0.0 | yes |" in text
    )
    page = (path / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | [/red]" in page
    assert page.count("<script>") == 1
    assert "'=cmd()" in (path / "playoff_players.csv").read_text(encoding="utf-8")
