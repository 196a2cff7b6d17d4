import pandas as pd

from nba_rank.config.compose import CONF
from nba_rank.samples.target import RANK_COLUMNS, relevance


def test_relevance_by_hand():
    frame = pd.DataFrame(
        {
            "season": ["2020-21"] * 3 + ["2021-22"] * 2,
            "team_id": [1, 2, 3, 1, 2],
            "outcome_rank": [2, 1, 3, 1, 2],
            "eos_final_rank": [3, 2, 1, 2, 1],
            "standings_rank": [1, 2, 3, 2, 1],
        }
    )
    got = {name: relevance(frame, name)["relevance"].tolist() for name in RANK_COLUMNS}
    assert got == {
        "playoff_outcome": [0.5, 1, 0, 1, 0],
        "final_rank": [0, 0.5, 1, 0, 1],
        "standings": [1, 0.5, 0, 0, 1],
    }
    assert list(relevance(frame, "standings").columns) == ["season", "team_id", "relevance"]


def test_every_target_has_a_config_of_its_name(compose):
    assert {path.stem for path in (CONF / "target").glob("*.yaml")} == set(RANK_COLUMNS)
    assert compose("target=final_rank").target.name == "final_rank"
