from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from threadpoolctl import threadpool_limits

from nba_rank.core.errors import UserError
from nba_rank.data.outcomes import EVENTS
from nba_rank.features.store import KEY
from nba_rank.models.calibration import CALIBRATIONS, PLAYOFF, SERIES, WIN, PlattScaling
from nba_rank.models.members import Members
from nba_rank.models.ranker import Ensemble, League, Ranker, out_of_season_scores
from nba_rank.odds.past_games import RatedGames
from nba_rank.odds.residual import RESIDUAL_INPUTS
from nba_rank.odds.softmax import SoftmaxOdds
from nba_rank.odds.strength import SCORE
from nba_rank.samples.dataset import PROGRESS, PROJECTED

NAMES = ["xgb", "rf"]
LEARNED, TESTED = "2022-23", "2023-24"
SMALL = [
    "paths.members=null",
    "model.members=[xgb,rf]",
    "model.xgb.n_estimators=5",
    "model.rf.n_estimators=5",
    "trainer.num_threads=1",
    "odds.n_simulations=20",
]


@pytest.fixture
def oof():
    """Out-of-fold scores of three seasons and their relevance; xgb knows something, rf nothing."""
    rng = np.random.default_rng(0)
    seasons = [("2019-20", "2020-01-01"), ("2020-21", "2021-03-01"), ("2021-22", "2022-01-01")]
    keys = [(season, pd.Timestamp(date), team) for season, date in seasons for team in range(30)]
    frame = pd.DataFrame(keys, columns=KEY)
    known, hidden = rng.normal(size=(2, len(frame)))
    strength = pd.Series(known + 0.5 * hidden)
    frame["relevance"] = (strength.groupby(frame["season"]).rank() - 1) / 29
    return frame.assign(**{PROGRESS: 0.5, "xgb": strength + known, "rf": rng.normal(size=90)})


def fit_ensemble(oof, config):
    scores = oof.drop(columns="relevance")
    return scores, Ensemble.fit(scores, oof[["season", "team_id", "relevance"]], config)


def blend(stacker, scores):
    """What a stacker makes of some rows."""
    return stacker.predict(scores[stacker.inputs].to_numpy(), scores[PROGRESS].to_numpy())


@pytest.fixture(scope="session")
def league(sim_tables, sim_inputs, sim_results):
    """What odds of the simulated league are made from."""
    return League(sim_tables, sim_inputs, sim_results)


@pytest.fixture(scope="session")
def settings(compose_as_is):
    """Composes a small config: `settings(*overrides)`."""
    return lambda *overrides: compose_as_is(*SMALL, *overrides)


@pytest.fixture(scope="session")
def projected(sim_data, sim_projection):
    """The simulated league's features and their projection; not to be altered."""
    return sim_data.with_projection(sim_projection.summary)


@pytest.fixture(scope="session")
def members(projected, settings):
    """Trees that know the first season; not to be altered."""
    return Members.fit(projected.of_seasons(["2021-22"]), settings(), 1, lambda: None)


@pytest.fixture(scope="session")
def learned(members, projected):
    """Out-of-fold scores of the season that ensembles learn from; not to be altered."""
    return members.predict(projected.of_seasons([LEARNED])).frame


@pytest.fixture(scope="session")
def ensemble_of(learned, league, settings, sim_data):
    """An ensemble that was fitted with everything: `ensemble_of(*overrides)`."""

    return cache(
        lambda *overrides: Ensemble.fit(learned, sim_data.relevance, settings(*overrides), league)
    )


@pytest.fixture(scope="session")
def default(compose_as_is):
    """The default config; not to be altered."""
    return compose_as_is()


