"""How model A of finished runs learned: loss by epoch, and what a machine or device changes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from nba_rank.evaluation.past_runs import PastRun, read_columns

LOSSES = {"train_loss": "training loss", "val_loss": "validation loss"}
"""Losses by epoch, in words."""

_NETWORK = ["run", "fit", "network"]


def learning_curves(runs: Sequence[PastRun]) -> pd.DataFrame:
    """Return the losses of model A's networks that were fitted in all runs with the same loss.

    Only losses of the same kind on the same seasons can be compared, so fits that another run of
    the same kind lacks are left out.

    Returns:
        `run`, `loss` (its name), `fit`, `network`, `epoch` (from 1), `train_loss` and
        `val_loss` (NaN without validation seasons); empty where no run has model A.
    """
    parts = []
    for run in runs:
        path = run.folder / "losses.csv"
        if path.exists():
            frame = read_columns(path, ["fit", "network", "epoch", *LOSSES])
            loss = str(run.fields.get("model.model_a.loss", ""))
            parts.append(
                frame.assign(run=run.name, loss=loss, epoch=frame["epoch"].astype(int) + 1)
            )
    columns = ["run", "loss", "fit", "network", "epoch", *LOSSES]
    if not parts:
        return pd.DataFrame(columns=columns)
    curves = pd.concat(parts, ignore_index=True)
    n_runs = curves.groupby("loss")["run"].transform("nunique")
    shared = curves.groupby(["loss", "fit"])["run"].transform("nunique") == n_runs
    return curves.loc[shared, columns].reset_index(drop=True)


def mean_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the mean losses over the networks of each run, up to the first that stops.

    Returns `run`, `loss`, `epoch` and the losses, with `n_networks`.
    """
    last = curves.groupby(_NETWORK)["epoch"].max().groupby("run").min().rename("stops")
    rows = curves.join(last, on="run")
    rows = rows[rows["epoch"] <= rows["stops"]]
    means = rows.groupby(["run", "loss", "epoch"], sort=False)
    return means[[*LOSSES]].mean().assign(n_networks=means.size()).reset_index()


def learned(curves: pd.DataFrame) -> pd.DataFrame:
    """Sum up learning curves, a row a run.

    Returns:
        `run`, `loss`, `n_networks`, `epochs` (most of any network), means over the networks of the
        `first` and `last` training loss and of the `lowest` validation loss, and the mean `epoch`
        of the latter (NaN without validation).
    """
    rows = []
    for (run, loss), own in curves.groupby(["run", "loss"], sort=False):
        networks = own.sort_values("epoch").groupby(["fit", "network"])
        train = networks["train_loss"].agg(["first", "last"]).mean()
        judged = own.dropna(subset="val_loss")
        lowest = judged.loc[judged.groupby(["fit", "network"])["val_loss"].idxmin()]
        rows.append(
            {
                "run": run,
                "loss": loss,
                "n_networks": networks.ngroups,
                "epochs": own["epoch"].max(),
                "first": train["first"],
                "last": train["last"],
                "lowest": lowest["val_loss"].mean(),
                "epoch": lowest["epoch"].mean(),
            }
        )
    return pd.DataFrame(rows)


def first_epochs(folders: Mapping[str, Path]) -> pd.DataFrame:
    """Compare the networks of runs, by name, before training and after the first epoch.

    With the same seeds and data, networks on two machines differ by rounding alone.

    Returns:
        A row a statistic: `statistic`, `epoch` (0 is before training, 1 after the first epoch), the
        mean over the networks that all runs have in a column a run, `largest_gap` (of any network,
        between any two runs), `n_networks`. Empty where a run has no files of networks.
    """
    key = ["epoch", "statistic", "fit", "network"]
    series = {}
    for name, folder in folders.items():
        files = [folder / file for file in ("losses.csv", "diagnostics.csv")]
        if not all(file.exists() for file in files):
            return pd.DataFrame(columns=["statistic", "epoch", "largest_gap", "n_networks"])
        parts = [
            read_columns(file, ["fit", "network", "epoch"]).melt(
                key[:1] + key[2:], var_name="statistic"
            )
            for file in files
        ]
        series[name] = pd.concat(parts).query("epoch <= 0").set_index(key)["value"]
    wide = pd.concat(series, axis=1, join="inner").dropna()
    gap = wide.max(axis=1) - wide.min(axis=1)
    statistics = wide.assign(largest_gap=gap).groupby(key[:2], sort=False)
    table = statistics.mean().assign(
        largest_gap=statistics["largest_gap"].max(), n_networks=statistics.size()
    )
    table = table.reset_index().sort_values("epoch", kind="stable", ignore_index=True)
    return table.assign(epoch=table["epoch"].astype(int) + 1)
