"""What makes a score of model A: its team prior, and each player by column.

The players' part is by integrated gradients (Sundararajan et al. 2017, "Axiomatic Attribution for
Deep Networks"), from a team of average players of the same minutes: all columns at their training
mean, nobody known by name. All players alike pool to the same vector whatever their weights, so the
start is the same for all teams.

Letters: N teams, P places of a set, F player columns, K prior columns, B lists, L teams in a list,
M intervals of the integral.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from nba_rank.core.arrays import BoolArray, Float32Array, FloatArray, IntArray
from nba_rank.core.workers import one_thread
from nba_rank.explain.parts import AVERAGE, against_average, level, loose
from nba_rank.features.roster import PlayerSets
from nba_rank.models.model_a.deep_set_ranker import Ranked
from nba_rank.models.model_a.faithfulness import without
from nba_rank.models.model_a.fitted import FittedModelA
from nba_rank.models.model_a.network import Network
from nba_rank.samples.lists import Batch

STEPS = 32
"""Steps that the integral begins with."""

MISS = 1e-3
"""What the integral may miss of a team's score, in spreads of the players' parts over the teams of
the date. It is a part of its own."""

_HALVINGS = 24

_LEAST = 1e-6
"""Score below which a difference is the rounding of single precision."""

WHO = "who_he_is"
"""Column that stands for the embedding of a player."""

REST = "rest_of_the_integral"


@dataclass(frozen=True)
class SetParts:
    """What makes the scores of the teams of one date, means over the networks.

    Attributes:
        score: Scores, [N].
        prior: By prior column, [N, K]; that a feature is unknown, and the feature times the share
            of the season, go by its name, too.
        average: The score of average players, [N]; NaN of teams that are not asked for.
        players: By place and column, [N, P, F]; 0 in empty places and of those teams.
        columns: Names of the F columns, `WHO` last where players are embedded; that a column is
            unknown goes by its name, too.
    """

    score: FloatArray
    prior: pd.DataFrame
    average: FloatArray
    players: FloatArray
    columns: list[str]

    @classmethod
    def of(
        cls,
        model: FittedModelA,
        sets: PlayerSets,
        team_prior: pd.DataFrame,
        asked: BoolArray | None = None,
        miss: float = MISS,
    ) -> Self:
        """Take apart the scores of teams of one date.

        Args:
            model: Model A.
            sets: Player sets of the teams, N rows.
            team_prior: Store features of the same rows, as `FittedModelA.predict` reads them.
            asked: Teams whose players are asked for, [N]; None: all.
            miss: What the integral may miss, see `MISS`.
        """
        unknown = np.zeros(len(sets.frame), dtype=np.float32)
        asked = np.ones(len(unknown), dtype=np.bool_) if asked is None else asked
        first = model.networks[0]
        lists = model.inputs.lists(sets, team_prior, unknown, first.config.list_scope)
        row = lists.row[lists.row >= 0]
        batch = {name: tensor.to(first.device) for name, tensor in lists.tensors.items()}
        with one_thread():
            found = [_by_network(network, batch, asked[row], miss) for network in model.networks]
            whole = model.predict(sets, team_prior, with_intervals=False).score
        prior, average, players = (np.mean(part, axis=0) for part in zip(*found, strict=True))
        result = [np.empty_like(part) for part in (prior, average, players)]
        for ordered, part in zip(result, (prior, average, players), strict=True):
            ordered[row] = part
        scaler, of_prior = model.inputs.scaler, model.inputs.prior
        who = [WHO] if first.config.embedding_dim else []
        columns = [*scaler.columns, *scaler.flagged, *who]
        names = [*of_prior.scaler.columns, *of_prior.scaler.flagged] * (2 if of_prior.moving else 1)
        return cls(whole, pd.DataFrame(result[0], columns=names), result[1], result[2], columns)


def _by_network(
    network: Network, batch: Batch, asked: BoolArray, miss: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the parts of `SetParts` of all teams of the lists, by list and place in it."""
    skip = network.ranker.skip
    prior = batch["team_prior"] * (0.0 if skip is None else skip.weight[0])
    way = _Way(network, batch)
    start, players = way.integral(torch.from_numpy(asked).to(network.device), miss)
    parts = (prior.detach()[batch["team_mask"]].double(), start, players)
    of_prior, average, of_players = (part.cpu().numpy() for part in parts)
    return of_prior, average, of_players


class _Interval(NamedTuple):
    """Parts of the ways of teams, M each: where they begin and end, and what is known of them.

    Attributes:
        team: Number of the team, [M].
        low: Share of its way, [M].
        high: The same, [M].
        score_low: The set's part of the score there, [M].
        score_high: The same, [M].
    """

    team: Tensor
    low: Tensor
    high: Tensor
    score_low: Tensor
    score_high: Tensor

    def where(self, kept: Tensor) -> "_Interval":
        return _Interval(*(part[kept] for part in self))

    def with_more(self, more: "_Interval") -> "_Interval":
        return _Interval(*(torch.cat(both) for both in zip(self, more, strict=True)))


