"""What a finished run writes for people and for other programs."""

from dataclasses import dataclass

import pandas as pd
from rich.console import Console

from nba_rank.config.choices import Seen
from nba_rank.config.schema import Config
from nba_rank.core.names import ALL, PLATT
from nba_rank.core.run_dir import RunDir
from nba_rank.data.outcomes import EVENTS, FINISHES
from nba_rank.data.tables import Tables
from nba_rank.evaluation.attention import ALIVE_ENTROPY_RATIO, PRIOR_KL_GAIN
from nba_rank.evaluation.predictions import as_json, flat
from nba_rank.evaluation.result import EvaluationResult
from nba_rank.models.model_a.uncertainty import NOMINAL_COVERAGE
from nba_rank.odds.season_sim import COVERAGE
from nba_rank.report.forecast_figures import (
    plot_predicted_vs_actual,
    plot_reliability,
    plot_title_odds,
)
from nba_rank.report.format import cells, console_table, number, pivot, print_table, where
from nba_rank.report.labels import EVENT_LABELS, LOSS_LABELS, POINT_LABELS, label, sentence
from nba_rank.report.model_a_figures import plot_diagnostics, plot_losses
from nba_rank.report.render import Album, Drawing, write_analysis
from nba_rank.report.season_figures import plot_skill_over_season
from nba_rank.samples.folds import Fit, FoldPlan

ODDS_POINTS = ("open", "0.5", "end")
"""As-of points of the odds that are tabulated, and of the line that is printed."""

_KEY = ["season", "team_id"]


@dataclass(frozen=True)
class Setting:
    """What a run was made of.

    Seconds are wall-clock, by stage and by feature group built; `seen` is what choices of defaults
    have seen of the test seasons, None of a made-up league.
    """

    config: Config
    plan: FoldPlan
    tables: Tables
    seconds: dict[str, float]
    group_seconds: dict[str, float]
    seen: Seen | None = None


def write_report(
    found: EvaluationResult, setting: Setting, run_dir: RunDir, console: Console
) -> None:
    """Write metrics, predictions, figures and the analysis, and print the summary."""
    write_tables(found, setting, run_dir)
    figures = draw(found, setting, run_dir)
    print_summary(console, found)
    write_analysis(run_dir, "run.md.j2", context(found, setting), figures, console)


def write_tables(found: EvaluationResult, setting: Setting, run_dir: RunDir) -> None:
    """Write the tidy tables, as far as there is something in them, and `metrics.json`."""
    predictions = flat(found.predictions)
    names = predictions.drop_duplicates(_KEY)[[*_KEY, "team"]]
    series = found.series
    for side in ("host", "guest") if not series.empty else ():
        named = names.rename(columns={"team_id": f"{side}_team_id", "team": f"{side}_team"})
        series = series.merge(
            named, how="left", on=["season", f"{side}_team_id"], validate="many_to_one"
        )
    tables = {
        "metrics.csv": found.metrics,
        "differences.csv": found.differences,
        "predictions.csv": predictions,
        "predictions.parquet": predictions,
        "contributions.csv": found.contributions,
        "losses.csv": found.losses,
        "diagnostics.csv": found.diagnostics,
        "faithfulness.csv": found.occlusion,
        "odds.parquet": found.simulated,
        "games.csv": found.games,
        "finishes.csv": found.finishes,
        "series.csv": series,
        "playoff_players.csv": found.players,
    }
    for name, table in tables.items():
        if not table.empty:
            run_dir.write_frame(name, table)
    run_dir.write_text("predictions.json", as_json(found.predictions))
    records = {
        "means": found.means,
        "differences": found.differences,
        "contributions": found.contributions,
        "calibration": found.calibration,
        "series": where(found.metrics, season=ALL).drop(columns="season"),
        "blend_weights": found.weights,
        "attention": found.health,
        "faithfulness": found.faithfulness,
    }
    run_dir.write_json(
        "metrics.json",
        {
            "ranker": found.ranker,
            "test_seasons": setting.plan.test_seasons,
            **{name: _records(frame) for name, frame in records.items()},
            "seconds": setting.seconds,
        },
    )


