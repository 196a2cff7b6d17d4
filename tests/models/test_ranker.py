import json
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
from nba_rank.odds.monte_carlo import MonteCarloOdds
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
    """Out-of-fold scores of three seasons; xgb knows something, rf nothing."""
    rng = np.random.default_rng(0)
    seasons = [("2019-20", "2020-01-01"), ("2020-21", "2021-03-01"), ("2021-22", "2022-01-01")]
    keys = [(season, date, team) for season, date in seasons for team in range(30)]
    frame = pd.DataFrame(keys, columns=["season", "as_of_date", "team_id"])
    frame["as_of_date"] = pd.to_datetime(frame["as_of_date"])
    known, hidden = rng.normal(size=(2, len(frame)))
    strength = known + 0.5 * hidden
    frame["outcome_rank"] = strength_rank(frame["season"], strength)
    frame["relevance"] = (30 - frame["outcome_rank"]) / 29
    return frame.assign(**{PROGRESS: 0.5, "xgb": strength + known, "rf": rng.normal(size=90)})


def strength_rank(season, strength):
    return pd.Series(strength).groupby(season).rank(ascending=False).astype(int)


def fit_ensemble(oof, config):
    scores = oof.drop(columns=["outcome_rank", "relevance"])
    return scores, Ensemble.fit(scores, oof[["season", "team_id", "relevance"]], config)


@pytest.fixture(scope="session")
def league(sim_tables, sim_inputs, sim_results):
    """What odds of the simulated league are made from."""
    return League(sim_tables, sim_inputs, sim_results)


@pytest.fixture(scope="session")
def settings(compose_as_is):
    """Composes a small config: `settings(*overrides)`."""
    return lambda *overrides: compose_as_is(*SMALL, *overrides)


@pytest.fixture(scope="session")
def members(sim_data, sim_projection, settings):
    """Trees that know the first season; not to be altered."""
    projected = sim_data.with_projection(sim_projection.summary)
    return Members.fit(projected.of_seasons(["2021-22"]), settings(), 1, lambda: None)


@pytest.fixture(scope="session")
def scores_of(members, sim_data, sim_projection):
    """Member scores by models that have not seen the season: `scores_of(season)`."""
    projected = sim_data.with_projection(sim_projection.summary)
    return lambda season: members.predict(projected.of_seasons([season]))


@pytest.fixture(scope="session")
def learned(scores_of):
    """Out-of-fold scores of the season that ensembles learn from; not to be altered."""
    return scores_of(LEARNED).frame


@pytest.fixture(scope="session")
def ensemble_of(learned, league, settings, sim_data):
    """An ensemble that was fitted with everything: `ensemble_of(*overrides)`."""

    @cache
    def make(*overrides):
        config = settings(*overrides)
        return Ensemble.fit(learned, sim_data.relevance, config, league)

    return make


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


def test_the_score_is_the_blend_of_the_members(oof, default):
    scores, ensemble = fit_ensemble(oof, default)
    weights = ensemble.stacker.weights(0.5)
    assert weights["xgb"] > 3 * abs(weights["rf"])
    assert ensemble.stacker.intercept == pytest.approx(0.5, abs=0.05)
    final = ensemble.score(scores, NAMES)
    blend = ensemble.stacker.predict(scores[NAMES].to_numpy(), np.full(90, 0.5))
    assert np.array_equal(final, blend)
    assert pd.Series(final).corr(oof["relevance"], method="spearman") > 0.8
    assert ensemble == Ensemble(ensemble.stacker)


def test_a_projection_is_blended_in_where_it_is_known_and_wanted(oof, default, compose_as_is):
    projected = oof.assign(**{PROJECTED: 29 * oof["relevance"]})
    scores, ensemble = fit_ensemble(projected, default)
    assert ensemble.stacker.inputs == [*NAMES, PROJECTED]
    weights = ensemble.stacker.weights(0.5)
    assert weights[PROJECTED] > 5 * abs(weights["xgb"])
    blend = ensemble.stacker.predict(scores[[*NAMES, PROJECTED]].to_numpy(), np.full(90, 0.5))
    assert np.array_equal(ensemble.score(scores, NAMES), blend)
    without = compose_as_is("model.stack.features=[]", "model.stack.shrinkage_targets=[model_a]")
    assert fit_ensemble(projected, without)[1] == fit_ensemble(oof, default)[1]


