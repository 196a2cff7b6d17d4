"""ListMLE, the likelihood of the true order under the Plackett-Luce model."""

import torch
from torch import Tensor


def list_mle(
    score: Tensor, relevance: Tensor, mask: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Return the mean negative log-likelihood of the true orders.

    `-sum_i [s_i - logsumexp_{j >= i} s_j]` over the places i of the true order, divided by the
    number of teams. Adding a constant to all scores of a list changes nothing; equal relevance is
    put in random order each time; padding reaches neither the sum nor the normaliser. Computed in
    float32 whatever the scores' dtype.

    Args:
        score: Scores, higher is better, [B, L].
        relevance: Relevance, higher is better, [B, L].
        mask: True for teams, False for padding, bool [B, L].
        generator: Source of the order of ties, on the scores' device.

    Returns:
        The loss, a float32 scalar.

    Raises:
        ValueError: A list has fewer than two teams.

    Source: Xia et al. (2008), "Listwise Approach to Learning to Rank", eq. 9.
    """
    if int(mask.sum(dim=1).min()) < 2:
        raise ValueError("a list with fewer than two teams has no order to learn")
    shuffled = torch.rand(score.shape, generator=generator, device=score.device).argsort(dim=1)
    keys = relevance.masked_fill(~mask, -torch.inf).gather(1, shuffled)
    order = shuffled.gather(1, keys.argsort(dim=1, descending=True, stable=True))
    ordered = score.float().gather(1, order)
    valid = mask.gather(1, order)
    # A large negative number, not -inf: the running logsumexp starts at the padded end of the
    # list, and the gradient of logsumexp over -inf alone is NaN.
    padded = ordered.masked_fill(~valid, -1e9)
    normaliser = padded.flip(1).logcumsumexp(dim=1).flip(1)
    terms = (normaliser - ordered).masked_fill(~valid, 0.0)
    return (terms.sum(dim=1) / valid.sum(dim=1)).mean()
