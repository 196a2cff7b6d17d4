import pytest
import torch

from nba_rank.core.errors import UserError
from nba_rank.models.model_a.deep_set_ranker import DeepSetRanker
from nba_rank.models.model_a.list_losses import LIST_LOSSES

LISTS, TEAMS, PLAYERS, COLUMNS, PRIORS, DIM, HEADS = 2, 3, 7, 4, 2, 12, 3
ATTENTION = {
    "pooling": "attention",
    "query": "seed",
    "n_heads": HEADS,
    "minutes_bias_weight": 1.0,
    "minutes_sum_min": 1e-6,
    "temperature": 1.0,
    "learn_temperature": False,
    "dropout": 0.0,
    "sigma_reparam": False,
    "pre_norm": False,
    "residual": False,
    "fallback": "minutes",
    "weight_sum_min": 1e-6,
}


def ranker(n_prior=0, attention=None, **changes):
    torch.manual_seed(0)
    options = {
        "stat_dim": COLUMNS,
        "vocabulary_size": 20,
        "n_prior": n_prior,
        "embedding_dim": 3,
        "encoder_dims": [10, DIM],
        "dropout": 0.0,
        "attention": ATTENTION | (attention or {}),
    }
    return DeepSetRanker(**options | changes)


@pytest.fixture
def league():
    """Two lists of three teams of seven players; the last team of the second list is padding.

    The second team has four players, one of them without minutes.
    """
    generator = torch.Generator().manual_seed(7)
    share = torch.rand(LISTS, TEAMS, PLAYERS, generator=generator)
    share[0, 1, 3:] = 0
    player_mask = torch.ones(LISTS, TEAMS, PLAYERS, dtype=torch.bool)
    player_mask[0, 1, 4:] = False
    return {
        "stats": torch.randn(LISTS, TEAMS, PLAYERS, COLUMNS, generator=generator),
        "player": torch.randint(1, 20, (LISTS, TEAMS, PLAYERS), generator=generator),
        "player_mask": player_mask,
        "minutes_share": share / share.sum(dim=-1, keepdim=True),
        "team_prior": torch.zeros(LISTS, TEAMS, 0),
        "team_mask": torch.tensor([[True, True, True], [True, True, False]]),
    }


def with_prior(league):
    prior = torch.randn(LISTS, TEAMS, PRIORS, generator=torch.Generator().manual_seed(8))
    return league | {"team_prior": prior}


def list_loss(ranked, league):
    relevance = torch.arange(float(TEAMS)).expand(LISTS, TEAMS)
    return LIST_LOSSES["list_mle"](ranked.score, relevance, league["team_mask"])


def gradients(model):
    return [p.grad for p in model.parameters() if p.grad is not None]


def test_the_shapes_are_those_promised(league):
    ranked = ranker()(**league)
    assert ranked.score.shape == (LISTS, TEAMS)
    assert ranked.weights.shape == (LISTS, TEAMS, HEADS, PLAYERS)
    assert ranked.fallback.shape == (LISTS, TEAMS, HEADS)
    assert ranked.encoded.shape == (LISTS, TEAMS, PLAYERS, DIM)
    assert ranked.pooled.shape == (LISTS, TEAMS, DIM)


def test_gradients_reach_every_part(league):
    model = ranker()
    list_loss(model(**league), league).backward()
    parts = {
        "query": model.attention.query,
        "key": model.attention.weights.key.weight,
        "value": model.attention.value.weight,
        "output": model.attention.output.weight,
        "embedding": model.embedding.weight,
        "first encoder layer": model.encoder[0].weight,
        "scorer": model.scorer[-1].weight,
    }
    for name, part in parts.items():
        assert part.grad.abs().sum() > 0, name


@pytest.mark.parametrize("cause", ["minutes missing", "keys not finite", "all dropped"])
@pytest.mark.parametrize("fallback", ["minutes", "uniform"])
def test_gradients_reach_query_keys_encoder_and_embedding_in_a_fallback(league, cause, fallback):
    model = ranker(attention={"fallback": fallback})
    if cause == "minutes missing":
        league["minutes_share"] = torch.zeros_like(league["minutes_share"])
    elif cause == "keys not finite":
        with torch.no_grad():
            model.attention.weights.key.weight.fill_(torch.nan)
    else:
        model.attention.weights.dropout.p = 1.0
    ranked = model(**league)
    assert ranked.fallback[league["team_mask"]].all()
    list_loss(ranked, league).backward()
    for part in (
        model.attention.query,
        model.attention.weights.key.weight,
        model.encoder[0].weight,
        model.embedding.weight,
    ):
        assert torch.isfinite(part.grad).all()
        assert part.grad.abs().sum() > 0


def test_a_team_scores_the_same_whoever_else_is_in_the_list(league):
    model = ranker().eval()
    ranked = model(**league)
    alone = model(**{name: tensor[:, :1] for name, tensor in league.items()})
    torch.testing.assert_close(alone.score, ranked.score[:, :1])
    torch.testing.assert_close(alone.weights, ranked.weights[:, :1])