@pytest.mark.parametrize("with_projection", [False, True])
def test_the_score_of_a_single_member_is_final(oof, default, with_projection):
    one = oof.drop(columns="rf")
    if with_projection:
        one[PROJECTED] = 29 * oof["relevance"]
    scores, ensemble = fit_ensemble(one, default)
    assert ensemble == Ensemble(None)
    assert np.array_equal(ensemble.score(scores, ["xgb"]), oof["xgb"])


@pytest.mark.parametrize("name", ["rf", PROJECTED])
def test_dates_without_a_score_teach_nothing(oof, default, name):
    projected = oof.assign(**{PROJECTED: oof["xgb"] + oof["rf"]})
    last = projected["season"] == "2021-22"
    unknown = projected.assign(**{name: projected[name].where(~last)})
    got = fit_ensemble(unknown, default)[1]
    assert got == fit_ensemble(projected[~last], default)[1]
    assert got != fit_ensemble(projected, default)[1]


def test_an_input_that_is_never_known_is_not_blended(oof, default):
    played = oof.assign(full_strength=np.nan)
    scores, ensemble = fit_ensemble(played, default)
    assert ensemble.stacker.inputs == NAMES
    assert ensemble.teams_stacker is None
    assert np.isfinite(ensemble.score(scores, NAMES)).all()


def test_an_unknown_feature_counts_as_its_mean_plus_what_being_unknown_tells(oof, compose_as_is):
    features = ["model.stack.features=[elo_rating]", "model.stack.shrinkage_targets=[xgb]"]
    config = compose_as_is(*features)
    some = oof["team_id"] < 10
    known = oof.assign(elo_rating=oof["xgb"].mask(some))
    scores, ensemble = fit_ensemble(known, config)
    assert ensemble.stacker.inputs == [*NAMES, "elo_rating"]
    assert ensemble.stacker.unknown.keys() == {"elo_rating"}
    assert ensemble.teams_stacker is None
    final = ensemble.score(scores, NAMES)
    assert np.isfinite(final).all()
    told = fit_ensemble(known.assign(relevance=oof["relevance"] + some), config)[1]
    assert told.stacker.unknown["elo_rating"][0] > ensemble.stacker.unknown["elo_rating"][0]


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
        blend = ensemble.teams_stacker.predict(
            scores.loc[one, [*NAMES, PROJECTED]].to_numpy(), np.full(30, 0.5)
        )
        assert np.array_equal(got[one], blend)


def test_a_date_without_a_score_cannot_be_ranked(oof, default):
    scores, ensemble = fit_ensemble(oof, default)
    absent = scores.assign(rf=scores["rf"].where(scores["season"] != "2020-21"))
    with pytest.raises(UserError, match=r"no players are known in 2020-21 on 2021-03-01.*model="):
        ensemble.score(absent, NAMES)


def test_without_calibration_there_are_no_probabilities(learned, league, ensemble_of):
    ensemble = ensemble_of("calibration=none", "odds=none")
    assert ensemble.calibration is None
    assert ensemble.odds is None
    scored = learned.assign(score=ensemble.score(learned, NAMES))
    assert ensemble.probabilities(scored, NAMES).shape == (len(scored), 0)
    games = RatedGames.of(league.tables, scored, "regular", next_only=True)
    with pytest.raises(UserError, match="calibration=platt_stack"):
        ensemble.win_prob(scored, NAMES, games)


@pytest.fixture(scope="session")
def by_hand(learned, league, ensemble_of, sim_results):
    """What each event is learned from: scores, progress and whether it happened."""
    ensemble = ensemble_of("calibration=none", "odds=none")
    scored = learned.assign(score=ensemble.score(learned, NAMES))
    rounds = sim_results[["season", "team_id", "rounds_won", "made_playoffs"]]
    went = scored.merge(rounds, on=["season", "team_id"])
    assert went[KEY].equals(scored[KEY])
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
    cases = {PLAYOFF: parts[0], SERIES: series}
    games = league.tables.games
    games = games[(games["season"] == LEARNED) & (games["kind"] == "regular")]
    games = games.sort_values("game_date")
    sides = []
    for side in ("home", "away"):
        newest = scored.rename(columns={"team_id": f"{side}_team_id"}).sort_values("as_of_date")
        by = [f"{side}_team_id"]
        sides.append(
            pd.merge_asof(games, newest, left_on="game_date", right_on="as_of_date", by=by)
        )
    gaps = sides[0][[SCORE, *NAMES]] - sides[1][[SCORE, *NAMES]]
    won = (games["home_points"] > games["away_points"]).to_numpy()
    cases[WIN] = (gaps, sides[0][PROGRESS].to_numpy(), won)
    return cases


