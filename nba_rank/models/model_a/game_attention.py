"""The lower floor of model A: attention over a player's own earlier games.

A game's content does not depend on the date that asks for it, and `exp(score - decay (t - t_g))`
factorises. So pooling as of any date is a ratio of running sums over the player's games, and one
pass over all games pools them as of every date.

Letters: n player games, C columns of a game, H heads, G games, M asked players and dates.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import huber_loss

from nba_rank.config.schema import GamesConfig
from nba_rank.core.arrays import BoolArray, IntArray
from nba_rank.core.errors import UserError
from nba_rank.core.season_weights import season_weights
from nba_rank.core.seasons import season_start_year
from nba_rank.features.asof import start_years
from nba_rank.features.players.game_log import GAME_COLUMNS, GameLog

DECAY_DAYS = (15.0, 4000.0)
"""Days in which the weight of a game falls to 1/e before training: of the first and last head."""

_DAYS_MIN = 10.0
_CONTENT_MAX = 3.0
_SCORE_MAX = 6.0
_HUBER_POINTS = 20.0
_HOME_EDGE = 3.0
_PSEUDO_MINUTES = 100.0
_SCALE_MIN = 1e-6

_PREFIX, _LOSSES, _KL = "games.", "game_losses", "game_kl"  # of the names in a checkpoint


class Pooled(NamedTuple):
    """Players as of dates.

    Attributes:
        rating: Points per 48 minutes beyond the league's average minute, float32 [M].
        weight: Sum of the weights of a player's games at the date, in minutes, [H, M].
        divergence: Kullback-Leibler divergence of the weights from those of minutes and decay
            alone, in nats, [H, M]; 0 without games.
    """

    rating: Tensor
    weight: Tensor
    divergence: Tensor


class GameAttention(nn.Module):
    """Rates players by attention over their games.

    In each head a game's weight is `minutes exp(content - age / decay)`, the softmax of
    `log(minutes) + content - age / decay`: minutes and exponential decay are the prior of the
    logits, `content` is a linear score of the game's columns, and the value a linear one. A game of
    a newcomer's value and some minutes is added, so that few games count little. The rating is the
    sum of the heads. Value and content start at zero: at first all players rate alike.

    Args:
        n_heads: Heads H.
    """

    scale: Tensor

    def __init__(self, n_heads: int) -> None:
        super().__init__()
        n_columns = len(GAME_COLUMNS)
        self.value = nn.Parameter(torch.zeros(n_heads, n_columns))
        self.bias = nn.Parameter(torch.zeros(n_heads))
        self.content = nn.Parameter(torch.zeros(n_heads, n_columns))
        days = torch.logspace(math.log10(DECAY_DAYS[0]), math.log10(DECAY_DAYS[1]), n_heads)
        self.log_days = nn.Parameter(days.log())
        self.log_pseudo = nn.Parameter(torch.full((n_heads,), math.log(_PSEUDO_MINUTES)))
        self.newcomer = nn.Parameter(torch.full((n_heads,), -1.0 / n_heads))
        self.edge = nn.Parameter(torch.tensor(_HOME_EDGE))
        self.register_buffer("scale", torch.ones(n_columns))

    def before(self, games: "PackedGames") -> Tensor:
        """Return the rating of each game's player on its morning, float32 [n]."""
        _, weight, kept = self._weights(games)
        terms = torch.stack([weight * self._value(games), weight])
        return self._rating(*(_DecayedSums.apply(terms, kept, games.bounds) * kept))

    def forward(self, games: "PackedGames", newest: Tensor, age: Tensor) -> Pooled:
        """Rate players on mornings.

        Args:
            games: Games of the players.
            newest: Number of each player's newest game before the morning, int64 [M].
            age: Days since that game, [M].
        """
        content, weight, kept = self._weights(games)
        minutes = games.minutes.expand_as(weight)
        terms = torch.stack([weight * self._value(games), weight, weight * content, minutes])
        sums = _DecayedSums.apply(terms, kept, games.bounds)
        total, weight, of_content, plain = (sums * kept + terms)[..., newest]
        divergence = of_content / weight - (weight / plain).log()
        left = torch.exp(-self.rate * age)
        return Pooled(self._rating(total * left, weight * left), weight * left, divergence)

    @property
    def rate(self) -> Tensor:
        """Loss of log weight a day, [H, 1]."""
        return 1 / self.log_days.exp().clamp_min(_DAYS_MIN)[:, None]

    def clip(self, x: Tensor) -> Tensor:
        """Bound columns [C, n] in units of their scale, as `content_of` reads them."""
        bound = _CONTENT_MAX * self.scale[:, None]
        return x.clamp(-bound, bound)

    def content_of(self, clipped: Tensor) -> Tensor:
        """Return the score of each game's content in the logits, [H, n]."""
        return _linear(clipped, self.content / self.scale).clamp(-_SCORE_MAX, _SCORE_MAX)

    def _value(self, games: "PackedGames") -> Tensor:
        """Return what each game says of its player, [H, n]."""
        return _linear(games.x, self.value / self.scale) + self.bias[:, None]

    def _weights(self, games: "PackedGames") -> tuple[Tensor, Tensor, Tensor]:
        """Return content and weight of each game on its day, and what the gap before it leaves.

        All [H, n]; the last is the share of a weight that is left since the player's game before.
        """
        content = self.content_of(games.clipped)
        return content, games.minutes * content.exp(), torch.exp(-self.rate * games.gap)

    def _rating(self, total: Tensor, weight: Tensor) -> Tensor:
        pseudo, newcomer = self.log_pseudo.exp()[:, None], self.newcomer[:, None]
        return ((total + pseudo * newcomer) / (weight + pseudo)).sum(dim=0)


