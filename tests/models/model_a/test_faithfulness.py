from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from nba_rank.models.model_a.faithfulness import occlusion_effects


def without(sets, row, place):
    """The sets with one player's place as it was before he joined."""
    player_id, share, stats = sets.player_id.copy(), sets.minutes_share.copy(), sets.stats.copy()
    player_id[row, place], share[row, place], stats[row, place] = 0, 0, np.nan
    return replace(sets, player_id=player_id, minutes_share=share, stats=stats)


def test_effects_equal_those_of_removing_one_player_by_hand(fitted_a, known):
    sets, prior, _ = known
    before = deepcopy(sets)
    got = occlusion_effects(fitted_a, sets, prior, np.random.default_rng(0))
    for name in ("player_id", "minutes_share", "stats"):
        np.testing.assert_array_equal(getattr(sets, name), getattr(before, name))
    whole = fitted_a.predict(sets, prior, with_intervals=False)
    assert got.columns.tolist() == ["season", "as_of_date", "team_id", "left_out", "top", "other"]
    for row in (0, 5, 11, 40, len(prior) - 1):
        top = int(whole.attention[row].argmax())
        others = [p for p in np.flatnonzero(sets.player_id[row]) if p != top]
        share = sets.minutes_share[row]
        nearest = min(others, key=lambda place: abs(share[place] - share[top]))
        for place, column in ((top, "top"), (nearest, "other")):
            left = fitted_a.predict(without(sets, row, place), prior, with_intervals=False)
            expected = abs(left.score[row] - whole.score[row])
            assert expected > 0
            assert got[column].iloc[row] == pytest.approx(expected, abs=1e-5)


def test_among_equal_minutes_the_other_player_is_drawn_by_seed(fitted_a, known):
    sets, prior, _ = known
    taken = sets.player_id != 0
    equal = replace(sets, minutes_share=(taken / taken.sum(axis=1, keepdims=True)).astype("f4"))
    first, again, other = (
        occlusion_effects(fitted_a, equal, prior, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert first.equals(again)
    assert first["top"].equals(other["top"])
    assert (first["other"] != other["other"]).any()


def test_teams_of_one_player_or_none_are_left_out(fitted_a, known):
    sets, prior, _ = known
    few = replace(sets, player_id=sets.player_id.copy())
    few.player_id[3, 1:] = 0
    few.player_id[7] = 0
    got = occlusion_effects(fitted_a, few, prior, np.random.default_rng(0))
    assert got[["top", "other"]].notna().all(axis=None)
    kept = np.delete(np.arange(len(prior)), [3, 7])
    assert got["team_id"].tolist() == sets.frame["team_id"].iloc[kept].tolist()


def test_attention_that_follows_minutes_alone_finds_the_star(fit, known):
    # One player of each team has nearly all minutes and weight; the others hardly count.
    sets, prior, relevance = known
    share = np.where(sets.player_id != 0, 0.01, 0).astype(np.float32)
    share[:, 0] = 0.9
    lopsided = replace(sets, minutes_share=share)
    model = fit(lopsided, relevance, prior, epochs=6, attention={"minutes_bias_weight": 1.0})
    effects = occlusion_effects(model, lopsided, prior, np.random.default_rng(0))
    assert effects["top"].mean() > 3 * effects["other"].mean()
