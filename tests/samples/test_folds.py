from dataclasses import asdict, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nba_rank.config.schema import FoldsConfig
from nba_rank.samples.folds import Fit, FoldError, FoldPlan, TestPart, plan_folds, validation_plan

SEASONS = [f"{year}-{(year + 1) % 100:02d}" for year in range(2012, 2024)]
HOLDOUT = FoldsConfig(
    n_test_seasons=2,
    first_test_season=None,
    refit=False,
    oof="forward",
    n_oof_seasons=3,
    k=4,
    production=False,
    season_half_life=None,
)
WALK = replace(HOLDOUT, n_test_seasons=3, refit=True, n_oof_seasons=2)
KFOLD = replace(HOLDOUT, oof="kfold")
PRODUCTION = replace(WALK, production=True)
properties = settings(deadline=None, derandomize=True)


@st.composite
def plans(draw):
    """Seasons, the first that can be predicted, a config and the plan, where there is one."""
    seasons = SEASONS[: draw(st.integers(2, len(SEASONS)))]
    first = draw(st.sampled_from(seasons[1:]))
    refit = draw(st.booleans())
    config = FoldsConfig(
        n_test_seasons=draw(st.integers(1, 9)),
        first_test_season=None,
        refit=refit,
        oof="forward" if refit else draw(st.sampled_from(["forward", "kfold"])),
        n_oof_seasons=draw(st.integers(1, 6)),
        k=draw(st.integers(2, 5)),
        production=False,
        season_half_life=None,
    )
    try:
        plan = plan_folds(seasons, first, config)
    except FoldError:
        assume(False)
    return seasons, first, config, plan


def test_holdout_fits_once_before_all_test_seasons():
    plan = plan_folds(SEASONS, SEASONS[1], HOLDOUT)
    assert [fit.predict for fit in plan.fits] == [
        ["2019-20"], ["2020-21"], ["2021-22"], ["2022-23", "2023-24"],
    ]  # fmt: skip
    assert [fit.train for fit in plan.fits] == [SEASONS[:n] for n in (7, 8, 9, 10)]
    oof = ["2019-20", "2020-21", "2021-22"]
    assert plan.tests == [TestPart(plan.fits[-1].name, ["2022-23", "2023-24"], oof)]


def test_walk_forward_fits_anew_before_each_test_season():
    plan = plan_folds(SEASONS, SEASONS[1], WALK)
    by_name = {fit.name: fit for fit in plan.fits}
    for place, part in zip((9, 10, 11), plan.tests, strict=True):
        assert part.seasons == by_name[part.fit].predict == [SEASONS[place]]
        assert by_name[part.fit].train == SEASONS[:place]
        assert part.stack_train == SEASONS[7:place]


def test_production_is_a_walk_forward_and_a_fit_on_all_seasons():
    walk, plan = (plan_folds(SEASONS, SEASONS[1], config) for config in (WALK, PRODUCTION))
    assert (plan.fits[:-1], plan.tests[:-1]) == (walk.fits, walk.tests)
    assert plan.test_seasons == walk.test_seasons
    assert plan.fits[-1] == Fit("2024-25", SEASONS, [])
    assert plan.tests[-1] == TestPart("2024-25", [], SEASONS[7:])
    parts = [plan.part_of(season).fit for season in ("2023-24", "2024-25", "2026-27")]
    assert parts == ["2023-24", "2024-25", "2024-25"]


def test_production_holds_out_what_the_data_allow():
    """Of three seasons one, of two none: the fit on both is all there is."""
    three, two = (plan_folds(SEASONS[:n], SEASONS[1], PRODUCTION) for n in (3, 2))
    assert three.test_seasons == SEASONS[2:3]
    assert two.fits == [
        Fit("2013-14", SEASONS[:1], SEASONS[1:2]), Fit("2014-15", SEASONS[:2], []),
    ]  # fmt: skip
    assert two.tests == [TestPart("2014-15", [], SEASONS[1:2])]
    with pytest.raises(FoldError, match="add seasons"):
        plan_folds(SEASONS[:1], SEASONS[1], PRODUCTION)


def test_kfold_predicts_every_training_season_from_the_others():
    plan = plan_folds(SEASONS, SEASONS[1], KFOLD)
    before, (*folds, final) = SEASONS[:10], plan.fits
    assert len(folds) == 4
    assert sorted(season for fit in folds for season in fit.predict) == before[1:]
    for fit in folds:
        assert sorted(fit.train + fit.predict) == before
    assert (final.train, final.predict) == (before, ["2022-23", "2023-24"])
    assert plan.tests[0].stack_train == before[1:]


@properties
@given(plans())
def test_whatever_ranks_a_season_has_seen_earlier_seasons_only(case):
    _, _, config, plan = case
    by_name = {fit.name: fit for fit in plan.fits}
    predicted_by = {season: fit for fit in plan.fits for season in fit.predict}
    for fit in plan.fits:
        assert fit.train
        assert not set(fit.train) & set(fit.predict)
        if config.oof == "forward":
            assert max(fit.train) < min(fit.predict)
    for part in plan.tests:
        first = min(part.seasons)
        assert set(part.seasons) <= set(by_name[part.fit].predict)
        # The members, the stacker, and the members that predicted the stacker's seasons.
        seen = [by_name[part.fit].train, part.stack_train]
        seen += [predicted_by[season].train for season in part.stack_train]
        assert all(max(seasons) < first for seasons in seen)


