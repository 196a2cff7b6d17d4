from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from programs import files_of, newest, read

from nba_rank.core.errors import UserError
from nba_rank.core.run_dir import read_manifest
from nba_rank.evaluation.paired import BETTER, MEAN, TOO_FEW_SEASONS, WITHIN_NOISE
from nba_rank.experiments import ablations
from nba_rank.experiments.ablations import (
    FULL,
    LEAN,
    RECORD,
    ablate_groups,
    group_ablation,
    idle_groups,
)
from nba_rank.experiments.train import train
from nba_rank.features.registry import enabled_groups
from nba_rank.features.store import BuiltGroup
from nba_rank.models import members
from nba_rank.report import run_report
from nba_rank.report.labels import LIST_LABELS

pytestmark = pytest.mark.slow  # whole programs

JUDGED = ["elo", "projection"]
VARIANTS = [
    FULL, *(f"without {group}" for group in JUDGED),
    RECORD, *(f"{RECORD} and {group}" for group in JUDGED), LEAN,
]  # fmt: skip
RANKERS = ["stack", "xgb", "rf"]


@pytest.fixture(scope="module")
def ablate(start):
    """Runs an ablation of groups: `ablate(outputs, *overrides)`."""
    return lambda outputs, *overrides: start(
        ablate_groups, outputs, "model.stack.alphas=[1]", *overrides, name="ablate"
    )