def _linear(x: Tensor, weight: Tensor) -> Tensor:
    """Return the product of columns [C, n] and weights [H, C], [H, n]."""
    if torch.is_grad_enabled():
        return weight @ x
    # Column by column: the last bits of a product depend on how many games there are.
    total = x[0] * weight[:, :1]
    for number in range(1, len(x)):
        total += x[number] * weight[:, [number]]
    return total


class _DecayedSums(torch.autograd.Function):
    """Sums of terms over each player's games before a game, as they were after the last of them.

    `sum_k = kept_{k-1} sum_{k-1} + term_{k-1}`, all players at once, a step a game of a career.
    Terms are [..., H, n], what is kept is [H, n].
    """

    @staticmethod
    def forward(ctx: Any, terms: Tensor, kept: Tensor, bounds: list[int]) -> Tensor:  # noqa: ANN401
        term, left = terms.numpy(), kept.numpy()
        sums = np.zeros_like(term)
        for start, middle, end in zip(bounds, bounds[1:], bounds[2:], strict=False):
            last = slice(start, start + end - middle)
            np.multiply(sums[..., last], left[..., last], out=sums[..., middle:end])
            sums[..., middle:end] += term[..., last]
        result = torch.from_numpy(sums)
        ctx.save_for_backward(kept, result)
        ctx.bounds = bounds
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ANN401
        kept, sums = ctx.saved_tensors
        bounds, left = ctx.bounds, kept.numpy()
        of_sums = gradients[0].numpy().copy()
        of_terms = np.zeros_like(of_sums)
        steps = [*zip(bounds, bounds[1:], bounds[2:], strict=False)]
        for start, middle, end in reversed(steps):
            last = slice(start, start + end - middle)
            of_terms[..., last] = of_sums[..., middle:end]
            of_sums[..., last] += of_terms[..., last] * left[..., last]
        result = torch.from_numpy(of_terms)
        return result, (result * sums).sum(dim=0), None


