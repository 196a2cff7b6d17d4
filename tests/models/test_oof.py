import io
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.features.store import KEY
from nba_rank.models.members import Members
from nba_rank.models.model_a.callbacks.not_learning import NotLearningError
from nba_rank.models.oof import each_fit, final_scores, fit_folds
from nba_rank.models.ranker import Ensemble
from nba_rank.samples.folds import Fit, FoldPlan, TestPart

SMALL = ["model=xgb", "model.members=[xgb,rf]", "model.xgb.n_estimators=3"]
SMALL += ["model.rf.n_estimators=3", "trainer.max_epochs=1"]
PLAN = FoldPlan(
    [Fit("2022-23", ["2021-22"], ["2022-23"]), Fit("2023-24", ["2021-22", "2022-23"], ["2023-24"])],
    [TestPart("2023-24", ["2023-24"], ["2022-23"])],
)
MADE_UP_PLAN = FoldPlan(
    [Fit("2020-21", ["2019-20"], ["2020-21"]), Fit("2021-22", ["2019-20", "2020-21"], ["2021-22"])],
    [],
)
SEED = np.random.SeedSequence(4)


@pytest.fixture
def config(compose):
    return compose(*SMALL, "paths.members=null")


def test_each_fit_comes_in_order_and_as_in_a_whole_run(sim_data, config):
    steps = []
    members, predicted = fit_folds(PLAN, sim_data, config, SEED, lambda: steps.append(1))
    assert list(members) == list(predicted) == ["2022-23", "2023-24"]
    assert len(steps) == 2
    first = next(each_fit(PLAN, sim_data, config, SEED, lambda: steps.append(1)))
    # Nothing of the second fit has been done.
    assert len(steps) == 3
    assert (first.fit, list(first.predicted)) == (PLAN.fits[0], ["2022-23"])
    expected = predicted["2022-23"].frame
    pd.testing.assert_frame_equal(first.predicted["2022-23"].frame, expected, check_exact=True)
    again = first.members.predict(sim_data.of_seasons(["2022-23"])).frame
    pd.testing.assert_frame_equal(again, expected, check_exact=True)


def test_only_test_seasons_are_predicted_with_intervals(sim_data, config, monkeypatch):
    asked = []

    def predict(self, data, *, with_intervals, cache):
        asked.append((data.season[0], with_intervals))

    monkeypatch.setattr(Members, "predict", predict)
    fit_folds(PLAN, sim_data, config, SEED, lambda: None)
    assert asked == [("2023-24", True), ("2022-23", False)]  # the longest fit starts first


def test_the_final_score_is_the_stack_with_or_without_a_member(sim_data, config):
    predicted = fit_folds(PLAN, sim_data, config, SEED, lambda: None)[1]
    known, tested = (predicted[season].frame for season in ("2022-23", "2023-24"))

    def score(**keywords):
        return final_scores(PLAN, sim_data, config, predicted, **keywords)

    ensemble = Ensemble.fit(known, sim_data.relevance, config)
    expected = tested[KEY].assign(score=ensemble.score(tested, ["xgb", "rf"]))
    pd.testing.assert_frame_equal(score(), expected, check_exact=True)
    # A stack of one is that one.
    assert np.array_equal(score(without="rf")["score"], tested["xgb"])
    assert np.array_equal(score(without="xgb")["score"], tested["rf"])


def test_the_number_of_workers_changes_no_bit_and_every_step_is_reported(
    data, small_config, changed
):
    small = {
        "model.model_a.n_seeds": 2,
        "model.model_a.team_prior": ["elo_rating"],
        "callbacks.attention_diagnostics.enabled": True,
    }
    found = []
    for n_workers in (1, 2):
        config = changed(small_config, small | {"trainer.num_threads": n_workers})
        seed, epochs = np.random.SeedSequence(7), []
        fits = fit_folds(MADE_UP_PLAN, data, config, seed, partial(epochs.append, 1))
        found.append((*fits, epochs))
    (one, scores, epochs), (other, scores_of_two, epochs_of_two) = found
    assert list(one) == list(other) == ["2020-21", "2021-22"]
    assert len(epochs) == len(epochs_of_two) == 2 * (2 * 2 + 1)
    for season, own in scores.items():
        pd.testing.assert_frame_equal(own.frame, scores_of_two[season].frame, check_exact=True)
        assert np.array_equal(own.attention, scores_of_two[season].attention)
    for name, members in one.items():
        for kind in ("losses", "diagnostics"):
            first, second = getattr(members.model_a, kind), getattr(other[name].model_a, kind)
            pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_network_that_does_not_learn_is_reported_from_a_worker(data, small_config, changed):
    flat = data.relevance.assign(relevance=0.5)
    patience = {"callbacks.not_learning.enabled": True, "callbacks.not_learning.patience": 1}
    config = changed(small_config, patience | {"trainer.num_threads": 2})
    console = Console(record=True, width=200, file=io.StringIO())
    with pytest.raises(NotLearningError, match="network 0 of model A") as caught:
        list(
            each_fit(
                MADE_UP_PLAN, replace(data, relevance=flat), config, np.random.SeedSequence(1),
                lambda: None, console=console,
            )
        )  # fmt: skip
    assert caught.value.verdict.cause == "constant targets"
    assert "Model A does not learn: constant targets" in console.export_text()
