from io import StringIO
from types import SimpleNamespace

import pandas as pd
import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from rich.console import Console

from nba_rank.config.program import CONF
from nba_rank.core.run_dir import read_manifest
from nba_rank.evaluation.ablations import LISTS
from nba_rank.evaluation.group_verdicts import COSTS, UNTOLD
from nba_rank.experiments import ablate_groups as program
from nba_rank.experiments import run as pipeline
from nba_rank.experiments.ablate_groups import LEAN, ablate
from nba_rank.experiments.group_variants import FULL, RECORD
from nba_rank.experiments.train import train
from nba_rank.models import members
from nba_rank.report import run_report

TINY = [
    "data=nba",
    "data.as_of_every_days=120",
    "folds=walk_forward",
    "folds.n_test_seasons=1",
    "features.projection.n_simulations=20",
    "model.xgb.n_estimators=10",
    "model.rf.n_estimators=10",
    "model.stack.alphas=[1]",
    "trainer=cpu",
    "trainer.max_epochs=1",
    "trainer.num_threads=1",
    "model.model_a.n_seeds=1",
    "model.model_a.encoder_dims=[8]",
    "model.model_a.learning_rate=0.01",
    "evaluation.bootstrap_samples=200",
    "callbacks=quiet",
    "callbacks/not_learning=off",
]
JUDGED = ["elo", "roster_strength", "projection"]
VARIANTS = [
    FULL, *(f"without {group}" for group in JUDGED),
    RECORD, *(f"{RECORD} and {group}" for group in JUDGED),
]  # fmt: skip


@pytest.fixture(scope="module")
def start(compose_as_is, cache, sim_tables):
    """Starts the ablation on the simulated league: `start(outputs, *overrides)`."""

    def run(outputs, *overrides):
        GlobalHydra.instance().clear()
        paths = [f"paths.outputs={outputs}", f"paths.cache={cache}"]
        with initialize_config_dir(str(CONF)):
            cfg = hydra_compose("ablate", overrides=[*TINY, *paths, *overrides])
        console = Console(file=StringIO(), width=200)
        with pytest.MonkeyPatch.context() as patch:
            prepared = SimpleNamespace(tables=sim_tables)
            patch.setattr(pipeline, "prepare_tables", lambda *_: prepared)
            result = ablate(cfg, console)
        return result, newest(outputs), console.file.getvalue()

    return run


def newest(outputs):
    return max(outputs.glob("run_*"))


@pytest.fixture(scope="module")
def done(start, tmp_path_factory):
    """One ablation of three groups: result, folder and what was shown; not to be altered."""
    return start(tmp_path_factory.mktemp("outputs3"), f"only=[{','.join(JUDGED)}]")


def read(folder, name):
    return pd.read_csv(folder / name, dtype={"as_of_point": "str"})


def test_the_run_folder_holds_tables_figure_and_analysis(done):
    _, folder, shown = done
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "manifest.json", "config.yaml", "variants.csv", "group_gains.csv", "group_verdicts.csv",
        "figures/feature_groups.png", "ANALYSIS_01.md",
    }  # fmt: skip
    manifest = read_manifest(folder)
    assert manifest["status"] == "finished"
    assert manifest["kind"] == "ablations of feature groups"
    assert [name for name in manifest["seconds"] if name in VARIANTS] == VARIANTS
    assert manifest["store"]["build_seconds"].keys() >= {"record", *JUDGED}
    assert OmegaConf.load(folder / "config.yaml").only == JUDGED
    text = (folder / "ANALYSIS_01.md").read_text(encoding="utf-8")
    assert "figures/feature_groups.png" in text
    for group in JUDGED:
        assert f"| {group} |" in text
        assert f" {group} " in shown
    assert str(folder) in shown


def test_every_gain_is_the_difference_of_two_variants(done):
    result, folder, _ = done
    gains, tidy = read(folder, "group_gains.csv"), read(folder, "variants.csv")
    pd.testing.assert_frame_equal(gains, result, check_dtype=False)
    assert tidy["variant"].unique().tolist() == VARIANTS
    known = tidy.set_index(["variant", "as_of_point", "scope"])["spearman"]
    assert len(known) == len(VARIANTS) * len(LISTS)
    assert len(gains) == 2 * len(JUDGED) * len(LISTS)
    for row in gains.itertuples():
        pair = (FULL, f"without {row.part}")
        if row.direction == "alone":
            pair = (f"{RECORD} and {row.part}", RECORD)
        with_, without = (known[(name, row.as_of_point, row.scope)] for name in pair)
        assert row.gain == pytest.approx(with_ - without)
    assert (
        not gains.groupby(["direction", "part"])["gain"].apply(lambda own: (own == 0).all()).any()
    )
    found = read(folder, "group_verdicts.csv")
    assert found["group"].tolist() == JUDGED
    # One season gives no interval.
    assert found["verdict"].tolist() == [UNTOLD] * len(JUDGED)


