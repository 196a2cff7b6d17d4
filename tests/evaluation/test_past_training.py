import numpy as np
import pandas as pd
import pytest
from made_runs import write_losses, write_run

from nba_rank.evaluation.past_runs import find_runs
from nba_rank.evaluation.past_training import learned, learning_curves, mean_curves


@pytest.fixture
def runs(tmp_path):
    folders = [write_run(tmp_path / name) for name in ("run_001", "run_002", "run_003", "run_004")]
    write_losses(folders[0])
    write_losses(folders[1], 0.5, fits=("2021-22", "2023-24"), epochs=4)
    other = {"model": {"model_a": {"loss": "soft_spearman"}}}
    folders.append(write_run(tmp_path / "run_005", config=other))
    write_losses(folders[4], 9.0, fits=("2030-31",))
    return find_runs(folders).runs


def test_curves_are_of_fits_that_all_runs_with_the_loss_have(runs):
    curves = learning_curves(runs)
    assert list(curves["run"].unique()) == ["run_001", "run_002", "run_005"]
    fits = curves.groupby("run")["fit"].unique().map(list).to_dict()
    assert fits == {"run_001": ["2021-22"], "run_002": ["2021-22"], "run_005": ["2030-31"]}
    assert curves["epoch"].min() == 1
    assert learning_curves(runs[2:4]).empty


def test_the_mean_curve_ends_with_the_first_network(runs):
    curves = learning_curves(runs)
    longer = (curves["network"] == 1) & (curves["run"] == "run_002")
    means = mean_curves(curves[~longer | (curves["epoch"] < 3)])
    own = means[means["run"] == "run_002"]
    assert own["epoch"].tolist() == [1, 2]
    # Networks of 2.5 and 3.5, falling by .1.
    np.testing.assert_allclose(own["train_loss"], [3.0, 2.9])
    assert own["n_networks"].tolist() == [2, 2]


def test_what_was_learned_is_summed_up(runs):
    table = learned(learning_curves(runs)).set_index("run")
    assert table.loc["run_001", ["n_networks", "epochs"]].tolist() == [2, 3]
    np.testing.assert_allclose(table.loc["run_001", "first"], 2.5)
    np.testing.assert_allclose(table.loc["run_001", "last"], 2.3)
    np.testing.assert_allclose(table.loc["run_001", "lowest"], 1.9)
    assert table.loc["run_001", "epoch"] == 2
    none = learning_curves(runs).assign(val_loss=np.nan)
    assert learned(none)[["lowest", "epoch"]].isna().all(axis=None)
    assert learned(pd.DataFrame(columns=learning_curves(runs).columns)).empty
