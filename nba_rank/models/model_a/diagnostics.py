"""Is model A alive? Statistics of one batch, and the fault that they point to.

Spreads are taken within a list, because only what differs among its teams can rank them. Padding
and empty places are left out.

Letters: B lists, L teams in a list, P players of a team, F player columns, D model width, H heads.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import isfinite, nan

import torch
from torch import Tensor

from nba_rank.models.model_a.attention_weights import SHARE_FLOOR
from nba_rank.models.model_a.deep_set_ranker import DeepSetRanker, Ranked
from nba_rank.models.model_a.game_attention import GameFloor
from nba_rank.samples.lists import Batch

PARTS = ("attention", "encoder", "scorer")
"""Parts of the network whose gradients are measured."""

ENTROPY_RATIO_MIN = 0.02
"""Entropy ratio below which all weight lies on one player."""

# Standardised inputs, relevance and scores (log odds) that differ by less are equal but for the
# rounding of float32.
_INPUT_SPREAD_MIN = 1e-4
_RELEVANCE_SPREAD_MIN = 1e-6
_SCORE_SPREAD_MIN = 1e-5
_MINUTES_SUM_MIN = 1e-6
_ALL = 0.999


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """Health of model A on one batch; NaN is not measured.

    Attributes:
        attention_max: Mean largest weight of a team in a head, 1/P to 1.
        entropy_ratio: Mean over heads of `entropy_ratio_by_head`.
        entropy_ratio_by_head: `-sum_p w_p log w_p / log n`, n the team's players and w their
            weights scaled to sum 1; mean over teams of two or more players, 0 (all weight on one
            player) to 1 (uniform).
        prior_kl: Kullback-Leibler divergence of the weights from those of the minutes prior alone,
            in nats; mean over heads and teams of two or more players. About 0 in an untrained
            network, whatever the entropy.
        fallback_share: Share of teams and heads that fall back, 0 to 1.
        encoded_variance: Variance of encoded players within a list, mean over columns and lists.
        pooled_variance: The same of the pooled teams.
        score_spread: Standard deviation of the scores within a list, mean over lists.
        set_variance: Variance within a list of the set's part of the score, mean over lists, over
            that of the skip; infinite without a team prior.
        relevance_spread: The same of the relevance.
        input_spread: Standard deviation of a player column within a list, mean over columns and
            lists; about 1.
        distinct_players: Number of different embedding rows.
        minutes_sum: Mean sum of a team's minutes shares; 1, or 0 where minutes are missing.
        set_loss: The set's part of the training loss, mean of the epoch, see `ModelA.losses`.
        val_set_loss: The same of the validation loss.
        game_kl: See `GameFloor`, like `game_gain`; the same in all epochs.
        game_gain: What the attention over games explains of its loss, 0 to 1.
        gradient_attention: L2 norm of the attention's gradient, before clipping.
        gradient_encoder: The same of the encoder.
        gradient_scorer: The same of the scorer.
    """

    attention_max: float
    entropy_ratio: float
    entropy_ratio_by_head: tuple[float, ...]
    prior_kl: float
    fallback_share: float
    encoded_variance: float
    pooled_variance: float
    score_spread: float
    set_variance: float
    relevance_spread: float
    input_spread: float
    distinct_players: float
    minutes_sum: float
    set_loss: float = nan
    val_set_loss: float = nan
    game_kl: float = nan
    game_gain: float = nan
    gradient_attention: float = nan
    gradient_encoder: float = nan
    gradient_scorer: float = nan

    def to_dict(self) -> dict[str, float]:
        """Return one number a name; the heads are `entropy_ratio_head_0` and so on."""
        values: dict[str, float] = {}
        for name, value in asdict(self).items():
            if name == "entropy_ratio_by_head":
                values |= {f"entropy_ratio_head_{head}": one for head, one in enumerate(value)}
            else:
                values[name] = value
        return values


class Cause(StrEnum):
    """Why model A does not learn."""

    NOT_FINITE = "values that are not finite"
    CONSTANT_INPUTS = "constant inputs"
    CONSTANT_TARGETS = "constant targets"
    MISSING_MINUTES = "missing minutes"
    LEARNING_RATE = "learning rate"
    COLLAPSED_ATTENTION = "collapsed attention"
    CONSTANT_SCORES = "constant scores"
    DEAD_GRADIENTS = "dead gradients"
    PLATEAU = "plateau"


@torch.no_grad()
def diagnose(
    ranked: Ranked,
    batch: Batch,
    gradients: Mapping[str, Tensor] | None = None,
    *,
    minutes_bias_weight: float = 1.0,
    floor: GameFloor | None = None,
) -> Diagnostics:
    """Measure a batch; the numbers leave the device all at once.

    Args:
        ranked: The network's result for the batch.
        batch: The batch.
        gradients: Result of `gradient_norms` after the batch's backward pass.
        minutes_bias_weight: That of the attention.
        floor: The attention over games behind the batch, if any.
    """
    places = batch["player_mask"] & batch["team_mask"][..., None]  # [B, L, P]
    n_players = places.sum(dim=2)
    teams = n_players > 0  # [B, L]
    weights = ranked.weights.float()[teams]  # [T, H, P], T teams in all
    shares = batch["minutes_share"].float().masked_fill(~places, 0.0)[teams]
    n_of_team = n_players[teams].float()

    sums = weights.sum(dim=2)
    scaled = weights / sums.clamp_min(torch.finfo(torch.float32).tiny)[..., None]
    entropy = torch.special.entr(scaled).sum(dim=2) / n_of_team.log()[:, None]
    by_head = entropy[n_of_team > 1].mean(dim=0)
    prior = _log_prior(shares, places[teams], minutes_bias_weight)
    divergence = (torch.xlogy(scaled, scaled) - scaled * prior[:, None]).sum(dim=2)
    several = {
        "attention_max": weights.amax(dim=2).mean(),
        "entropy_ratio": by_head.mean(),
        "prior_kl": divergence[n_of_team > 1].mean(),
        "fallback_share": ranked.fallback[teams].float().mean(),
        "encoded_variance": _variance(ranked.encoded.flatten(1, 2), places.flatten(1)).mean(),
        "pooled_variance": _variance(ranked.pooled, teams).mean(),
        "score_spread": _variance(ranked.score[..., None], teams).sqrt().mean(),
        "set_variance": _variance((ranked.score - ranked.skip)[..., None], teams).mean()
        / _variance(ranked.skip[..., None], teams).mean(),
        "relevance_spread": _variance(batch["relevance"][..., None], teams).sqrt().mean(),
        "input_spread": _variance(batch["stats"].flatten(1, 2), places.flatten(1)).sqrt().mean(),
        "distinct_players": batch["player"][places].unique().numel(),
        "minutes_sum": shares.sum(dim=1).mean(),
    } | {f"gradient_{part}": norm for part, norm in (gradients or {}).items()}
    numbers = [torch.as_tensor(value, device=weights.device) for value in several.values()]
    values = torch.cat([torch.stack([number.float() for number in numbers]), by_head]).tolist()
    names = list(several)
    return Diagnostics(
        **dict(zip(names, values, strict=False)),
        entropy_ratio_by_head=tuple(values[len(names) :]),
        game_kl=nan if floor is None else floor.kl,
        game_gain=nan if floor is None else floor.gain,
    )


@torch.no_grad()
def gradient_norms(ranker: DeepSetRanker) -> dict[str, Tensor]:
    """Return the L2 norm of the gradient of each of `PARTS`, float32 scalars on the device.

    NaN for a part without parameters, and before a backward pass.
    """
    device = next(ranker.parameters()).device
    unknown = torch.tensor(nan, device=device)
    if all(parameter.grad is None for parameter in ranker.parameters()):
        return dict.fromkeys(PARTS, unknown)
    norms = {}
    for part in PARTS:
        parameters = list(ranker.get_submodule(part).parameters())
        reached = [parameter.grad for parameter in parameters if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(reached).to(device)
        norms[part] = norm if parameters else unknown
    return norms


def not_finite(batch: Batch) -> list[str]:
    """Return the names of the tensors with values that are not finite."""
    return [
        name
        for name, tensor in batch.items()
        if tensor.is_floating_point() and not bool(tensor.isfinite().all())
    ]


def cause_in_data(found: Diagnostics) -> Cause | None:
    """Return what is wrong with the batch itself, or None."""
    numbers = (found.input_spread, found.relevance_spread, found.minutes_sum)
    if not all(isfinite(number) for number in numbers):
        return Cause.NOT_FINITE
    if found.input_spread < _INPUT_SPREAD_MIN:
        return Cause.CONSTANT_INPUTS
    if found.relevance_spread < _RELEVANCE_SPREAD_MIN:
        return Cause.CONSTANT_TARGETS
    if found.fallback_share > _ALL and found.minutes_sum < _MINUTES_SUM_MIN:
        return Cause.MISSING_MINUTES
    return None


def cause_in_network(found: Diagnostics, pooling: str) -> Cause | None:
    """Return what is wrong with the network after a backward pass, or None where it can learn.

    Args:
        found: Statistics with gradients.
        pooling: `model.model_a.attention.pooling`; only `attention` can collapse or needs a
            gradient.
    """
    attends = pooling == "attention"
    collapsed = found.fallback_share > _ALL or found.entropy_ratio < ENTROPY_RATIO_MIN
    if attends and collapsed:
        return Cause.COLLAPSED_ATTENTION
    if not found.score_spread >= _SCORE_SPREAD_MIN:
        return Cause.CONSTANT_SCORES
    gradients = [found.gradient_encoder, found.gradient_scorer]
    gradients += [found.gradient_attention] if attends else []
    if not all(isfinite(gradient) and gradient > 0 for gradient in gradients):
        return Cause.DEAD_GRADIENTS
    return None


def explain(cause: Cause, found: Diagnostics) -> str:
    """Return the numbers behind a cause in data or network, and the remedy."""
    return _EXPLANATIONS[cause].format(**found.to_dict())


def explain_not_finite(loss: float, batch: Batch) -> str:
    """Return why an untrained network's loss is not finite, and the remedy."""
    wrong = not_finite(batch)
    if wrong:
        return (
            f"the loss is {loss} because {', '.join(wrong)} of the batch hold values that are not "
            "finite: check the features and the logs behind them"
        )
    return (
        f"the loss is {loss} before the first step though the batch is finite: set "
        "trainer.precision=32-true or raise model.model_a.attention.temperature"
    )