def slow(*case):
    return pytest.param(*case, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("variant", "overrides"),
    [
        (FULL, ["features=full"]),
        ("without roster_strength", ["features=full", "features/roster_strength=off"]),
        slow("without elo", ["features=full", "features/elo=off"]),
        slow("without projection", ["features=full", "features/projection=off"]),
        slow(f"{RECORD} and elo", ["features=standings_only", "features/elo=on"]),
        slow(
            f"{RECORD} and projection",
            [
                "features=standings_only",
                "features/projection=on",
                "features.projection.n_simulations=20",
            ],
        ),
    ],
)
def test_a_variant_ranks_as_a_run_with_the_same_groups(
    done, compose_as_is, cache, sim_tables, tmp_path, monkeypatch, variant, overrides
):
    tidy = read(done[1], "variants.csv")
    own = tidy[tidy["variant"] == variant].set_index(["as_of_point", "scope"])["spearman"]
    monkeypatch.setattr(pipeline, "prepare_tables", lambda *_: SimpleNamespace(tables=sim_tables))
    monkeypatch.setattr(run_report, "_figures", lambda *_: [])
    paths = [f"paths.outputs={tmp_path}", f"paths.cache={cache}"]
    cheap = ["odds=none", "calibration=none", "model.model_a.mc_dropout_samples=0"]
    config = compose_as_is(*TINY, *paths, *cheap, *overrides)
    metrics = train(OmegaConf.structured(config), Console(file=StringIO())).metrics
    rows = metrics[(metrics["ranker"] == "stack") & (metrics["metric"] == "spearman")]
    rows = rows.set_index(["as_of_point", "scope"])["value"]
    league = rows.xs("league", level="scope")
    assert own.xs("league", level="scope").drop("mean").to_dict() == league.to_dict()
    assert own[("mean", "league")] == pytest.approx(league.mean())
    assert own[("end", "playoff16")] == rows[("end", "playoff16")]


def test_a_member_is_fitted_once_for_all_variants_that_give_it_the_same(done, cache):
    names = [path.name.partition("_20")[0] for path in (cache / "members").iterdir()]
    fitted = pd.Series(names).str.replace(r"_[0-9a-f]{24}$", "", regex=True).value_counts()
    n_fits = 2
    # With its team prior and without it; the players are the same in every variant.
    assert fitted["model_a"] == 2 * n_fits
    assert fitted["xgb"] == fitted["rf"] == len(VARIANTS) * n_fits


def test_what_an_interrupted_start_has_finished_is_on_disk_and_quick_the_next_time(
    start, cache, tmp_path, monkeypatch
):
    ask = [tmp_path / "outputs3", "only=[massey]", "seed=5"]
    fit_folds, left = program.fit_folds, [1, 1]

    def interrupted(*args, **kwargs):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return fit_folds(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(program, "fit_folds", interrupted)
        with pytest.raises(KeyboardInterrupt):
            start(*ask)
    folder = newest(tmp_path / "outputs3")
    assert read_manifest(folder)["status"] == "interrupted"
    assert read(folder, "variants.csv")["variant"].unique().tolist() == [FULL, "without massey"]
    partial = read(folder, "group_gains.csv")
    assert partial[["direction", "part"]].drop_duplicates().to_numpy().tolist() == [
        ["without", "massey"]
    ]
    fitted = []
    fit_xgb = members.fit_xgb
    monkeypatch.setattr(members, "fit_xgb", lambda *args: fitted.append(1) or fit_xgb(*args))
    _, folder, _ = start(*ask)
    assert len(fitted) == 2 * 2  # the record alone and with the group
    again = read(folder, "group_gains.csv")
    pd.testing.assert_frame_equal(again[again["direction"] == "without"], partial)


def test_what_should_be_off_is_taken_away_together_as_well(start, tmp_path, monkeypatch):
    judge = program.verdicts
    monkeypatch.setattr(
        program,
        "verdicts",
        lambda *args: judge(*args).assign(verdict=COSTS, gain_low=-1.0, gain_high=1.0),
    )
    result, folder, shown = start(tmp_path, "only=[elo,massey]", "directions=[without]")
    variants = read(folder, "variants.csv")
    assert variants["variant"].unique().tolist() == [FULL, "without elo", "without massey", LEAN]
    lean = result[result["direction"] == "lean"]
    assert lean["part"].unique().tolist() == [LEAN]
    known = variants.set_index(["variant", "as_of_point", "scope"])["spearman"]
    for row in lean.itertuples():
        full, less = (known[(name, row.as_of_point, row.scope)] for name in (FULL, LEAN))
        assert row.gain == pytest.approx(full - less)
    assert "bring together" in shown


def test_a_single_member_is_judged_without_a_stack(start, tmp_path):
    result, folder, _ = start(tmp_path, "model=xgb", "only=[elo]", "directions=[alone]")
    assert result["direction"].unique().tolist() == ["alone"]
    assert read(folder, "variants.csv")["variant"].unique().tolist() == [
        RECORD,
        f"{RECORD} and elo",
    ]
    assert "B XGBoost" in (folder / "ANALYSIS_01.md").read_text()


def test_where_nothing_is_left_to_judge_the_error_says_so(start, tmp_path):
    with pytest.raises(ValueError, match=r"only=\['record'\].*nothing to judge"):
        start(tmp_path, "only=[record]", "directions=[alone]")
