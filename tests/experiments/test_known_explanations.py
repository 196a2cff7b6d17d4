"""Known answers of `explain`: each question has its own, and none is older than its inputs."""

import json
from dataclasses import fields, replace

import pandas as pd
import pytest

from nba_rank.config.compose import as_config, config_yaml
from nba_rank.config.schema import ExplainConfig, PredictDataConfig
from nba_rank.core.errors import UserError
from nba_rank.data.tables import SCHEMA
from nba_rank.experiments import explain_date
from nba_rank.experiments.explain import explanation
from nba_rank.report.explained import Explanation, Told

WHERE = {"run", "out", "data"}
"""Options that say where files lie and nothing of the question."""


@pytest.fixture
def config(compose, compose_file, tmp_path) -> ExplainConfig:
    """A question to a run folder and tables whose contents nobody reads."""
    run, tables = tmp_path / "run_001", tmp_path / "processed"
    (run / "models" / "2023-24").mkdir(parents=True)
    (run / "models" / "2023-24" / "stack.json").write_text("{}")
    (run / "manifest.json").write_text(json.dumps({"status": "finished"}))
    (run / "config.yaml").write_text(config_yaml(compose()))
    tables.mkdir()
    for name in SCHEMA:
        (tables / f"{name}.parquet").write_text(name)
    return as_config(compose_file("explain", f"run={run}", "as_of=2024-01-15"), ExplainConfig)


@pytest.fixture
def made(monkeypatch) -> list[ExplainConfig]:
    """Makes explanations that tell which one they are; all questions that were not known."""
    asked: list[ExplainConfig] = []

    def answer(config: ExplainConfig) -> Explanation:
        asked.append(config)
        return numbered(len(asked))

    monkeypatch.setattr(explain_date, "explanation", answer)
    return asked


def numbered(number: int) -> Explanation:
    date = pd.Timestamp("2024-01-15").as_unit("us")
    return Explanation(pd.DataFrame({"value": [number]}), Told(date, "", "", "", "", "", "run_001"))


def told(config: ExplainConfig) -> int:
    return int(explanation(config).table["value"].iloc[0])


def test_every_option_is_a_question_of_its_own(config, made):
    what_if = config.what_if
    others = {
        "as_of": ["2024-01-16"],
        "team": ["BOS", "NYK"],
        "against": ["BOS"],
        "since": ["2024-01-01"],
        "players": [0, 8],
        "max_missed_days": [8],
        "what_if": [
            replace(what_if, **{each.name: ["he", "she"][: n + 1]})
            for each in fields(what_if)
            for n in range(2)
        ],
    }
    assert {*others} == {each.name for each in fields(config)} - WHERE
    asked = [config] + [
        replace(config, **{name: value}) for name, values in others.items() for value in values
    ]
    assert [told(one) for one in asked] == [*range(1, len(asked) + 1)]
    assert [told(one) for one in asked] == [*range(1, len(asked) + 1)]
    assert len(made) == len(asked)


def test_where_an_answer_is_written_is_no_question(config, made, tmp_path):
    tables = PredictDataConfig(processed_dir=str(tmp_path / "processed"))
    for same in (config, replace(config, out="elsewhere"), replace(config, data=tables)):
        assert told(same) == 1
    # Another run of the same content has another name, which the answer tells.
    other = (tmp_path / "run_001").rename(tmp_path / "run_002")
    assert told(replace(config, run=str(other))) == 2


@pytest.mark.parametrize(
    "name",
    [
        "run_001/manifest.json",
        "run_001/config.yaml",
        "run_001/models/2023-24/stack.json",
        "run_001/models/2023-24/more.json",
        "processed/manifest.json",
        "manifest.json",
        *(f"processed/{name}.parquet" for name in SCHEMA),
    ],
)
def test_every_file_that_an_answer_rests_on_counts(config, made, tmp_path, name):
    assert told(config) == 1
    path = tmp_path / name
    before = path.read_text() if path.exists() else None
    path.write_text((before or "") + "\n")
    assert told(config) == 2
    if before is None:
        path.unlink()
    else:
        path.write_text(before)
    assert told(config) == 1


def test_an_answer_is_not_kept_whose_tables_changed_while_it_was_made(
    config, made, monkeypatch, tmp_path
):
    table = tmp_path / "processed" / "games.parquet"
    before = table.read_text()

    def answer(_: ExplainConfig) -> Explanation:
        table.write_text("ingested anew")
        return numbered(7)

    with monkeypatch.context() as patch:
        patch.setattr(explain_date, "explanation", answer)
        assert told(config) == 7
    assert told(config) == 1
    table.write_text(before)
    assert told(config) == 2


def test_a_damaged_answer_is_made_anew(config, made, tmp_path):
    assert told(config) == 1
    [entry] = (tmp_path / "cache").glob("explanation_*")
    for damage in ("told.json", "explanation.parquet", "contents.json"):
        (entry / damage).write_text("{")
        assert told(config) == len(made) > 1
        assert told(config) == len(made)
    # As a write that was cut off leaves it.
    (entry / "told.json").unlink()
    assert told(config) == len(made) == 5


def test_a_run_that_has_gone_or_is_not_finished_is_refused_whatever_is_known(
    config, made, tmp_path
):
    assert told(config) == 1
    path = tmp_path / "run_001" / "manifest.json"
    path.write_text(json.dumps({"status": "failed"}))
    with pytest.raises(UserError, match="its status is failed"):
        explanation(config)
    path.unlink()
    with pytest.raises(UserError, match="holds no manifest"):
        explanation(config)
