"""The tables of bookmakers' figures: preseason win totals and betting lines."""

import pandas as pd

from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.data import league
from nba_rank.data.duplicates import of_last_folder
from nba_rank.data.game_tables import GameTables
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.rosters import season_of_date, team_ids
from nba_rank.data.tables import KEYS, conform

MARGIN_RANGE = (-0.05, 0.15)
"""Margins (sum of the implied probabilities of both sides minus 1) that two moneylines can have."""

MIN_AGREEMENT, MAX_INVERTED = 0.4, -0.2
"""Least correlation of a season's spreads with the margins; that of true ones is .43 to .51.

In fewer games it varies: 4 over the root of their number is allowed for. Below the second value the
signs are wrong.
"""

MIN_SPREADS, MIN_MISSED = 30, 8.0
"""A file of so many spreads is judged; points by which true ones miss the margins at least."""

MIN_CONTRADICTIONS, MAX_CONTRADICTIONS = 5, 0.1
"""A file stops the ingest if more than such a share of its rows, and at least so many, contradict
themselves; up to .005 of the rows do so in a season of true lines."""

MIN_TOTALS = 28
"""So many win totals are those of about all teams."""

TOTALS_PER_GAME = (0.9, 1.1)
"""Sum of the win totals of all teams by games of a season; that of true ones is 1.00 to 1.02."""

_FACTS = ["season", "game_date", "home_team_id", "away_team_id", "home_points", "away_points"]
_SHOWN = ["game_id", "home", "away"]


def implied_prob(american_odds: pd.Series) -> pd.Series:
    """Return the win probability (0 to 1) at which American odds are fair.

    It is the stake over stake and gain, with the bookmaker's margin. Odds are at least 100 or at
    most -100, or NaN.
    """
    stake = (-american_odds).clip(lower=100.0)
    gain = american_odds.clip(lower=100.0)
    return stake / (stake + gain)


def market_totals_table(
    rows: pd.DataFrame, known: GameTables, issues: IngestIssues
) -> pd.DataFrame:
    """Return the canonical table `market_totals`.

    The bookmaker's margin leaves title odds in proportion: each team's implied probability is
    divided by their sum over the season's teams. Where odds of a team are missing, the sum is not
    known and the season has none.
    The seasons are those of the game logs and the one after the last.
    """
    shown = ["season", "team"]
    seasons = known.seasons["season"]
    coming = season_label(season_start_year(seasons.max()) + 1)
    unknown = ~rows["season"].isin([*seasons, coming])
    issues.warn("dropped: win total of a season without game logs", rows, unknown, shown)
    rows = rows[~unknown]
    rows = rows.assign(team_id=team_ids(rows, known.teams, issues))
    rows = without_repeats(
        rows[rows["team_id"] > 0], KEYS["market_totals"], ["win_total", "title_odds"], shown,
        issues,
    )  # fmt: skip

    _check_sums(rows, issues)
    season = rows.groupby("season")
    sizes = {name: len(league.team_ids(name)) for name in rows["season"].unique()}
    n_teams = rows["season"].map(sizes).astype("int64")
    lacking = season["win_total"].transform("count") < n_teams
    issues.warn("win totals of a season that lacks those of some teams", rows, lacking, shown)
    unknown = season["title_odds"].transform("count") < n_teams
    issues.warn(
        "title odds left out: the season lacks those of some teams",
        rows, unknown & rows["title_odds"].notna(), shown,
    )  # fmt: skip
    # In order of key, since sums in another order differ in their last bits.
    rows = rows.sort_values(KEYS["market_totals"])
    prob = implied_prob(rows["title_odds"])
    share = prob / prob.groupby(rows["season"]).transform("sum")
    return conform("market_totals", rows.assign(title_prob=share.mask(unknown)))


def _check_sums(rows: pd.DataFrame, issues: IngestIssues) -> None:
    """Refuse win totals of about all teams whose sum is not that of the games of a season."""
    for (label, file), part in rows.groupby(["season", "file"], sort=False):
        wins, n_teams = part["win_total"].sum(), part["win_total"].count()
        share = 2 * wins / (league.scheduled_games(str(label)) * max(n_teams, 1))
        if n_teams >= MIN_TOTALS and not TOTALS_PER_GAME[0] < share < TOTALS_PER_GAME[1]:
            what = f"win totals of {label} add up to {wins:g} for {n_teams} teams"
            remedy = "Each game has one winner: give the games that each team is to win."
            issues.error_file(str(file), what, remedy)


