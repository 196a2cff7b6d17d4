"""Everything that a finished run writes for people and for other programs."""

from dataclasses import dataclass

import pandas as pd
from rich.console import Console

from nba_rank.config.schema import Config
from nba_rank.core import escape
from nba_rank.core.names import ALL, PLATT
from nba_rank.core.run_dir import RunDir
from nba_rank.data.outcomes import EVENTS, FINISHES
from nba_rank.data.tables import Tables
from nba_rank.evaluation.attention import ALIVE_ENTROPY_RATIO
from nba_rank.evaluation.predictions import as_json, flat
from nba_rank.evaluation.result import EvaluationResult
from nba_rank.models.model_a.uncertainty import NOMINAL_COVERAGE
from nba_rank.odds.season_sim import COVERAGE
from nba_rank.report.calibration_figures import plot_reliability
from nba_rank.report.differences import values
from nba_rank.report.figures import (
    plot_blend_weights,
    plot_predicted_vs_actual,
    plot_skill_over_season,
)
from nba_rank.report.format import console_table, number, print_table, signed
from nba_rank.report.labels import EVENT_LABELS, LOSS_LABELS, POINT_LABELS, ranker_label, sentence
from nba_rank.report.model_a_figures import plot_diagnostics, plot_losses
from nba_rank.report.odds_figures import plot_odds_heatmap, plot_title_odds
from nba_rank.report.render import Figure, write_analysis
from nba_rank.samples.folds import FoldPlan

ODDS_POINTS = ("open", "0.5", "end")
"""As-of points of the odds that are drawn as a table, and of the line that is printed."""

_KEY = ["season", "team_id"]


@dataclass(frozen=True)
class Setting:
    """What a run was made of.

    Attributes:
        config: The run's config.
        plan: The folds.
        tables: The tables that were learned from.
        seconds: Wall-clock seconds of each stage.
        group_seconds: Those of each feature group, when it was built.
    """

    config: Config
    plan: FoldPlan
    tables: Tables
    seconds: dict[str, float]
    group_seconds: dict[str, float]


def write_report(
    found: EvaluationResult, setting: Setting, run_dir: RunDir, console: Console
) -> None:
    """Write metrics, predictions, figures and the analysis, and print the summary."""
    write_tables(found, setting, run_dir)
    figures = [(caption, f"figures/{name}.png") for caption, name in draw(found, setting, run_dir)]
    analysis = write_analysis(run_dir, "run.md.j2", context(found, setting), figures)
    print_summary(console, found)
    path = escape.terminal(str(run_dir.path))
    console.print(f"Run folder: {path}, analysis: {analysis.name}, report.html")


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
    for name, table in (
        ("metrics.csv", found.metrics),
        ("differences.csv", found.differences),
        ("predictions.csv", predictions),
        ("predictions.parquet", predictions),
        ("contributions.csv", found.contributions),
        ("losses.csv", found.losses),
        ("diagnostics.csv", found.diagnostics),
        ("faithfulness.csv", found.occlusion),
        ("odds.parquet", found.simulated),
        ("games.csv", found.games),
        ("finishes.csv", found.finishes),
        ("series.csv", series),
        ("playoff_players.csv", found.players),
    ):
        if not table.empty:
            run_dir.write_frame(name, table)
    run_dir.write_text("predictions.json", as_json(found.predictions))
    run_dir.write_json(
        "metrics.json",
        {
            "ranker": found.ranker,
            "test_seasons": setting.plan.test_seasons,
            "means": _records(found.means),
            "differences": _records(found.differences),
            "contributions": _records(found.contributions),
            "calibration": _records(found.calibration),
            "series": _records(_pooled_series(found)),
            "blend_weights": _records(found.weights),
            "attention": _records(found.health),
            "faithfulness": _records(found.faithfulness),
            "seconds": setting.seconds,
        },
    )


def draw(found: EvaluationResult, setting: Setting, run_dir: RunDir) -> list[Figure]:
    """Draw the figures; return caption and name of each, as far as there is something to draw."""
    folder = run_dir.path / "figures"
    table = found.predictions
    plot_skill_over_season(found.means, folder / "skill_over_season.png")
    figures = [("Skill over the season against the baselines", "skill_over_season")]
    for season, rows in table.groupby("season"):
        name, title = f"predicted_vs_actual_{season}", f"{season}: predicted against actual rank"
        plot_predicted_vs_actual(rows, folder / f"{name}.png", title)
        figures.append((title, name))
        if "title_prob" in table:
            champion = rows.loc[rows["actual_rank"] == 1, "team"]
            later = None if champion.empty else str(champion.iloc[0])
            name, title = f"title_race_{season}", f"{season}: the race for the title"
            plot_title_odds(rows, folder / f"{name}.png", title, later)
            figures.append((title, name))
    if {f"{event}_prob" for event in EVENTS} <= set(table):
        season = found.seasons[-1]
        last = table[table["season"] == season]
        if not found.finishes.empty:
            finish = found.finishes[[*_KEY, "finish"]].drop_duplicates()
            last = last.merge(finish, how="left", on=_KEY, validate="many_to_one")
        for point in ODDS_POINTS:
            at = last[last["as_of_point"] == point]
            if not at.empty:
                name = f"odds_{season}_{point}"
                title = f"{season}, {POINT_LABELS[point]}: how far each team goes"
                plot_odds_heatmap(at, folder / f"{name}.png", title)
                figures.append((title, name))
    for ranker, bins in found.reliability.groupby("ranker", sort=False):
        by_event = {
            sentence(EVENT_LABELS[str(event)]): rows
            for event, rows in bins.groupby("event", sort=False)
        }
        name = f"reliability_{'calibration' if ranker == PLATT else 'odds'}"
        title = f"Does it happen as often as forecast? By {ranker_label(str(ranker))}"
        plot_reliability(by_event, folder / f"{name}.png", title)
        figures.append((title, name))
    if not found.losses.empty:
        loss = LOSS_LABELS[setting.config.model.model_a.loss]
        plot_losses(found.losses, folder / "losses.png", loss)
        figures.append(("Model A's loss by epoch", "losses"))
    if not found.diagnostics.empty:
        plot_diagnostics(found.diagnostics, folder / "attention_diagnostics.png")
        figures.append(("Health of model A's attention by epoch", "attention_diagnostics"))
    if not found.weights.empty:
        plot_blend_weights(found.weights, folder / "blend_weights.png")
        figures.append(("Weights of the stack", "blend_weights"))
    return figures


