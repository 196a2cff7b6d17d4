import math
from dataclasses import asdict, replace

import pytest
import torch
from made_sets import ATTENTION

from nba_rank.models.model_a.deep_set_ranker import DeepSetRanker, Ranked
from nba_rank.models.model_a.diagnostics import (
    Cause,
    cause_in_data,
    cause_in_network,
    diagnose,
    gradient_norms,
)


def small_ranker(n_prior=0, **attention):
    torch.manual_seed(0)
    return DeepSetRanker(
        stat_dim=3, vocabulary_size=9, n_prior=n_prior, embedding_dim=2, encoder_dims=[8, 4],
        dropout=0.0, attention=asdict(ATTENTION) | attention,
    )  # fmt: skip


def by_hand():
    """Two lists of three teams of up to four players, the last team of the second list padding."""
    rng = torch.Generator().manual_seed(0)
    mask = torch.ones(2, 3, 4, dtype=torch.bool)
    mask[0, 1, 2:] = mask[1, 0, 1:] = False
    weights = torch.tensor([0.5, 0.25, 0.25, 0.0]).expand(2, 3, 2, 4).clone()
    weights[:, :, 1] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    weights[0, 1, 0] = torch.tensor([0.75, 0.25, 0.0, 0.0])
    weights[1, 0, 0] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    fallback = torch.zeros(2, 3, 2, dtype=torch.bool)
    fallback[0, 0, 1] = True
    batch = {
        "stats": torch.randn(2, 3, 4, 3, generator=rng),
        "player": torch.arange(24).view(2, 3, 4) % 9,
        "player_mask": mask,
        "minutes_share": torch.tensor([0.4, 0.3, 0.2, 0.1]) * mask,
        "team_prior": torch.zeros(2, 3, 0),
        "relevance": torch.tensor([[0.0, 0.5, 1.0], [0.0, 1.0, 0.5]]),
        "team_mask": torch.tensor([[True, True, True], [True, True, False]]),
    }
    ranked = Ranked(
        score=torch.tensor([[1.0, 2.0, 3.0], [5.0, 1.0, 0.0]]),
        skip=torch.tensor([[2.0, 2.0, 5.0], [1.0, 1.0, 0.0]]),
        weights=weights,
        fallback=fallback,
        encoded=torch.randn(2, 3, 4, 5, generator=rng),
        pooled=torch.randn(2, 3, 5, generator=rng),
    )
    return ranked, batch


def within_lists(rows):
    """Mean over lists and columns of the population variance, rows given list by list."""
    return float(torch.stack([torch.var(part, dim=0, correction=0) for part in rows]).mean())


def places(tensor, batch):
    taken = batch["player_mask"] & batch["team_mask"][..., None]
    return [tensor[0][taken[0]], tensor[1][taken[1]]]


def test_attention_statistics_by_hand():
    found = diagnose(*by_hand())
    first_head = [0.5, 0.75, 0.5, 1.0, 0.5]
    assert found.attention_max == pytest.approx((sum(first_head) / 5 + 1) / 2)
    of_four = (0.5 * math.log(2) + 0.5 * math.log(4)) / math.log(4)
    of_two = (0.75 * math.log(4 / 3) + 0.25 * math.log(4)) / math.log(2)
    # The team of one player has no entropy ratio, the padding none either.
    assert found.entropy_ratio_by_head == pytest.approx(((3 * of_four + of_two) / 4, 0.0))
    assert found.entropy_ratio == pytest.approx(sum(found.entropy_ratio_by_head) / 2)
    assert found.fallback_share == pytest.approx(1 / 10)


def test_entropy_and_divergence_by_hand():
    ranked, batch = by_hand()
    of_four = 0.5 * math.log(0.5 / 0.4) + 0.25 * math.log(0.25 / 0.3) + 0.25 * math.log(0.25 / 0.2)
    of_two = 0.75 * math.log(0.75 * 7 / 4) + 0.25 * math.log(0.25 * 7 / 3)
    first_head = (3 * of_four + of_two) / 4
    second_head = (3 * math.log(1 / 0.4) + math.log(7 / 4)) / 4
    found = diagnose(ranked, batch)
    assert found.prior_kl == pytest.approx((first_head + second_head) / 2)
    halved = diagnose(ranked._replace(weights=ranked.weights / 2), batch)
    assert halved.entropy_ratio == pytest.approx(found.entropy_ratio)
    for power in (0.0, 1.0, 2.0):
        prior = batch["minutes_share"] ** power * batch["player_mask"]
        prior = (prior / prior.sum(dim=2, keepdim=True))[:, :, None, :].expand(2, 3, 2, 4)
        found = diagnose(ranked._replace(weights=prior), batch, minutes_bias_weight=power)
        assert found.prior_kl == pytest.approx(0, abs=1e-6)
        if power == 0:
            assert found.entropy_ratio == pytest.approx(1)


def test_spreads_by_hand():
    ranked, batch = by_hand()
    found = diagnose(ranked, batch)
    assert found.score_spread == pytest.approx((math.sqrt(2 / 3) + 2) / 2)
    # The set gives -1, 0, -2 and 4, 0; the skip 2, 2, 5 and 1, 1.
    assert found.set_variance == pytest.approx((2 / 3 + 4) / (2 + 0))
    assert found.relevance_spread == pytest.approx((math.sqrt(1 / 6) + 0.5) / 2)
    assert found.encoded_variance == pytest.approx(within_lists(places(ranked.encoded, batch)))
    pooled = [ranked.pooled[0], ranked.pooled[1, :2]]
    assert found.pooled_variance == pytest.approx(within_lists(pooled))
    spreads = [part.std(dim=0, correction=0) for part in places(batch["stats"], batch)]
    assert found.input_spread == pytest.approx(float(torch.stack(spreads).mean()))


