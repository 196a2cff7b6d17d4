"""Losses over ranked lists, chosen by `model.model_a.loss`.

Letters: B lists, L teams. All take

- `score` and `relevance`: higher is better, [B, L];
- `mask`: True for teams, False for padding, bool [B, L];
- `generator`: puts ties in random order, on the CPU

and return the mean over lists, a float32 scalar computed in float32. A constant added to all scores
of a list, and padding, have no effect. A list with fewer than two teams is a ValueError.
"""

from collections.abc import Callable

import torch
from torch import Tensor

# Score difference, in units of the list's spread, over which a soft comparison turns.
_TEMPERATURE = 0.25


def list_mle(
    score: Tensor, relevance: Tensor, mask: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Negative log-likelihood of the true order under the Plackett-Luce model, per team.

    `-sum_i [s_i - logsumexp_{j >= i} s_j]` over the places i of the true order, divided by the
    number of teams. Equal relevance is put in random order each time.

    Source: Xia et al. (2008), "Listwise Approach to Learning to Rank", eq. 9.
    """
    terms, valid = _plackett_luce_terms(score, relevance, mask, generator)
    return (terms.sum(dim=1) / valid.sum(dim=1)).mean()


def p_list_mle(
    score: Tensor, relevance: Tensor, mask: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Position-aware ListMLE: the top of the list counts more.

    The terms of `list_mle`, averaged with weight `1 / log2(i + 1)` at place i = 1, 2, ... of the
    true order: NDCG's discount instead of the paper's `2^(n - i) - 1`, which gives three quarters
    of the loss to the first two places of a list of 15.

    Source: Lan et al. (2014), "Position-Aware ListMLE: A Sequential Learning Process for Ranking".
    """
    terms, valid = _plackett_luce_terms(score, relevance, mask, generator)
    place = torch.arange(1, terms.shape[1] + 1, device=terms.device)
    weight = valid / (place + 1).log2()
    return ((weight * terms).sum(dim=1) / weight.sum(dim=1)).mean()


def soft_spearman(
    score: Tensor, relevance: Tensor, mask: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """One minus Spearman's correlation, `6 sum_i d_i^2 / (n (n^2 - 1))`, with soft ranks.

    A team's soft rank is `1 + sum_{j != i} sigmoid((s_j - s_i) / (t spread))`; d is its distance
    to the true rank, ties sharing the mean rank, so `generator` is unused. 0 is perfect, 1/2 equal
    scores, 2 the reverse.

    Two choices keep gradients alive: the distance instead of the correlation of the ranks, which is
    undefined for equal scores; and `spread = sqrt(variance + 1)`, a fixed temperature while scores
    are close, and the list's own standard deviation when they are far apart, so that the sigmoids
    do not saturate.

    Source: Qin, Liu and Li (2010), "A general approximation framework for direct optimization of
    information retrieval measures", for the soft ranks.
    """
    _check(mask)
    n = mask.sum(dim=1)
    score = score.float().masked_fill(~mask, 0)
    centred = (score - (score.sum(dim=1) / n)[:, None]).masked_fill(~mask, 0)
    spread = (centred.square().sum(dim=1) / n + 1).sqrt()
    z = centred / (_TEMPERATURE * spread[:, None])
    soft = _rank(z, mask, torch.sigmoid)
    true = _rank(relevance.masked_fill(~mask, 0), mask, _step)
    distance = (soft - true).masked_fill(~mask, 0).square().sum(dim=1)
    return (6 * distance / (n * (n.square() - 1))).mean()


LIST_LOSSES: dict[str, Callable[..., Tensor]] = {
    "list_mle": list_mle,
    "p_list_mle": p_list_mle,
    "soft_spearman": soft_spearman,
}


def _plackett_luce_terms(
    score: Tensor, relevance: Tensor, mask: Tensor, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Return `logsumexp_{j >= i} s_j - s_i` in true order, 0 for padding, and its mask."""
    _check(mask)
    shuffled = torch.rand(score.shape, generator=generator).to(score.device).argsort(dim=1)
    keys = relevance.masked_fill(~mask, -torch.inf).gather(1, shuffled)
    order = shuffled.gather(1, keys.argsort(dim=1, descending=True, stable=True))
    ordered = score.float().gather(1, order)
    valid = mask.gather(1, order)
    # Not -inf: the running logsumexp starts at the padded end, and its gradient would be NaN.
    padded = ordered.masked_fill(~valid, -1e9)
    normaliser = padded.flip(1).logcumsumexp(dim=1).flip(1)
    return (normaliser - ordered).masked_fill(~valid, 0.0), valid


def _rank(value: Tensor, mask: Tensor, above: Callable[[Tensor], Tensor]) -> Tensor:
    """Rank by descending value, 1 is best, with `above(v_j - v_i)` the part that j beats i."""
    beaten = above(value[:, None, :] - value[:, :, None])
    # A team beats itself by half.
    return 0.5 + (beaten * mask[:, None, :]).sum(dim=2)


def _step(difference: Tensor) -> Tensor:
    return torch.heaviside(difference, difference.new_tensor(0.5))


def _check(mask: Tensor) -> None:
    if int(mask.sum(dim=1).min()) < 2:
        raise ValueError("a list with fewer than two teams has no order to learn")