@dataclass(frozen=True)
class PackedGames:
    """Games of a log in the order of the running sums: first games, second games, and so on.

    Players of many games come first, so that those who have a next game are the first ones.

    Attributes:
        x: [C, n].
        clipped: The same, bounded in units of each column's scale.
        minutes: [n].
        gap: Days since the player's game before, 0 for his first, [n].
        bounds: Where each step begins, and n.
        order: Rows of the log, [n].
    """

    x: Tensor
    clipped: Tensor
    minutes: Tensor
    gap: Tensor
    bounds: list[int]
    order: IntArray

    @classmethod
    def of(cls, log: GameLog, network: GameAttention) -> Self:
        """Pack a log with at least one game."""
        # Unknown players have negative ids, perhaps -1.
        first = np.flatnonzero(np.diff(log.player, prepend=log.player[0] - 1))
        n_games = np.diff(first, append=len(log.player))
        slot = np.empty_like(first)
        slot[np.argsort(-n_games, kind="stable")] = np.arange(len(first))
        step = np.arange(len(log.player)) - np.repeat(first, n_games)
        order = np.lexsort((np.repeat(slot, n_games), step))
        gap = np.where(step > 0, np.diff(log.day, prepend=0), 0)
        x = torch.from_numpy(log.x[:, order])
        return cls(
            x=x,
            clipped=network.clip(x),
            minutes=torch.from_numpy(log.minutes[order]),
            gap=_float(gap[order]),
            bounds=[0, *np.bincount(step).cumsum().tolist()],
            order=order,
        )


@dataclass(frozen=True)
class GameFloor:
    """A trained lower floor.

    Attributes:
        network: In evaluation mode.
        losses: Mean loss of the training games, penalties included, at each evaluation; the first
            is untrained, and the line search may try a worse one.
        kl: Mean divergence of `Pooled` over heads and over the players and mornings of the training
            games; about 0 means that minutes and decay alone weigh the games.
    """

    network: GameAttention
    losses: list[float]
    kl: float

    @property
    def gain(self) -> float:
        """Share of the untrained loss, that of players who are all alike, that training took."""
        return 1 - self.losses[-1] / self.losses[0]

    @classmethod
    def fit(
        cls,
        log: GameLog,
        seasons: list[str],
        config: GamesConfig,
        season_half_life: float | None = None,
    ) -> Self:
        """Learn from the games of some seasons, each from the players' games before it.

        The margin is the home edge and the players' ratings by share of minutes, home less away.
        Penalties on value and content stand in for early stopping, so that no single season
        decides, and a start without chance makes the fit the same on every seed.

        Raises:
            UserError: The log holds no game of the seasons, or nothing can be learned from them.
        """
        asked = np.isin(log.seasons, seasons)
        if not asked.any():
            raise UserError(
                f"the player logs hold no game of {', '.join(seasons)}, which the attention over "
                "games learns from: add their logs, or set model.model_a.games.enabled=false"
            )
        years = [season_start_year(season) for season in seasons]
        log = log.take(log.season <= max(years))
        asked = np.isin(log.seasons, seasons)
        network = GameAttention(config.n_heads)
        network.content.requires_grad_(config.content_penalty is not None)
        rows = asked[log.game]
        minutes = torch.from_numpy(log.minutes[rows])
        square = torch.from_numpy(log.x[:, rows]).square() @ minutes / minutes.sum()
        network.scale.copy_(square.sqrt().clamp_min(_SCALE_MIN))
        losses = _minimise(
            network, _loss(network, log, asked, config, season_half_life), config.iterations
        )
        if not losses[-1] < losses[0]:
            raise UserError(
                f"the attention over games does not learn: its loss is {losses[-1]:g} after "
                f"{losses[0]:g}; check margins, minutes and box scores of the player logs, or set "
                "model.model_a.games.enabled=false"
            )
        floor = cls(network.eval().requires_grad_(requires_grad=False), losses, math.nan)
        rows = asked[log.game]
        pooled = floor.pool(log, log.player[rows], log.day[rows])
        return replace(floor, kl=pooled.divergence.mean().item())

    def pool(self, log: GameLog, player: IntArray, day: IntArray) -> Pooled:
        """Pool the games of each player before a morning, [M]; no others are read."""
        own = log.take(np.isin(log.player, player) & (log.day < day.max(initial=0)))
        newcomer = self.network.newcomer.sum()
        if len(own.day) == 0:
            nothing = torch.zeros(len(self.network.value), len(player))
            return Pooled(newcomer.expand(len(player)), nothing, nothing)
        newest = own.newest_before(player, day)
        packed = PackedGames.of(own, self.network)
        place = np.argsort(packed.order)[newest]
        with torch.inference_mode():
            age = _float(day - own.day[newest])
            found = self.network(packed, torch.from_numpy(place), age)
        stranger = torch.from_numpy(newest < 0)
        return Pooled(
            found.rating.where(~stranger, newcomer),
            found.weight.masked_fill(stranger, 0),
            found.divergence.masked_fill(stranger, 0),
        )

    def heaviest(self, log: GameLog, player: IntArray, day: IntArray) -> tuple[IntArray, IntArray]:
        """Return each player's game of most weight before a morning, and how many games he has.

        Players without games are left out. A game's weight is its share in a head, mean over heads.

        Returns:
            Rows of the log, and numbers of games.
        """
        newest = log.newest_before(player, day)
        known = newest >= 0
        newest, day = newest[known], day[known]
        first = log.first_of(newest)
        n_games = newest - first + 1
        start = n_games.cumsum() - n_games
        row = np.arange(n_games.sum()) + np.repeat(first - start, n_games)
        x = torch.from_numpy(log.x[:, row])
        with torch.inference_mode():
            age = _float(np.repeat(day, n_games) - log.day[row])
            content = self.network.content_of(self.network.clip(x)) - self.network.rate * age
        odds = log.minutes[row] * content.exp().double().numpy()
        share = odds / np.repeat(np.add.reduceat(odds, start, axis=1), n_games, axis=1)
        weight = share.mean(axis=0)
        order = np.lexsort((weight, np.repeat(start, n_games)))
        return row[order[start + n_games - 1]], n_games

    def state(self) -> dict[str, Any]:
        """Return lists and tensors for a checkpoint; `of_state` restores them exactly."""
        weights = {_PREFIX + name: value for name, value in self.network.state_dict().items()}
        return {**weights, _LOSSES: self.losses, _KL: self.kl}

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> Self | None:
        """Restore what `state` returned from a checkpoint; None where there was no floor."""
        if _LOSSES not in state:
            return None
        network = GameAttention(len(state[f"{_PREFIX}value"]))
        network.load_state_dict({name: state[_PREFIX + name] for name in network.state_dict()})
        frozen = network.eval().requires_grad_(requires_grad=False)
        return cls(frozen, state[_LOSSES], state[_KL])


