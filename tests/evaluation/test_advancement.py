import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import as_of_points
from nba_rank.data.outcomes import EVENTS, FINISHES
from nba_rank.evaluation.advancement import advancement_metrics, finish_table, rank_interval_metrics
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.odds.season_sim import SeasonStrengths, Situation, simulate, summary

ODDS = [f"{event}_prob" for event in EVENTS]


def four_teams(season="2023-24"):
    """A league of four teams, three of which make the playoffs."""
    finish = ["Champion", "Finals", "First round", "Lottery"]
    teams = {"team_id": [1, 2, 3, 4], "rounds_won": [4, 3, 0, 0], "outcome_rank": [1, 2, 3, 4]}
    return pd.DataFrame({"season": season, **teams, "finish": finish}).assign(
        made_playoffs=lambda teams: teams["finish"] != "Lottery"
    )


def odds_of(season="2023-24", point="end", **columns):
    return four_teams(season)[["season", "team_id"]].assign(
        as_of_point=point, ranker="stack", **columns
    )


def values(tidy):
    assert tidy.columns.tolist() == TIDY_COLUMNS
    assert set(tidy["scope"]) == {"league"}
    assert not tidy.duplicated(TIDY_COLUMNS[:-1]).any()
    return tidy.set_index("metric")["value"]


def test_losses_by_hand():
    playoff, title = [0.9, 0.8, 0.5, 0.4], [0.5, 0.3, 0.1, 0.1]
    odds = odds_of(playoff_prob=playoff, finals_prob=[0.6, 0.5, 0.4, 0.5], title_prob=title)
    tidy = advancement_metrics(odds, four_teams())
    # The Finals are reached by both of their teams.
    assert values(tidy).to_dict() == pytest.approx(
        {
            "playoff_brier": (0.01 + 0.04 + 0.25 + 0.16) / 4,
            "playoff_log_loss": -np.log(0.9 * 0.8 * 0.5 * 0.6) / 4,
            "finals_brier": (0.16 + 0.25 + 0.16 + 0.25) / 4,
            "champion_brier": (0.25 + 0.09 + 0.01 + 0.01) / 4,
            "champion_log_loss": -np.log(0.5),
        }
    )
    value = values(advancement_metrics(odds_of(**dict.fromkeys(ODDS, 0.2)), four_teams()))
    # Of the twenty events of four teams ten came: three, two, two, two and one.
    assert value["advancement_log_loss"] == pytest.approx(-np.log(0.2 * 0.8) / 2)
    assert len(value) == 8


def test_lists_are_scored_apart_in_any_order_and_without_absent_odds():
    results = pd.concat([four_teams("2022-23"), four_teams("2023-24")])
    rng = np.random.default_rng(1)
    lists = [
        odds_of(season, point, title_prob=rng.dirichlet(np.ones(4)), playoff_prob=playoff)
        for season in ("2022-23", "2023-24")
        for point, playoff in (("open", np.nan), ("end", 0.75))
    ]
    shuffled = pd.concat(lists).sample(frac=1, random_state=0)
    together = advancement_metrics(shuffled, results.iloc[::-1])
    alone = pd.concat(advancement_metrics(part, results) for part in lists)
    key = TIDY_COLUMNS[:-1]
    pd.testing.assert_frame_equal(
        *(frame.sort_values(key, ignore_index=True) for frame in (together, alone))
    )
    scored = together.groupby("as_of_point")["metric"].agg(set)
    assert scored["open"] == {"champion_brier", "champion_log_loss"}
    assert scored["end"] == scored["open"] | {"playoff_brier", "playoff_log_loss"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda odds: odds[:3], "3 teams in 3 rows, 3 of them with results"),
        (lambda odds: pd.concat([odds, odds[:1]]), "4 teams in 5 rows"),
        (lambda odds: pd.concat([odds[:3], odds[:1]]), "3 teams in 4 rows"),
        (lambda odds: odds.assign(team_id=[1, 2, 3, 9]), "4 rows, 3 of them with results"),
        (lambda odds: odds.assign(season="2024-25"), "2024-25 at end: .* 0 of them with results"),
        (lambda odds: odds.assign(title_prob=[0.5, 0.5, 0.2, -0.2]), "probabilities"),
        (lambda odds: odds.assign(title_prob=[0.5, 0.5, np.nan, 0]), "probabilities"),
    ],
)
def test_broken_odds_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        advancement_metrics(change(odds_of(title_prob=0.25)), four_teams())