def test_minutes_and_masks_by_hand():
    found = diagnose(*by_hand())
    assert found.minutes_sum == pytest.approx((1 + 0.7 + 1 + 0.4 + 1) / 5)
    assert found.distinct_players == 8, "the row 6 stands only in empty places"


def test_padding_and_empty_places_have_no_effect():
    ranked, batch = by_hand()
    want = diagnose(ranked, batch)
    hidden = ~(batch["player_mask"] & batch["team_mask"][..., None])
    teams = ~batch["team_mask"]
    poisoned = batch | {
        "stats": batch["stats"].masked_fill(hidden[..., None], torch.nan),
        "player": batch["player"].masked_fill(hidden, 77),
        "minutes_share": batch["minutes_share"].masked_fill(hidden, torch.nan),
        "relevance": batch["relevance"].masked_fill(teams, torch.nan),
    }
    strange = ranked._replace(
        score=ranked.score.masked_fill(teams, torch.nan),
        weights=ranked.weights.masked_fill(teams[..., None, None], torch.nan),
        fallback=ranked.fallback | teams[..., None],
        encoded=ranked.encoded.masked_fill(hidden[..., None], torch.nan),
        pooled=ranked.pooled.masked_fill(teams[..., None], torch.nan),
    )
    assert diagnose(strange, poisoned).to_dict() == pytest.approx(want.to_dict(), nan_ok=True)


def test_a_team_without_players_is_left_out():
    ranked, batch = by_hand()
    mask = batch["player_mask"].clone()
    mask[0, 2] = False
    score = ranked.score.clone()
    score[0, 2] = torch.nan
    found = diagnose(ranked._replace(score=score), batch | {"player_mask": mask})
    assert found.score_spread == pytest.approx((0.5 + 2) / 2)
    assert found.minutes_sum == pytest.approx((1 + 0.7 + 0.4 + 1) / 4)


def test_gradient_norms_are_those_of_each_part():
    ranker, (_, batch) = small_ranker(), by_hand()
    assert all(math.isnan(norm) for norm in gradient_norms(ranker).values())
    ranked = ranker(**{name: batch[name] for name in batch if name != "relevance"})
    ranked.score.square().sum().backward()
    norms = gradient_norms(ranker)
    for part in ("attention", "encoder", "scorer"):
        squares = sum(weight.grad.square().sum() for weight in getattr(ranker, part).parameters())
        assert float(norms[part]) == pytest.approx(float(squares) ** 0.5) != 0
    found = diagnose(ranked, batch, norms)
    assert found.gradient_scorer == pytest.approx(float(norms["scorer"]))
    names = list(found.to_dict())
    place = names.index("entropy_ratio")
    assert names[place + 1 : place + 3] == ["entropy_ratio_head_0", "entropy_ratio_head_1"]


def test_gradients_are_zero_where_the_loss_does_not_reach_and_nan_without_parameters():
    _, batch = by_hand()
    batch["team_prior"] = torch.ones(2, 3, 1)
    inputs = {name: batch[name] for name in batch if name != "relevance"}
    ranker = small_ranker(n_prior=1, pooling="mean")
    ranker(**inputs).score.square().sum().backward()
    norms = gradient_norms(ranker)
    assert math.isnan(norms["attention"])
    assert norms["encoder"] == 0 < norms["scorer"]
    for weight in ranker.encoder.parameters():
        weight.grad = None
    assert gradient_norms(ranker)["encoder"] == 0


HEALTHY = replace(
    diagnose(*by_hand()), gradient_attention=0.1, gradient_encoder=0.1, gradient_scorer=0.1
)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"input_spread": 3e-8}, Cause.CONSTANT_INPUTS),
        ({"relevance_spread": 0.0}, Cause.CONSTANT_TARGETS),
        ({"minutes_sum": 0.0, "fallback_share": 1.0}, Cause.MISSING_MINUTES),
        ({}, None),
        ({"minutes_sum": 0.0}, None),
        ({"fallback_share": 1.0}, None),
        ({"relevance_spread": math.nan}, Cause.NOT_FINITE),
        ({"input_spread": math.nan}, Cause.NOT_FINITE),
    ],
)
def test_causes_in_the_data(change, cause):
    assert cause_in_data(replace(HEALTHY, **change)) is cause


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({}, None),
        ({"entropy_ratio": 0.019}, Cause.COLLAPSED_ATTENTION),
        ({"entropy_ratio": 0.021}, None),
        ({"entropy_ratio": 1.0}, None),
        ({"fallback_share": 1.0}, Cause.COLLAPSED_ATTENTION),
        ({"fallback_share": 0.9}, None),
        ({"score_spread": 1e-7}, Cause.CONSTANT_SCORES),
        ({"score_spread": math.nan}, Cause.CONSTANT_SCORES),
        ({"gradient_attention": 0.0}, Cause.DEAD_GRADIENTS),
        ({"gradient_encoder": math.inf}, Cause.DEAD_GRADIENTS),
        ({"gradient_scorer": math.nan}, Cause.DEAD_GRADIENTS),
    ],
)
def test_causes_in_the_network(change, cause):
    assert cause_in_network(replace(HEALTHY, **change), "attention") is cause


@pytest.mark.parametrize("pooling", ["uniform", "mean"])
def test_causes_of_attention_need_attention(pooling):
    collapsed = replace(HEALTHY, entropy_ratio=0.0, gradient_attention=math.nan)
    assert cause_in_network(collapsed, pooling) is None
    silent = replace(collapsed, gradient_encoder=0.0)
    assert cause_in_network(silent, pooling) is Cause.DEAD_GRADIENTS