def context(found: EvaluationResult, setting: Setting) -> dict[str, object]:
    """Return what the template of the analysis speaks of."""
    present = set(found.means.loc[found.means["metric"] == "champion_log_loss", "ranker"])
    series = found.series.drop_duplicates(["season", "host_team_id", "guest_team_id"])
    finishes, last = found.finishes, found.seasons[-1]
    if not finishes.empty:
        finishes = finishes[(finishes["as_of_point"] == "end") & (finishes["season"] == last)]
    pooling = setting.config.model.model_a.attention.pooling
    names = (
        "ranker", "seasons", "means", "differences", "behind", "n_games", "calibration", "players",
        "assumptions", "weights", "losses", "health", "faithfulness",
    )  # fmt: skip
    return {name: getattr(found, name) for name in names} | {
        "subject": next((name for name in (found.ranker, PLATT) if name in present), ""),
        "contributions": found.contributions.assign(member=found.contributions["part"]),
        "pooled_series": _pooled_series(found),
        "n_series": len(series),
        "n_upsets": 0 if series.empty else int((~series["host_won"].astype(bool)).sum()),
        "coverage": COVERAGE,
        "nominal": NOMINAL_COVERAGE,
        "finishes": finishes,
        "playoff_finishes": FINISHES[: FINISHES.index("Play-in")],
        "recovery": found.means[found.means["metric"] == "true_strength_spearman"],
        "pooling": pooling,
        "attends": pooling == "attention",
        "alive": ALIVE_ENTROPY_RATIO,
        "min_delta": setting.config.callbacks.not_learning.min_delta,
        "health_summary": found.health_summary,
        "folds": _folds(setting),
        "data": _data(setting),
        "simulates": not found.simulated.empty,
        "timings": _seconds("stage", setting.seconds | {"all": sum(setting.seconds.values())}),
        "group_timings": _seconds("group", setting.group_seconds),
    }


def print_summary(console: Console, found: EvaluationResult) -> None:
    """Print the mean Spearman of every ranker by point, and what the ranker has on the standings.

    Args:
        console: Where to print.
        found: What was found.
    """
    skill = found.means[(found.means["metric"] == "spearman") & (found.means["scope"] == "league")]
    table = values(skill, "ranker", "as_of_point")
    rankers = list(skill["ranker"].unique())
    ahead = found.differences[
        (found.differences["metric"] == "spearman")
        & (found.differences["scope"] == "league")
        & (found.differences["ranker"] == found.ranker)
        & (found.differences["reference"] == "standings")
    ]
    points = [POINT_LABELS[point] for point in ahead["as_of_point"]]
    gap = dict(zip(points, ahead["difference"].map(signed), strict=True))
    line = pd.DataFrame([{"ranker": f"{ranker_label(found.ranker)} minus standings", **gap}])
    bold = {
        place: "bold" for place, name in enumerate(rankers) if name in (found.ranker, "standings")
    }
    n = len(found.seasons)
    title = f"Mean Spearman with the outcome, {n} test season{'' if n == 1 else 's'}"
    styles = bold | {len(table): "green"}
    print_table(console_table(pd.concat([table, line], ignore_index=True), title, styles), console)
    losses = found.means[found.means["metric"] == "champion_log_loss"]
    for ranker in (found.ranker, "standings"):
        own = losses[losses["ranker"] == ranker].set_index("as_of_point")["value"]
        told = [f"{number(own[at])} {POINT_LABELS[at]}" for at in ODDS_POINTS if at in own]
        if told:
            console.print(f"Champion log loss, lower is better, {ranker_label(ranker)}: "
                          f"{', '.join(told)}")  # fmt: skip


def _pooled_series(found: EvaluationResult) -> pd.DataFrame:
    """Return the metrics of all series at once."""
    rows = found.metrics[found.metrics["season"] == ALL]
    return rows.drop(columns="season").reset_index(drop=True)


def _seconds(name: str, seconds: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame({name: list(seconds), "seconds": list(seconds.values())})


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
                "predicts": ", ".join(fit.predict),
                "from": f"{opening[fit.predict[0]]:%Y-%m-%d}",
                "role": "test" if fit.predict[0] in tests else "out-of-fold",
            }
        )
    return pd.DataFrame(rows)


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
