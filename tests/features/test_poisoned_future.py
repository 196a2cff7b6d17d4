"""Nothing that is known of a date depends on what happens on it or later."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_games import mapped, random_stints, table

from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.data.calendar import as_of_grid
from nba_rank.data.tables import BOX_COLUMNS, Tables
from nba_rank.evaluation.baselines import baseline_scores
from nba_rank.features.players.impact import player_ratings
from nba_rank.features.roster import player_sets
from nba_rank.features.store import build_store

BOX = list(BOX_COLUMNS)


def poison(tables: Tables, season: str, day: pd.Timestamp, seed: int) -> Tables:
    """Replace everything that happens on the day and after it, and drop the later seasons."""
    rng = np.random.default_rng(seed)
    tables = between(tables, "", season)
    games = tables.games
    later = games.loc[games["game_date"] >= day, "game_id"].to_numpy()
    gone = set(rng.choice(later, size=len(later) // 8, replace=False))
    ids = tables.teams.loc[tables.teams["season"] == season, "team_id"].to_numpy()
    # Each team's games become those of another team, so opponents and calendars change too.
    team = pd.Series(rng.permutation(ids), index=ids)
    home = pd.Series(rng.integers(40, 200, len(later)), index=later)
    away = pd.Series(rng.integers(40, 200, len(later)), index=later)
    home[rng.random(len(home)) < 0.05] = 1_003
    swapped = pd.Series(rng.random(len(later)) < 0.5, index=later)
    away = away.where(away != home, away + 1)

    def split(frame):
        frame = frame[~frame["game_id"].isin(gone)]
        future = frame["game_date"] >= day
        return frame[~future], frame[future].copy()

    past, future = split(games)
    names = future["game_id"].map(swapped)
    sides = [future[f"{side}_team_id"].map(team) for side in ("home", "away")]
    future["home_team_id"] = sides[0].where(~names, sides[1])
    future["away_team_id"] = sides[1].where(~names, sides[0])
    future["home_points"] = future["game_id"].map(home)
    future["away_points"] = future["game_id"].map(away)
    future["neutral_site"] = rng.random(len(future)) < 0.5
    poisoned = {"games": [past, future]}

    past, future = split(tables.team_games)
    future["team_id"] = future["team_id"].map(team)
    future["opponent_team_id"] = future["opponent_team_id"].map(team)
    future["is_home"] ^= future["game_id"].map(swapped)
    own = future["game_id"].map(home).where(future["is_home"], future["game_id"].map(away))
    theirs = future["game_id"].map(away).where(future["is_home"], future["game_id"].map(home))
    future["points"], future["opponent_points"], future["won"] = own, theirs, own > theirs
    future[BOX] = noise(rng, (len(future), len(BOX)))
    poisoned["team_games"] = [past, future]

    past, future = split(tables.player_games)
    future = future[rng.random(len(future)) > 0.1]
    future["team_id"] = future["team_id"].map(team)
    future["seconds"] = rng.integers(0, 4_000, len(future))
    numbers = [*BOX, "points", "plus_minus"]
    future[numbers] = noise(rng, (len(future), len(numbers)))
    for sign in (1, -1):
        renamed = rng.random(len(future)) < 0.1
        future.loc[renamed, "player_id"] = sign * (90_000_000 + np.arange(renamed.sum()))
    poisoned["player_games"] = [past, future]

    seasons, row = tables.seasons.copy(), tables.seasons["season"] == season
    seasons.loc[row, ["champion_team_id", "runner_up_team_id"]] = rng.choice(ids, 2)
    seasons.loc[row, ["n_regular", "n_regular_expected", "n_playin", "n_playoffs"]] += 7
    seasons.loc[row, "complete"] = ~seasons.loc[row, "complete"]
    seasons.loc[row, "last_regular_date"] += pd.Timedelta(days=5)
    lines, later = tables.market_lines.copy(), tables.market_lines["game_date"] >= day
    lines.loc[later, "home_spread"] = noise(rng, later.sum())
    lines.loc[later, "home_win_prob"] = rng.random(later.sum())
    poisoned |= {"seasons": [seasons], "market_lines": [lines]}

    past, future = split(tables.stints)
    future["home_points"] = rng.integers(0, 90, len(future))
    future["away_possessions"] = noise(rng, len(future))
    future["away_1"] = future["home_1"].to_numpy()[rng.permutation(len(future))]
    poisoned["stints"] = [past, future]

    for name in ("team_records", "raptor"):  # known only when the season is over
        totals = getattr(tables, name).copy()
        row, rates = totals["season"] == season, totals.select_dtypes("float64").columns
        totals.loc[row, rates] = rng.normal(0, 50, (row.sum(), len(rates)))
        poisoned[name] = [totals]
    drafts = tables.drafts.copy()
    later = drafts["season"] > season
    drafts.loc[later, "pick"] = rng.integers(1, 61, later.sum())
    poisoned["drafts"] = [drafts]
    return replace(
        tables,
        **{name: table(name, pd.concat(parts)) for name, parts in poisoned.items()},
        **poisoned_reports(tables, season, day, rng),
        rosters=poisoned_rosters(tables.rosters, season, day, ids, rng),
    )


def poisoned_reports(tables, season, day, rng):
    """Change all reports after the day, and add ten: a report is known on its own morning.

    Half of the teams have not submitted theirs.
    """
    reports, dates = tables.injury_reports, tables.injury_report_dates
    known = tables.player_games["player_id"].unique()
    new = pd.DataFrame({"date": pd.date_range(day, periods=11)[1:], "season": season})
    made = new.merge(pd.DataFrame({"player_id": rng.permutation(known)[:60]}), how="cross")
    team = tables.teams["team_id"].iloc[0]
    made = made.assign(team_id=team, status="Doubtful", reason="torn ACL in left knee")
    future = reports[reports["date"] > day]
    future = future.sample(frac=0.7, random_state=int(rng.integers(1_000)))
    future = pd.concat([made, future.assign(status="Probable")])
    future = future.drop_duplicates(["date", "player_id"])
    later = dates[(dates["date"] > day) & ~dates["date"].isin(new["date"])].iloc[::2]
    dates = pd.concat([dates[dates["date"] <= day], new, later])
    reports = pd.concat([reports[reports["date"] <= day], future])
    reports = reports[reports["date"].isin(dates["date"])]
    silent = tables.teams.loc[tables.teams["season"] == season, ["team_id"]].iloc[::2]
    before = tables.unreported_teams["date"] <= day
    silent = pd.concat([tables.unreported_teams[before], new.merge(silent, how="cross")])
    return {
        "unreported_teams": table("unreported_teams", silent),
        "injury_reports": table("injury_reports", reports),
        "injury_report_dates": table("injury_report_dates", dates),
    }


def poisoned_rosters(rosters, season, day, ids, rng):
    """Deal everyone out anew in the files dated after the day, and add two files."""
    past, future = rosters[rosters["date"] <= day], rosters[rosters["date"] > day]
    known = rosters["player_id"].unique()
    files = [future.sample(frac=0.8, random_state=int(rng.integers(1_000)))]
    for later in (1, 30):
        new = 80_000_000 + rng.choice(1_000, 40, replace=False)
        listed = np.concatenate([rng.permutation(known)[: len(known) // 2], new, -new])
        date = {"date": day + pd.Timedelta(days=later), "season": season, "player_name": ""}
        files.append(pd.DataFrame({"player_id": listed}).assign(**date))
    poisoned = pd.concat(files)
    poisoned["team_id"] = rng.choice(ids, len(poisoned))
    return table("rosters", pd.concat([past, poisoned]))


def cut(tables: Tables, season: str, day: pd.Timestamp, seed: int) -> Tables:
    """Leave only what had happened on the morning of the day."""
    del seed

    def known(name, frame):
        if name in ("team_records", "raptor"):
            return frame[frame["season"] < season]
        if "date" in frame:
            return frame[frame["date"] <= day].reset_index(drop=True)
        # The fixtures of later days are known.
        if "game_date" in frame and name != "schedule":
            return frame[frame["game_date"] < day].reset_index(drop=True)
        return frame

    return mapped(between(tables, "", season), known)


def between(tables: Tables, first: str, last: str) -> Tables:
    """Leave the seasons of two labels and those between them."""
    return mapped(
        tables,
        lambda _, frame: frame[frame["season"].between(first, last)].reset_index(drop=True),
    )


def around(tables: Tables, season: str) -> Tables:
    """Leave a season, the two before it and the one after it."""
    year = season_start_year(season)
    return between(tables, season_label(year - 2), season_label(year + 1))


def noise(rng, shape):
    """Whole numbers, some huge and some missing."""
    values = rng.integers(-50, 300, shape).astype(np.float64)
    values[rng.random(shape) < 0.05] = 1e9 + 7
    values[rng.random(shape) < 0.15] = np.nan
    return values


def past_dates(tables: Tables, season: str, share: float) -> pd.DataFrame:
    """The date at a share of the season, some before it and two of the season before."""
    dates = []
    before = season_label(season_start_year(season) - 1)
    for name, shares in ((before, (0.4, 1.0)), (season, (0.0, share / 2, share))):
        for row in tables.seasons[tables.seasons["season"] == name].itertuples():
            span = (row.last_regular_date - row.first_date).days + 1
            dates += [(name, row.first_date + pd.Timedelta(days=round(p * span))) for p in shares]
    frame = pd.DataFrame(dates, columns=["season", "as_of_date"]).drop_duplicates()
    frame["as_of_point"] = [str(place) for place in range(len(frame))]
    return frame.astype({"season": "str", "as_of_date": "datetime64[us]", "as_of_point": "str"})


def everything(tables: Tables, dates: pd.DataFrame, features, ratings=None):
    """Player ratings, features, baseline scores and player sets."""
    if ratings is None:
        ratings = player_ratings(tables, dates, features.impact)
    return {
        "ratings": ratings,
        "features": build_store(tables, ratings, dates, features).frame,
        "baselines": baseline_scores(tables, dates),
        "sets": player_sets(tables, ratings, dates, features.roster),
    }


def assert_identical(got, expected):
    for name in ("ratings", "features", "baselines"):
        pd.testing.assert_frame_equal(got[name], expected[name], check_exact=True, obj=name)
    sets, same = got["sets"], expected["sets"]
    pd.testing.assert_frame_equal(sets.frame, same.frame, check_exact=True)
    for name in ("player_id", "minutes_share", "stats", "dates_left_out"):
        np.testing.assert_array_equal(getattr(sets, name), getattr(same, name), err_msg=name)


def check_future(tables, season, share, spoil, features, seed):
    dates = past_dates(tables, season, share)
    day = dates["as_of_date"].max()
    spoiled = spoil(tables, season, day, seed)
    assert spoil is not poison or (spoiled.rosters["date"] > day).sum() > 40
    assert not spoiled.games.equals(tables.games)
    assert not spoiled.team_games.equals(tables.team_games)
    assert_identical(everything(spoiled, dates, features), everything(tables, dates, features))


@pytest.fixture(scope="module")
def tables(sim_tables, priced, with_raptor, with_drafts):
    """Three simulated seasons with everything that a feature reads; every other game in stints."""
    made = with_drafts(with_raptor(priced(sim_tables)))
    without = made.games["game_id"][::2].tolist()
    return replace(made, stints=random_stints(np.random.default_rng(2), made, without))


@pytest.mark.parametrize(
    ("season", "share", "spoil"),
    [
        # The first days of the logs, both ends of a season, and the middle of one.
        ("2021-22", 0.006, poison),
        ("2022-23", 0.0, poison),
        ("2022-23", 0.02, cut),
        ("2022-23", 0.6, poison),
        ("2022-23", 1.0, poison),
    ],
)
def test_the_future_changes_nothing(tables, features, season, share, spoil):
    config = features("features/market=on")
    check_future(around(tables, season), season, share, spoil, config, seed=5)


@pytest.mark.real
@pytest.mark.parametrize(
    ("season", "share", "spoil"),
    [("2000-01", 0.4, poison), ("2019-20", 0.76, poison), ("2020-21", 0.0, poison)],
)
def test_the_future_of_the_real_league_changes_nothing(real_tables, features, season, share, spoil):
    check_future(around(real_tables, season), season, share, spoil, features(), seed=2)


def check_alone(tables, dates, ratings, features, n_dates):
    many = everything(tables, dates, features, ratings)
    sets = many.pop("sets")
    for place in np.random.default_rng(5).choice(len(dates), n_dates, replace=False):
        date = dates["as_of_date"].iloc[place]
        expected = {
            name: frame[frame["as_of_date"] == date].reset_index(drop=True)
            for name, frame in many.items()
        }
        expected["sets"] = sets.take(np.flatnonzero(sets.frame["as_of_date"] == date))
        assert_identical(everything(tables, dates.iloc[[place]], features), expected)


def test_other_dates_change_nothing(sim_tables, sim_dates, sim_ratings, features):
    check_alone(sim_tables, sim_dates, sim_ratings, features(), 2)


@pytest.mark.real
@pytest.mark.slow
def test_other_dates_of_the_real_league_change_nothing(real_tables, features, rate):
    dates = as_of_grid(real_tables, ["2003-04", "2019-20", "2020-21"], 60)
    check_alone(real_tables, dates, rate(real_tables, dates), features(), 2)


# Columns that 20 days of other games need not change.
UNAFFECTED = [
    "season", "as_of_date", "team_id", "conference", "prior_win_pct", "prior_margin_per_game",
    "prior_playoff_wins", "prior_mov", "prior_sos", "prior_srs", "prior_raptor_offense",
    "prior_raptor_defense", "injury_report_known", "eliminated", "clinched", "late_season",
    "seeds_in_reach", "draft_pressure",
]  # fmt: skip


def test_the_past_changes_features_sets_and_baselines(sim_tables, features):
    asked = past_dates(sim_tables, "2022-23", 0.5).tail(1)
    spoiled = poison(sim_tables, "2022-23", asked["as_of_date"].iloc[0] - pd.Timedelta("20D"), 3)
    got, expected = (everything(tables, asked, features()) for tables in (spoiled, sim_tables))
    for column in expected["features"].columns.difference(UNAFFECTED):
        assert not got["features"][column].equals(expected["features"][column]), column
    scores = [frame["baselines"].set_index(["ranker", "team_id"])["score"]
              for frame in (got, expected)]  # fmt: skip
    for ranker in ("standings", "elo", "massey", "srs", "net_rating"):
        assert not scores[0][ranker].equals(scores[1][ranker]), ranker
    assert not np.array_equal(got["sets"].player_id, expected["sets"].player_id)
    for column in ("expected_minutes", "full_strength_minutes", "prior_rating", "impact_rating"):
        assert not got["ratings"][column].equals(expected["ratings"][column]), column
    for place, column in enumerate(expected["sets"].columns):
        values = [frame["sets"].stats[:, :, place] for frame in (got, expected)]
        assert not np.array_equal(*values, equal_nan=True), column