@properties
@given(plans())
def test_every_season_is_predicted_once(case):
    seasons, first, config, plan = case
    predicted = [season for fit in plan.fits for season in fit.predict]
    assert len(predicted) == len(set(predicted))
    assert min(predicted) >= first
    assert plan.test_seasons == seasons[-config.n_test_seasons :]
    needed = {season for part in plan.tests for season in part.stack_train + part.seasons}
    assert needed == set(predicted)
    assert len({fit.name for fit in plan.fits}) == len(plan.fits)
    assert len(plan.tests) == (config.n_test_seasons if config.refit else 1)
    assert FoldPlan.from_dict(asdict(plan)) == plan


@pytest.mark.parametrize(
    ("config", "seasons", "first"),
    [
        (HOLDOUT, SEASONS[:2], SEASONS[1]),
        (replace(HOLDOUT, n_test_seasons=12), SEASONS, SEASONS[1]),
        (replace(HOLDOUT, n_test_seasons=13), SEASONS, SEASONS[1]),
        (HOLDOUT, SEASONS, SEASONS[10]),
        (replace(WALK, n_test_seasons=11), SEASONS, SEASONS[1]),
        (KFOLD, SEASONS[:6], SEASONS[1]),
    ],
)
def test_too_few_seasons_are_refused_with_numbers_and_remedy(config, seasons, first):
    with pytest.raises(FoldError, match=r"Lower folds\.n_test_seasons, raise") as caught:
        plan_folds(seasons, first, config)
    text = str(caught.value)
    assert f"{config.n_test_seasons} test season(s)" in text
    assert f"the data holds {len(seasons)} complete seasons" in text
    assert first in text


def test_the_least_number_of_seasons_is_enough():
    for n_seasons, config in ((4, HOLDOUT), (7, KFOLD)):
        plan = plan_folds(SEASONS[:n_seasons], SEASONS[1], config)
        assert plan.test_seasons == SEASONS[n_seasons - 2 : n_seasons]


def test_the_part_of_a_season_has_not_seen_it():
    plan = plan_folds(SEASONS, SEASONS[1], WALK)
    parts = {
        season: plan.part_of(season) for season in ("1999-00", "2020-21", "2022-23", "2024-25")
    }
    assert [*parts.values()] == [None, None, plan.tests[1], plan.tests[2]]
    holdout = plan_folds(SEASONS, SEASONS[1], HOLDOUT)
    assert holdout.part_of("2023-24") is holdout.tests[0]
    assert holdout.part_of("2021-22") is None


def test_a_first_test_season_holds_out_all_from_then_on():
    config = replace(HOLDOUT, n_test_seasons=1, first_test_season="2022-23")
    plan = plan_folds(SEASONS, SEASONS[1], config)
    assert plan.test_seasons == ["2022-23", "2023-24"]
    assert plan == plan_folds(SEASONS, SEASONS[1], replace(HOLDOUT, n_test_seasons=2))
    with pytest.raises(FoldError, match=r"folds\.first_test_season=2024-25: .* is 2023-24"):
        plan_folds(SEASONS, SEASONS[1], replace(HOLDOUT, first_test_season="2024-25"))


@properties
@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 3), st.booleans())
def test_validation_looks_at_no_test_season_and_never_ahead(n_test, n_seasons, spare, refit):
    config = replace(
        HOLDOUT, n_test_seasons=n_test, n_oof_seasons=n_seasons + 2 + spare, refit=refit
    )
    plan = plan_folds(SEASONS, SEASONS[1], config)
    assume(len(plan.tests[0].stack_train) >= n_seasons + 2)
    validation = validation_plan(plan, n_seasons)
    assert len(validation.tests) == n_seasons
    seen = {season for fit in validation.fits for season in [*fit.train, *fit.predict]}
    assert not seen & set(plan.test_seasons)
    fits = {fit.name: fit for fit in validation.fits}
    for part in validation.tests:
        [season] = part.seasons
        assert len(part.stack_train) >= 2
        assert max([*part.stack_train, *fits[part.fit].train]) < season
    # Its fits are the plan's own, in order, so that the two share what is fitted.
    assert validation.fits == plan.fits[: len(validation.fits)]


def test_validation_takes_the_last_out_of_fold_seasons():
    plan = plan_folds(SEASONS, SEASONS[1], replace(HOLDOUT, n_oof_seasons=5))
    validation = validation_plan(plan, 2)
    assert validation.test_seasons == ["2020-21", "2021-22"]
    assert validation.tests[0].stack_train == ["2017-18", "2018-19", "2019-20"]


@pytest.mark.parametrize(
    ("config", "n_seasons", "message"),
    [
        (HOLDOUT, 2, r"3 out-of-fold seasons .* leave 1 .* 2 or more"),
        (KFOLD, 1, r"folds\.oof=forward"),
    ],
)
def test_validation_refuses_too_few_seasons_and_folds_that_look_ahead(config, n_seasons, message):
    plan = plan_folds(SEASONS, SEASONS[1], config)
    with pytest.raises(FoldError, match=message):
        validation_plan(plan, n_seasons)
