import numpy as np

from nba_rank.evaluation.agreement import agreement, verdict


def test_verdict():
    said = verdict([1, 9, 5, 4, 2], [8, 2, 5, 6, np.nan], tolerance=2)
    assert said.tolist() == ["over-ranked", "under-ranked", "aligned", "aligned", None]


def test_agreement():
    assert agreement([[1, 30], [4, 4]], n_teams=30).tolist() == [0.0, 1.0]
