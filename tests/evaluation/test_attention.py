import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.attention import faithfulness, health_summary, last_epochs


def test_each_network_is_judged_by_its_last_epoch(diagnostics):
    diagnostics.loc[diagnostics["epoch"] < 3, "entropy_ratio"] = 1.0
    early = (diagnostics["fit"] == "2021-22") & (diagnostics["network"] == 1)
    diagnostics.loc[early & (diagnostics["epoch"] == 2), "entropy_ratio"] = 0.8
    kept = diagnostics[~(early & (diagnostics["epoch"] == 3))]
    last = last_epochs(kept.sample(frac=1, random_state=0))
    assert last[["fit", "network", "epoch"]].to_numpy().tolist() == [
        ["2021-22", 0, 3.0], ["2021-22", 1, 2.0], ["2022-23", 0, 3.0], ["2022-23", 1, 3.0],
    ]  # fmt: skip
    assert last["alive"].all()
    summary = health_summary(last.assign(attention_max=[0.1, 0.2, 0.3, 0.6]))
    row = summary.set_index("statistic").loc["attention_max"]
    assert row.to_dict() == pytest.approx({"mean": 0.3, "lowest": 0.1, "highest": 0.6})


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("entropy_ratio", 0.2),
        ("entropy_ratio", 0.98),
        ("entropy_ratio", np.nan),
        ("prior_kl", 0.02),
        ("prior_kl", np.nan),
        ("fallback_share", 1e-6),
        ("gradient_attention", 0.0),
        ("gradient_encoder", np.inf),
        ("gradient_scorer", np.nan),
    ],
)
def test_one_sign_of_death_counts_for_its_network_only(diagnostics, column, value):
    diagnostics.loc[diagnostics.index[-1], column] = value
    assert last_epochs(diagnostics)["alive"].tolist() == [True, True, True, False]


def test_an_untrained_network_is_not_alive(diagnostics):
    healthy = diagnostics.assign(gradient_attention=0.01)
    assert not last_epochs(healthy[healthy["epoch"] < 0])["alive"].any()


def effects_of(cells):
    """One row a team; a cell is a season, a point and effects of the top and the other player."""
    effects = ["top", "other"]
    table = pd.DataFrame(cells, columns=["season", "as_of_point", *effects])
    table = table.explode(effects).astype(dict.fromkeys(effects, float))
    return table.assign(left_out="player")


def test_seasons_count_alike_however_many_teams_they_have():
    of_two = ("2021-22", "open", [1.0, 3.0], [0.0, 4.0])
    of_four = ("2022-23", "open", [5.0] * 4, [1.0, 1.0, 1.0, 9.0])
    row = faithfulness(effects_of([of_two, of_four])).iloc[0]
    assert row["value"] == pytest.approx((2 + 5) / 2)
    assert row["reference_value"] == pytest.approx((2 + 3) / 2)
    assert row["difference"] == pytest.approx(1.0)
    assert row["moves_more"] == pytest.approx((0.5 + 0.75) / 2)
    assert (row["n_seasons"], row["verdict"]) == (2, "too few seasons")
    assert faithfulness(pd.DataFrame()).empty


def test_players_and_games_are_compared_apart():
    players = effects_of([("2021-22", "open", [1.0, 3.0], [0.0, 1.0])])
    games = effects_of([("2021-22", "open", [0.3, 0.1], [0.2, 0.2])]).assign(left_out="game")
    table = faithfulness(pd.concat([players, games])).set_index("left_out")
    assert table["difference"].to_dict() == pytest.approx({"player": 1.5, "game": 0.0})
    assert table["moves_more"].to_dict() == pytest.approx({"player": 1.0, "game": 0.5})


def test_the_row_of_a_stopped_network_is_that_of_the_weights_kept(diagnostics):
    turned = diagnostics.assign(
        val_set_loss=diagnostics["epoch"].map({-1: np.nan, 0: -0.1, 1: -0.3, 2: -0.2, 3: 0.1})
    )
    assert (last_epochs(turned)["epoch"] == 1).all()
    assert (last_epochs(diagnostics)["epoch"] == 3).all()


@pytest.mark.parametrize(
    ("change", "alive"),
    [
        ({}, True),
        ({"game_kl": 0.003}, False),
        ({"game_gain": 0.0}, False),
        ({"game_kl": np.nan}, False),
    ],
)
def test_attention_over_games_is_alive_where_it_weighs_and_explains(diagnostics, change, alive):
    assert (last_epochs(diagnostics.assign(**change))["games_alive"] == alive).all()


def test_the_difference_is_paired_by_season_and_points_are_in_order():
    # Scores of some seasons move far more than those of others, but top always by .1 more.
    cells = [
        (f"20{10 + i}-{11 + i}", point, [scale + 0.1 + 1e-4 * i], [scale])
        for point in ("end", "0.25")
        for i, scale in enumerate([0.1, 1.0, 3.0, 0.5, 2.0, 0.3])
    ]
    table = faithfulness(effects_of(cells))
    assert table["as_of_point"].tolist() == ["0.25", "end"]
    assert (table["verdict"] == "better").all()
    np.testing.assert_allclose(table[["low", "high"]], 0.1, atol=1e-3)
