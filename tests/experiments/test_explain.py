import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.config.schema import ExplainConfig, PredictConfig, PredictDataConfig, WhatIfConfig
from nba_rank.core.errors import UserError
from nba_rank.evaluation.date_forecast import DateForecast
from nba_rank.experiments import explain_date
from nba_rank.experiments.explain import explain, explanation
from nba_rank.experiments.morning import read_morning
from nba_rank.experiments.predict import forecast_of, rank_date
from nba_rank.experiments.train import train
from nba_rank.experiments.what_if import assume
from nba_rank.experiments.why import why
from nba_rank.explain import names
from nba_rank.explain.names import ABLATION, CHANGE
from nba_rank.explain.seasons import PLAYERS, STRONGEST
from nba_rank.features.players.names import player_names
from nba_rank.report.explanation_figures import explanation_figure

pytestmark = pytest.mark.slow  # whole programs

SEASON = "2023-24"
NOTHING = WhatIfConfig(out=[], back=[], trades=[], results=[])
SUMS = {
    "score", "strength", "strength_by_evidence", "strength_by_side", "playoff_strength",
    "playoff_strength_by_evidence", "playoff_strength_by_side", "wins", "outcome", "xgb", "rf",
    "model_a", "model_a_players",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(start, shared, tmp_path_factory):
    """The folder of a run with all members, one of which knows players by name."""
    outputs = tmp_path_factory.mktemp("outputs")
    more = ["model.model_a.embedding_dim=3", "model.stack.alphas=[1.0]", "trainer.max_epochs=4",
            "features/injuries=on"]  # fmt: skip
    processed = f"data.processed_dir={shared / 'sim'}"
    return start(train, outputs, *more, processed).folder


@pytest.fixture(scope="module")
def dates(run) -> list[str]:
    """Three dates of the season and one of the playoffs."""
    known = pd.read_parquet(run / "predictions.parquet")["as_of_date"]
    first, last = known.min(), known.max()
    shares = np.random.default_rng(5).uniform([0.1, 0.45], [0.35, 0.7])
    days = [first, *[first + (last - first) * share for share in shares.tolist()], last]
    return [day.strftime("%Y-%m-%d") for day in days]


@pytest.fixture(scope="module")
def asked(run):
    def make(as_of, **more) -> ExplainConfig:
        return ExplainConfig(
            **{
                "run": str(run), "as_of": as_of, "team": None, "against": None, "since": None,
                "players": 0, "data": PredictDataConfig(processed_dir=None), "what_if": NOTHING,
                "max_missed_days": 7, "out": None, **more,
            }
        )  # fmt: skip

    return make


@pytest.fixture(scope="module")
def predicted(run):
    def config(as_of):
        data = PredictDataConfig(processed_dir=None)
        return PredictConfig(run=str(run), as_of=as_of, data=data, days=0, max_missed_days=7,
                             what_if=NOTHING, out=None)  # fmt: skip

    return config


@pytest.fixture(scope="module")
def tables(dates, asked) -> dict[str, pd.DataFrame]:
    """Explanations of all teams by date."""
    return {date: explanation(asked(date)).table for date in dates}


def test_on_every_level_parts_sum_to_the_whole(tables):
    for table in tables.values():
        known = table[table["whole"].notna()]
        assert {name.removeprefix("projection_") for name in known["level"]} == SUMS
        key = ["level", "team"]
        assert not known.duplicated([*key, "part", "player_id"]).any()
        np.testing.assert_allclose(
            known.groupby(key)["value"].sum(), known.groupby(key)["whole"].first(), atol=1e-6
        )
        assert (known.groupby("level")["team"].nunique() == 30).all()


def test_wholes_are_what_is_forecast(tables, predicted):
    for date, table in tables.items():
        forecast: DateForecast = rank_date(predicted(date))
        expected = forecast.predictions.set_index("team")
        for level, column in (
            ("score", "score"),
            ("strength", "regular_strength"),
            ("playoff_strength", "playoffs_strength"),
            ("wins", "expected_wins"),
        ):
            whole = table[table["level"] == level].groupby("team")["whole"].first()
            np.testing.assert_allclose(whole, expected[column].reindex(whole.index), atol=1e-9)
        rank = table[table["level"] == "rank"].set_index("team")["value"]
        assert rank.astype(int).to_dict() == expected["rank"].to_dict()


def test_every_input_of_the_stack_is_a_part_with_its_worth_in_places(tables):
    table = [*tables.values()][1]
    score = table[(table["level"] == "score") & (table["part"] != "average_team")]
    assert {"model_a", "xgb", "rf", "projected_outcome"} <= set(score["part"])
    wide = score.pivot(index="team_id", columns="part", values="value")  # noqa: PD010
    assert wide.mean().abs().max() < 1e-9
    whole = table[table["level"] == "score"].groupby("team_id")["whole"].first()
    places = table[table["level"] == "places"].set_index(["part", "team_id"])["value"]
    for part in ("xgb", "projected_outcome"):
        team = wide[part].idxmax()
        others = whole.drop(team)
        instead = whole[team] - wide.loc[team, part]
        lost = (others > instead).sum() - (others > whole[team]).sum()
        assert places[part, team] == lost
        assert lost > 0


def test_integrated_gradients_are_complete_and_name_the_columns_of_the_players(tables):
    for table in list(tables.values())[1:]:
        model_a = table[table["level"] == "model_a"]
        rest = model_a[model_a["part"] == "rest_of_the_integral"]["value"].abs()
        whole = table[table["level"] == "model_a_players"].groupby("team")["whole"].first()
        assert whole.abs().max() > 0.001
        assert rest.max() < 0.05 * whole.abs().max()
        columns = set(table.loc[table["level"] == "model_a_players", "part"])
        assert {"who_he_is", "impact_rating", "expected_minutes"} <= columns
        weights = table[table["level"] == "model_a_weights"]
        shares = weights[weights["unit"] == "share"].groupby(["team", "part"])["value"].sum()
        np.testing.assert_allclose(shares, 1.0, atol=1e-5)
        ranks = table[table["level"] == "model_a_rank_correlation"]
        assert len(ranks) == 6 * 30
        assert ranks["value"].between(-1, 1).all()


@pytest.mark.parametrize("when", ["of the season", "of the playoffs"])
def test_a_forecast_without_a_player_is_that_of_what_if(run, dates, asked, predicted, when):
    date = dates[1]
    if when == "of the playoffs":
        known = pd.read_parquet(run / "predictions.parquet").set_index("as_of_point")
        date = f"{known.loc['round_1_two_games', 'as_of_date'].iloc[-1]:%Y-%m-%d}"
    table = explanation(asked(date, players=1)).table
    left = table[table["level"] == "without_player"]
    assert left.groupby("team")["player_id"].nunique().eq(1).all()
    strength = left[left["part"] == "strength"].sort_values("value")
    morning = read_morning(predicted(date))
    plain = forecast_of(morning).predictions.set_index("team")
    strength = strength[strength["team"].isin(plain.index[plain["title_prob"] > 0])]
    for _, one in strength.iloc[[0, -1]].iterrows():
        gone = assume(morning, replace(NOTHING, out=[str(one["player_id"])]))
        after = forecast_of(gone).predictions.set_index("team")
        own = left[left["player_id"] == one["player_id"]].set_index("part")["value"]
        team = one["team"]
        for part, column in (
            ("places", "rank"), ("score", "score"), ("strength", "regular_strength"),
            ("playoff_strength", "playoffs_strength"), ("wins", "expected_wins"),
            ("title_prob", "title_prob"),
        ):  # fmt: skip
            lost = after.loc[team, column] - plain.loc[team, column]
            assert own[part] == pytest.approx(lost, abs=1e-6), part
    assert strength["value"].iloc[0] < -0.5


def test_differences_to_another_team_and_date_are_split_into_the_same_parts(tables, dates, asked):
    since, date = dates[1:3]
    found = explanation(asked(date, team="Celtics", against="NYK", since=since)).table
    assert set(found["team"]) == {"BOS"}
    assert set(found["compared_with"]) == {"", "NYK", since}
    for other, there in (("NYK", (date, "NYK")), (since, (since, "BOS"))):
        gaps = found[found["compared_with"] == other]
        sums = gaps.groupby("level")["value"].sum()
        np.testing.assert_allclose(sums, gaps.groupby("level")["whole"].first(), atol=1e-6)
        here, before = (
            of[of["team"] == team].groupby("level")["whole"].first().dropna()
            for of, team in ((tables[date], "BOS"), (tables[there[0]], there[1]))
        )
        np.testing.assert_allclose(sums[here.index], here - before, atol=1e-6)
    plain = found[found["compared_with"] == ""]
    own = tables[date][tables[date]["team"] == "BOS"]
    # A network's last bits depend on how many teams it scores at once.
    np.testing.assert_allclose(plain["value"], own["value"], atol=2e-6)
    players = found[(found["compared_with"] == "NYK") & (found["level"] == "strength")]
    assert players["player_id"].nunique() > 20


def test_what_changed_since_a_week_before_adds_up(dates, asked, predicted, tables):
    date = dates[2]
    morning = read_morning(predicted(date))
    found = why(forecast_of(morning), morning)
    week = f"{morning.as_of_date - pd.Timedelta(days=7):%Y-%m-%d}"
    assert f"{found.changes.since:%Y-%m-%d}" == week
    rank, before = (
        rank_date(predicted(day)).predictions.set_index("team_id")["rank"] for day in (date, week)
    )
    parts = found.changes.parts
    of_rank = parts[parts["level"] == names.PLACES].groupby("team_id")["value"].sum()
    assert of_rank.to_numpy() == pytest.approx((before - rank)[of_rank.index].to_numpy(), abs=1e-9)
    assert of_rank.round().any()
    own = tables[date][tables[date]["level"] == "strength"].groupby("team_id")["whole"].first()
    then = explanation(asked(week)).table
    then = then[then["level"] == "strength"].groupby("team_id")["whole"].first()
    of_strength = parts[parts["level"] == "strength"].groupby("team_id")["value"].sum()
    np.testing.assert_allclose(of_strength, own - then, atol=1e-6)
    left = found.without.groupby("team_id")["player_id"].nunique()
    assert left.max() == 2
    assert len(left) > 20
    games = found.changes.before[["won", "lost"]].sum()
    assert games["won"] == games["lost"] > 30
    # On opening night nothing has changed, and under assumptions nothing is compared.
    first = read_morning(predicted(dates[0]))
    assert why(forecast_of(first), first).changes is None
    told = why(replace(forecast_of(morning), hypothetical="he is out"), morning)
    assert told.changes is None
    assert told.without.empty


def test_how_all_teams_have_moved_is_split_into_results_and_strengths(
    run, tables, dates, compose_file, tmp_path
):
    since, date = dates[1:3]
    console = Console(record=True, width=240)
    words = [f"run={run}", f"as_of={date}", f"since={since}", "players=0", f"out={tmp_path}"]
    found = explain(compose_file("explain", *words), console).table
    gaps = found[found["compared_with"] == since]
    by_team = gaps.groupby(["level", "team"])
    np.testing.assert_allclose(by_team["value"].sum(), by_team["whole"].first(), atol=1e-6)
    wholes = by_team["whole"].first()
    before, now = (
        [table[table["level"] == name].groupby("team")[column].first()
         for name, column in (("rank", "value"), ("score", "whole"), ("projection_wins", "whole"))]
        for table in (tables[since], tables[date])
    )  # fmt: skip
    np.testing.assert_allclose(wholes[names.PLACES], before[0] - now[0])
    np.testing.assert_allclose(wholes[names.MOVED_SCORE], now[1] - before[1], atol=1e-9)
    np.testing.assert_allclose(wholes[names.WINS], now[2] - before[2], atol=1e-9)
    wins = gaps[gaps["level"] == names.WINS]
    results = wins[wins["part"] == names.RESULTS].set_index("team")["value"]
    won = [
        table[(table["level"] == "projection_wins") & (table["part"] == "wins_so_far")].set_index(
            "team"
        )["value"]
        for table in (tables[since], tables[date])
    ]
    # Who has won more than was expected of him has gained by it.
    since_then, left = won[1] - won[0], before[2] - won[0]
    luck = since_then - left * since_then.sum() / left.sum()
    assert results.corr(luck) > 0.8
    text = console.export_text()
    assert f"Since {since}" in text
    for said in ("by new results", "by others' ", "wins"):
        assert said in text
    figures = {path.name for path in tmp_path.rglob("*.png")}
    assert figures == {f"explanation_{date}_since_{since}.png"}


def test_the_program_writes_table_analysis_and_figure(run, dates, compose_file, tmp_path):
    console = Console(record=True, width=200)
    words = [f"run={run}", f"as_of={dates[1]}", "team=BOS", "players=2", f"out={tmp_path}"]
    found = explain(compose_file("explain", *words), console)
    name = f"explanation_{dates[1]}_BOS"
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert written == {f"{name}.parquet", f"figures/{name}.png", "ANALYSIS_01.md"}
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{name}.parquet"), found.table)
    text = (tmp_path / "ANALYSIS_01.md").read_text()
    assert f"![BOS: strength by part](figures/{name}.png)" in text
    strength = found.table[found.table["level"] == "projection_strength"]
    star = strength.groupby("player")["value"].sum().drop("").idxmax()
    for told in (text, console.export_text()):
        assert star in told
        assert "BOS is ranked" in told
        assert re.search(r"Without [^:]+: (the same place|\d+ places? (lower|higher)), .\d", told)
        assert "Hypothetical" not in told
    figure = explanation_figure(found.table, found.told)
    bars = [patch.get_width() for patch in figure.axes[0].patches]
    assert sum(bars[:-1]) == pytest.approx(bars[-1])
    assert bars[-1] == pytest.approx(strength["whole"].iloc[0])


def test_a_run_without_simulation_is_explained_by_its_only_member(
    start, shared, tmp_path, compose_file
):
    more = ["model=rf", "odds=none", "calibration=none", "features/projection=off"]
    done = start(train, tmp_path / "outputs3", *more, f"data.processed_dir={shared / 'sim'}")
    console = Console(record=True, width=200)
    words = [f"run={done.folder}", "as_of=2024-02-01", "team=BOS", "players=2", "against=NYK"]
    table = explain(compose_file("explain", *words), console).table
    plain = table[table["compared_with"] == ""]
    assert set(plain["level"]) == {"rank", "score", "places", "rf", "without_player"}
    assert len(plain[plain["level"] == "without_player"]) == 4
    known = table[table["whole"].notna()]
    key = ["level", "compared_with"]
    np.testing.assert_allclose(
        known.groupby(key)["value"].sum(), known.groupby(key)["whole"].first(), atol=1e-6
    )
    assert "The score is that of C forest alone" in console.export_text()
    assert not list(done.folder.glob("figures/explanation*"))


def test_a_hypothetical_explanation_says_so(run, dates, compose_file, tmp_path, asked, predicted):
    table = explanation(asked(dates[1], team="BOS")).table
    strength = table[(table["level"] == "projection_strength") & (table["player_id"] > 0)]
    star = int(strength.groupby("player_id")["value"].sum().idxmax())
    name = player_names(read_morning(predicted(dates[1])).tables)[star]
    console = Console(record=True, width=200)
    words = [f"run={run}", f"as_of={dates[1]}", "players=0", f"out={tmp_path}"]
    found = explain(compose_file("explain", *words, f"what_if.out=['{star}']"), console)
    assert star not in set(found.table["player_id"])
    written = pd.read_parquet(tmp_path / f"explanation_{dates[1]}_what_if.parquet")
    told = f"{name} (BOS) out for the rest of the season"
    assert (written["hypothetical"] == told).all()
    assert f"Hypothetical, what if: {told}" in console.export_text()
    assert "Hypothetical" in (tmp_path / "ANALYSIS_01.md").read_text()


def test_without_a_date_the_test_seasons_are_explained(run, compose_file, tmp_path):
    console = Console(record=True, width=200)
    table = explain(compose_file("explain", f"run={run}", f"out={tmp_path}"), console)
    assert set(table["member"]) == {"model_a", "xgb", "rf", "stack"}
    of_a = table[table["member"] == "model_a"].set_index(["group", "measure"])["mean"]
    assert of_a[PLAYERS, CHANGE] > 0
    assert of_a["team prior: projected_win_pct", ABLATION] > abs(of_a["availability", ABLATION])
    dependence = pd.read_csv(tmp_path / "partial_dependence.csv")
    assert dependence["feature"].nunique() == STRONGEST
    figures = {path.name for path in tmp_path.rglob("*.png")}
    assert figures == {"importance.png", "partial_dependence.png"}
    groups = set(table.loc[table["member"] == "xgb", "group"])
    assert {"elo", "roster_strength", "projection"} <= groups
    assert (table["n_seasons"] == 1).all()
    written = pd.read_csv(tmp_path / "importance.csv")
    np.testing.assert_allclose(written["mean"], table["mean"])
    assert "roster_strength" in (tmp_path / "ANALYSIS_01.md").read_text()
    assert "B XGBoost, 1 season(s)" in console.export_text()
    with pytest.raises(UserError, match="team, since need a date"):
        explain(compose_file("explain", f"run={run}", "team=BOS", "since=2024-01-01"), console)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"team": "XXX"}, "2023-24 has no team XXX; its teams are ATL, "),
        ({"against": "BOS"}, "against=BOS needs another team"),
        ({"team": "BOS", "against": "Celtics"}, "against=Celtics needs another team"),
        ({"since": "2023-01-10"}, "every model of"),
    ],
)
def test_what_cannot_be_compared_is_refused(dates, asked, more, told):
    with pytest.raises(UserError, match=told):
        explanation(asked(dates[1], **more))


