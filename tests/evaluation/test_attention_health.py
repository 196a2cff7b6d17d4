import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.attention_health import health_summary, last_epochs


def test_one_row_a_network_its_last(diagnostics):
    # One network has stopped early.
    early = (diagnostics["fit"] == "2021-22") & (diagnostics["network"] == 1)
    kept = diagnostics[~(early & (diagnostics["epoch"] == 3))]
    last = last_epochs(kept.sample(frac=1, random_state=0))
    assert last[["fit", "network", "epoch"]].to_numpy().tolist() == [
        ["2021-22", 0, 3.0],
        ["2021-22", 1, 2.0],
        ["2022-23", 0, 3.0],
        ["2022-23", 1, 3.0],
    ]
    assert last["alive"].all()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("entropy_ratio", 0.2),
        ("entropy_ratio", 0.98),
        ("entropy_ratio", np.nan),
        ("prior_kl", 0.02),
        ("prior_kl", np.nan),
        ("fallback_share", 1e-6),
        ("gradient_attention", 0.0),
        ("gradient_encoder", np.inf),
        ("gradient_scorer", np.nan),
    ],
)
def test_each_sign_of_death_is_seen_in_its_network_only(diagnostics, column, value):
    diagnostics.loc[diagnostics.index[-1], column] = value
    assert last_epochs(diagnostics)["alive"].tolist() == [True, True, True, False]


def test_what_was_wrong_before_the_end_does_not_count(diagnostics):
    earlier = diagnostics["epoch"] < 3
    diagnostics.loc[earlier, "entropy_ratio"] = 1.0
    assert last_epochs(diagnostics)["alive"].all()


def test_an_untrained_network_is_not_alive(diagnostics):
    healthy = diagnostics.assign(gradient_attention=0.01)
    assert last_epochs(healthy)["alive"].all()
    assert not last_epochs(healthy[healthy["epoch"] < 0])["alive"].any()


def test_the_summary_is_over_networks(diagnostics):
    last = last_epochs(diagnostics).assign(attention_max=[0.1, 0.2, 0.3, 0.6])
    row = health_summary(last).set_index("statistic").loc["attention_max"]
    expected = pd.Series({"mean": 0.3, "lowest": 0.1, "highest": 0.6})
    pd.testing.assert_series_equal(row, expected, check_names=False)