class _Way:
    """The straight way from average players to those of each team, as one network scores it.

    A team's score does not depend on the others of its list, so that each has its own steps.
    """

    def __init__(self, network: Network, batch: Batch) -> None:
        self._network, mask = network, batch["team_mask"]
        self._teams = {name: tensor[mask][:, None] for name, tensor in batch.items()}
        stats, embedding = self._teams["stats"], network.ranker.embedding
        self._nobody, self._embedded = stats.new_zeros(()), stats.new_zeros((*stats.shape[:3], 0))
        if embedding is not None:
            self._nobody = embedding.weight[0].detach()
            self._embedded = embedding(self._teams["player"]).detach() - self._nobody

    def integral(self, asked: Tensor, miss: float) -> tuple[Tensor, Tensor]:
        """Return the scores at the start, [N], and what the way adds by player, [N, P, F].

        Of teams that are not asked for they are NaN and 0.

        An interval counts by the gradient at its middle. How much it misses is known, as the
        difference of the scores at its ends is: of teams that miss more than `miss` times the
        spread of the players' parts, the intervals that miss most are halved, and so on.
        """
        n, device = len(self._teams["stats"]), self._teams["stats"].device
        ends = torch.linspace(0, 1, STEPS + 1, device=device)
        team = torch.arange(n, device=device)
        with torch.no_grad():
            score = self._scored(
                team.repeat_interleave(len(ends)), ends.repeat(n)
            )[0].double().unflatten(0, (n, -1))  # fmt: skip
        limit = max(miss * float((score[:, -1] - score[:, 0]).std(unbiased=False)), _LEAST)
        whole = _Interval(
            team.repeat_interleave(STEPS),
            ends[:-1].repeat(n),
            ends[1:].repeat(n),
            score[:, :-1].flatten(),
            score[:, 1:].flatten(),
        ).where(asked.repeat_interleave(STEPS))
        parts, missed = self._middle(whole)
        for _ in range(_HALVINGS):
            sums = missed.new_zeros((2, n)).index_add_(
                1, whole.team, torch.stack([missed, missed**2])
            )
            far = torch.maximum(sums[0].abs(), sums[1].sqrt()) > limit
            if not far.any():
                break
            most = missed.new_zeros(n).scatter_reduce_(0, whole.team, missed.abs(), "amax")
            halved = far[whole.team] & (missed.abs() >= most[whole.team] / 4)
            more = self._halves(whole.where(halved))
            of_halves, missed_by_halves = self._middle(more)
            whole = whole.where(~halved).with_more(more)
            parts = torch.cat([parts[~halved], of_halves])
            missed = torch.cat([missed[~halved], missed_by_halves])
        players = parts.new_zeros((n, *parts.shape[1:])).index_add_(0, whole.team, parts)
        return score[:, 0].masked_fill(~asked, torch.nan), players

    def _halves(self, whole: _Interval) -> _Interval:
        middle = (whole.low + whole.high) / 2
        with torch.no_grad():
            score = self._scored(whole.team, middle)[0].double()
        first = whole._replace(high=middle, score_high=score)
        return first.with_more(whole._replace(low=middle, score_low=score))

    def _middle(self, whole: _Interval) -> tuple[Tensor, Tensor]:
        """Return what intervals add by player and column, [M, P, F], and what that misses, [M]."""
        score, inputs = self._scored(whole.team, (whole.low + whole.high) / 2)
        gradients = torch.autograd.grad(score.sum(), inputs)
        ways = [part[whole.team] for part in (self._teams["stats"], self._embedded)]
        added = [gradient.double() * way for gradient, way in zip(gradients, ways, strict=False)]
        if len(added) > 1:
            added[1] = added[1].sum(dim=-1, keepdim=True)
        present = self._teams["player_mask"][whole.team]
        parts = torch.cat(added, dim=-1).masked_fill(~present[..., None], 0.0)[:, 0]
        parts = parts * (whole.high - whole.low)[:, None, None]
        return parts, whole.score_high - whole.score_low - parts.sum(dim=(1, 2))

    def _scored(self, team: Tensor, share: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the set's part of the scores at shares of the ways, [M], and the inputs there."""
        way, batch = share[:, None, None, None], {n: of[team] for n, of in self._teams.items()}
        stats = (way * batch["stats"]).requires_grad_()
        embedded = (way * self._embedded[team]).requires_grad_()
        batch["stats"] = stats
        ranked = _with_embedding(self._network, batch, embedded + self._nobody)
        known = embedded.shape[-1] > 0
        return (ranked.score - ranked.skip)[:, 0], [stats, embedded] if known else [stats]


def _with_embedding(network: Network, batch: Batch, embedded: Tensor) -> Ranked:
    """Score lists whose players have these embeddings, [B, L, P, E], instead of their own."""
    embedding = network.ranker.embedding
    if embedding is None:
        return network.score_batch(batch)
    hook = embedding.register_forward_hook(lambda *_: embedded)
    try:
        return network.score_batch(batch)
    finally:
        hook.remove()


def model_a_levels(
    model: FittedModelA,
    sets: PlayerSets,
    team_prior: pd.DataFrame,
    teams: Sequence[int] | None = None,
) -> list[pd.DataFrame]:
    """Return the levels of model A on one date.

    Args:
        model: Model A.
        sets: Player sets of all teams of the date, N rows.
        team_prior: Store features of the same rows, as `FittedModelA.predict` reads them.
        teams: Teams that are asked for; None: all.

    Returns:
        `model_a`, the score by feature of the team prior and by player; `model_a_players`, what
        players add by player and column; and beside each other, no parts of a sum, of each player
        `model_a_weights`: the share of `minutes`, the `attention` and the `occlusion`, how much
        the score of the others would be below the team's; with the rank correlations of these in
        each team, `model_a_rank_correlation`.
    """
    team = sets.frame["team_id"].to_numpy()
    asked = np.isin(team, team if teams is None else [*teams])
    parts = SetParts.of(model, sets, team_prior, asked)
    row, place = np.nonzero((sets.player_id != 0) & asked[:, None])
    ids = sets.player_id[row, place]
    added = parts.players[row, place]

    def by_player(values: FloatArray | Float32Array, part: str) -> pd.DataFrame:
        return _of_players(team[row], ids, values, part)

    features = parts.prior.T.groupby(level=0, sort=False).sum().T
    common = against_average(features)
    common[AVERAGE] = common[AVERAGE] + parts.average
    of_set = parts.players.sum(axis=(1, 2))
    given = parts.prior.sum(axis=1).to_numpy() + parts.average
    common[REST] = parts.score - given - of_set
    common = {name: values[asked] for name, values in common.items()}
    whole = level(
        "model_a",
        "score",
        team[asked],
        parts.score[asked],
        common,
        by_player(added.sum(axis=1), "player"),
    )
    long = pd.concat(
        [by_player(added[:, n], name) for n, name in enumerate(parts.columns)], ignore_index=True
    )
    long = long.groupby(["team_id", "part", "player_id"], sort=False, as_index=False).sum()
    detail = level("model_a_players", "score", team[asked], of_set[asked], {}, long)
    effects = np.full(sets.player_id.shape, np.nan)
    own = np.flatnonzero(asked)
    effects[own] = _occlusion(model, sets.take(own), team_prior.iloc[own].reset_index(drop=True))
    predicted = model.predict(sets, team_prior, with_intervals=False)
    beside = {
        "minutes": sets.minutes_share[row, place].astype(np.float64),
        "attention": predicted.attention[row, place].astype(np.float64),
        "occlusion": effects[row, place],
        "integrated_gradients": added.sum(axis=1),
    }
    table = pd.concat([by_player(value, name) for name, value in beside.items()])
    unit = {"minutes": "share", "attention": "share"}
    weights = loose("model_a_weights", "score", table.reset_index(drop=True))
    weights["unit"] = weights["part"].map(unit).fillna("score")
    return [whole, detail, weights, _correlations(beside, team[row])]


def _occlusion(model: FittedModelA, sets: PlayerSets, team_prior: pd.DataFrame) -> FloatArray:
    """Return the score less that without the player of each place, [N, P].

    NaN in empty places and for the only player of a team.
    """
    whole = model.predict(sets, team_prior, with_intervals=False).score
    taken = sets.player_id != 0
    effects = np.full(taken.shape, np.nan)
    several = taken.sum(axis=1) > 1
    for place in range(taken.shape[1]):
        rows = np.flatnonzero(taken[:, place] & several)
        if len(rows):
            there = np.where(taken[:, place] & several, place, taken.shape[1])
            left = model.predict(_emptied(sets, there), team_prior, with_intervals=False)
            effects[rows, place] = (whole - left.score)[rows]
    return effects


def _emptied(sets: PlayerSets, place: IntArray) -> PlayerSets:
    """Return the sets with a place of each row emptied, none where it is past the last."""
    some = np.flatnonzero(place < sets.player_id.shape[1])
    changed, rows = without(sets.take(some), place[some]), np.arange(len(place))
    result = sets.take(rows)
    for name in ("player_id", "minutes_share", "stats"):
        getattr(result, name)[some] = getattr(changed, name)
    return result


def _correlations(beside: dict[str, FloatArray], team: IntArray) -> pd.DataFrame:
    """Return Spearman's rank correlation of each two columns within each team.

    Effects count by their size, whatever their sign; NaN where there are fewer than three players.
    """
    frame = pd.DataFrame(beside).abs()
    rows = []
    for team_id, own in frame.groupby(team):
        known = own.dropna()
        ranked = known.rank().corr() if len(known) > 2 else known.corr() * np.nan
        rows += [
            {"team_id": team_id, "part": f"{a}_and_{b}", "player_id": 0, "value": ranked.loc[a, b]}
            for a, b in combinations(frame.columns, 2)
        ]
    return loose("model_a_rank_correlation", "correlation", pd.DataFrame(rows))


def _of_players(
    team: IntArray, player_id: IntArray, values: FloatArray | Float32Array, part: str
) -> pd.DataFrame:
    columns = {"team_id": team, "part": part, "player_id": player_id, "value": values}
    return pd.DataFrame(columns)
