"""Which seasons models are fitted on, and which they predict."""

from dataclasses import dataclass
from typing import Any, Self

from nba_rank.config.schema import FoldsConfig
from nba_rank.core.errors import UserError
from nba_rank.core.seasons import season_label, season_start_year


class FoldError(UserError):
    """The seasons in the data do not allow the folds asked for."""


@dataclass(frozen=True)
class Fit:
    """One fit of all members.

    Attributes:
        name: Unique, also a folder name: the first season that it may rank, such as `2022-23`, or
            the fold.
        train: Seasons fitted on.
        predict: Seasons predicted, none of them in `train`; none by the fit on all seasons.
    """

    name: str
    train: list[str]
    predict: list[str]


@dataclass(frozen=True)
class TestPart:
    """Test seasons that share members and a stacker.

    Attributes:
        fit: Name of the fit whose members predict the seasons.
        seasons: Test seasons; none of the fit on all seasons.
        stack_train: Out-of-fold seasons that the stacker, calibration and odds learn from.
    """

    __test__ = False  # not a test case, whatever pytest makes of the name

    fit: str
    seasons: list[str]
    stack_train: list[str]


@dataclass(frozen=True)
class FoldPlan:
    """All fits of a run and its test parts, both in order of time."""

    fits: list[Fit]
    tests: list[TestPart]

    @classmethod
    def from_dict(cls, plan: dict[str, Any]) -> Self:
        """Restore a plan from `dataclasses.asdict`, as run manifests hold it."""
        return cls(
            [Fit(**fit) for fit in plan["fits"]], [TestPart(**part) for part in plan["tests"]]
        )

    @property
    def test_seasons(self) -> list[str]:
        """The held-out seasons in order."""
        return [season for part in self.tests for season in part.seasons]

    def part_of(self, season: str) -> TestPart | None:
        """Return the part whose models may rank a season: its own, or the newest earlier one.

        None where every model of the run has seen the season or a later one.
        """
        earlier = [part for part in self.tests if part.fit <= season]
        return earlier[-1] if earlier else None

    def fit_of(self, part: TestPart) -> Fit:
        """Return the fit whose members predict a part's seasons."""
        return next(fit for fit in self.fits if fit.name == part.fit)


def plan_folds(seasons: list[str], first_predictable: str, config: FoldsConfig) -> FoldPlan:
    """Plan the fits so that nothing that predicts a reported season has seen it.

    Args:
        seasons: Complete seasons, in order.
        first_predictable: First season with earlier ones that every member can learn from.
        config: Number of test seasons, refitting, the out-of-fold scheme, and whether a last fit
            learns from all seasons.

    With `config.production` the test seasons are as many as the data allow, up to the number asked
    for, and none where only the fit on all seasons is possible.

    Raises:
        FoldError: There are too few seasons.
    """
    n_test = config.n_test_seasons
    if config.first_test_season is not None:
        n_test = sum(season >= config.first_test_season for season in seasons)
        if n_test == 0:
            raise FoldError(
                f"folds.first_test_season={config.first_test_season}: the data holds no complete "
                f"season from then on; the last is {seasons[-1]}"
            )
    needed = config.k if config.oof == "kfold" else 1
    if config.production:
        known = sum(season >= first_predictable for season in seasons)
        n_test = min(n_test, max(known - needed, 0))
    before, test = seasons[: len(seasons) - n_test], seasons[len(seasons) - n_test :]
    predictable = [season for season in before if season >= first_predictable]
    if len(test) < n_test or len(predictable) < needed:
        raise FoldError(
            f"{n_test} test season(s) leave {len(predictable)} season(s) from {first_predictable} "
            f"on for out-of-fold scores, and {needed} or more are needed; the data holds "
            f"{len(seasons)} complete seasons. Lower folds.n_test_seasons, raise "
            "folds.first_test_season, add seasons, or take folds=production, which holds out as "
            "many as it can"
        )
    if config.oof == "kfold":
        oof, fits = predictable, []
        for fold in range(config.k):
            held_out = predictable[fold :: config.k]
            train = [season for season in before if season not in held_out]
            fits.append(Fit(f"kfold_{fold}", train, held_out))
    else:
        oof = predictable[-config.n_oof_seasons :]
        fits = [_forward(seasons, [season]) for season in oof]
    if not config.refit:
        final = _forward(seasons, test)
        return FoldPlan([*fits, final], [TestPart(final.name, test, oof)])
    fits += [_forward(seasons, [season]) for season in test]
    tests = [
        TestPart(season, [season], [*oof, *test[:position]]) for position, season in enumerate(test)
    ]
    if config.production:
        coming = season_label(season_start_year(seasons[-1]) + 1)
        fits.append(Fit(coming, seasons, []))
        tests.append(TestPart(coming, [], [*oof, *test]))
    return FoldPlan(fits, tests)


def validation_plan(plan: FoldPlan, n_seasons: int) -> FoldPlan:
    """Plan how a configuration is judged without its test seasons.

    The last `n_seasons` out-of-fold seasons before the first test season take their place. Each is
    predicted by the members of the plan, and ranked by a stacker of the out-of-fold seasons before.

    Raises:
        FoldError: Fewer than two out-of-fold seasons are left before the first validation season,
            or out-of-fold scores come from later seasons, too.
    """
    oof = plan.tests[0].stack_train
    fit_of = {season: fit for fit in plan.fits for season in fit.predict}
    if any(max(fit_of[season].train) > season for season in oof):
        raise FoldError("validation seasons are judged forward in time: set folds.oof=forward")
    if len(oof) < n_seasons + 2:
        raise FoldError(
            f"{len(oof)} out-of-fold seasons before the first test season {plan.test_seasons[0]} "
            f"leave {max(len(oof) - n_seasons, 0)} for the stacker of the first of {n_seasons} "
            "validation seasons, and 2 or more are needed. Raise folds.n_oof_seasons, or lower "
            "tuning.n_validation_seasons or folds.n_test_seasons"
        )
    tests = [
        TestPart(fit_of[season].name, [season], oof[: oof.index(season)])
        for season in oof[-n_seasons:]
    ]
    return FoldPlan([fit_of[season] for season in oof], tests)


def _forward(seasons: list[str], predict: list[str]) -> Fit:
    return Fit(predict[0], [season for season in seasons if season < predict[0]], predict)
