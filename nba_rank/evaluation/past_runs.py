"""Finished runs and sweeps, read from their folders, and their scores on what all share."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import OmegaConf

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.config.schema import Config
from nba_rank.config.schema.option import RESULT, RUN, roles
from nba_rank.core.errors import UserError
from nba_rank.core.metrics import METRICS, higher_is_better
from nba_rank.core.names import ALL, SIMULATION, STANDINGS
from nba_rank.core.run_dir import read_manifest
from nba_rank.data.calendar import AS_OF_POINTS, PLAYOFF_POINTS
from nba_rank.evaluation.evaluate import SCOPES, TIDY_COLUMNS
from nba_rank.evaluation.paired import MEAN, paired, with_mean
from nba_rank.evaluation.sweeps import TEST_BEST as BEST
from nba_rank.evaluation.sweeps import TEST_DEFAULT as DEFAULT
from nba_rank.evaluation.sweeps import TRIAL_METRICS_FILE, TRIALS_FILE, VALIDATION_FILE
from nba_rank.samples.playoff_splits import WALK_FORWARD

Fields = dict[str, Any]  # values of a config by dotted key

_KEY = ["season", "as_of_point", "scope", "metric"]


class RunsError(UserError):
    """Folders that cannot be compared; the message holds a line for each."""


@dataclass(frozen=True)
class PastRun:
    """A finished run of `nba_rank.train`, by a name of its own among those that are compared."""

    name: str
    folder: Path
    ranker: str
    metrics: pd.DataFrame
    fields: Fields
    manifest: Mapping[str, Any]

    @property
    def rows(self) -> pd.DataFrame:
        """What the final ranker scores, see `rows_of`."""
        return rows_of(self.metrics, self.ranker, SIMULATION)

    @property
    def standings(self) -> pd.DataFrame:
        """What the standings score, likewise."""
        return rows_of(self.metrics, STANDINGS)

    @property
    def seconds(self) -> dict[str, float]:
        """Wall-clock seconds of each stage, in order."""
        return dict(self.manifest.get("seconds", {}))

    @property
    def environment(self) -> Fields:
        """What it ran on: seed, revision, versions, machine and device."""
        manifest = self.manifest
        revision = str(manifest.get("git_revision") or "")
        facts = {
            "seed": self.fields.get("seed"),
            "git revision": revision[:9] + "+" * revision.endswith("+"),
            "Python": manifest.get("python", ""),
        }
        facts |= _flat(manifest.get("versions", {})) | _flat(manifest.get("environment", {}))
        return {name: value for name, value in facts.items() if value != ""}

    @property
    def tables(self) -> dict[str, str]:
        """Hash of each table that was learned from."""
        return dict(self.manifest.get("tables", {}))


@dataclass(frozen=True)
class Sweep:
    """A sweep: number of trials by state, objectives in validation and runs on the test seasons.

    The last two are by `DEFAULT` and `BEST`, as far as there are any.
    """

    folder: Path
    objectives: list[str]
    n_trials: dict[str, int]
    validation: dict[str, dict[str, float]]
    runs: dict[str, PastRun]


@dataclass(frozen=True)
class Found:
    """Runs of some folders, those of sweeps among them, and notes on what was passed over."""

    runs: list[PastRun]
    sweeps: list[Sweep]
    notes: list[str]


def find_runs(folders: Sequence[Path]) -> Found:
    """Read run folders and sweep folders; those of other programs are passed over with a note.

    Raises:
        RunsError: A folder is none of a run or has no results, the same run is named twice, or
            there are fewer than two runs.
    """
    runs: list[PastRun] = []
    sweeps: list[Sweep] = []
    notes: list[str] = []
    problems: list[str] = []
    for folder in folders:
        try:
            manifest = _manifest(folder)
            if manifest.get("kind") == "sweep":
                sweep, missing = _read_sweep(folder, manifest)
                sweeps.append(sweep)
                notes += missing
                runs += sweep.runs.values()
            elif "kind" in manifest:
                notes.append(f"{folder} is passed over: it holds {manifest['kind']} and no run")
            else:
                runs.append(read_run(folder, manifest))
        except (FileNotFoundError, UserError) as error:
            problems.append(str(error))
        except ValueError as error:  # a file that is no JSON, YAML or CSV
            problems.append(f"{folder} cannot be read: {error}")
    places = [run.folder.resolve() for run in runs]
    problems += [
        f"{run.folder} is named twice: leave one out"
        for i, run in enumerate(runs)
        if places[i] in places[:i]
    ]
    if not problems and len(runs) < 2:
        held = ", ".join(str(run.folder) for run in runs) or "none"
        problems.append(
            f"two runs or more are needed to compare, and the folders hold {len(runs)}: {held}"
        )
    if problems:
        raise RunsError("\n".join([*problems, *notes]))
    named = {
        run.folder: replace(run, name=name) for run, name in zip(runs, _names(places), strict=True)
    }
    sweeps = [
        replace(sweep, runs={which: named[run.folder] for which, run in sweep.runs.items()})
        for sweep in sweeps
    ]
    return Found([*named.values()], sweeps, notes)


def read_metrics(folder: Path) -> pd.DataFrame:
    """Return the tidy metrics of a run; those of a playoff classifier are of its walk-forward."""
    metrics = pd.read_csv(folder / "metrics.csv", dtype={"season": str, "as_of_point": str})
    return metrics[metrics["part"] == WALK_FORWARD] if "part" in metrics else metrics


def read_columns(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a CSV or parquet file of a run that holds some columns at least; fits are text.

    Raises:
        RunsError: The file cannot be read, or lacks one of them.
    """
    try:
        if path.suffix == ".csv":
            frame = pd.read_csv(path, dtype={"fit": str})
        else:
            frame = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise RunsError(f"{path} cannot be read: {error}") from error
    if absent := [name for name in columns if name not in frame]:
        raise RunsError(f"{path} lacks the columns {', '.join(absent)}")
    return frame