@pytest.fixture(scope="module")
def done(ablate, tmp_path_factory):
    """One ablation of two groups, with Elo and Massey called idle; not to be altered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablations, "idle_groups", lambda _: ["elo", "massey"])
        return ablate(tmp_path_factory.mktemp("outputs3"), f"only=[{','.join(JUDGED)}]")


def assert_gains_are_differences(gains, folder):
    """Hold every gain against the two variants that it compares."""
    key = ["variant", "ranker", "as_of_point", "scope"]
    known = read(folder, "variants.csv").set_index(key)["value"]
    for row in gains.itertuples():
        pair = {
            "without": (FULL, f"without {row.part}"),
            "alone": (f"{RECORD} and {row.part}", RECORD),
            "lean": (FULL, LEAN),
        }[row.direction]
        with_, without = (known[(name, row.ranker, row.as_of_point, row.scope)] for name in pair)
        assert row.difference == pytest.approx(with_ - without)


# The programs.


def test_groups_are_judged_in_the_stack_and_in_the_trees_that_read_them(done):
    folder = done.folder
    assert files_of(folder) == {
        "manifest.json", "config.yaml", "variants.csv", "gains.csv", "ANALYSIS_01.md",
        "report.html",
    }  # fmt: skip
    manifest = read_manifest(folder)
    assert (manifest["status"], manifest["kind"]) == ("finished", "ablations of feature groups")
    assert [name for name in manifest["seconds"] if name in VARIANTS] == VARIANTS
    tidy, gains = read(folder, "variants.csv"), read(folder, "gains.csv")
    pd.testing.assert_frame_equal(gains, done.result, check_dtype=False)
    assert tidy["variant"].unique().tolist() == VARIANTS
    assert gains["ranker"].unique().tolist() == RANKERS
    assert len(gains) == (2 * len(JUDGED) + 1) * len(RANKERS) * len(LIST_LABELS)
    assert gains.loc[gains["direction"] == "lean", "part"].unique().tolist() == [LEAN]
    assert_gains_are_differences(gains, folder)
    # The trees read Elo, whatever the stack makes of them.
    moved = gains[gains["part"] == "elo"].groupby(["direction", "ranker"])["difference"]
    assert (moved.apply(lambda own: (own != 0).any())).loc[:, ["xgb", "rf"]].all()
    assert set(gains["verdict"]) == {TOO_FEW_SEASONS}
    text = (folder / "ANALYSIS_01.md").read_text(encoding="utf-8")
    for group in JUDGED:
        assert text.count(f"\n| {group} |") == done.shown.count(f"\n {group} ") == 2 * len(RANKERS)
    assert "build time" in text
    assert str(folder) in done.shown


@pytest.mark.parametrize(
    ("variant", "overrides"),
    [
        ("without elo", ["features=full", "features/elo=off"]),
        pytest.param("without projection", ["features=full", "features/projection=off"]),
        pytest.param(f"{RECORD} and elo", ["features=standings_only", "features/elo=on"]),
    ],
)
def test_a_variant_ranks_as_a_run_with_the_same_groups(
    done, start, tmp_path, monkeypatch, variant, overrides
):
    tidy = read(done.folder, "variants.csv")
    key = ["ranker", "as_of_point", "scope"]
    own = tidy[tidy["variant"] == variant].set_index(key)["value"]
    monkeypatch.setattr(run_report, "draw", lambda *_: [])
    cheap = ["odds=none", "calibration=none", "model.model_a.mc_dropout_samples=0"]
    metrics = start(train, tmp_path, "model.stack.alphas=[1]", *cheap, *overrides).result.metrics
    rows = metrics[metrics["metric"] == "spearman"].set_index(key)["value"]
    for name, value in own.drop(MEAN, level="as_of_point").items():
        assert value == rows[name]


def test_an_interrupted_ablation_keeps_its_tables_and_goes_on_from_the_cache(
    ablate, tmp_path, monkeypatch
):
    ask = [tmp_path / "outputs3", "only=[massey]", "seed=5", "model=xgb"]
    fit_folds_, left = ablations.fit_folds, [1, 1]

    def interrupted(*args, **kwargs):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return fit_folds_(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(ablations, "fit_folds", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ablate(*ask)
    folder = newest(tmp_path / "outputs3")
    assert read_manifest(folder)["status"] == "interrupted"
    assert read(folder, "variants.csv")["variant"].unique().tolist() == [FULL, "without massey"]
    partial = read(folder, "gains.csv")
    assert set(zip(partial["direction"], partial["part"], strict=True)) == {("without", "massey")}
    fitted = []
    fit_xgb = members.fit_xgb
    monkeypatch.setattr(members, "fit_xgb", lambda *args: fitted.append(1) or fit_xgb(*args))
    folder = ablate(*ask).folder
    assert len(fitted) == 2  # the record alone and with the group
    again = read(folder, "gains.csv")
    pd.testing.assert_frame_equal(again[again["direction"] == "without"], partial)


def test_an_ablation_with_nothing_to_judge_is_refused(ablate, tmp_path):
    with pytest.raises(UserError, match=r"only=\['record'\].*nothing to judge"):
        ablate(tmp_path, "only=[record]", "directions=[alone]")


# Feature groups.

GROUPS = {name: BuiltGroup([name], 1.0) for name in ("record", "elo", "rest", "projection")}
BOTH = ["without", "alone"]


@pytest.fixture(scope="module")
def default(compose_as_is):
    return compose_as_is()


@pytest.fixture
def laid_out(default):
    """Lays out an ablation of some of `GROUPS`: `laid_out(only, directions)`."""
    return lambda only=(), directions=BOTH, groups=GROUPS, config=default: group_ablation(
        config, SimpleNamespace(groups=groups), only, directions
    )


def test_every_group_is_taken_away_and_put_on_top_of_the_record(laid_out, default):
    ablation = laid_out()
    on_top = ["elo", "rest", "projection"]
    assert list(ablation.variants) == [
        FULL, *(f"without {group}" for group in GROUPS),
        RECORD, *(f"record and {group}" for group in on_top),
    ]  # fmt: skip
    assert ablation.pairs == {
        "without": {group: (FULL, f"without {group}") for group in GROUPS},
        "alone": {group: (f"record and {group}", RECORD) for group in on_top},
    }
    assert ablation.left_out == {}
    assert list(laid_out(["elo"], ["without"]).variants) == [FULL, "without elo"]
    assert list(laid_out(["elo"], ["alone"]).variants) == [RECORD, "record and elo"]
    assert ablation.rankers == RANKERS
    alone = replace(default, model=replace(default.model, members=["xgb"]))
    assert laid_out(config=alone).rankers == ["xgb"]


def test_a_store_is_never_left_without_a_column(laid_out):
    two = {name: GROUPS[name] for name in ("record", "projection")}
    ablation = laid_out(directions=["without"], groups=two)
    assert list(ablation.pairs["without"]) == ["projection"]
    assert ablation.left_out == {"without record": "no other group would be in the feature store"}


def test_a_variant_has_its_groups_and_columns_and_nothing_else_changed(laid_out, default, sim_data):
    columns = dict(zip(("record", "elo", "projection"), sim_data.columns, strict=True))
    groups = {name: BuiltGroup([column], 1.0) for name, column in columns.items()}
    variant = laid_out(groups=groups).variants["without elo"]
    changed = variant.config(default)
    assert [name for name, _ in enabled_groups(changed.features)] == ["record"]
    assert changed.features.projection.enabled
    assert replace(changed, features=default.features) == default
    got = variant.data(sim_data)
    assert got.columns == [sim_data.columns[0], sim_data.columns[2]]
    assert np.array_equal(got.X, sim_data.X[:, [0, 2]], equal_nan=True)


def test_a_group_is_idle_if_it_helps_no_ranker_beyond_noise():
    gains = pd.DataFrame(
        [
            ("helps the trees", "stack", MEAN, 0.1, WITHIN_NOISE),
            ("helps the trees", "xgb", MEAN, 0.1, BETTER),
            ("idle", "stack", MEAN, 0.1, WITHIN_NOISE),
            ("idle", "stack", "open", 0.1, BETTER),
            ("untold", "stack", MEAN, np.nan, TOO_FEW_SEASONS),
        ],
        columns=["part", "ranker", "as_of_point", "low", "verdict"],
    )
    assert idle_groups(gains.assign(direction="without")) == ["idle"]
    assert idle_groups(gains.assign(direction="alone")) == []
