"""The table of drafts."""

import pandas as pd

from nba_rank.data.game_tables import GameTables
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.market import without_repeats
from nba_rank.data.tables import KEYS, conform


def drafts_table(rows: pd.DataFrame, known: GameTables, issues: IngestIssues) -> pd.DataFrame:
    """Return the canonical table `drafts`; two drafts of a player are an error."""
    del known
    rows = without_repeats(rows, KEYS["drafts"], ["season", "pick"], ["player_id"], issues)
    return conform("drafts", rows)
