import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.removal import summarise_removal

FITS = ["2021-22", "2022-23"]


@pytest.fixture
def diagnostics():
    """Health of two networks of two fits over four epochs, all alive at the end."""
    rng = np.random.default_rng(0)
    rows = []
    for fit in FITS:
        for network in (0, 1):
            for epoch in range(-1, 4):
                heads = 0.9 - 0.05 * max(epoch, 0) + 0.02 * rng.normal(size=2)
                rows.append(
                    {
                        "fit": fit,
                        "network": network,
                        "epoch": float(epoch),
                        "attention_sum": 1.0,
                        "attention_max": 0.2,
                        "entropy_ratio": heads.mean(),
                        "entropy_ratio_head_0": heads[0],
                        "entropy_ratio_head_1": heads[1],
                        "fallback_share": 0.0,
                        "encoded_variance": 0.5,
                        "pooled_variance": 0.05,
                        "score_spread": 0.0 if epoch < 0 else 0.8,
                        "gradient_attention": 0.0 if epoch < 0 else 0.01,
                        "gradient_encoder": 0.02,
                        "gradient_scorer": 0.3,
                    }
                )
    return pd.DataFrame(rows)


@pytest.fixture
def learning_curves():
    """Losses of two networks of two fits, of which one has a validation season."""
    return pd.DataFrame(
        [
            (fit, network, epoch, 2 - 0.1 * epoch + network, 2.1 if fit == FITS[0] else np.nan)
            for fit in FITS
            for network in (0, 1)
            for epoch in range(4)
        ],
        columns=["fit", "network", "epoch", "train_loss", "val_loss"],
    )


@pytest.fixture
def removal():
    """Effects of taking out players in four seasons; top moves a score about twice as far."""
    rng = np.random.default_rng(1)
    rows = [
        (f"20{18 + season}-{19 + season}", point, team, *rng.uniform((0.2, 0.1), (0.4, 0.2)))
        for season in range(4)
        for point in AS_OF_POINTS
        for team in range(30)
    ]
    return pd.DataFrame(rows, columns=["season", "as_of_point", "team_id", "top", "random"])


@pytest.fixture
def removal_summary(removal):
    return summarise_removal(removal, np.random.default_rng(0), 100)


@pytest.fixture
def contributions():
    """Model A gains .01 at each point but the end, where it costs as much; xgb gains nothing."""
    parts = []
    for scope in ("league", "playoff16"):
        for member, gain in (("model_a", 0.01), ("xgb", 0.0)):
            part = pd.DataFrame({"as_of_point": AS_OF_POINTS})
            signed = np.where(part["as_of_point"] == "end", -gain, gain)
            parts.append(
                part.assign(
                    member=member,
                    scope=scope,
                    spearman=0.8,
                    spearman_without=0.8 - signed,
                    gain=signed,
                    gain_low=signed - np.where(part["as_of_point"] == "open", 0.005, 0.02),
                    gain_high=signed + 0.02,
                    n_seasons=9,
                )
            )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def coverage():
    return pd.DataFrame(
        {
            "as_of_point": AS_OF_POINTS,
            "coverage": np.linspace(0.3, 0.6, len(AS_OF_POINTS)),
            "lowest": 0.2,
            "highest": 0.7,
            "width": 6.25,
        }
    )