_EXPLANATIONS = {
    Cause.NOT_FINITE: (
        "the batch holds values that are not finite (spread of the inputs {input_spread:.1e}, of "
        "the relevance {relevance_spread:.1e}, sum of minutes {minutes_sum:.1e}): check the "
        "features.roster.columns and the logs behind them"
    ),
    Cause.CONSTANT_INPUTS: (
        "all players of a list have the same statistics (spread {input_spread:.1e}, about 1 is "
        "usual; {distinct_players:.0f} different players): check the player logs, and "
        "features.roster.columns and features.roster.windows"
    ),
    Cause.CONSTANT_TARGETS: (
        "all teams of a list have the same relevance (spread {relevance_spread:.1e}): check "
        "target.name and the results of the training seasons"
    ),
    Cause.MISSING_MINUTES: (
        "no team has minutes (mean sum {minutes_sum:.1e}, 1 is usual) and {fallback_share:.0%} of "
        "the weights fall back: check the minutes of the player logs, or set "
        "model.model_a.attention.minutes_bias_weight=0"
    ),
    Cause.COLLAPSED_ATTENTION: (
        "the attention weights say nothing (entropy ratio {entropy_ratio:.3f}, largest weight "
        "{attention_max:.3f}, fallbacks {fallback_share:.0%}): raise "
        "model.model_a.attention.temperature, lower "
        "model.model_a.attention.minutes_bias_weight or model.model_a.learning_rate, or set "
        "model.model_a.attention.sigma_reparam=true"
    ),
    Cause.CONSTANT_SCORES: (
        "all teams of a list get the same score (spread {score_spread:.1e}; of the pooled vectors, "
        "variance {pooled_variance:.1e}): set model.model_a.attention.pre_norm=true, lower "
        "model.model_a.weight_decay, or take another seed"
    ),
    Cause.DEAD_GRADIENTS: (
        "a part of the network gets no usable gradient (attention {gradient_attention:.1e}, "
        "encoder {gradient_encoder:.1e}, scorer {gradient_scorer:.1e}): set "
        "model.model_a.attention.residual=true or trainer.precision=32-true, or widen "
        "model.model_a.encoder_dims"
    ),
}


def _log_prior(shares: Tensor, valid: Tensor, weight: float) -> Tensor:
    """Return the log weights of the minutes prior alone, [T, P]; 0 in empty places."""
    total = shares.sum(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    logits = weight * (shares / total).clamp_min(SHARE_FLOOR).log()
    return logits.masked_fill(~valid, -torch.inf).log_softmax(dim=1).masked_fill(~valid, 0.0)


def _variance(values: Tensor, mask: Tensor) -> Tensor:
    """Return the variance within each list, [B, D], of the masked rows of values [B, M, D]."""
    hidden, count = ~mask[..., None], mask.sum(dim=1, keepdim=True).clamp_min(1)
    values = values.float().masked_fill(hidden, 0.0)
    mean = values.sum(dim=1) / count
    return (values - mean[:, None]).square().masked_fill(hidden, 0.0).sum(dim=1) / count