def market_lines_table(rows: pd.DataFrame, known: GameTables, issues: IngestIssues) -> pd.DataFrame:
    """Return the canonical table `market_lines`.

    Date and home team come from the game logs, by game id; a row without one is that of the game of
    its teams on its date. A row with home and away exchanged is turned round with its figures. The
    bookmaker's margin is taken off both moneylines in proportion, as in `market_totals_table`.
    """
    without_id = rows["game_id"].isna() & season_of_date(rows["date"], known).notna()
    rows = _with_game_ids(rows, known)
    unknown = ~rows["game_id"].isin(known.games["game_id"])
    for file, lost in unknown[without_id].groupby(rows["file"]):
        if lost.sum() >= MIN_CONTRADICTIONS and lost.mean() > 0.5:
            what = f"{lost.sum()} of {len(lost)} lines are of no game of their teams on their date"
            issues.error_file(str(file), what, columns.OTHER_ZONE)
    issues.warn("dropped: line of a game that the game logs lack", rows, unknown, _SHOWN)
    rows = _turned(_of_games(rows[~unknown], known, issues), issues)
    for what, differ in (
        ("date", rows["date"] != rows["game_date"]),
        ("season", rows["written_season"].notna() & (rows["written_season"] != rows["season"])),
        ("score", _apart(rows, "home") | _apart(rows, "away")),
    ):
        issues.warn(
            f"{what} disagrees with the game logs, which are believed", rows, differ, _SHOWN
        )

    home, away = implied_prob(rows["home_odds"]), implied_prob(rows["away_odds"])
    margin = home + away - 1
    unsound = margin.notna() & ~margin.between(*MARGIN_RANGE)
    issues.warn(
        "moneylines left out: their implied probabilities cannot be those of one game",
        rows, unsound, ["game_id", "home_odds", "away_odds"],
    )  # fmt: skip
    rows = rows.assign(home_win_prob=(home / (home + away)).mask(unsound))
    figures = ["home_spread", "home_win_prob"]
    bare = rows[figures].isna().all(axis=1)
    issues.warn("dropped: line with neither spread nor moneylines", rows, bare, _SHOWN)
    rows = without_repeats(rows[~bare], KEYS["market_lines"], figures, _SHOWN, issues)
    _check_signs(rows, issues)
    _check_spreads(rows, issues)
    return conform("market_lines", rows)


def _with_game_ids(rows: pd.DataFrame, known: GameTables) -> pd.DataFrame:
    """Return the rows with the id of the game of their teams on their date where they have none."""
    place = ["game_date", "home_team_id", "away_team_id"]
    ids = known.games.set_index(place)["game_id"]
    home, away = (league.team_ids_of(rows[side]) for side in ("home", "away"))
    found = rows["game_id"]
    for sides in ((home, away), (away, home)):
        there = pd.MultiIndex.from_arrays([rows["date"], *sides], names=place)
        found = found.fillna(pd.Series(ids.reindex(there).to_numpy(), rows.index, dtype="str"))
    return rows.assign(game_id=found)