def test_the_order_of_the_players_does_not_matter(league):
    model = ranker().eval()
    order = torch.randperm(PLAYERS, generator=torch.Generator().manual_seed(2))
    moved = dict(league)
    for name in ("stats", "player", "player_mask", "minutes_share"):
        moved[name] = league[name][:, :, order]
    torch.testing.assert_close(model(**moved).score, model(**league).score)


@pytest.mark.parametrize("n_prior", [0, PRIORS])
def test_empty_places_and_padding_have_no_say_in_scores_and_gradients(league, n_prior):
    league = with_prior(league) if n_prior else league
    spoiled = {name: tensor.clone() for name, tensor in league.items()}
    empty, padding = ~league["player_mask"], ~league["team_mask"]
    for where in (empty, padding):
        spoiled["stats"][where] = torch.nan
        spoiled["player"][where] = -1
        spoiled["minutes_share"][where] = torch.nan
    spoiled["player_mask"][padding] = False
    spoiled["team_prior"][padding] = torch.nan
    results = []
    for inputs in (league, spoiled):
        model = ranker(n_prior)
        ranked = model(**inputs)
        list_loss(ranked, inputs).backward()
        results.append([ranked.score, ranked.weights, ranked.pooled, *gradients(model)])
    for first, second in zip(*results, strict=True):
        torch.testing.assert_close(first, second)


def test_padding_is_zero_everywhere(league):
    ranked = ranker()(**league)
    padding = ~league["team_mask"]
    assert (ranked.score[padding] == 0).all()
    assert (ranked.weights[padding] == 0).all()
    assert (ranked.pooled[padding] == 0).all()
    assert not ranked.fallback[padding].any()
    assert (ranked.score[~padding] != 0).all()


def test_a_present_player_without_minutes_counts(league):
    model = ranker().eval()
    ranked = model(**league)
    assert (ranked.weights[0, 1, :, 3] > 0).all()
    changed = league | {"stats": league["stats"].clone()}
    changed["stats"][0, 1, 3] = 30
    assert model(**changed).score[0, 1] != ranked.score[0, 1]


def test_a_team_without_players_is_refused_in_training_and_has_no_score_in_evaluation(league):
    league["player_mask"][1, 0] = False
    model = ranker()
    with pytest.raises(ValueError, match="without players"):
        model(**league)
    score = model.eval()(**league).score
    assert torch.isnan(score).tolist() == [[False] * 3, [True, False, False]]


def test_the_error_fallback_ignores_padding(league):
    league["minutes_share"][1, 2] = 0
    model = ranker(attention={"fallback": "error"})
    model(**league)
    league["minutes_share"][0, 0] = 0
    with pytest.raises(UserError, match=r"such as \[0\]: minutes"):
        model(**league)


def test_beside_a_prior_the_set_starts_at_exactly_zero(league):
    league = with_prior(league)
    model = ranker(PRIORS)
    expected = league["team_prior"] @ model.skip.weight[0]
    torch.testing.assert_close(model(**league).score, expected * league["team_mask"])
    assert (model.scorer[-1].weight == 0).all()
    assert (ranker().scorer[-1].weight != 0).any()
    assert ranker().skip is None


def test_the_prior_enters_linearly_and_the_set_can_leave_zero(league):
    league = with_prior(league)
    model = ranker(PRIORS)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        list_loss(model(**league), league).backward()
        optimiser.step()
    assert model.attention.query.grad.abs().sum() > 0
    score = [model(**league | {"team_prior": k * league["team_prior"]}).score for k in (0, 1, 3)]
    assert (score[0][league["team_mask"]] != 0).all()
    torch.testing.assert_close(score[2] - score[0], 3 * (score[1] - score[0]))


def test_without_embedding_identity_does_not_matter(league):
    model = ranker(embedding_dim=0)
    assert model.embedding is None
    others = league | {"player": torch.zeros_like(league["player"])}
    assert torch.equal(model(**league).score, model(**others).score)
    assert not torch.equal(ranker()(**league).score, ranker()(**others).score)


def test_dropout_acts_in_training_only(league):
    model = ranker(dropout=0.5)
    assert not torch.equal(model(**league).score, model(**league).score)
    model.eval()
    assert torch.equal(model(**league).score, model(**league).score)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("loss", sorted(LIST_LOSSES))
def test_under_autocast_scores_and_loss_are_float32_and_finite(league, dtype, loss):
    model = ranker(PRIORS, attention={"sigma_reparam": True, "residual": True})
    league = with_prior(league)
    relevance = torch.arange(float(TEAMS)).expand(LISTS, TEAMS)
    with torch.autocast("cpu", dtype=dtype):
        ranked = model(**league)
        value = LIST_LOSSES[loss](ranked.score, relevance, league["team_mask"])
    assert ranked.score.dtype == torch.float32
    assert value.dtype == torch.float32
    value.backward()
    assert torch.isfinite(value)
    assert all(torch.isfinite(gradient).all() for gradient in gradients(model))


def test_a_pooling_of_the_set_can_be_left_to_the_mean(league):
    model = ranker(attention={"pooling": "mean"}).eval()
    ranked = model(**league)
    for team in range(TEAMS):
        present = league["player_mask"][0, team]
        expected = ranked.encoded[0, team][present].mean(dim=0)
        torch.testing.assert_close(ranked.pooled[0, team], expected)