@pytest.fixture(scope="session")
def few(sim_data):
    """Opening night, the middle and the end of the test season, without a projection."""
    data = sim_data.of_seasons([TESTED])
    dates = data.frame["as_of_date"].unique()
    wanted = data.frame["as_of_date"].isin(dates[[0, len(dates) // 2, -1]]).to_numpy()
    frame = data.frame[wanted].reset_index(drop=True)
    return replace(data, frame=frame, X=data.X[wanted])


@pytest.fixture(scope="session")
def now(league, few):
    """What odds of the few dates are made from."""
    inputs = league.inputs.merge(few.frame[KEY], on=KEY)
    return League(league.tables, inputs, league.results)


@pytest.fixture(scope="session")
def ranker_of(members, ensemble_of, sim_projection):
    """A whole ranker: `ranker_of(*overrides)`."""
    return lambda *overrides: Ranker(members, ensemble_of(*overrides), sim_projection.odds[TESTED])


def test_the_score_blends_the_members_and_a_projection_that_is_wanted(oof, default, compose_as_is):
    scores, ensemble = fit_ensemble(oof, default)
    assert ensemble == Ensemble(ensemble.stacker)
    weights = ensemble.stacker.weights(0.5)
    assert weights["xgb"] > 3 * abs(weights["rf"])
    final = ensemble.score(scores, NAMES)
    assert np.array_equal(final, blend(ensemble.stacker, scores))
    assert pd.Series(final).corr(oof["relevance"], method="spearman") > 0.8

    projected = oof.assign(**{PROJECTED: 29 * oof["relevance"]})
    scores, more = fit_ensemble(projected, default)
    assert more.stacker.inputs == [*NAMES, PROJECTED]
    weights = more.stacker.weights(0.5)
    assert weights[PROJECTED] > 5 * abs(weights["xgb"])
    assert np.array_equal(more.score(scores, NAMES), blend(more.stacker, scores))
    without = compose_as_is("model.stack.features=[]", "model.stack.shrinkage_targets=[model_a]")
    assert fit_ensemble(projected, without)[1] == ensemble


def test_the_score_of_a_single_member_is_final(oof, default):
    one = oof.drop(columns="rf").assign(**{PROJECTED: 29 * oof["relevance"]})
    scores, ensemble = fit_ensemble(one, default)
    assert ensemble == Ensemble(None)
    assert np.array_equal(ensemble.score(scores, ["xgb"]), oof["xgb"])


def test_dates_without_a_projection_teach_nothing(oof, default):
    projected = oof.assign(**{PROJECTED: oof["xgb"] + oof["rf"]})
    last = projected["season"] == "2021-22"
    unknown = projected.assign(**{PROJECTED: projected[PROJECTED].mask(last)})
    got = fit_ensemble(unknown, default)[1]
    assert got == fit_ensemble(projected[~last], default)[1]
    assert got != fit_ensemble(projected, default)[1]


def test_an_input_that_is_never_known_is_not_blended(oof, default):
    played = oof.assign(full_strength=np.nan)
    scores, ensemble = fit_ensemble(played, default)
    assert ensemble.stacker.inputs == NAMES
    assert ensemble.teams_stacker is None
    assert np.isfinite(ensemble.score(scores, NAMES)).all()


def test_rows_whose_store_feature_is_unknown_are_learned_from_and_scored(oof, compose_as_is):
    config = compose_as_is(
        "model.stack.features=[elo_rating]", "model.stack.shrinkage_targets=[xgb]"
    )
    some = oof["team_id"] < 10
    known = oof.assign(elo_rating=oof["xgb"].mask(some))
    scores, ensemble = fit_ensemble(known, config)
    assert ensemble.stacker.inputs == [*NAMES, "elo_rating"]
    assert ensemble.teams_stacker is None
    assert np.isfinite(ensemble.score(scores, NAMES)).all()
    higher = fit_ensemble(known.assign(relevance=oof["relevance"] + some), config)[1]
    assert higher.stacker.unknown["elo_rating"][0] > ensemble.stacker.unknown["elo_rating"][0]


def test_a_date_without_players_is_ranked_by_inputs_that_need_none(oof, default):
    played = oof.assign(model_a=oof["xgb"], full_strength=oof["rf"], **{PROJECTED: oof["xgb"]})
    scores, ensemble = fit_ensemble(played, default)
    assert set(ensemble.stacker.inputs) == {"model_a", *NAMES, PROJECTED, "full_strength"}
    assert ensemble.teams_stacker.inputs == [*NAMES, PROJECTED]
    team_level = oof.assign(**{PROJECTED: oof["xgb"]})
    assert ensemble.teams_stacker == fit_ensemble(team_level, default)[1].stacker

    one = scores["season"] == "2020-21"
    first = one & (scores["team_id"] == 0)
    names = ["model_a", *NAMES]
    whole = ensemble.score(scores, names)
    for absent in ("model_a", "full_strength"):
        got = ensemble.score(scores.assign(**{absent: scores[absent].where(~first)}), names)
        assert np.array_equal(got[~one], whole[~one])
        assert np.array_equal(got[one], blend(ensemble.teams_stacker, scores[one]))


def test_a_date_without_a_score_cannot_be_ranked(oof, default):
    scores, ensemble = fit_ensemble(oof, default)
    absent = scores.assign(rf=scores["rf"].where(scores["season"] != "2020-21"))
    with pytest.raises(UserError, match=r"no players are known in 2020-21 on 2021-03-01.*model="):
        ensemble.score(absent, NAMES)


def test_without_calibration_there_is_no_chance_to_win_a_game(learned, league):
    games = RatedGames.of(league.tables, learned, "regular", next_only=True)
    with pytest.raises(UserError, match="calibration=platt_stack"):
        Ensemble(None).win_prob(learned, NAMES, games)


def test_each_event_is_learned_from_rivals_and_the_win_from_gaps_of_games(
    learned, league, ensemble_of, sim_results
):
    ensemble = ensemble_of("calibration=none", "odds=none")
    scored = learned.assign(score=ensemble.score(learned, NAMES))
    rounds = sim_results[["season", "team_id", "rounds_won", "made_playoffs"]]
    went = scored.merge(rounds, how="left", on=["season", "team_id"])
    reached = np.where(went["made_playoffs"], went["rounds_won"] + 1, 0)
    parts = []
    for number in range(5):
        rows = reached >= number
        rivals = ["as_of_date", "conference"] if number < 4 else ["as_of_date"]
        means = scored[rows].groupby(rivals)[[SCORE, *NAMES]].transform("mean")
        gaps = scored.loc[rows, [SCORE, *NAMES]] - means
        parts.append((gaps, scored.loc[rows, PROGRESS].to_numpy(), reached[rows] > number))
    scores, progress, came = zip(*parts[1:], strict=True)
    series = (pd.concat(scores), np.concatenate(progress), np.concatenate(came))
    games = RatedGames.of(league.tables, scored, "regular", next_only=True)
    home, away = (scored[[SCORE, *NAMES]].iloc[rows] for rows in (games.home, games.away))
    win = home - away.to_numpy(), scored[PROGRESS].to_numpy()[games.home], games.margin > 0
    for name, read in zip(CALIBRATIONS, ([SCORE], NAMES), strict=True):
        fitted = ensemble_of(f"calibration={name}", "odds=none").calibration
        assert list(fitted.platt) == [PLAYOFF, SERIES, WIN]
        for found, own in zip(fitted.platt.values(), (parts[0], series, win), strict=True):
            scores, progress, happened = own
            assert list(found) == read
            for one in read:
                expected = PlattScaling.fit(scores[one].to_numpy(), happened, progress)
                assert asdict(found[one]) == pytest.approx(asdict(expected), rel=1e-6)


def test_the_fit_does_not_depend_on_the_order_of_the_rows(
    learned, league, settings, ensemble_of, sim_data
):
    choices = "odds=monte_carlo", "calibration=platt_per_model"
    shuffled = learned.sample(frac=1, random_state=1)
    fitted = [
        Ensemble.fit(shuffled, sim_data.relevance, settings(*choices), league),
        ensemble_of(*choices),
    ]
    frames = [
        each.probabilities(learned.assign(score=each.score(learned, NAMES)), NAMES)
        for each in fitted
    ]
    np.testing.assert_allclose(*frames, atol=1e-9)
    coefs = [each.odds.players.regular.coef for each in fitted]
    assert coefs[0] == pytest.approx(coefs[1])


def test_the_number_of_blas_threads_changes_no_bit_of_the_fit(learned, league, settings, sim_data):
    config = settings("odds=monte_carlo", "calibration=platt_per_model")
    fitted = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, "blas"):
            fitted.append(Ensemble.fit(learned, sim_data.relevance, config, league))
    assert fitted[0] == fitted[1]


def test_calibration_and_odds_see_scores_of_a_stack_that_has_not_seen_the_season(oof, default):
    scores, key = oof.drop(columns="relevance"), ["season", "team_id", "relevance"]
    before = out_of_season_scores(scores, oof[key], default)
    for season in oof["season"].unique():
        own = oof["season"] == season
        poisoned = oof[key].assign(relevance=oof["relevance"].mask(own, 1 - oof["relevance"]))
        after = out_of_season_scores(scores, poisoned, default)
        assert after.loc[own, SCORE].equals(before.loc[own, SCORE])
        assert (after.loc[~own, SCORE] != before.loc[~own, SCORE]).all()


def test_dates_that_a_member_cannot_score_teach_nothing(learned, league, settings, sim_data):
    first = learned["as_of_date"] == learned["as_of_date"].min()
    unknown = learned.assign(rf=learned["rf"].mask(first))
    one, other = (
        Ensemble.fit(rows, sim_data.relevance, settings("odds=softmax"), league)
        for rows in (unknown, learned[~first])
    )
    assert one == other


def test_calibration_keeps_the_order_of_teams_that_have_played_unequal_numbers_of_games(
    learned, ensemble_of
):
    ensemble = ensemble_of("calibration=platt_stack", "odds=none")
    uneven = np.clip(learned[PROGRESS] + np.where(learned["team_id"] % 2, -0.05, 0.05), 0, 1)
    scored = learned.assign(score=ensemble.score(learned, NAMES), **{PROGRESS: uneven})
    platt = [parts["score"] for parts in ensemble.calibration.platt.values()]
    assert any(part.slope_change for part in platt)
    assert any(part.intercept_change for part in platt)
    got = ensemble.probabilities(scored, NAMES)
    for _, date in scored.groupby(["as_of_date", "conference"]):
        best = got.loc[date.sort_values("score").index]
        assert all(best[event].is_monotonic_increasing for event in got)


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_the_chance_to_win_a_game_depends_on_the_gap_of_the_scores(
    league, learned, ensemble_of, name
):
    ensemble = ensemble_of(f"calibration={name}", "odds=none")
    scored = learned.assign(score=ensemble.score(learned, NAMES)).assign(**{PROGRESS: 0.5})
    games = RatedGames.of(league.tables, scored, "regular", next_only=True)
    p = ensemble.win_prob(scored, NAMES, games)
    assert len(p) == 1230
    assert p.mean() == pytest.approx((games.margin > 0).mean(), abs=0.01)
    assert p[games.margin > 0].mean() > p[games.margin < 0].mean()
    raised = scored.assign(**{column: scored[column] + 1 for column in (SCORE, *NAMES)})
    assert ensemble.win_prob(raised, NAMES, games) == pytest.approx(p)
    # The same teams at the other's place: but for the home edge the odds are turned round.
    turned = RatedGames(**{**vars(games), "home": games.away, "away": games.home})
    edge = logit(p) + logit(ensemble.win_prob(scored, NAMES, turned))
    assert edge == pytest.approx(edge[0])
    assert edge[0] > 0


def test_softmax_odds_are_fitted_on_the_champions(learned, ensemble_of, sim_results):
    ensemble = ensemble_of("odds=softmax")
    scored = learned.assign(score=ensemble.score(learned, NAMES))
    champion = sim_results.loc[sim_results["rounds_won"] == 4, ["season", "team_id"]]
    won = scored.merge(champion.assign(champion=True), how="left")["champion"].notna()
    assert ensemble.odds == SoftmaxOdds.fit(scored.assign(champion=won.to_numpy()))


def test_the_config_chooses_the_inputs_of_the_playoffs_in_simulated_odds(ensemble_of):
    default = ensemble_of("odds=monte_carlo").odds
    for model in (default.players, default.teams):
        assert SCORE in model.regular.inputs
        assert SCORE in model.playoffs.inputs
        assert model.regular != model.playoffs
    assert not set(RESIDUAL_INPUTS) & set(default.players.playoffs.inputs)
    alike = ensemble_of("odds=monte_carlo", "odds.playoff_strength=false").odds
    assert alike.players.regular == alike.players.playoffs == default.players.regular
    more = ensemble_of("odds=monte_carlo", "odds.playoff_residual=true").odds
    assert set(RESIDUAL_INPUTS) <= set(more.players.playoffs.inputs)
    assert more.players.regular == default.players.regular


def test_simulated_odds_learn_from_the_seasons_of_the_scores_alone(
    learned, league, ensemble_of, settings, sim_data
):
    other = league.inputs["season"] != LEARNED
    spoiled = league.inputs.assign(elo_margin=league.inputs["elo_margin"].mask(other, 99.0))
    elsewhere = League(league.tables, spoiled, league.results)
    config = settings("odds=monte_carlo")
    got = Ensemble.fit(learned, sim_data.relevance, config, elsewhere).odds
    assert got == ensemble_of("odds=monte_carlo").odds


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_a_ranker_gives_score_and_coherent_probabilities(ranker_of, few, now, calibration):
    ranker, done = ranker_of(f"calibration={calibration}", "odds=monte_carlo"), []
    frame = ranker.predict(few, now).frame
    assert frame[KEY].equals(few.frame[KEY])
    more = ["score", PROJECTED, PROGRESS, *NAMES, "regular_strength", "playoffs_strength"]
    assert frame[more].notna().all(axis=None)
    sums = frame.groupby("as_of_date").sum(numeric_only=True)
    for kind in ("prob", "prob_platt"):
        columns = [f"{event}_{kind}" for event in EVENTS]
        assert frame[columns].ge(0).all(axis=None)
        assert (np.diff(frame[columns], axis=1) <= 0).all()
        assert sums[columns].to_numpy() == pytest.approx(np.tile([16, 8, 4, 2, 1], (3, 1)))
    assert sums["expected_wins"].tolist() == pytest.approx([1230] * 3)
    assert sums["projected_rank"].tolist() == pytest.approx([465] * 3)
    predicted = ranker.members.predict(
        few.with_projection(ranker.projection.predict(now.inputs, now.tables))
    )
    twice = ranker.complete(predicted, now, threads=2, on_date=lambda: done.append(1))
    pd.testing.assert_frame_equal(twice.frame, frame, check_exact=True)
    assert len(done) == 3


@pytest.fixture(scope="session")
def default_frame(ranker_of, few, now):
    """Predictions of the ranker of the default config; not to be altered."""
    return ranker_of().predict(few, now).frame


@pytest.mark.parametrize(
    ("override", "moved", "kept"),
    [
        ("model.stack.shrinkage_targets=[xgb]", "score", "projected_outcome"),
        ("model.stack.vary_with_progress=false", "score", "xgb"),
        ("calibration=platt_per_model", "playoff_prob_platt", "title_prob"),
        ("odds.n_simulations=40", "title_prob", "title_prob_platt"),
        ("odds.playoff_strength=false", "playoffs_strength", "regular_strength"),
        ("odds.playoff_residual=true", "playoffs_strength", "regular_strength"),
        ("seed=7", "title_prob", "playoffs_strength"),
    ],
)
def test_every_choice_changes_its_own_columns_only(
    ranker_of, few, now, default_frame, override, moved, kept
):
    frame = ranker_of(override).predict(few, now).frame
    change = np.abs(frame[moved] - default_frame[moved])
    assert change.max() > 1e-3 * default_frame[moved].std()
    assert frame[kept].equals(default_frame[kept])


@pytest.mark.parametrize(
    ("odds", "calibration", "title_probs"),
    [
        ("none", "none", []),
        ("softmax", "platt_stack", ["title_prob_platt", "title_prob"]),
        ("monte_carlo", "platt_per_model", ["title_prob_platt", "title_prob"]),
    ],
)
def test_a_saved_ranker_predicts_identically(
    ranker_of, few, now, tmp_path, odds, calibration, title_probs
):
    ranker = ranker_of(f"odds={odds}", f"calibration={calibration}")
    ensemble = replace(ranker.ensemble, teams_stacker=ranker.ensemble.stacker)
    ranker = replace(ranker, ensemble=ensemble)
    ranker.save(tmp_path)
    again = Ranker.load(tmp_path)
    assert again.ensemble == ensemble
    assert again.projection == ranker.projection
    expected, got = (each.predict(few, now).frame for each in (ranker, again))
    pd.testing.assert_frame_equal(got, expected, check_exact=True)
    assert got["score"].notna().all()
    assert [name for name in got if name.startswith("title_prob")] == title_probs
    assert got.groupby("as_of_date")[title_probs].sum().to_numpy() == pytest.approx(1)


def test_a_saved_ranker_without_projection_and_stacker_predicts_identically(
    sim_data, settings, few, now, tmp_path
):
    config = settings("model.members=[rf]")
    members = Members.fit(sim_data.of_seasons(["2021-22"]), config, 1, lambda: None)
    ranker = Ranker(members, Ensemble(None), None)
    ranker.save(tmp_path)
    again = Ranker.load(tmp_path)
    assert (again.projection, again.ensemble) == (None, Ensemble(None))
    frame = again.predict(few, now).frame
    assert frame["score"].equals(frame["rf"])
    pd.testing.assert_frame_equal(frame, ranker.predict(few, now).frame, check_exact=True)


def test_odds_read_the_scores_of_the_same_team_and_date(league, learned):
    scored = learned.assign(score=np.arange(len(learned), dtype=float))
    shuffled = scored.sample(frac=1, random_state=2)
    rated = league.rated(shuffled)
    assert rated[KEY].equals(scored[KEY])
    # Less the mean of the date: a strength is a distance from the average team.
    dates = scored.groupby(["season", "as_of_date"])["score"]
    assert rated["score"].tolist() == (scored["score"] - dates.transform("mean")).tolist()
    assert "elo_margin" in rated
