"""Words for the names used in tables."""

from collections.abc import Mapping

from nba_rank.core.metrics import METRICS, higher_is_better
from nba_rank.core.names import MEMBERS
from nba_rank.evaluation.paired import MEAN

ABSENT = "–"  # noqa: RUF001
"""What is shown for a value that was not measured or is undefined."""

POINT_LABELS = {
    "open": "opening", "0.05": "5%", "0.15": "15%", "0.25": "25%",
    "0.5": "50%", "0.75": "75%", "end": "end",
}  # fmt: skip
"""Points in the regular season, in order."""

PLAYOFF_LABELS = {
    f"round_{number}_{when}": words + " round" * (number < 4) + more
    for number, words in enumerate(("1st", "2nd", "3rd", "Finals"), start=1)
    for when, more in (("begins", ""), ("two_games", ", 2 games in"))
}
"""Points in the playoffs, in order."""

SCOPE_LABELS = {
    "league": "all teams",
    "playoff16": "the 16 playoff teams",
    "east": "East",
    "west": "West",
    "regular": "regular season",
    "playoffs": "playoffs",
    "regular_priced": "regular season, games with bookmakers' odds",
    "playoffs_priced": "playoffs, games with bookmakers' odds",
}

LIST_LABELS = {
    (MEAN, "league"): "mean",
    **{(point, "league"): words for point, words in POINT_LABELS.items()},
    ("end", "playoff16"): "inside the 16",
}
"""Lists of teams, as-of point and scope, in order."""

EVENT_LABELS = {
    "playoff": "makes the playoffs", "round_1": "wins round 1", "round_2": "wins round 2",
    "finals": "reaches the Finals", "title": "wins the title",
}  # fmt: skip

FORECAST_LABELS = {"win": "wins a given game", **EVENT_LABELS}
"""Events of games and teams that are forecast."""

FORECASTER_LABELS = {
    "clone_classifier": "playoff classifier",
    "simulation": "season simulator",
    "standings": "standings logistic",
    "elo": "Elo logistic",
    "random": "chance",
}
"""Who forecasts the playoffs, in order."""

LOSS_LABELS = {
    "list_mle": "ListMLE",
    "p_list_mle": "position-aware ListMLE",
    "soft_spearman": "1 - soft Spearman",
}

_RANKERS = {
    "stack": "stack", "model_a": "A attention", "xgb": "B XGBoost", "rf": "C forest",
    "roster_strength": "roster strength alone",
    "projected_outcome": "projection", "clone_classifier": "playoff classifier",
    "standings": "standings", "elo": "Elo", "massey": "Massey", "srs": "SRS",
    "net_rating": "net rating", "margins": "margins, simulated", "last_season": "last season",
    "with_market": "with the market", "last_season_rosters": "with last season's rosters",
    "market": "bookmakers", "closing_spreads": "closing spreads",
    "random": "random", "random16": "random playoff team",
    "platt": "Platt calibration", "simulation": "simulation",
    "always_home": "home teams' share", "elo_fitted": "Elo (home edge fitted)",
}  # fmt: skip
_HEALTH = {
    "set_loss": "training loss, less that of the team prior alone",
    "val_set_loss": "the same of held-out seasons",
    "set_variance": "variance of the set's part of the score over that of the prior's",
    "prior_kl": "KL of attention over players from minutes, nats",
    "game_kl": "KL of attention over games from minutes and decay, nats",
    "game_gain": "share of the loss of margins that ratings by games take away",
    "entropy_ratio": "entropy over that of equal weights",
    "attention_max": "largest weight of a team",
    "fallback_share": "share of fallbacks",
    "score_spread": "spread of the scores in a list",
    "gradient_attention": "gradient norm, attention",
    "gradient_encoder": "gradient norm, encoder",
    "gradient_scorer": "gradient norm, scorer",
}
_PARTS = {
    "average_team": "average team", "own_strength": "own strength",
    "projected_outcome": "projection", "regressed_win_pct": "record to date, regressed",
    "full_strength": "players at full strength", "roster_strength": "players expected to play",
    "playoff_strength": "players in the playoffs", "star_strength": "stars",
    "draft_value": "young players by draft", "margin_to_date": "point margin so far",
    "opponents_to_date": "opponents to date", "margin_restated": "margin, restated for assumptions",
    "elo_of_earlier_seasons": "Elo of earlier seasons",
    "elo_of_this_season": "Elo of this season", "market_rating": "bookmakers",
    "score": "score of the models", "wins_so_far": "wins so far",
    "games_left_of_an_average_team": "games left of an average team",
    "schedule_to_come": "schedule to come", "home_court_and_rest": "home court and rest",
    "assumed_results": "assumed results",
    "chance_of_the_simulation": "number of simulated seasons",
    "record_so_far": "record so far",
    "strength_in_the_regular_season": "strength in the regular season",
    "strength_in_the_playoffs": "strength in the playoffs", "box_score": "box score",
    "results_with_him": "results with him", "offence": "offence", "defence": "defence",
    "rest_of_the_rating": "rest of the rating",
    "rest_of_the_integral": "rest of the integral",
    "new_results": "new results", "results_of_others": "others' results",
    "strength_of_others": "others' strength", "scores_of_others": "others' scores",
    "weight_of_the_season": "other weights later in the season", "small_parts": "smaller parts",
    "integrated_gradients": "integrated gradients",
}  # fmt: skip
_LABELS: Mapping[str, Mapping[str, str]] = {
    "as_of_point": POINT_LABELS | PLAYOFF_LABELS,
    "scope": SCOPE_LABELS,
    "metric": {name: metric.words for name, metric in METRICS.items()},
    "event": FORECAST_LABELS,
    "forecaster": FORECASTER_LABELS,
    "statistic": _HEALTH,
    "part": {**{name: _RANKERS[name] for name in MEMBERS}, **_PARTS},
    "loss": LOSS_LABELS,
    **dict.fromkeys(("ranker", "reference", "member", "model"), _RANKERS),
}


def label(column: str, value: object) -> str:
    """Return the words for a name in a column such as `ranker`, or the name where it has none."""
    if value is None or value != value:
        return ABSENT
    return _LABELS.get(column, {}).get(str(value), str(value))


def list_label(point: str, scope: str) -> str:
    """Return the words for a list of teams, as-of point and scope."""
    return LIST_LABELS.get((point, scope), f"{point}, {scope}")


def measure_label(metric: str, scope: str = "league") -> str:
    """Return the words for a metric of some teams, with an arrow to where it is better."""
    where = "" if scope == "league" else f", {label('scope', scope)}"
    arrow = {True: " ↑", False: " ↓", None: ""}[higher_is_better(metric)]
    return f"{label('metric', metric)}{where}{arrow}"


def sentence(words: str) -> str:
    """Return words with a capital letter first."""
    return words[:1].upper() + words[1:]


def listed(names: list[str]) -> str:
    """Return names as a list in words."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def ordinal(n: int) -> str:
    """Return a place in words, such as `21st`."""
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def span(seasons: list[str]) -> str:
    """Return seasons in words, such as `2014-15 to 2015-16, 2 seasons`."""
    n = len(seasons)
    return f"{min(seasons)} to {max(seasons)}, {n} seasons" if n > 1 else seasons[0]