def draw(found: EvaluationResult, setting: Setting, run_dir: RunDir) -> Album:
    """Draw the figures, as far as there is something to draw."""
    title = "Skill over the season against the baselines"
    drawings = [Drawing(title, "skill_over_season", plot_skill_over_season, (found.means,))]
    for season, rows in found.predictions.groupby("season"):
        title = f"{season}: predicted against actual rank"
        name = f"predicted_vs_actual_{season}"
        drawings.append(Drawing(title, name, plot_predicted_vs_actual, (rows, title)))
        if "title_prob" in rows:
            title = f"{season}: the race for the title"
            champion = next(iter(rows.loc[rows["actual_rank"] == 1, "team"]), None)
            ended = rows.loc[rows["as_of_point"] == "end", "as_of_date"].max()
            odds = rows[["as_of_date", "team", "title_prob"]]
            arguments = (odds, title, champion, ended)
            drawings.append(Drawing(title, f"title_race_{season}", plot_title_odds, arguments))
    for ranker, bins in found.reliability.groupby("ranker", sort=False):
        by_event = {
            sentence(EVENT_LABELS[str(event)]): rows
            for event, rows in bins.groupby("event", sort=False)
        }
        name = f"reliability_{'calibration' if ranker == PLATT else 'odds'}"
        title = f"Does it happen as often as forecast? By {label('ranker', ranker)}"
        drawings.append(Drawing(title, name, plot_reliability, (by_event, title)))
    if not found.losses.empty:
        loss = LOSS_LABELS[setting.config.model.model_a.loss]
        drawings.append(
            Drawing("Model A's loss by epoch", "losses", plot_losses, (found.losses, loss))
        )
    if not found.diagnostics.empty:
        title, diagnostics = "Health of model A's attention by epoch", (found.diagnostics,)
        drawings.append(Drawing(title, "attention_diagnostics", plot_diagnostics, diagnostics))
    album = Album(run_dir)
    album.draw(drawings, setting.config.trainer.num_threads)
    return album


def _how_far(found: EvaluationResult) -> pd.DataFrame:
    """Return the odds of each team in the last season, where there are those of all events."""
    odds = [f"{event}_prob" for event in EVENTS]
    table = where(found.predictions, season=found.seasons[-1], as_of_point=ODDS_POINTS)
    if not set(odds) <= set(table):
        return table.head(0)
    if not found.finishes.empty:
        finish = found.finishes[[*_KEY, "finish"]].drop_duplicates()
        table = table.merge(finish, how="left", on=_KEY, validate="many_to_one")
    return table.sort_values(["as_of_date", *odds[::-1]], ascending=[True] + [False] * len(odds))


def context(found: EvaluationResult, setting: Setting) -> dict[str, object]:
    """Return the variables of the template: the result itself, and what goes with it."""
    present = set(where(found.means, metric="champion_log_loss")["ranker"])
    finishes, series = found.finishes, found.series
    series = series.drop_duplicates(["season", "host_team_id", "guest_team_id"])
    if not finishes.empty:
        finishes = where(finishes, as_of_point="end", season=found.seasons[-1])
    model_a, seconds = setting.config.model.model_a, setting.seconds
    return vars(found) | {
        "seasons": found.seasons,
        "seen": setting.seen,
        "how_far": _how_far(found),
        "subject": next((name for name in (found.ranker, PLATT) if name in present), ""),
        "contributions": found.contributions.assign(member=found.contributions["part"]),
        "pooled_series": where(found.metrics, season=ALL),
        "n_series": len(series),
        "n_upsets": 0 if series.empty else int((~series["host_won"].astype(bool)).sum()),
        "coverage": COVERAGE,
        "nominal": NOMINAL_COVERAGE,
        "finishes": finishes,
        "playoff_finishes": FINISHES[: FINISHES.index("Play-in")],
        "pooling": model_a.attention.pooling,
        "attends": model_a.attention.pooling == "attention",
        "alive": ALIVE_ENTROPY_RATIO,
        "kl_gain": PRIOR_KL_GAIN,
        "min_delta": setting.config.callbacks.not_learning.min_delta,
        "health_summary": found.health_summary,
        "folds": _folds(setting),
        "data": _data(setting),
        "timings": pd.DataFrame(
            [*seconds.items(), ("all", sum(seconds.values()))], columns=["stage", "seconds"]
        ),
        "group_timings": pd.DataFrame(setting.group_seconds.items(), columns=["group", "seconds"]),
    }


