"""`python -m nba_rank.explain`: say why a team is ranked where it is, from a run folder alone."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import ExplainConfig, PredictDataConfig
from nba_rank.core import escape
from nba_rank.core.errors import UserError
from nba_rank.core.files import file_hash, file_hashes, write_atomically, write_frame
from nba_rank.core.fit_or_load import Entry
from nba_rank.core.imports import PACKAGE
from nba_rank.core.run_dir import RunDir
from nba_rank.core.startup import importing
from nba_rank.data import manifest
from nba_rank.experiments.finished_run import read_run
from nba_rank.report.explained import Explanation, is_strength_known
from nba_rank.report.explanation import (
    explanation_text,
    importance_text,
    show_explanation,
    show_importance,
)
from nba_rank.report.explanation_figures import (
    dependence_figure,
    explanation_figure,
    importance_figure,
    teams_figure,
)
from nba_rank.report.style import save


def explain(cfg: DictConfig, console: Console) -> Explanation | pd.DataFrame:
    """Explain the ranks of a date: print why, and write table, analysis and figure.

    Without a date, `importance` of the test seasons is what is told and returned.
    """
    config = as_config(cfg, ExplainConfig)
    folder = Path(config.out or config.run)
    if config.as_of is None:
        return _seasons(config, folder, console)
    found = explanation(config)
    told, date = found.told, config.as_of
    asked = {"": told.team, "_against": told.against, "_since": told.since}
    name = f"explanation_{date}" + "".join(f"{k}_{v}" for k, v in asked.items() if v)
    name += "_what_if" if told.hypothetical else ""
    table = found.table
    if told.hypothetical:
        table = table.assign(hypothetical=told.hypothetical)
    write_frame(folder / f"{name}.parquet", table)
    written, figure = [f"{name}.parquet"], None
    if is_strength_known(table):
        figure, draw = f"figures/{name}.png", explanation_figure if told.team else teams_figure
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        save(draw(found.table, told), folder / figure)
        written.append(figure)
    analysis = RunDir(folder).next_analysis()
    text = explanation_text(found.table, told, figure)
    write_atomically(analysis, lambda part: part.write_text(text, encoding="utf-8"))
    show_explanation(found.table, told, console)
    paths = ", ".join(str(folder / one) for one in [*written, analysis.name])
    console.print(f"Written to {escape.terminal(paths)}", soft_wrap=True)
    return found


def _seasons(config: ExplainConfig, folder: Path, console: Console) -> pd.DataFrame:
    """Explain the test seasons on the whole."""
    asked = [name for name in ("team", "against", "since") if getattr(config, name)]
    asked += ["what_if"] if any(vars(config.what_if).values()) else []
    if asked:
        raise UserError(f"{', '.join(asked)} need a date: give as_of=2024-01-15 or another")
    with importing():
        from nba_rank.experiments.explain_seasons import importance

    table, dependence = importance(config)
    write_frame(folder / "importance.csv", table)
    write_frame(folder / "partial_dependence.csv", dependence)
    written, figures = ["importance.csv", "partial_dependence.csv"], []
    if len(dependence):
        figures = ["figures/importance.png", "figures/partial_dependence.png"]
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        save(importance_figure(table), folder / figures[0])
        save(dependence_figure(dependence), folder / figures[1])
    analysis = RunDir(folder).next_analysis()
    text = importance_text(table, Path(config.run).name, figures)
    write_atomically(analysis, lambda part: part.write_text(text, encoding="utf-8"))
    show_importance(table, console)
    names = ", ".join([*written, *figures, analysis.name])
    console.print(f"Written to {escape.terminal(f'{folder}: {names}')}")
    return table


def explanation(config: ExplainConfig) -> Explanation:
    """Return `explain_date.explanation`, from the run's cache where the same was asked before.

    What is known is read without the models, whose packages take seconds to import.
    """
    folder = Path(config.run)
    _, run_config = read_run(folder)
    processed_dir = Path(config.data.processed_dir or run_config.data.processed_dir)

    def entry() -> Entry[Explanation]:
        return Entry(
            run_config.paths.cache,
            "explanation",
            [
                replace(
                    config, run=folder.name, out=None, data=PredictDataConfig(processed_dir=None)
                ),
                *(file_hash(folder / name) for name in ("manifest.json", "config.yaml")),
                file_hashes(folder / "models"),
                manifest.hashes(processed_dir),
            ],
            made_by=PACKAGE,
            write=Explanation.save,
            read=Explanation.load,
        )

    asked = entry()
    known = asked.load()
    if known is not None:
        return known
    with importing():
        from nba_rank.experiments import explain_date
    made = explain_date.explanation(config)
    # What another process has written meanwhile, such as new tables, was perhaps read already.
    if entry().path == asked.path:
        asked.keep(made)
    return made
