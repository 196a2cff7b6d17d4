from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.tables import BOX_COLUMNS, Tables, conform
from nba_rank.evaluation.baselines import baseline_scores
from nba_rank.features.players.impact import player_ratings
from nba_rank.features.roster import player_sets
from nba_rank.features.store import build_store

BOX = list(BOX_COLUMNS)


def poison(tables: Tables, season: str, day: pd.Timestamp, seed: int) -> Tables:
    """Replace everything that happens on the day and after it, and drop the later seasons."""
    rng = np.random.default_rng(seed)
    tables = without_later_seasons(tables, season)
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
    new_games = conform("games", pd.concat([past, future]))

    past, future = split(tables.team_games)
    future["team_id"] = future["team_id"].map(team)
    future["opponent_team_id"] = future["opponent_team_id"].map(team)
    future["is_home"] ^= future["game_id"].map(swapped)
    own = future["game_id"].map(home).where(future["is_home"], future["game_id"].map(away))
    theirs = future["game_id"].map(away).where(future["is_home"], future["game_id"].map(home))
    future["points"], future["opponent_points"], future["won"] = own, theirs, own > theirs
    future[BOX] = noise(rng, (len(future), len(BOX)))
    new_team_games = conform("team_games", pd.concat([past, future]))

    past, future = split(tables.player_games)
    future = future[rng.random(len(future)) > 0.1]
    future["team_id"] = future["team_id"].map(team)
    future["seconds"] = rng.integers(0, 4_000, len(future))
    numbers = [*BOX, "points", "plus_minus"]
    future[numbers] = noise(rng, (len(future), len(numbers)))
    renamed = rng.random(len(future)) < 0.1
    future.loc[renamed, "player_id"] = 90_000_000 + np.arange(renamed.sum())
    renamed = rng.random(len(future)) < 0.1
    future.loc[renamed, "player_id"] = -90_000_000 - np.arange(renamed.sum())
    new_player_games = conform("player_games", pd.concat([past, future]))

    seasons = tables.seasons.copy()
    row = seasons["season"] == season
    seasons.loc[row, ["champion_team_id", "runner_up_team_id"]] = rng.choice(ids, 2)
    seasons.loc[row, ["n_regular", "n_regular_expected", "n_playin", "n_playoffs"]] += 7
    seasons.loc[row, "complete"] = ~seasons.loc[row, "complete"]
    seasons.loc[row, "last_regular_date"] += pd.Timedelta(days=5)
    lines = tables.market_lines.copy()
    later = lines["game_date"] >= day
    lines.loc[later, "home_spread"] = noise(rng, later.sum())
    lines.loc[later, "home_win_prob"] = rng.random(later.sum())
    return replace(
        tables,
        **poisoned_reports(tables, season, day, rng),
        **{
            name: spoiled_season(dict(tables.items())[name], season, rng)
            for name in ("team_records", "raptor")
        },
        market_lines=lines,
        games=new_games,
        team_games=new_team_games,
        player_games=new_player_games,
        seasons=conform("seasons", seasons),
        rosters=poisoned_rosters(tables.rosters, season, day, ids, rng),
    )


def poisoned_reports(tables, season, day, rng):
    """Change all reports after the day, and add ten."""
    past, future = (tables.injury_reports[part] for part in split_at(tables.injury_reports, day))
    known = tables.player_games["player_id"].unique()
    new = [day + pd.Timedelta(days=days) for days in range(1, 11)]
    made = pd.DataFrame({"date": new, "season": season}).merge(
        pd.DataFrame({"player_id": rng.permutation(known)[:60]}), how="cross"
    )
    team = tables.teams["team_id"].iloc[0]
    made = made.assign(team_id=team, status="Doubtful", reason="torn ACL in left knee")
    future = future.sample(frac=0.7, random_state=int(rng.integers(1_000)))
    reports = pd.concat([made, future.assign(status="Probable"), past])
    reports = reports.drop_duplicates(["date", "player_id"])
    dates = tables.injury_report_dates
    earlier, later = (dates[part] for part in split_at(dates, day))
    added = made[["date", "season"]].drop_duplicates()
    dates = pd.concat([earlier, added, later[~later["date"].isin(added["date"])].iloc[::2]])
    reports = reports[reports["date"].isin(dates["date"])]
    return {
        "injury_reports": conform("injury_reports", reports),
        "injury_report_dates": conform("injury_report_dates", dates),
    }


def split_at(frame, day):
    """Rows up to the day and after it: a report is known on its own morning."""
    return frame["date"] <= day, frame["date"] > day


def spoiled_season(table, season, rng):
    """Change season totals, which are known only when the season is over."""
    rates = table.select_dtypes("float64").columns
    spoiled = table.copy()
    of_season = table["season"] == season
    spoiled.loc[of_season, rates] = rng.normal(0, 50, (of_season.sum(), len(rates)))
    return spoiled