def test_since_must_be_earlier(dates, asked):
    with pytest.raises(UserError, match="must be an earlier date of 2023-24"):
        explanation(asked(dates[1], since=dates[2]))


def test_another_set_of_columns_is_named(run, dates, asked, tmp_path):
    other = shutil.copytree(run, tmp_path / "run_001")
    for path in other.glob("models/*/features.json"):
        content = json.loads(path.read_text())
        content["columns"] = ["unheard_of", *content["columns"][1:]]
        path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"the difference is season_progress, unheard_of"):
        explanation(asked(dates[1], run=str(other)))


def test_a_question_asked_again_is_answered_from_the_cache(run, dates, asked, monkeypatch):
    again = asked(dates[1], team="Celtics", since=dates[0], players=None)
    first = explanation(again)
    without = first.table[first.table["level"] == "without_player"]
    assert without["player_id"].nunique() == 8
    answered = explain_date.explanation
    monkeypatch.setattr(explain_date, "explanation", lambda _: pytest.fail("explained again"))
    known = explanation(again)
    assert known.told == first.told
    pd.testing.assert_frame_equal(known.table, first.table)
    for other in (
        replace(again, team="BOS", players=1),
        replace(again, since=None),
        replace(again, what_if=replace(NOTHING, results=["BOS wins"])),
    ):
        with pytest.raises(pytest.fail.Exception, match="explained again"):
            explanation(other)
    # Other models and other tables are other questions.
    monkeypatch.setattr(explain_date, "explanation", answered)
    manifest = json.loads((run / "manifest.json").read_text())
    features = run / "models" / manifest["folds"]["tests"][-1]["fit"] / "features.json"
    whole = features.read_text()
    content = json.loads(whole)
    features.write_text(json.dumps(content | {"columns": content["columns"][1:]}))
    try:
        with pytest.raises(UserError, match="not those that the models"):
            explanation(again)
    finally:
        features.write_text(whole)


@pytest.mark.parametrize(
    ("module", "package"), [("explain", "torch"), ("explain_date", "pytorch_lightning")]
)
def test_what_is_not_needed_is_not_imported(module, package):
    said = f"import sys, nba_rank.experiments.{module}; print('{package}' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