def print_summary(console: Console, found: EvaluationResult) -> None:
    """Print the mean Spearman of every ranker by point, and the ranker's lead on the standings."""
    skill = where(found.means, metric="spearman", scope="league")
    ahead = where(found.differences, metric="spearman", scope="league", ranker=found.ranker,
                  reference="standings")  # fmt: skip
    points = [label("as_of_point", point) for point in ahead["as_of_point"]]
    gap = dict(zip(points, cells(ahead, "difference", "+"), strict=True))
    line = pd.DataFrame([{"ranker": f"{label('ranker', found.ranker)} minus standings", **gap}])
    table = pivot(skill, "ranker", "as_of_point")
    styles = {
        place: "bold"
        for place, name in enumerate(skill["ranker"].unique())
        if name in (found.ranker, "standings")
    } | {len(table): "green"}
    n = len(found.seasons)
    title = f"Mean Spearman with the outcome, {n} test season{'' if n == 1 else 's'}"
    print_table(console_table(pd.concat([table, line], ignore_index=True), title, styles), console)
    losses = where(found.means, metric="champion_log_loss", as_of_point=ODDS_POINTS)
    for ranker in (found.ranker, "standings"):
        own = losses[losses["ranker"] == ranker].set_index("as_of_point")["value"]
        words = [f"{number(own[at])} {POINT_LABELS[at]}" for at in ODDS_POINTS if at in own]
        if words:
            console.print(f"Champion log loss, lower is better, {label('ranker', ranker)}: "
                          f"{', '.join(words)}")  # fmt: skip


def _folds(setting: Setting) -> pd.DataFrame:
    """Return the folds as dated rows, one a fit."""
    games, tests = setting.tables.games, setting.plan.test_seasons
    opening = setting.tables.seasons.set_index("season")["first_date"]
    rows = []
    for fit in setting.plan.fits:
        newest = max(fit.train)
        ended = games.loc[games["season"] == newest, "game_date"].max()
        rows.append(
            {
                "fit": fit.name,
                "learns from": f"{min(fit.train)} to {newest} ({len(fit.train)})",
                "last game seen": f"{ended:%Y-%m-%d}",
                "predicts": ", ".join(fit.predict) or "later seasons",
                "from": f"{opening[fit.predict[0]]:%Y-%m-%d}" if fit.predict else "",
                "role": _role(fit, tests),
            }
        )
    return pd.DataFrame(rows)


def _role(fit: Fit, tests: list[str]) -> str:
    if not fit.predict:
        return "production"
    return "test" if fit.predict[0] in tests else "out-of-fold"


def _data(setting: Setting) -> dict[str, str]:
    """Say what was read."""
    tables = setting.tables
    seasons = tables.seasons
    return {
        "source": setting.config.data.source,
        "seasons": _span(seasons["season"]),
        "player logs": _span(seasons.loc[seasons["has_player_games"], "season"]),
        "opening rosters": _opening_rosters(setting),
        "injury reports": _span(tables.injury_report_dates["season"]),
        "team records": _span(tables.team_records["season"]),
        "RAPTOR": _span(tables.raptor["season"]),
        "bookmakers' win totals": _span(tables.market_totals["season"]),
        "games": f"{len(tables.games):,}",
        "target": setting.config.target.name,
    }


def _span(seasons: pd.Series) -> str:
    n = seasons.nunique()
    return f"{seasons.min()} to {seasons.max()} ({n})" if n else "none"


def _opening_rosters(setting: Setting) -> str:
    """Say whose players each team was taken to have on the opening nights of the test seasons."""
    opening = setting.tables.seasons.set_index("season")["first_date"]
    rosters = setting.tables.rosters
    known = rosters["date"] <= rosters["season"].map(opening)
    tests = setting.plan.test_seasons
    n = rosters.loc[known & rosters["season"].isin(tests), "season"].nunique()
    elsewhere = "" if n == len(tests) else "; elsewhere the players of last season's end"
    return f"from roster files in {n} of {len(tests)} test seasons{elsewhere}"


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Return rows as JSON objects; NaN becomes null."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]
