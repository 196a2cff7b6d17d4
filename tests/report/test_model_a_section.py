import re

import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.occlusion import summarise_occlusion
from nba_rank.report.health import last_epochs
from nba_rank.report.model_a_section import (
    ModelAFindings,
    contribution_section,
    model_a_sections,
)

EMPTY = pd.DataFrame()


@pytest.fixture
def sections(diagnostics, occlusion_summary, coverage):
    """The sections' text, the findings with some changes."""

    def text(**changes):
        findings = {
            "pooling": "attention",
            "last_epochs": last_epochs(diagnostics),
            "occlusion": occlusion_summary,
            "coverage": coverage,
            "nominal": 0.9,
        }
        return "\n\n".join(model_a_sections(ModelAFindings(**findings | changes)))

    return text


def first_sentence(section):
    return section.split("\n\n")[1]


def test_the_first_sentence_says_what_model_a_adds(contributions):
    said = first_sentence(contribution_section(contributions))
    assert (
        "**Model A improves the stack at opening, 5%, 15%, 25%, 50%, 75%; "
        "makes the stack worse at end** "
        "(9 test seasons)."
    ) in said
    assert "excludes zero where it is positive at opening." in said


def test_a_model_a_that_does_harm_is_said_to(contributions):
    contributions["gain"] = -0.02
    contributions["gain_high"] = -0.01
    contributions["gain_low"] = -0.03
    said = first_sentence(contribution_section(contributions))
    assert "**Model A makes the stack worse at every point of the season**" in said
    assert "improves" not in said
    assert "negative at opening, 5%" in said


def test_a_model_a_that_changes_nothing_is_said_to(contributions):
    contributions["gain"] = 0.0004
    said = first_sentence(contribution_section(contributions))
    assert "**Model A leaves the stack as it is at every point of the season**" in said


def test_the_table_shows_all_members_over_all_teams_only(contributions):
    text = contribution_section(contributions)
    assert "| all teams | A attention | A attention, 95% interval | B XGBoost |" in text
    assert "| opening | +0.010 | +0.005 to +0.030 | +0.000 |" in text
    assert text.count("| opening |") == 1
    without = contribution_section(contributions[contributions["member"] != "model_a"])
    assert "Model A" not in without
    assert "B XGBoost" in without


def test_few_seasons_have_no_interval(contributions):
    contributions[["gain_low", "gain_high"]] = float("nan")
    text = contribution_section(contributions)
    assert "With fewer than 3 seasons no interval is given." in text
    assert "nan" not in text


def test_no_contributions_no_section():
    assert contribution_section(None) == ""


def test_attention_alive(sections):
    text = sections()
    assert "**The attention is alive in all 4 networks when training ends**" in text
    assert "| share of fallbacks | 0.000 | 0.000 | 0.000 |" in text
    assert "| gradient norm, attention | 0.010 |" in text


def test_dead_attention_is_named_by_network(sections, diagnostics):
    dead = (diagnostics["fit"] == "2022-23") & (diagnostics["network"] == 1)
    diagnostics.loc[dead, "fallback_share"] = 0.5
    text = sections(last_epochs=last_epochs(diagnostics))
    assert "**The attention is not alive in 1 of 4 networks when training ends**" in text
    assert "(2022-23 network 1)" in text
    assert "is alive in all" not in text


def test_many_dead_networks_are_counted(sections, diagnostics):
    many = pd.concat([diagnostics.assign(network=diagnostics["network"] + 2 * i) for i in range(4)])
    text = sections(last_epochs=last_epochs(many.assign(entropy_ratio=1.0)))
    assert "in 16 of 16 networks" in text
    assert "and 11 more" in text


def test_other_pooling_has_no_attention_to_judge(sections, diagnostics):
    text = sections(pooling="mean", last_epochs=last_epochs(diagnostics.assign(entropy_ratio=1.0)))
    assert "pooled by `mean`: there is no attention to judge" in text
    assert "alive in" not in text
    assert "faithful" not in text


def test_faithful_attention(sections):
    text = sections()
    assert "moves more at every point of the season** than without the team-mate" in text
    assert "2.0 times as much on average" in text
    assert "excludes zero where it is positive at opening, 5%" in text


def test_unfaithful_attention(sections, occlusion):
    swapped = occlusion.rename(columns={"top": "like_minutes", "like_minutes": "top"})
    text = sections(occlusion=summarise_occlusion(swapped, np.random.default_rng(0), 100))
    assert "moves less at every point of the season**" in text
    assert "0.5 times as much" in text
    assert "negative at opening" in text


def test_the_spread_makes_no_claim_of_coverage(sections):
    text = sections()
    assert "no forecast interval: 30% to 60% of the teams finish inside" in text
    assert "leaves out the season still to come" in text
    assert "| opening | 30% | 20% | 70% | 6.2 |" in text


def test_nothing_is_said_of_what_is_not_there(sections):
    assert model_a_sections(None) == []
    assert sections(last_epochs=EMPTY, occlusion=EMPTY, coverage=EMPTY).strip() == ""
    text = sections(occlusion=EMPTY)
    assert "faithful" not in text
    assert not re.search(r"\b(nan|None|inf)\b", sections())
