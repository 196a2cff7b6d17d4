import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from nba_rank.core.names import ALL
from nba_rank.data.outcomes import outcomes, series
from nba_rank.data.standings import standings
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.series import (
    COLUMNS,
    decided_series,
    series_metrics,
    series_references,
    series_upsets,
)

SEASON = "2022-23"


def strength_of(tables, season=SEASON):
    teams = tables.teams.loc[tables.teams["season"] == season, ["season", "team_id"]]
    return teams.assign(strength=np.random.default_rng(0).normal(scale=4, size=len(teams)))


def upsets_of(tables, strength, **changes):
    season = strength["season"].iloc[0]
    decided = decided_series(tables, outcomes(tables, season), [season])
    return series_upsets(decided, strength, **{"home_edge": 2.5, "noise_sd": 12.0} | changes)


def rows(gap, host_won, p_host=np.nan, season=SEASON, ranker="simulation"):
    """Series in which the guest is stronger than the host by the gap."""
    known = {"season": season, "ranker": ranker, "host_won": host_won, "p_host": p_host}
    return pd.DataFrame({**known, "host_strength": 3.0, "guest_strength": 3.0 + np.asarray(gap)})


def values(upsets):
    """Metrics of series by name, season and ranker."""
    tidy = series_metrics(upsets)
    assert tidy.columns.tolist() == TIDY_COLUMNS
    return tidy.set_index(["metric", "season", "ranker"])["value"]


def test_a_row_for_each_series_with_the_better_record_as_host(sim_tables):
    strength = strength_of(sim_tables)
    table = upsets_of(sim_tables, strength)
    assert table["round"].value_counts().sort_index().tolist() == [8, 4, 2, 1]
    place = standings(sim_tables.team_games, sim_tables.teams, SEASON).set_index("team_id")
    sides = [table[f"{side}_team_id"].map(place["league_rank"]) for side in ("host", "guest")]
    assert (sides[0] < sides[1]).all()
    winners = series(sim_tables.team_games, SEASON).set_index(["team_id", "opponent_team_id"])
    keys = pd.MultiIndex.from_frame(table[["host_team_id", "guest_team_id"]])
    won = winners.loc[keys, "winner_team_id"].to_numpy() == table["host_team_id"]
    assert table["host_won"].tolist() == won.tolist()
    for side in ("host", "guest"):
        expected = table[f"{side}_team_id"].map(strength.set_index("team_id")["strength"])
        assert table[f"{side}_strength"].tolist() == expected.tolist()


def test_probability_of_a_series_against_drawn_games(sim_tables):
    table = upsets_of(sim_tables, strength_of(sim_tables), doubt_sd=2.0)
    rng = np.random.default_rng(3)
    gap = (table["host_strength"] - table["guest_strength"]).to_numpy()
    doubt = rng.normal(scale=2.0, size=(2, 40_000, len(table)))
    at_home = np.array([1, 1, -1, -1, 1, -1, 1])[:, None, None]
    noise = rng.normal(scale=12.0, size=(7, 40_000, len(table)))
    margin = gap + doubt[0] - doubt[1] + 2.5 * at_home + noise
    expected = ((margin > 0).sum(axis=0) >= 4).mean(axis=0)
    np.testing.assert_allclose(table["p_host"], expected, atol=0.012)


def test_a_team_without_strength_is_refused(sim_tables):
    with pytest.raises(ValueError, match="no strength of the teams"):
        upsets_of(sim_tables, strength_of(sim_tables).iloc[:20])


def test_references_have_gaps_and_no_probabilities(sim_tables, sim_results):
    seasons = sim_tables.seasons["season"].tolist()
    decided = decided_series(sim_tables, sim_results, seasons)
    table = series_references(decided, sim_tables, sim_results)
    assert table.columns.tolist() == COLUMNS
    counts = table.groupby(["ranker", "season"]).size()
    assert counts.to_dict() == {(name, s): 15 for name in ("elo", "standings") for s in seasons}
    record = table[table["ranker"] == "standings"]
    assert (record["host_strength"] >= record["guest_strength"]).all()
    assert set(series_metrics(table)["metric"]) == {"series_upset_auc"}
    alone = series_references(decided[decided["season"] == SEASON], sim_tables, sim_results)
    among = table[table["season"] == SEASON].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, among)


def test_metrics_by_hand():
    # Upsets at gaps 2 and 0; of the pairs with -1, 0 and 1 the first is right on three, the
    # second on one and ties on one.
    value = values(rows([2.0, 0.0, -1.0, 0.0, 1.0], [False, False, True, True, True]))
    assert value["series_upset_auc", SEASON, "simulation"] == pytest.approx((3 + 1.5) / 6)
    no_upset = values(rows([1.0, 2.0], [True, True], [1.0, 0.5])).xs(SEASON, level="season")
    assert np.isnan(no_upset["series_upset_auc", "simulation"])
    assert no_upset["series_brier", "simulation"] == pytest.approx(0.25 / 2)
    assert no_upset["series_log_loss", "simulation"] == pytest.approx(np.log(2) / 2)


def test_all_seasons_are_pooled_as_well():
    rng = np.random.default_rng(0)
    gap, host_won = rng.normal(size=40), rng.random(40) < 0.6
    p = np.repeat([0.6, 0.7], [15, 25])
    season = np.repeat(["2021-22", SEASON], [15, 25])
    value = values(pd.concat([rows(gap, host_won, p, season), rows(gap, host_won, ranker="elo")]))
    own = value.xs("simulation", level="ranker")
    assert own["series_upset_auc", ALL] == pytest.approx(roc_auc_score(~host_won, gap))
    assert own["series_upset_auc", SEASON] == pytest.approx(roc_auc_score(~host_won[15:], gap[15:]))
    assert own["series_brier", ALL] == pytest.approx(np.mean((p - host_won) ** 2))
    assert set(value.xs("elo", level="ranker").index.get_level_values("metric")) == {
        "series_upset_auc"
    }


@pytest.mark.real
def test_real_upsets_are_foretold_by_the_standings(real_tables):
    seasons = real_tables.seasons["season"].tolist()
    results = outcomes(real_tables)
    table = series_references(decided_series(real_tables, results, seasons), real_tables, results)
    assert (table.groupby("ranker").size() == 15 * len(seasons)).all()
    value = values(table)
    assert value["series_upset_auc", ALL, "standings"] == pytest.approx(0.749, abs=0.01)
    assert 0.6 < value["series_upset_auc", ALL, "elo"] < 0.72


@pytest.mark.real
def test_real_rules_of_a_season_count(real_tables):
    def of_equal_teams(season):
        level = strength_of(real_tables, season).assign(strength=0.0)
        return (
            upsets_of(real_tables, level, home_edge=4.0)
            .groupby("round")["p_host"]
            .agg(["min", "max"])
        )

    # The shorter a series, the more its one game more at home is worth.
    p = of_equal_teams("2001-02")
    assert p.loc[1, "min"] > p.loc[2, "max"] > 0.5
    assert p.loc[2:].to_numpy() == pytest.approx(p.loc[4, "max"])
    assert of_equal_teams("2002-03").to_numpy() == pytest.approx(p.loc[4, "max"])
    # Nobody was at home in 2020.
    np.testing.assert_allclose(of_equal_teams("2019-20"), 0.5)
