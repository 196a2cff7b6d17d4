from dataclasses import asdict

import pytest
import torch
from made_sets import ATTENTION

from nba_rank.core.errors import UserError
from nba_rank.models.model_a.deep_set_ranker import DeepSetRanker
from nba_rank.models.model_a.dropout import Dropout
from nba_rank.models.model_a.list_losses import LIST_LOSSES

LISTS, TEAMS, PLAYERS, COLUMNS, PRIORS, DIM, HEADS = 2, 3, 7, 4, 2, 12, 3


def ranker(n_prior=0, attention=None, **changes):
    torch.manual_seed(0)
    options = {
        "stat_dim": COLUMNS,
        "vocabulary_size": 20,
        "n_prior": n_prior,
        "embedding_dim": 3,
        "encoder_dims": [10, DIM],
        "dropout": 0.0,
        "attention": asdict(ATTENTION) | {"n_heads": HEADS} | (attention or {}),
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


def test_a_team_scores_the_same_whoever_else_is_in_the_list(league):
    model = ranker().eval()
    ranked = model(**league)
    alone = model(**{name: tensor[:, :1] for name, tensor in league.items()})
    torch.testing.assert_close(alone.score, ranked.score[:, :1])
    torch.testing.assert_close(alone.weights, ranked.weights[:, :1])


@pytest.mark.parametrize("n_prior", [0, PRIORS])
def test_empty_places_and_padding_change_neither_scores_nor_gradients(league, n_prior):
    league = with_prior(league) if n_prior else league
    spoiled = {name: tensor.clone() for name, tensor in league.items()}
    empty, padding = ~league["player_mask"], ~league["team_mask"]
    for where in (empty, padding):
        spoiled["stats"][where] = 1e4
        spoiled["player"][where] = 7
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
    for tensor in ranked._replace(encoded=ranked.pooled):
        assert (tensor[padding] == 0).all()
    assert (ranked.score[~padding] != 0).all()


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


@pytest.mark.parametrize("share", [0.0, 0.2, 0.9])
def test_dropout_drops_its_share_and_scales_the_rest(share):
    torch.manual_seed(0)
    values = torch.full((99, 1001), 3.0, requires_grad=True)
    kept = Dropout(share)(values)
    dropped = kept == 0
    assert dropped.float().mean().item() == pytest.approx(share, abs=0.005)
    torch.testing.assert_close(kept[~dropped], torch.full_like(kept[~dropped], 3 / (1 - share)))
    kept.sum().backward()
    torch.testing.assert_close(values.grad, kept.detach() / 3)


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
