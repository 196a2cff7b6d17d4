"""What the figures of explanations say about themselves."""

import pandas as pd
import pytest

from nba_rank.report.explained import Told
from nba_rank.report.explanation_figures import explanation_figure, teams_figure


@pytest.mark.parametrize(("draw", "team"), [(explanation_figure, "BOS"), (teams_figure, "")])
def test_a_figure_names_what_is_assumed(draw, team):
    table = pd.DataFrame(
        {
            "level": ["strength", "strength", "rank"],
            "team": "BOS",
            "part": ["full_strength", "margin_to_date", "rank"],
            "player": ["Tatum", "", ""],
            "value": [3.0, 1.5, 1.0],
            "whole": [4.5, 4.5, 1.0],
            "compared_with": "",
        }
    )
    plain = Told(pd.Timestamp("2024-01-15"), team, "", "", "", "", "run_001")
    captions = [
        draw(table, told).get_supxlabel().replace("\n", " ")
        for told in (plain, plain._replace(hypothetical="Embiid is out"))
    ]
    assert "What if" not in captions[0]
    assert captions[1] == f"{captions[0]} What if: Embiid is out."
