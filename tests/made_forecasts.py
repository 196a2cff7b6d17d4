"""Forecasts of a date made up by hand: every table that a page shows, of thirty teams."""

from dataclasses import replace

import numpy as np
import pandas as pd

from nba_rank.data.freshness import Basis
from nba_rank.data.league import league_teams
from nba_rank.data.outcomes import EVENTS
from nba_rank.evaluation.date_forecast import DateForecast, beside
from nba_rank.report.page_changes import Changes

SEASON = "2023-24"
DATE = pd.Timestamp("2024-01-15")
NASTY = ("<script>alert(1)</script>", "=cmd()", "a|b", '"><img src=x onerror=alert(1)>')
KEY = {"season": SEASON, "as_of_date": DATE}


def made_teams() -> pd.DataFrame:
    """The teams, best first: in each conference the first of the list is the best."""
    teams = league_teams(SEASON).rename(columns={"city": "name"})
    teams = teams[["team_id", "abbreviation", "name", "conference"]]
    place = teams.groupby("conference").cumcount()
    return teams.iloc[np.lexsort((teams["conference"], place))].reset_index(drop=True)


def made_predictions(date=DATE, shift=0) -> pd.DataFrame:
    """Title odds of the best team are .3, of the last exactly 0; playoffs exactly 1 and 0."""
    teams = made_teams()
    n, share = len(teams), np.linspace(1, 0, len(teams))
    frame = teams.rename(columns={"abbreviation": "team"}).assign(
        season=SEASON,
        as_of_date=date,
        score=share,
        rank=(np.arange(n) + shift) % n + 1,
        regular_strength=10 * share - 5,
        expected_wins=20 + 40 * share,
        wins_low=(15 + 40 * share).astype(int),
        wins_high=(25 + 40 * share).astype(int),
        rank_low=1,
        rank_high=20,
        assumption="",
    )
    for place, event in enumerate(EVENTS):
        frame[f"{event}_prob"] = share ** (2 * place + 1)
    return frame


def made_players() -> pd.DataFrame:
    """Ten players a team; those of the first team have names that would do harm."""
    teams = made_teams()["team_id"].to_numpy()
    names = [*NASTY, *(f"Player {n}" for n in range(10 * len(teams) - len(NASTY)))]
    minutes = np.tile(np.linspace(36, 1, 10), len(teams))
    return pd.DataFrame(
        {
            **KEY, "team_id": np.repeat(teams, 10), "player_id": range(len(names)),
            "player": names, "impact_rating": np.tile(np.linspace(6, -3, 10), len(teams)),
            "impact_error": 1.5, "full_strength_minutes": minutes, "expected_minutes": minutes,
            "availability": np.tile(["Available"] * 9 + ["Out"], len(teams)),
        }
    )  # fmt: skip


def made_reasons() -> pd.DataFrame:
    """Of each team ten players, the first with two parts, and its margin; 5.5 points together."""
    teams = made_teams()["team_id"].to_numpy()
    names = [*made_players()["player"].head(10), made_players()["player"].iloc[0], ""]
    parts = [*["full_strength"] * 10, "draft_value", "margin_to_date"]
    values = [*np.linspace(2.0, 0.2, 10), -0.5, -5.0]
    return pd.DataFrame(
        {
            **KEY, "team_id": np.repeat(teams, 12), "part": parts * len(teams),
            "player_id": 1, "player": names * len(teams), "value": values * len(teams),
            "whole": sum(values),
        }
    )  # fmt: skip


def made_games() -> pd.DataFrame:
    """Three games between the first teams of the list."""
    teams = made_teams()
    home, away = teams.iloc[[0, 1, 2]], teams.iloc[[3, 4, 5]]
    found = {"game_date": DATE + pd.to_timedelta([0, 1, 1], "D")}
    for side, of in (("home", home), ("away", away)):
        found[side] = of["abbreviation"].to_numpy()
        found[f"{side}_team_id"] = of["team_id"].to_numpy()
        for event in ("playoff", "title"):
            found[f"{side}_{event}_swing"] = [0.08, 0.0, np.nan]
            found[f"{side}_{event}_swing_se"] = 0.01
    return pd.DataFrame(
        found
        | {
            "neutral_site": [False, False, True], "expected_margin": [9.5, -2.0, 0.0],
            "margin_sd": 12.0, "home_win_prob": [0.78, 0.43, 0.5],
            "home_out": [NASTY[0], "", ""], "away_out": "",
        }
    )  # fmt: skip


def made_seeds() -> pd.DataFrame:
    """Three of four on the seed of the list, a quarter on the next one."""
    teams = made_teams()
    place = teams.groupby("conference").cumcount() + 1
    seeds = {f"seed_{n}": 0.75 * place.eq(n) + 0.25 * place.eq(n % 15 + 1) for n in range(1, 16)}
    return teams[["team_id"]].assign(**KEY, **seeds)


def made_standings(left=41) -> pd.DataFrame:
    """The first of each conference has clinched its seed, the last is out; none when over."""
    teams = made_teams()
    place = (teams.groupby("conference").cumcount() + 1).astype("Int64")
    frame = teams.rename(columns={"abbreviation": "team"}).assign(
        **KEY, seed=place, wins=41 - place, losses=place, win_pct=0.5, games_behind=place - 1.0,
        point_diff=100 - 10 * place, tie_break="", stage="lottery", opponent="", hosts=False,
        first_pick_prob=np.nan, expected_pick=np.nan, games_left=left, home_games_left=left // 2,
        opponents_strength=np.linspace(-1, 1, len(teams)) if left else np.nan,
        best_seed=1 if left else place, worst_seed=15 if left else place,
        clinched_first_seed=place == 1, clinched_playoffs=place == 1, clinched_play_in=place <= 2,
        eliminated=place == 15,
    )  # fmt: skip
    frame.loc[place == 1, ["best_seed", "worst_seed"]] = 1
    return frame


