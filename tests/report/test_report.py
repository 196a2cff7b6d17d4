import io
import re

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.league import league_teams
from nba_rank.evaluation.compare import seasons_ahead, summarise
from nba_rank.report.analysis import AnalysisContext, print_summary, write_analysis
from nba_rank.report.figures import (
    plot_blend_weights,
    plot_predicted_vs_actual,
    plot_skill_over_season,
)
from nba_rank.report.health import last_epochs
from nba_rank.report.model_a_section import ModelAFindings

FOLDS = pd.DataFrame({
    "test season": ["2021-22", "2022-23"],
    "trained on": ["2014-15 to 2020-21", "2014-15 to 2021-22"],
    "first date": pd.to_datetime(["2021-10-19", "2022-10-18"]),
})  # fmt: skip
WEIGHTS = pd.DataFrame({
    "fit": ["2021-22", "2021-22", "2022-23", "2022-23"],
    "moment": ["opening", "opening", "end", "end"],
    "model": ["model_a", "xgb", "model_a", "xgb"],
    "weight": [0.2, 0.6, 0.3, np.nan],
})  # fmt: skip


def tidy_of(lead, n_seasons=4):
    """A stack that leads the standings by `lead` at every point, in all seasons and scopes."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n_seasons):
        for point in AS_OF_POINTS:
            for scope in ("league", "playoff16"):
                base = rng.uniform(0.5, 0.8)
                values = {"stack": base + lead, "standings": base, "elo": base - 0.2, "random": 0.0}
                rows += [
                    (f"20{18 + i}-{19 + i}", point, scope, ranker, metric, sign * value)
                    for ranker, value in values.items()
                    for metric, sign in (("spearman", 1), ("rank_mae", -1), ("ndcg_4", 1))
                ]
                rows.append((f"20{18 + i}-{19 + i}", point, scope, "stack", "upset_auc", np.nan))
    columns = ["season", "as_of_point", "scope", "ranker", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def context_of(tidy, **changes):
    summary = summarise(tidy, np.random.default_rng(0), n_resamples=100)
    fields = {
        "run": "run_007",
        "summary": summary,
        "seasons_ahead": seasons_ahead(tidy, "stack"),
        "folds": FOLDS,
        "data": {"games": "1,230"},
        "weights": WEIGHTS,
        "figures": [("Skill", "figures/skill.png")],
        "timings": {"fit": 12.34, "report": 0.5},
    }
    return AnalysisContext(**{**fields, **changes})


def analysis_of(tmp_path, tidy, **changes):
    path = tmp_path / "new" / "ANALYSIS_01.md"
    write_analysis(path, context_of(tidy, **changes))
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return path.read_text(encoding="utf-8")


def test_first_lines_say_ahead(tmp_path):
    text = analysis_of(tmp_path, tidy_of(0.05))
    first = "\n".join(text.splitlines()[:4])
    assert "stack is ahead of the standings at every point of the season" in first
    assert "behind" not in first
    assert "Nowhere, by the mean of Spearman, Kendall, rank MAE" in text


def test_first_lines_say_behind_and_the_list_says_by_how_much(tmp_path):
    text = analysis_of(tmp_path, tidy_of(-0.05))
    first = "\n".join(text.splitlines()[:4])
    assert "stack is behind the standings at every point of the season" in first
    assert "ahead" not in first
    assert "- all teams, Spearman: " in text
    assert "; 25% behind standings by 0.050; " in text


def test_a_baseline_of_fewer_seasons_says_so_and_is_no_match(tmp_path):
    tidy = tidy_of(0.05)
    few = tidy[(tidy["ranker"] == "stack") & (tidy["season"] != "2018-19")]
    few = few.assign(ranker="market", value=few["value"] + 0.1)
    tidy = pd.concat([tidy, few])
    text = analysis_of(tmp_path, tidy)
    assert "| bookmakers (3 of 4 seasons) |" in text
    assert "Nowhere, by the mean of Spearman, Kendall, rank MAE" in text
    whole = tidy[tidy["season"] != "2018-19"]
    text = analysis_of(tmp_path, whole)
    assert "| bookmakers |" in text
    assert "; 25% behind bookmakers by 0.100; " in text
    for rows in (tidy, whole):
        plot_skill_over_season(context_of(rows).summary, tmp_path / "skill.png")


def test_a_mixed_result_names_the_points(tmp_path):
    tidy = tidy_of(0.05)
    late = (tidy["ranker"] == "stack") & (tidy["as_of_point"] == "end")
    tidy.loc[late, "value"] -= 0.2
    level = tidy["as_of_point"] == "0.75"
    tidy.loc[level, "value"] = 0.5
    text = analysis_of(tmp_path, tidy)
    assert (
        "ahead of the standings at opening, 5%, 15%, 25%, 50%; "
        "level with the standings at 75%; behind the standings at end"
    ) in text


def test_nothing_undefined_is_printed_raw(tmp_path):
    for n_seasons in (1, 2, 4):
        text = analysis_of(tmp_path, tidy_of(0.05, n_seasons))
        assert not re.search(r"\b(nan|NaN|NaT|None|inf)\b", text)
    assert "–" in text  # noqa: RUF001


def test_two_seasons_have_no_interval(tmp_path):
    text = analysis_of(tmp_path, tidy_of(0.05, n_seasons=2))
    assert "With fewer than 3 seasons no interval is given." in text


def test_timings_say_what_each_feature_group_took(tmp_path):
    text = analysis_of(tmp_path, tidy_of(0.05), group_timings={"elo": 0.3, "record": 0.1})
    assert "| elo | 0.30 | 75% |" in text
    assert "| record | 0.10 | 25% |" in text
    assert "feature group" not in analysis_of(tmp_path, tidy_of(0.05))


def test_sections_follow_what_is_given(tmp_path):
    recovery = pd.DataFrame({"as_of_point": ["0.25"], "ranker": ["stack"], "spearman": [0.81]})
    full = analysis_of(tmp_path, tidy_of(0.05), recovery=recovery)
    for words in ("## Blend weights", "## Recovery of true strength", "| 2021-10-19 |",
                  "- games: 1,230", "![Skill](figures/skill.png)", "| fit | 12.3 |",
                  "| all | 12.8 |", "rank MAE"):  # fmt: skip
        assert words in full, words
    bare = analysis_of(tmp_path, tidy_of(0.05), weights=None, figures=(), timings={})
    for words in ("## Blend weights", "## Recovery", "## Figures", "## Timings"):
        assert words not in bare


def test_an_unknown_ranker_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no ranker \['rf'\]"):
        analysis_of(tmp_path, tidy_of(0.05), ranker="rf")


def test_printed_summary():
    out = io.StringIO()
    summary = summarise(tidy_of(-0.05), np.random.default_rng(0), n_resamples=100)
    print_summary(Console(file=out, width=80), summary)
    text = out.getvalue()
    assert "stack" in text
    assert text.count("-0.050") == len(AS_OF_POINTS)
    assert "4 test seasons" in text
    assert "nan" not in text


def predictions():
    frames = []
    rng = np.random.default_rng(2)
    for point in ("0.25", "end"):
        teams = league_teams("2023-24").assign(as_of_point=point, draw=rng.normal(size=30))
        teams["conference_rank"] = teams.groupby("conference")["draw"].rank()
        teams["actual_conference_rank"] = teams.groupby("conference").cumcount() + 1
        frames.append(teams)
    return pd.concat(frames)


def test_sections_on_model_a(
    tmp_path, contributions, diagnostics, occlusion_summary, coverage
):  # fmt: skip
    findings = ModelAFindings(
        pooling="attention",
        last_epochs=last_epochs(diagnostics),
        occlusion=occlusion_summary,
        coverage=coverage,
        nominal=0.9,
    )
    text = analysis_of(tmp_path, tidy_of(0.05), contributions=contributions, model_a=findings)
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    start = headings.index("What each member adds")
    assert headings[start - 1 : start + 5] == [
        "Blend weights",
        "What each member adds",
        "Is the attention alive",
        "Is the attention faithful",
        "How far model A's networks agree",
        "Folds",
    ]
    assert not re.search(r"\b(nan|NaN|None|inf)\b", text)
    bare = analysis_of(tmp_path, tidy_of(0.05))
    assert "attention" not in bare.replace("A attention", "")
    assert "What each member adds" not in bare


def test_figures_appear_whole(tmp_path):
    folder = tmp_path / "figures"
    summary = summarise(tidy_of(0.05), np.random.default_rng(0), n_resamples=100)
    plot_predicted_vs_actual(predictions(), folder / "ranks.png", "2023-24")
    plot_skill_over_season(summary, folder / "skill.png")
    plot_blend_weights(WEIGHTS, folder / "weights.png")
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["ranks.png", "skill.png", "weights.png"]
    for file in files:
        content = file.read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(content[16:20]) >= 1200


def test_figures_of_little(tmp_path):
    one = summarise(tidy_of(0.05, n_seasons=1), np.random.default_rng(0))
    league = one[one["scope"] == "league"]
    plot_skill_over_season(league[league["as_of_point"] == "end"], tmp_path / "skill.png")
    plot_blend_weights(WEIGHTS.head(1), tmp_path / "weights.png")
    assert len(list(tmp_path.iterdir())) == 2


def test_points_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(ValueError, match="none of the points"):
        plot_predicted_vs_actual(predictions(), tmp_path / "x.png", "title", points=["open"])
