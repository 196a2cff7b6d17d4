from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.core.errors import UserError
from nba_rank.models.model_a.fitted import FittedModelA
from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.models.model_a.uncertainty import INTERVALS


def assert_same(got, expected, rows=slice(None)):
    assert np.array_equal(got.score, expected.score[rows])
    assert np.array_equal(got.attention, expected.attention[rows])
    if expected.intervals is None:
        assert got.intervals is None
    else:
        assert np.array_equal(got.intervals, expected.intervals.iloc[rows])


# Scores.


def test_score_and_attention_are_the_means_over_the_networks(fitted_a, known):
    sets, prior, _ = known
    together = fitted_a.predict(sets, prior)
    alone = [FittedModelA.of([network]).predict(sets, prior) for network in fitted_a.networks]
    assert not np.allclose(alone[0].score, alone[1].score, atol=1e-3)
    mean = (alone[0].score + alone[1].score) / 2
    assert together.score == pytest.approx(mean, abs=1e-6)
    weights = (alone[0].attention + alone[1].attention) / 2
    assert together.attention == pytest.approx(weights, abs=1e-6)
    assert together.attention.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (together.attention[sets.player_id == 0] == 0).all()


@pytest.mark.parametrize("scope", ["conference", "league"])
def test_a_date_alone_scores_exactly_as_among_many(fit, known, scope):
    sets, prior, relevance = known
    knobs = {"n_seeds": 2, "mc_dropout_samples": 3, "attention": {"dropout": 0.1}}
    made = fit(sets, relevance, prior, list_scope=scope, **knobs)
    together = made.predict(sets, prior)
    for _, rows in sets.frame.groupby(["season", "as_of_date"]):
        index = rows.index.to_numpy()
        assert_same(made.predict(sets.take(index), prior.iloc[index]), together, index)


def test_a_season_without_players_has_no_scores(fitted_a, known):
    sets, prior, _ = known
    scores = fitted_a.predict(sets.take(np.zeros(0, dtype=np.int64)), prior.iloc[:0])
    assert (len(scores.score), len(scores.attention), len(scores.intervals)) == (0, 0, 0)


def test_scores_follow_their_teams_when_rows_are_shuffled(fitted_a, known):
    sets, prior, _ = known
    order = np.random.default_rng(0).permutation(len(prior))
    plain = fitted_a.predict(sets, prior)
    shuffled = fitted_a.predict(sets.take(order), prior.iloc[order])
    assert shuffled.score == pytest.approx(plain.score[order], abs=1e-5)
    assert shuffled.attention == pytest.approx(plain.attention[order], abs=1e-5)
    # What is dropped depends on a team's place, so intervals move a little, not to other teams.
    low, other = (scores.intervals["model_a_score_spread_low"] for scores in (plain, shuffled))
    assert np.corrcoef(low.to_numpy()[order], other)[0, 1] > 0.9


def test_unknown_players_share_an_embedding_row_and_known_ones_do_not(fitted_a, known):
    sets, prior, _ = known
    taken = sets.player_id != 0
    first, second = (
        fitted_a.predict(replace(sets, player_id=np.where(taken, stranger, 0)), prior)
        for stranger in (5_000_000, 7_777_777)
    )
    assert_same(first, second)
    assert not np.allclose(first.score, fitted_a.predict(sets, prior).score, rtol=0, atol=1e-6)
    assert fitted_a.inputs.vocabulary.rows(np.array([0, 5_000_000, 100])).tolist() == [0, 0, 1]


def test_a_player_without_minutes_counts(fitted_a, known):
    sets, prior, _ = known
    share = sets.minutes_share.copy()
    share[0, 0] = 0
    with_him = replace(sets, minutes_share=share)
    without = replace(with_him, player_id=sets.player_id.copy())
    without.player_id[0, 0] = 0
    first, second = (fitted_a.predict(some, prior) for some in (with_him, without))
    assert first.attention[0, 0] > 0 == second.attention[0, 0]
    assert first.score[0] != second.score[0]


def test_a_team_without_players_is_marked_and_the_others_are_scored(fitted_a, known):
    sets, prior, _ = known
    emptied = replace(sets, player_id=sets.player_id.copy())
    emptied.player_id[4] = 0
    got, plain = fitted_a.predict(emptied, prior), fitted_a.predict(sets, prior)
    assert np.isnan(got.score[4])
    assert got.intervals.iloc[4].isna().all()
    assert np.isnan(got.score).sum() == 1
    assert np.delete(got.score, 4) == pytest.approx(np.delete(plain.score, 4), abs=1e-5)


# Missing values.


@pytest.mark.parametrize("with_prior", [True, False])
def test_missing_values_raise_a_score_only_where_they_mark_good_teams(
    fit, known, no_prior, with_prior
):
    sets, prior, relevance = known
    lifts = []
    for hidden in (relevance > 0.5, np.random.default_rng(3).random(len(relevance)) < 0.5):
        stats = sets.stats.copy()
        stats[hidden, :, 0] = np.nan
        partial = replace(sets, stats=stats)
        rating = prior["rating"].mask(hidden).to_frame() if with_prior else no_prior(sets)
        made = fit(partial, relevance, rating, epochs=10, embedding_dim=0)
        assert "skill" in made.inputs.scaler.flagged
        assert made.inputs.prior.scaler.flagged == (["rating"] if with_prior else [])
        score = made.predict(partial, rating).score
        lifts.append((score[hidden].mean() - score[~hidden].mean()) / score.std())
    assert lifts[0] > 1 > 0.5 > abs(lifts[1])