def _of_games(rows: pd.DataFrame, known: GameTables, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows with what the game logs say of their games, and `swapped`: home is away.

    Rows that name other teams than their game has are left out.
    """
    rows = rows.join(known.games.set_index("game_id")[_FACTS], on="game_id")
    named = {
        side: team_ids(rows.assign(team=rows[side]), known.teams, issues)
        for side in ("home", "away")
    }
    straight, swapped = (
        (named[first] == rows["home_team_id"]) & (named[second] == rows["away_team_id"])
        for first, second in (("home", "away"), ("away", "home"))
    )
    issues.warn(
        "dropped: line names other teams than its game has", rows, ~straight & ~swapped, _SHOWN
    )
    return rows.assign(swapped=swapped)[straight | swapped]


def _turned(rows: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows with the figures of home and away exchanged where they are `swapped`."""
    swapped = rows["swapped"]
    issues.warn(
        "home and away are the other way round in the game logs, which are believed: turned",
        rows, swapped, _SHOWN,
    )  # fmt: skip
    turned = {"home_spread": rows["home_spread"].mask(swapped, 0.0 - rows["home_spread"])}
    for what in ("odds", "score"):
        home, away = rows[f"home_{what}"], rows[f"away_{what}"]
        turned[f"home_{what}"] = home.mask(swapped, away)
        turned[f"away_{what}"] = away.mask(swapped, home)
    return rows.assign(**turned)


def _apart(rows: pd.DataFrame, side: str) -> pd.Series:
    score = rows[f"{side}_score"]
    return score.notna() & (score != rows[f"{side}_points"])


def without_repeats(
    rows: pd.DataFrame, key: list[str], figures: list[str], shown: list[str], issues: IngestIssues
) -> pd.DataFrame:
    """Leave one of equal rows; two different ones are an error, as neither can be preferred.

    Only rows of the last raw folder that has any are compared.
    """
    rows = of_last_folder(rows, key, shown, issues)
    same = rows.duplicated([*key, *figures])
    issues.warn("duplicate rows removed", rows, same, shown)
    rows = rows[~same]
    remedy = "Keep the row that is right and remove the other."
    differ = rows.duplicated(key, keep=False)
    issues.error("rows with other figures of the same", rows, differ, [*shown, *figures], remedy)
    return rows.drop_duplicates(key)


def _check_signs(rows: pd.DataFrame, issues: IngestIssues) -> None:
    """Warn of rows whose spread and moneylines favour different teams; refuse a file of such."""
    against = rows["home_spread"] * (rows["home_win_prob"] - 0.5) > 0
    issues.warn(
        "spread and moneylines favour different teams; both are kept",
        rows, against, ["game_id", "home_spread", "home_win_prob"],
    )  # fmt: skip
    for file, contradicts in against.groupby(rows["file"], sort=False):
        if contradicts.sum() >= MIN_CONTRADICTIONS and contradicts.mean() > MAX_CONTRADICTIONS:
            first = rows.loc[contradicts[contradicts].index[0]]
            issues.error_file(
                str(file),
                f"{contradicts.sum()} of {len(contradicts)} spreads contradict their moneylines, "
                f"such as row {first['row']}: {first['home_spread']:g}, though the home team wins "
                f"with {first['home_win_prob']:.0%}",
                "HOME_SPREAD is negative where the home team is the favourite; turn its sign.",
            )


def _check_spreads(rows: pd.DataFrame, issues: IngestIssues) -> None:
    """Refuse files whose spreads cannot be forecasts of their games."""
    margin = rows["home_points"] - rows["away_points"]
    rows = rows.assign(expected=-rows["home_spread"], margin=margin).dropna(subset="expected")
    for file, part in rows.groupby("file", sort=False):
        if len(part) < MIN_SPREADS:
            continue
        agreement = part["expected"].corr(part["margin"])
        missed = (part["margin"] - part["expected"]).std()
        if part["expected"].min() == part["expected"].max():
            what = f"all {len(part)} spreads are {part['home_spread'].iloc[0]:g}"
            remedy = "Give the spread of each game, or leave HOME_SPREAD empty."
        elif agreement < MAX_INVERTED:
            what = f"spreads favour the losers (correlation {agreement:.2f} with the margins)"
            remedy = "HOME_SPREAD is negative where the home team is the favourite; turn its sign."
        elif agreement < MIN_AGREEMENT - 4 / len(part) ** 0.5:
            what = (
                f"spreads tell nothing of the results (correlation {agreement:.2f} with the "
                f"margins of {len(part)} games; that of true ones is about .45)"
            )
            remedy = "Some signs are wrong, or the spreads are those of other games."
        elif missed < MIN_MISSED:
            what = (
                f"spreads know the results (they miss the margins by {missed:.1f} points, "
                "closing lines by 12 to 13): they seem to be taken after tip-off"
            )
            remedy = "Give lines from before the games."
        else:
            continue
        issues.error_file(str(file), what, remedy)