@pytest.mark.parametrize(("name", "read"), [(CALIBRATIONS[0], [SCORE]), (CALIBRATIONS[1], NAMES)])
def test_each_event_is_learned_from_rivals_and_the_win_from_gaps_of_games(
    by_hand, ensemble_of, name, read
):
    fitted = ensemble_of(f"calibration={name}", "odds=none").calibration
    assert list(fitted.platt) == [PLAYOFF, SERIES, WIN]
    for event, (scores, progress, happened) in by_hand.items():
        assert list(fitted.platt[event]) == read
        for one in read:
            expected = PlattScaling.fit(scores[one].to_numpy(), happened, progress)
            got = asdict(fitted.platt[event][one])
            assert got == pytest.approx(asdict(expected), rel=1e-6), (event, one)


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


def test_no_bit_depends_on_the_threads_of_the_algebra(learned, league, settings, sim_data):
    config = settings("odds=monte_carlo", "calibration=platt_per_model")
    fitted = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, "blas"):
            fitted.append(Ensemble.fit(learned, sim_data.relevance, config, league))
    assert fitted[0] == fitted[1]


def test_calibration_and_odds_see_scores_of_a_stack_that_has_not_seen_the_season(oof, default):
    config, members = default, oof.drop(columns=["outcome_rank", "relevance"])
    key = ["season", "team_id", "relevance"]
    before = out_of_season_scores(members, oof[key], config)
    for season in oof["season"].unique():
        own = oof["season"] == season
        poisoned = oof[key].assign(relevance=oof["relevance"].mask(own, 1 - oof["relevance"]))
        after = out_of_season_scores(members, poisoned, config)
        assert after.loc[own, SCORE].equals(before.loc[own, SCORE])
        assert (after.loc[~own, SCORE] != before.loc[~own, SCORE]).all()


def test_dates_that_a_member_cannot_score_teach_no_odds(learned, league, settings, sim_data):
    config = settings("odds=softmax")
    first = learned["as_of_date"] == learned["as_of_date"].min()
    unknown = learned.assign(rf=learned["rf"].where(~first))
    ensembles = [
        Ensemble.fit(rows, sim_data.relevance, config, league)
        for rows in (unknown, learned[~first])
    ]
    assert ensembles[0] == ensembles[1]


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_probabilities_are_coherent_on_each_date(scores_of, ensemble_of, name):
    ensemble = ensemble_of(f"calibration={name}", "odds=none")
    frame = scores_of(TESTED).frame
    scored = frame.assign(score=ensemble.score(frame, NAMES))
    got = ensemble.probabilities(scored, NAMES)
    assert got.columns.tolist() == [f"{event}_prob_platt" for event in EVENTS]
    assert got.index.equals(scored.index)
    by_date = got.groupby(scored["as_of_date"]).sum().to_numpy()
    assert by_date == pytest.approx(np.tile([16, 8, 4, 2, 1], (len(by_date), 1)))
    assert ((got > 0) & (got < 1)).all(axis=None)
    assert (np.diff(got, axis=1) < 0).all()


def test_calibration_keeps_the_order_of_teams_that_have_played_unequal_numbers_of_games(
    scores_of, ensemble_of
):
    ensemble = ensemble_of("calibration=platt_stack", "odds=none")
    frame = scores_of(TESTED).frame
    uneven = np.clip(frame[PROGRESS] + np.where(frame["team_id"] % 2, -0.05, 0.05), 0, 1)
    scored = frame.assign(score=ensemble.score(frame, NAMES), **{PROGRESS: uneven})
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