def test_a_value_missing_for_the_first_time_counts_as_the_training_mean(fit, known, no_prior):
    sets, _, relevance = known
    complete = replace(sets, stats=np.nan_to_num(sets.stats))
    made = fit(complete, relevance, epochs=1)
    assert made.inputs.scaler.outputs == sets.columns
    later, average = complete.stats.copy(), complete.stats.copy()
    later[..., 0], average[..., 0] = np.nan, made.inputs.scaler.mean[0]
    got, expected = (
        made.predict(replace(sets, stats=stats), no_prior(sets)) for stats in (later, average)
    )
    assert got.score == pytest.approx(expected.score, abs=1e-6)


# Other inputs.


def test_other_inputs_are_refused_by_name(fitted_a, known):
    sets, prior, _ = known
    other = replace(sets, columns=["skill", "sometimes_unknown", "noise_1", "age"])
    with pytest.raises(UserError, match=r"\['age', 'noise_2'\]"):
        fitted_a.predict(other, prior)
    with pytest.raises(UserError, match="other player columns"):
        fitted_a.predict(replace(sets, columns=sets.columns[::-1]), prior)
    with pytest.raises(UserError, match=r"\['rating'\]"):
        fitted_a.predict(sets, prior.drop(columns="rating"))


# Uncertainty.


def test_intervals_contain_most_scores_and_have_whole_ranks(fitted_a, known):
    sets, prior, _ = known
    got = fitted_a.predict(sets, prior)
    assert tuple(got.intervals.columns) == INTERVALS
    low, high, best, worst = got.intervals.to_numpy().T
    assert (low < high).all()
    assert (best <= worst).all()
    assert ((low <= got.score) & (got.score <= high)).mean() > 0.8
    assert set(best) | set(worst) <= set(range(1, 13))
    rank = pd.Series(-got.score).groupby(sets.frame["as_of_date"]).rank().to_numpy()
    assert ((best <= rank) & (rank <= worst)).mean() > 0.8
    # Ranks of a date, not of a conference.
    assert worst.max() > 6
    bare = fitted_a.predict(sets, prior, with_intervals=False)
    assert bare.intervals is None
    assert np.array_equal(bare.score, got.score)


@pytest.mark.parametrize(
    ("knobs", "source"),
    [
        ({"mc_dropout_samples": 0, "n_seeds": 1}, None),
        ({"mc_dropout_samples": 5, "n_seeds": 1, "dropout": 0.0}, None),
        ({"mc_dropout_samples": 0, "n_seeds": 3}, "networks"),
        ({"mc_dropout_samples": 5, "n_seeds": 3, "dropout": 0.0}, "networks"),
        ({"mc_dropout_samples": 5, "n_seeds": 1}, "dropout"),
        ({"mc_dropout_samples": 5, "n_seeds": 1, "dropout": 0.0, "attention": {"dropout": 0.2}},
         "dropout"),
    ],
)  # fmt: skip
def test_intervals_come_from_networks_dropout_or_neither(fit, known, no_prior, knobs, source):
    sets, _, relevance = known
    made = fit(sets, relevance, epochs=1, **knobs)
    got = made.predict(sets, no_prior(sets)).intervals
    if source is None:
        assert got is None
        return
    assert (got["model_a_score_spread_low"] < got["model_a_score_spread_high"]).all()
    if source == "networks":
        alone = [FittedModelA.of([network]) for network in made.networks]
        scores = [one.predict(sets, no_prior(sets)).score for one in alone]
        expected = np.percentile(scores, 5, axis=0)
        assert got["model_a_score_spread_low"].to_numpy() == pytest.approx(expected, abs=1e-6)


# Checkpoints.


def test_a_saved_model_scores_identically(fitted_a, known, tmp_path):
    sets, prior, _ = known
    fitted_a.save(tmp_path)
    names = ["model_a.json", "model_a_0.ckpt", "model_a_1.ckpt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    loaded = FittedModelA.load(tmp_path)
    assert_same(loaded.predict(sets, prior), fitted_a.predict(sets, prior))
    for now, before in (
        (loaded.inputs, fitted_a.inputs),
        (loaded.inputs.prior, fitted_a.inputs.prior),
    ):
        assert now.columns == before.columns
        assert now.scaler.flagged == before.scaler.flagged != []
    pd.testing.assert_frame_equal(loaded.losses, fitted_a.losses)
    pd.testing.assert_frame_equal(loaded.diagnostics, fitted_a.diagnostics)


def test_networks_are_read_in_the_order_of_their_numbers(fitted_a, tmp_path):
    many = FittedModelA.of([fitted_a.networks[number % 2] for number in range(11)])
    many.save(tmp_path)
    seeds = [network.seed for network in FittedModelA.load(tmp_path).networks]
    assert seeds == [network.seed for network in many.networks]


@pytest.mark.parametrize("lost", ["model_a.json", "model_a_0.ckpt", "model_a_1.ckpt"])
def test_a_missing_file_is_named(fitted_a, tmp_path, lost):
    fitted_a.save(tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(UserError, match=str(tmp_path / lost)):
        FittedModelA.load(tmp_path)


def test_networks_that_were_not_fitted_are_refused(fitted_a):
    with pytest.raises(ValueError, match="not fitted"):
        FittedModelA.of([ModelA(**fitted_a.networks[0].arguments)])