def _loss(
    network: GameAttention,
    log: GameLog,
    asked: BoolArray,
    config: GamesConfig,
    season_half_life: float | None,
) -> Callable[[], Tensor]:
    """Return a function of the loss of the games that are asked for, penalties included."""
    packed = PackedGames.of(log, network)
    share = torch.from_numpy(log.share[packed.order])
    game = torch.from_numpy(log.game[packed.order])
    margin, at_home = torch.from_numpy(log.margin), torch.from_numpy(~log.neutral)
    weight = torch.zeros(len(asked))
    weight[asked] = _float(
        season_weights(start_years(pd.Series(log.seasons[asked])), season_half_life)
    )
    weight = weight / weight.sum()

    def loss() -> Tensor:
        expected = network.edge * at_home
        expected = expected.index_add(0, game, share * network.before(packed))
        error = huber_loss(expected, margin, reduction="none", delta=_HUBER_POINTS)
        penalty = config.value_penalty * network.value.square().sum()
        if config.content_penalty is not None:
            penalty = penalty + config.content_penalty * network.content.square().sum()
        return (weight * error).sum() + penalty

    return loss


def _minimise(network: GameAttention, loss: Callable[[], Tensor], iterations: int) -> list[float]:
    """Train by full-batch L-BFGS; return the loss of each evaluation, the first untrained."""
    optimiser = torch.optim.LBFGS(
        [parameter for parameter in network.parameters() if parameter.requires_grad],
        max_iter=iterations,
        history_size=20,
        line_search_fn="strong_wolfe",
    )
    losses = []

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss()
        value.backward()
        losses.append(value.item())
        return value

    optimiser.step(closure)
    return losses


def _float(values: npt.NDArray[Any]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
