import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.paired import paired
from nba_rank.report.ablation_report import AblationReport, write_ablation_report
from nba_rank.report.labels import LIST_LABELS

GAINS = {"idle": (-0.002, 0.01), "dear": (0.01, 0.1), "helps": (0.04, 0.01)}


def gains_of(n_seasons=8, directions=("without", "alone"), rankers=("stack", "xgb")):
    """Gains at each list, give or take some noise."""
    wave = np.resize([1.0, -1.0], n_seasons)
    wave -= wave.mean()
    rows = [
        (part, f"20{10 + i}-{11 + i}", *one, side, 0.7 + (side == "with") * (gain + spread * noise))
        for part, (gain, spread) in GAINS.items()
        for one in LIST_LABELS
        for i, noise in enumerate(wave)
        for side in ("with", "without")
    ]
    columns = ["part", "season", "as_of_point", "scope", "ranker", "value"]
    found = paired(pd.DataFrame(rows, columns=columns).assign(metric="spearman"), "without")
    return pd.concat(
        found.assign(direction=direction, ranker=ranker)
        for direction in directions
        for ranker in rankers
    )


@pytest.fixture
def write(written):
    def run(gains, **changes):
        fields = {
            "kind": "feature groups", "gains": gains, "words": {"all groups": ""}, "left_out": {},
            "seconds": {"all groups": 2.5},
            "build_seconds": {"helps": 1.0, "idle": 0.5, "dear": 8.5},
            "seasons": ["2010-11", "2017-18"], "prior": None,
        }  # fmt: skip
        return written(write_ablation_report, AblationReport(**fields | changes))

    return run


def test_gains_stand_by_ranker_the_largest_first_with_what_they_cost(write, table):
    text, shown = write(gains_of())
    gains = table(text, "B XGBoost")
    assert list(gains) == ["part", "---", "helps", "dear", "idle"]
    assert gains["part"] == [*LIST_LABELS.values(), "build time"]
    assert gains["helps"] == ["+0.040 (+0.031 to +0.049)\\*"] * len(LIST_LABELS) + ["1.00 s (10%)"]
    assert "\\*" not in str(gains["dear"] + gains["idle"])
    # What they are measured from is with the parts, or without them.
    besides, _, on_top = text.partition("On top of the record alone")
    assert "| everything | 0.698 |" in besides
    assert "| the record alone | 0.700 |" in on_top
    assert shown.count("+0.040*") == 2 * 2 * len(LIST_LABELS)


def test_variants_of_model_a_stand_beside_roster_strength_and_seed_by_seed(write, table):
    gains = gains_of(directions=["without"], rankers=["model_a"])
    errors = gains.assign(metric="margin_error")
    against = pd.concat([gains, errors]).assign(reference="roster_strength")
    networks = pd.DataFrame(
        [("full", 144.267, 0.021, 0.79361, 0.00123, 0.0031, 0.0052)],
        columns=["variant", "margin_error", "margin_error_sd", "spearman", "spearman_sd",
                 "set_variance", "prior_kl"],
    )  # fmt: skip
    text, shown = write(
        pd.concat([errors, gains]), against=against, networks=networks, build_seconds={}, prior=[]
    )
    row = "| full | 144.27 | 0.021 | 0.7936 | 0.0012 | 0.0031 | 0.0052 |"
    assert row in text
    assert "144.27" in shown
    assert text.index("Against roster strength alone") < text.index(row)
    assert "| roster strength alone | 0.70 |" in text
    assert "p of the mean" in text
    # The error falls by what helps: the largest fall comes first.
    falls = text[text.index("### A attention: squared error of margins") :]
    assert falls.index("| idle |") < falls.index("| dear |") < falls.index("| helps |")


def test_few_seasons_have_neither_interval_nor_star(write, table):
    text, _ = write(gains_of(n_seasons=3), build_seconds={})
    assert table(text, "stack")["helps"] == ["+0.040"] * len(LIST_LABELS)
    assert "nan" not in text.lower()


def test_variants_in_words_are_told_and_so_is_what_was_left_out(write):
    words = {"full": "nothing is taken away", "idle": "no | columns"}
    text, _ = write(
        gains_of(directions=["without"], rankers=["model_a"]),
        words=words,
        seconds={"full": 2.5, "idle": 1.0},
        left_out={"one network": "it is the full model"},
        build_seconds={},
        prior=["projected_win_pct"],
    )
    assert "| idle | no \\| columns | 1.0 |" in text
    assert "- one network: it is the full model" in text
    assert "build time" not in text
    assert "The team prior (projected_win_pct) ranks well by itself" in text