def pick(runs: Sequence[PastRun], wanted: str | None) -> PastRun:
    """Return the run with a name or folder, or refuse; the first where none is wanted."""
    if wanted is None:
        return runs[0]
    place = Path(wanted).resolve()
    for run in runs:
        if wanted == run.name or place == run.folder.resolve():
            return run
    raise RunsError(
        f"--baseline {wanted} is none of the runs that are compared: "
        f"{', '.join(str(run.folder) for run in runs)}"
    )


def rows_of(metrics: pd.DataFrame, *rankers: str) -> pd.DataFrame:
    """Return `_KEY` and `value` of metrics with a direction, without pooled seasons.

    A metric is taken from the first of the rankers that has it.
    """
    directed = [name for name in metrics["metric"].unique() if higher_is_better(name) is not None]
    chosen = metrics["ranker"].isin(rankers) & metrics["metric"].isin(directed)
    rows = metrics[chosen & (metrics["season"] != ALL)]
    place = rows["ranker"].map({name: place for place, name in enumerate(rankers)})
    first = place == place.groupby(rows["metric"]).transform("min")
    return rows.loc[first, [*_KEY, "value"]].reset_index(drop=True)


def common_scores(runs: Mapping[str, pd.DataFrame], standings: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of runs, as `rows_of` returns them, on what all of them were judged on.

    Returns a tidy table with the runs and `STANDINGS` as rankers, and the mean over the points
    before them. What one run lacks is left out of all.

    Raises:
        RunsError: They have no season, no point or no metric in common.
        ValueError: A metric is repeated.
    """
    for name, what in (("season", "test season"), ("as_of_point", "as-of point of a season")):
        if not set.intersection(*(set(rows[name]) for rows in runs.values())):
            told = {run: ", ".join(sorted(set(rows[name]))) for run, rows in runs.items()}
            spans = "; ".join(f"{run}: {words or 'none'}" for run, words in told.items())
            raise RunsError(f"no {what} is common to all runs, so nothing can be paired. {spans}")
    wide = pd.concat({run: _values(rows) for run, rows in runs.items()}, axis=1, join="inner")
    wide = wide.dropna()
    if wide.empty:
        raise RunsError("the runs have no metric in common at any point of a season")
    wide[STANDINGS] = _values(standings).reindex(wide.index)
    tidy = with_mean(wide.reset_index().melt(_KEY, var_name="ranker").dropna())[TIDY_COLUMNS]
    points = {name: place for place, name in enumerate([MEAN, *AS_OF_POINTS, *PLAYOFF_POINTS])}
    order = {
        "metric": tidy["metric"].map({name: i for i, name in enumerate(METRICS)}),
        "scope": tidy["scope"].map({name: i for i, name in enumerate(SCOPES)}).fillna(len(SCOPES)),
        "point": tidy["as_of_point"].map(points).fillna(len(points)),
        "season": tidy["season"],
    }
    place = pd.DataFrame(order).sort_values([*order], kind="stable").index
    return tidy.loc[place].reset_index(drop=True)


def standings_gap(standings: Mapping[str, pd.DataFrame]) -> float:
    """Return the largest difference of the standings' metrics between runs; NaN without any.

    Above 0 the runs were judged by different outcomes.
    """
    wide = pd.concat({run: _values(rows) for run, rows in standings.items()}, axis=1, join="inner")
    return float((wide.max(axis=1) - wide.min(axis=1)).max())


def sweep_scores(sweep: Sweep) -> pd.DataFrame:
    """Return what validation promised of a sweep's choice and what the test seasons gave.

    Returns:
        Two rows an objective: `metric`, `scope`, `seasons` (`validation` or `test`),
        `reference_value` (the defaults), `value` (the choice) and their `difference`, all means
        over points, then seasons, NaN where unknown; of tests also `low`, `high` and `verdict`, as
        `nba_rank.evaluation.paired.paired`.
    """
    lines: list[dict[str, Any]] = []
    for name in sweep.objectives:
        metric, scope = OBJECTIVES[name].metric, OBJECTIVES[name].scope
        promised = {which: values.get(name, np.nan) for which, values in sweep.validation.items()}
        given = {which: _by_season(run.rows, metric, scope) for which, run in sweep.runs.items()}
        found = {which: values.mean() for which, values in given.items()}
        for seasons, known in (("validation", promised), ("test", found)):
            default, best = (float(known.get(which, np.nan)) for which in (DEFAULT, BEST))
            line = {"seasons": seasons, "reference_value": default, "value": best}
            lines.append({"metric": metric, "scope": scope, **line, "difference": best - default})
        if all(len(given.get(which, ())) for which in (DEFAULT, BEST)):
            tidy = pd.concat(given, names=["ranker", "season"]).rename("value").reset_index()
            tidy = tidy.assign(metric=metric, scope=scope, as_of_point=MEAN)
            gain = paired(tidy, DEFAULT).iloc[0]
            lines[-1] |= {name: gain[name] for name in ("low", "high", "verdict")}
    columns = ["metric", "scope", "seasons", "reference_value", "value", "difference",
               "low", "high", "verdict"]  # fmt: skip
    return pd.DataFrame(lines, columns=columns).astype({"low": float, "high": float})


def _by_season(rows: pd.DataFrame, metric: str, scope: str) -> pd.Series:
    """Return a metric of `rows_of` by season, the mean over points."""
    mine = (rows["metric"] == metric) & (rows["scope"] == scope)
    return rows[mine].groupby("season")["value"].mean()


def differing(values: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return values that not all runs have alike as text, a row a key and a column a run.

    The text is empty where a run lacks the key.
    """
    keys = dict.fromkeys(key for of_run in values.values() for key in of_run)
    rows = {
        key: [_text(of_run[key]) if key in of_run else "" for of_run in values.values()]
        for key in keys
    }
    unlike = {key: row for key, row in rows.items() if len(set(row)) > 1}
    return pd.DataFrame.from_dict(unlike, orient="index", columns=[*values], dtype=str)


def comparable_fields(fields: Fields) -> Fields:
    """Return the fields of a config that may change a result."""
    role = roles(Config)  # an older run may have other fields
    return {key: value for key, value in fields.items() if role.get(key, RESULT) in (RESULT, RUN)}


def _values(rows: pd.DataFrame) -> pd.Series:
    if (repeated := rows.duplicated(_KEY)).any():
        raise ValueError(f"repeated metrics, the first {rows[repeated].iloc[0].to_dict()}")
    return rows.set_index(_KEY)["value"]


def _manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise RunsError(f"there is no folder {folder}")
    if not (folder / "manifest.json").exists() and any(folder.glob("run_*")):
        raise RunsError(f"{folder} holds runs but is none: name them, such as {folder}/run_*")
    return read_manifest(folder)


def read_run(folder: Path, manifest: Mapping[str, Any]) -> PastRun:
    """Read a run; one that is not finished, a trial or without results is refused."""
    if (status := manifest.get("status")) != "finished":
        error = "".join(f" ({line})" for line in str(manifest.get("error", "")).splitlines()[:1])
        raise RunsError(f"{folder} is no finished run, its status is {status}{error}: leave it out")
    if (folder / TRIAL_METRICS_FILE).exists():
        raise RunsError(f"{folder} is a trial of a sweep, not judged on test seasons: name the "
                        f"sweep, {folder.parent}")  # fmt: skip
    for name in ("metrics.csv", "metrics.json", "config.yaml"):
        if not (folder / name).exists():
            raise RunsError(f"{folder} holds no {name}, which every run of nba_rank.train writes")
    ranker = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["ranker"]
    metrics = read_metrics(folder)
    if absent := [name for name in TIDY_COLUMNS if name not in metrics]:
        raise RunsError(f"{folder / 'metrics.csv'} lacks the columns {', '.join(absent)}")
    if not (metrics["ranker"] == ranker).any():
        raise RunsError(f"{folder / 'metrics.csv'} holds nothing of the final ranker {ranker}")
    fields = _flat(OmegaConf.to_container(OmegaConf.load(folder / "config.yaml")))
    return PastRun("", folder, ranker, metrics, fields, manifest)


def _read_sweep(folder: Path, manifest: Mapping[str, Any]) -> tuple[Sweep, list[str]]:
    runs: dict[str, PastRun] = {}
    missing = []
    for which in (DEFAULT, BEST):
        try:
            runs[which] = read_run(folder / which, _manifest(folder / which))
        except (FileNotFoundError, UserError) as error:
            missing.append(f"the sweep {folder} is not finished: {error}")
    over = manifest.get("status") == "finished" and DEFAULT in runs
    if over and not (folder / BEST).exists():
        missing = [f"no trial of the sweep {folder} beat the defaults, so it has no {BEST}"]
    n_trials: dict[str, int] = {}
    if (folder / TRIALS_FILE).exists():
        n_trials = dict(Counter(pd.read_csv(folder / TRIALS_FILE)["state"]))
    else:
        missing.append(f"the sweep {folder} holds no {TRIALS_FILE}: no trial has ended")
    validation = {}
    if (folder / VALIDATION_FILE).exists():
        validation = json.loads((folder / VALIDATION_FILE).read_text(encoding="utf-8"))
    objectives = [str(name) for name in manifest.get("objectives", [])]
    return Sweep(folder, objectives, n_trials, validation, runs), missing


def _flat(content: object, key: str = "") -> Fields:
    if not isinstance(content, Mapping):
        return {key: content}
    found: Fields = {}
    for name, value in content.items():
        found |= _flat(value, f"{key}.{name}" if key else str(name))
    return found


def _text(value: object) -> str:
    if isinstance(value, str):
        return value or "''"
    return json.dumps(value, ensure_ascii=False).replace('"', "")


def _names(places: list[Path]) -> list[str]:
    """Return the shortest ends of paths that tell them apart; those in sweeps name the sweep."""
    lengths = [2 if place.name in (DEFAULT, BEST) else 1 for place in places]
    while True:
        names = ["/".join(place.parts[-n:]) for place, n in zip(places, lengths, strict=True)]
        vague = [i for i, name in enumerate(names) if names.count(name) > 1 or name == STANDINGS]
        if not vague:
            return names
        for i in vague:
            lengths[i] += 1