def test_finishes_by_hand():
    odds = odds_of(
        season="2018-19",
        playoff_prob=[1.0, 0.9, 0.6, 0.4],
        round_1_prob=[0.9, 0.6, 0.1, 0.0],
        round_2_prob=[0.8, 0.3, 0.0, 0.0],
        finals_prob=[0.7, 0.1, 0.0, 0.0],
        title_prob=[0.5, 0.0, 0.0, 0.0],
    )
    table = finish_table(odds, four_teams("2018-19"))
    likely = ["Champion", "First round", "First round", "Lottery"]
    assert table["likely_finish"].tolist() == likely
    assert table["likely_finish_prob"].tolist() == pytest.approx([0.5, 0.3, 0.5, 0.6])
    assert table["finish"].tolist() == ["Champion", "Finals", "First round", "Lottery"]
    assert table["finish_prob"].tolist() == pytest.approx([0.5, 0.1, 0.5, 0.6])


def test_losers_of_the_play_in_of_2020_finish_there():
    odds = odds_of(season="2019-20", **dict.fromkeys(ODDS, 0.0))
    odds["playoff_prob"] = [1.0, 0.8, 0.2, 0.0]
    seeds = {f"seed_{place}": 0.0 for place in range(1, 7)}
    table = finish_table(odds.assign(playin_prob=[0, 1, 1, 0], **seeds), four_teams("2019-20"))
    assert table["likely_finish"].tolist() == ["First round", "First round", "Play-in", "Lottery"]
    assert table["likely_finish_prob"].tolist() == pytest.approx([1.0, 0.8, 0.8, 1.0])


def test_finishes_are_those_of_the_simulations(sim_tables, sim_results):
    season = "2022-23"
    situation = Situation.of(sim_tables, season, as_of_points(sim_tables, season)["0.5"])
    spread = np.random.default_rng(0).normal(scale=3, size=30)
    strengths = SeasonStrengths(
        regular=spread, playoffs=spread, regular_doubt=2.0, playoffs_doubt=2.0,
        regular_noise=12.0, playoffs_noise=12.0, regular_edge=2.0, playoffs_edge=2.0, rest=0.0,
    )  # fmt: skip
    drawn = simulate(situation, strengths, 300, np.random.default_rng(1))
    odds = pd.DataFrame(summary(situation, drawn)).assign(season=season, as_of_point="0.5")
    # Odds by round are exact given the draw, so only play-in and lottery are counted exactly.
    seed, made = drawn.seeds.seed, drawn.reach[:, :, 0] > 0
    playin = ((seed > 6) & (seed <= 10) & ~made).mean(axis=0)
    lottery = (seed > 10).mean(axis=0)
    table = finish_table(odds, sim_results)
    for finish, share in (("Play-in", playin), ("Lottery", lottery)):
        for column in ("likely_finish", "finish"):
            rows = (table[column] == finish).to_numpy()
            assert rows.any()
            np.testing.assert_allclose(table.loc[rows, f"{column}_prob"], share[rows], atol=1e-12)
    assert table["likely_finish_prob"].between(1 / len(FINISHES), 1 + 1e-12).all()


def test_rank_intervals_by_hand():
    odds = odds_of(rank_low=[1, 1, 1, 1], rank_high=[2, 1, 4, 3])
    value = values(rank_interval_metrics(odds, four_teams()))
    assert value.to_dict() == {"rank_interval_coverage": 0.5, "rank_interval_width": 2.5}