def test_softmax_odds_are_of_the_champions(learned, ensemble_of, sim_results):
    ensemble = ensemble_of("odds=softmax")
    scored = learned.assign(score=ensemble.score(learned, NAMES))
    champion = sim_results.loc[sim_results["rounds_won"] == 4, ["season", "team_id"]]
    won = scored.merge(champion.assign(champion=True), how="left")["champion"].notna()
    assert ensemble.odds == SoftmaxOdds.fit(scored.assign(champion=won.to_numpy()))


def test_simulated_odds_are_what_the_config_says(ensemble_of):
    default = ensemble_of("odds=monte_carlo", "seed=5").odds
    assert isinstance(default, MonteCarloOdds)
    assert (default.n_simulations, default.seed) == (20, 5)
    for maps in (default.players, default.teams):
        assert SCORE in maps.regular.inputs
        assert SCORE in maps.playoffs.inputs
        assert maps.regular != maps.playoffs
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


def test_a_ranker_gives_score_probabilities_and_odds(ranker_of, few, now):
    ranker, done = ranker_of("calibration=platt_stack", "odds=monte_carlo"), []
    frame = ranker.predict(few, now).frame
    assert frame[KEY].equals(few.frame[KEY])
    told = {"score", PROJECTED, PROGRESS, *NAMES, *[f"{event}_prob_platt" for event in EVENTS],
            *[f"{event}_prob" for event in EVENTS], "expected_wins", "projected_rank",
            "regular_strength", "playoffs_strength"}  # fmt: skip
    assert told <= set(frame)
    assert not frame[sorted(told)].isna().any(axis=None)
    for _, date in frame.groupby("as_of_date"):
        sums = [date[f"{event}_prob"].sum() for event in EVENTS]
        assert sums == pytest.approx([16, 8, 4, 2, 1])
        assert date["expected_wins"].sum() == pytest.approx(1230)
        assert date["projected_rank"].sum() == pytest.approx(465)
    predicted = ranker.members.predict(
        few.with_projection(ranker.projection.predict(now.inputs, now.tables))
    )
    twice = ranker.complete(predicted, now, threads=2, on_date=lambda: done.append(1))
    pd.testing.assert_frame_equal(twice.frame, frame, check_exact=True)
    assert len(done) == 3


def test_softmax_odds_of_a_ranker_sum_to_one_on_each_date(ranker_of, few, now):
    frame = ranker_of("calibration=none", "odds=softmax").predict(few, now).frame
    assert frame.groupby("as_of_date")["title_prob"].sum().tolist() == pytest.approx([1, 1, 1])
    assert not {"playoff_prob", "playoff_prob_platt", "expected_wins"} & set(frame)
    for _, date in frame.groupby("as_of_date"):
        best = date.sort_values("score")
        assert best["title_prob"].is_monotonic_increasing


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
    ("odds", "calibration"),
    [("none", "none"), ("softmax", "platt_stack"), ("monte_carlo", "platt_per_model")],
)
def test_a_saved_ranker_predicts_identically(ranker_of, few, now, tmp_path, odds, calibration):
    ranker = ranker_of(f"odds={odds}", f"calibration={calibration}")
    ranker.save(tmp_path)
    again = Ranker.load(tmp_path)
    assert again.ensemble == ranker.ensemble
    assert again.projection == ranker.projection
    expected, got = (each.predict(few, now).frame for each in (ranker, again))
    pd.testing.assert_frame_equal(got, expected, check_exact=True)
    assert got["score"].notna().all()
    if odds == "none":
        assert not [name for name in got if name.endswith(("_prob", "_prob_platt"))]


def test_a_ranker_without_projection_and_stacker_is_restored(
    sim_data, settings, few, now, tmp_path
):
    config = settings("model.members=[rf]", "odds=none", "calibration=none")
    members = Members.fit(sim_data.of_seasons(["2021-22"]), config, 1, lambda: None)
    ranker = Ranker(members, Ensemble(None), None)
    ranker.save(tmp_path)
    assert not (tmp_path / "projection.json").exists()
    assert json.loads((tmp_path / "ensemble.json").read_text()) == {}
    again = Ranker.load(tmp_path)
    assert (again.projection, again.ensemble) == (None, Ensemble(None))
    frame = again.predict(few, now).frame
    assert frame["score"].equals(frame["rf"])
    assert PROJECTED not in frame
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
