import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.ablations import LISTS, MEAN
from nba_rank.evaluation.group_verdicts import (
    BRINGS,
    COSTS,
    DEAR,
    OPEN,
    UNTOLD,
    brings,
    verdicts,
)

POINTS = [point for point, scope in LISTS if scope == "league" and point != MEAN]


def gains_of(part, mean=0.0, firm=(), interval=True):
    """Gains of one part: in the mean over the points, and where they are firm (negative: below)."""
    rows = pd.DataFrame(LISTS, columns=["as_of_point", "scope"])
    sign = {one.lstrip("-"): -1 if one.startswith("-") else 1 for one in firm}
    rows["firm"] = [
        sign.get("inside" if scope == "playoff16" else point, 0)
        for point, scope in zip(rows["as_of_point"], rows["scope"], strict=True)
    ]
    half = 0.01 if interval else np.nan
    gain = np.where(rows["as_of_point"] == MEAN, mean, 0.123)
    return rows.assign(part=part, gain=gain, gain_low=gain - half, gain_high=gain + half)


def judged(share=0.01, **changes):
    found = verdicts(gains_of("it", **changes), {"it": share, "others": 1 - share})
    assert found["share"].item() == pytest.approx(share)
    return found["verdict"].item()


def test_a_group_that_is_firm_in_the_mean_brings_more_than_noise_however_dear():
    assert judged(mean=0.01, firm=[MEAN], share=0.9) == BRINGS


def test_two_neighbouring_points_are_more_than_noise_and_two_others_are_not():
    assert judged(mean=-0.01, firm=POINTS[2:4]) == BRINGS
    assert judged(mean=-0.01, firm=[POINTS[0], POINTS[2]]) == COSTS
    assert judged(mean=0.01, firm=[POINTS[0], POINTS[2]]) == OPEN


def test_firm_losses_and_the_list_of_the_playoff_teams_bring_nothing():
    assert judged(mean=-0.02, firm=[f"-{MEAN}"]) == COSTS
    assert judged(mean=0.01, firm=[f"-{point}" for point in POINTS]) == OPEN
    assert judged(mean=0.01, firm=["end", "inside"]) == OPEN
    assert brings(gains_of("it", firm=POINTS[5:]))
    assert not brings(gains_of("it", firm=["end", "inside"]))


@pytest.mark.parametrize(("mean", "verdict"), [(0.0004, COSTS), (0.0006, OPEN), (-0.2, COSTS)])
def test_a_gain_that_prints_as_zero_is_none(mean, verdict):
    assert judged(mean=mean) == verdict


def test_a_dear_group_has_to_bring_more_than_noise():
    assert judged(mean=0.05, share=DEAR) == OPEN
    assert judged(mean=0.05, share=DEAR + 0.001) == COSTS


def test_without_an_interval_nothing_is_told():
    assert judged(mean=-0.2, interval=False) == UNTOLD


def test_every_group_has_a_row_with_its_gain_and_its_seconds():
    gains = pd.concat([gains_of("b", mean=0.01, firm=[MEAN]), gains_of("a", mean=-0.01)])
    found = verdicts(gains, {"a": 1.0, "b": 2.0, "c": 5.0})
    assert found["group"].tolist() == ["b", "a"]
    assert found["gain"].tolist() == [0.01, -0.01]
    assert found["gain_low"].tolist() == pytest.approx([0.0, -0.02])
    assert found["seconds"].tolist() == [2.0, 1.0]
    assert found["share"].tolist() == [0.25, 0.125]
    assert found["verdict"].tolist() == [BRINGS, COSTS]
    assert verdicts(gains.iloc[:0], {"a": 1.0}).empty