def made_bracket(states=("projected",) * 4) -> pd.DataFrame:
    """First round to Finals in the order of the list; a state a round."""
    teams = made_teams()
    rows = []
    for number, state in enumerate(states, start=1):
        n = 2 ** (3 - number)
        for conference, of in teams.groupby("conference"):
            for host in range(n) if number < 4 else ():
                guest = 2 * n - 1 - host
                rows.append((number, conference, of.iloc[host], of.iloc[guest], host, guest, state))
    finalists = teams.iloc[0], teams.iloc[1]
    rows.append((4, "", *finalists, 0, 0, states[3]))
    return pd.DataFrame(
        [
            {
                **KEY, "round": number, "conference": conference, "host": host["abbreviation"],
                "host_team_id": host["team_id"], "guest": guest["abbreviation"],
                "guest_team_id": guest["team_id"], "host_seed": of_host + 1,
                "guest_seed": of_guest + 1, "host_wins": 4 * (state == "decided"), "guest_wins": 0,
                "host_win_prob": 1.0 if state == "decided" else 0.6,
                "guest_win_prob": 0.0 if state == "decided" else 0.4,
                "next_home": host["abbreviation"] if state == "known" else None,
                "host_next_win_prob": 0.55 if state == "known" else np.nan, "state": state,
            }
            for number, conference, host, guest, of_host, of_guest, state in rows
        ]
    )  # fmt: skip


def made_forecast(date=DATE, **changes) -> DateForecast:
    """A forecast in the middle of a season, with all tables; `changes` are of its fields."""
    teams = made_teams()
    standings = made_standings()
    made = DateForecast(
        made_predictions(date),
        {
            "seeds": made_seeds(), "games": made_games(), "standings": standings,
            "bracket": made_bracket(), "players": made_players(), "reasons": made_reasons(),
            "strengths": teams[["team_id"]].assign(
                **KEY, full_points=np.linspace(6, -6, 30), available_points=np.linspace(5, -6, 30)
            ),
        },
        standings[["team_id", "wins", "losses"]].assign(state="in"),
        Basis(
            SEASON, date, date - pd.Timedelta(days=1), 0, None, date, 600,
            regular_over=False, over=False,
        ),
        "f" * 64,
        [],
        None,
    )  # fmt: skip
    return replace(made, **changes)


def made_what_if(date=DATE, hypothetical="Tatum is out", **changes) -> DateForecast:
    """The second team falls to the fourth place, those between rise by one, and a few games change.

    `changes` are those of the predictions of the first five teams, by column; without any, these.
    """
    plain = made_forecast(date)
    changes = changes or {
        "rank": [0, 2, -1, -1, 0], "regular_strength": [0.0, -2.0, 0.04, 0.2, 0.0],
        "expected_wins": [0.06, -3.0, 0.5, 0.0, 0.0], "title_prob": [0.0, -0.3, 0.2, 0.1, 0.004],
    }  # fmt: skip
    now = plain.predictions.copy()
    for name, values in changes.items():
        now[name] += [*values, *[0] * (len(now) - len(values))]
    return beside(plain, replace(plain, predictions=now, hypothetical=hypothetical))


def made_history(days: int, date=DATE) -> pd.DataFrame:
    """Forecasts of so many days before a date; every day the ranks have moved by one."""
    return pd.concat(
        [made_predictions(date - pd.Timedelta(days=ago), ago % 30) for ago in range(1, days + 1)],
        ignore_index=True,
    )


def made_changes(shift=3, date=DATE) -> Changes:
    """A week ago the ranks were `shift` places on; a third of each move is by new results.

    Strengths have changed by .6, most by a player who is back now.
    """
    since = date - pd.Timedelta(days=7)
    teams, now = made_teams()["team_id"].to_numpy(), made_predictions(date)
    before = made_predictions(since, shift)
    won = (before["rank"] - now["rank"]).to_numpy()
    shares = {
        ("new_results", ""): 1 / 3, ("player_is_back", NASTY[0]): 0.8, ("small_parts", ""): 0.2,
        ("results_of_others", ""): 0.0, ("strength_of_others", ""): -1 / 3,
    }  # fmt: skip
    rows = [("moved_places", *name, share * won, won) for name, share in shares.items()]
    rows += [("strength", "full_strength", NASTY[0], 1.04, 0.6),
             ("strength", "margin_to_date", "", -0.44, 0.6)]  # fmt: skip
    parts = pd.concat(
        pd.DataFrame({"level": level, "team_id": teams, "part": part, "player": player,
                      "value": value, "whole": whole})
        for level, part, player, value, whole in rows
    )  # fmt: skip
    title = before["title_prob"].clip(0.02, 0.5)
    return Changes(since, before.assign(won=2, lost=1, title_prob=title), parts)


def made_without() -> pd.DataFrame:
    """Of the first two teams the first player, without whom they fall and rise."""
    teams = made_teams()["team_id"].tolist()[:2]
    values = {"places": [2.0, -1.0], "wins": [-3.24, 0.01], "title_prob": [-0.9, 0.0]}
    return pd.concat(
        pd.DataFrame({"team_id": teams, "player": NASTY[0], "part": part, "value": value})
        for part, value in values.items()
    )