def poisoned_rosters(rosters, season, day, ids, rng):
    """Deal everyone out anew in the files dated after the day, and add two files."""
    past, future = rosters[rosters["date"] <= day], rosters[rosters["date"] > day]
    known = rosters["player_id"].unique()
    files = [future.sample(frac=0.8, random_state=int(rng.integers(1_000)))]
    for days_later in (1, 30):
        new = 80_000_000 + rng.choice(1_000, 40, replace=False)
        listed = np.concatenate([rng.permutation(known)[: len(known) // 2], new, -new])
        files.append(
            pd.DataFrame(
                {
                    "date": day + pd.Timedelta(days=days_later),
                    "season": season,
                    "player_id": listed,
                    "player_name": "",
                }
            )
        )
    poisoned = pd.concat(files)
    poisoned["team_id"] = rng.choice(ids, len(poisoned))
    return conform("rosters", pd.concat([past, poisoned]))


def cut(tables: Tables, season: str, day: pd.Timestamp, seed: int) -> Tables:
    """Leave only what had happened on the morning of the day."""
    del seed
    tables = without_later_seasons(tables, season)
    return replace(
        tables,
        **{
            name: table[table["game_date"] < day].reset_index(drop=True)
            for name, table in tables.items()
            # The fixtures of later days are known.
            if "game_date" in table and name != "schedule"
        },
        **{
            name: table[table["date"] <= day].reset_index(drop=True)
            for name, table in tables.items()
            if "date" in table
        },
        **{
            name: dict(tables.items())[name].loc[lambda table: table["season"] < season]
            for name in ("team_records", "raptor")
        },
    )


def without_later_seasons(tables: Tables, season: str) -> Tables:
    return Tables(
        **{
            name: table[table["season"] <= season].reset_index(drop=True)
            for name, table in tables.items()
        }
    )


def around(tables: Tables, season: str) -> Tables:
    """Leave a season, the two before it and the one after it."""
    first, last = (str(int(season[:4]) + years) for years in (-2, 2))
    return Tables(
        **{
            name: table[table["season"].between(first, last)].reset_index(drop=True)
            for name, table in tables.items()
        }
    )


def noise(rng, shape):
    """Whole numbers, some huge and some missing."""
    values = rng.integers(-50, 300, shape).astype(np.float64)
    values[rng.random(shape) < 0.05] = 1e9 + 7
    values[rng.random(shape) < 0.15] = np.nan
    return values


def past_dates(tables: Tables, season: str, share: float) -> pd.DataFrame:
    """The date at a share of the season, some before it and two of the season before."""
    dates = []
    for name, shares in ((previous(season), (0.4, 1.0)), (season, (0.0, share / 2, share))):
        row = tables.seasons[tables.seasons["season"] == name]
        if row.empty:
            continue
        first, last = row["first_date"].iloc[0], row["last_regular_date"].iloc[0]
        span = (last - first).days + 1
        dates += [(name, first + pd.Timedelta(days=round(part * span))) for part in shares]
    frame = pd.DataFrame(dates, columns=["season", "as_of_date"]).drop_duplicates()
    frame["as_of_point"] = [str(place) for place in range(len(frame))]
    return frame.astype({"season": "str", "as_of_date": "datetime64[us]", "as_of_point": "str"})


def previous(season: str) -> str:
    year = int(season[:4])
    return f"{year - 1}-{year % 100:02d}"


def everything(tables: Tables, dates: pd.DataFrame, features):
    """Player ratings, features, baseline scores and player sets."""
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
    np.testing.assert_array_equal(sets.player_id, same.player_id)
    np.testing.assert_array_equal(sets.minutes_share, same.minutes_share)
    np.testing.assert_array_equal(sets.stats, same.stats)
    assert sets.dates_left_out == same.dates_left_out


def check_future(tables, season, share, spoil, features, seed):
    dates = past_dates(tables, season, share)
    day = dates["as_of_date"].max()
    spoiled = spoil(tables, season, day, seed)
    assert spoil is not poison or (spoiled.rosters["date"] > day).sum() > 40
    assert not spoiled.games.equals(tables.games)
    assert not spoiled.team_games.equals(tables.team_games)
    assert_identical(everything(spoiled, dates, features), everything(tables, dates, features))


@pytest.fixture(scope="module")
def tables(sim_tables, priced, with_raptor):
    """Three simulated seasons with everything that a feature reads."""
    return with_raptor(priced(sim_tables))


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


def test_the_past_changes_features_sets_and_baselines(sim_tables, features):
    dates = past_dates(sim_tables, "2022-23", 0.5)
    asked = dates[dates["as_of_date"] == dates["as_of_date"].max()]
    spoiled = poison(sim_tables, "2022-23", asked["as_of_date"].iloc[0] - pd.Timedelta("20D"), 3)
    got, expected = (everything(tables, asked, features()) for tables in (spoiled, sim_tables))
    unaffected = {"prior_win_pct", "prior_margin_per_game", "prior_playoff_wins", "conference"}
    unaffected |= {"season", "as_of_date", "team_id", "eliminated", "clinched", "late_season"}
    unaffected |= {"prior_mov", "prior_sos", "prior_srs", "injury_report_known"}
    # Without RAPTOR in the tables nothing is known.
    unaffected |= {"prior_raptor_offense", "prior_raptor_defense"}
    unaffected |= {"seeds_in_reach", "draft_pressure"}
    for column in expected["features"].columns.difference(list(unaffected)):
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


def test_a_roster_file_counts_from_its_own_morning_on(sim_tables, features):
    dates = past_dates(sim_tables, "2022-23", 0.5).tail(1)
    day = dates["as_of_date"].iloc[0]
    ids = sim_tables.teams.loc[sim_tables.teams["season"] == "2022-23", "team_id"].to_numpy()

    def listed_on(date):
        rosters = poisoned_rosters(
            sim_tables.rosters, "2022-23", date - pd.Timedelta(days=1), ids,
            np.random.default_rng(4),
        )  # fmt: skip
        ratings = player_ratings(replace(sim_tables, rosters=rosters), dates, features().impact)
        return ratings.set_index("player_id")["team_id"].to_dict()

    now = player_ratings(sim_tables, dates, features().impact)
    assert listed_on(day) != now.set_index("player_id")["team_id"].to_dict()
    assert listed_on(day + pd.Timedelta(days=1)) == now.set_index("player_id")["team_id"].to_dict()
