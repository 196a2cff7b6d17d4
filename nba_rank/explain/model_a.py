"""What makes a score of model A: its team prior, and each player by column.

The players' part is by integrated gradients (Sundararajan et al. 2017, "Axiomatic Attribution for
Deep Networks"), from a team of average players of the same minutes: all columns at their training
mean, nobody known by name. All players alike pool to the same vector whatever their weights, so the
start is the same for all teams.

Letters: N teams, P places of a set, F player columns, K prior columns, B lists, L teams in a list,
S steps.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Self

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

STEPS = 128
"""Steps of the integral; what it misses is a part of its own."""

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
        average: The score of average players, [N].
        players: By place and column, [N, P, F]; 0 in empty places.
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
        cls, model: FittedModelA, sets: PlayerSets, team_prior: pd.DataFrame, steps: int = STEPS
    ) -> Self:
        """Take apart the scores of the teams of one date; arguments as `FittedModelA.predict`."""
        unknown = np.zeros(len(sets.frame), dtype=np.float32)
        first = model.networks[0]
        lists = model.inputs.lists(sets, team_prior, unknown, first.config.list_scope)
        teams = lists.row >= 0
        batch = {name: tensor.to(first.device) for name, tensor in lists.tensors.items()}
        with one_thread():
            found = [_by_network(network, batch, teams, steps) for network in model.networks]
            whole = model.predict(sets, team_prior, with_intervals=False).score
        prior, average, players = (np.mean(part, axis=0) for part in zip(*found, strict=True))
        row = lists.row[teams]
        result = [np.empty_like(part) for part in (prior, average, players)]
        for ordered, part in zip(result, (prior, average, players), strict=True):
            ordered[row] = part
        scaler, of_prior = model.inputs.scaler, model.inputs.prior
        who = [WHO] if first.config.embedding_dim else []
        columns = [*scaler.columns, *scaler.flagged, *who]
        names = [*of_prior.scaler.columns, *of_prior.scaler.flagged] * (2 if of_prior.moving else 1)
        return cls(whole, pd.DataFrame(result[0], columns=names), result[1], result[2], columns)


def _by_network(
    network: Network, batch: Batch, teams: BoolArray, steps: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the parts of `SetParts` of all teams of the lists, by list and place in it."""
    ranker, stats = network.ranker, batch["stats"]
    skip = ranker.skip
    prior = batch["team_prior"] * (0.0 if skip is None else skip.weight[0])
    nobody, embedded = stats.new_zeros(()), stats.new_zeros((*stats.shape[:3], 0))
    if ranker.embedding is not None:
        nobody = ranker.embedding.weight[0].detach()
        embedded = ranker.embedding(batch["player"]).detach() - nobody

    def scored(share: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the set's part of the scores at shares of the way, [S, B, L], and its inputs."""
        way = share[:, None, None, None, None]
        inputs = [(way * part).requires_grad_() for part in (stats, embedded)]
        repeated = {
            name: tensor.expand(len(share), *tensor.shape).flatten(0, 1)
            for name, tensor in batch.items()
        } | {"stats": inputs[0].flatten(0, 1)}
        ranked = _with_embedding(network, repeated, inputs[1].flatten(0, 1) + nobody)
        return (ranked.score - ranked.skip).unflatten(0, (len(share), -1)), inputs

    middle = (torch.arange(steps, device=stats.device) + 0.5) / steps
    score, inputs = scored(middle)
    mask = batch["team_mask"]
    used = inputs if embedded.shape[-1] else inputs[:1]
    gradients = torch.autograd.grad(score[:, mask].sum(), used)
    added = [(gradients[0].double().mean(dim=0) * stats)]
    if embedded.shape[-1]:
        own = gradients[1].double().mean(dim=0) * embedded
        added.append(own.sum(dim=-1, keepdim=True))
    present = (batch["player_mask"] & mask[..., None])[..., None]
    with torch.no_grad():
        start, _ = scored(torch.zeros(1, device=stats.device))
    players = torch.cat(added, dim=-1).masked_fill(~present, 0.0)
    parts = (prior.detach().double(), start[0].double(), players)
    found = [part.detach().cpu().numpy()[teams] for part in parts]
    return found[0], found[1], found[2]


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
    model: FittedModelA, sets: PlayerSets, team_prior: pd.DataFrame, steps: int = STEPS
) -> list[pd.DataFrame]:
    """Return the levels of model A on one date.

    Returns:
        `model_a`, the score by feature of the team prior and by player; `model_a_players`, what
        players add by player and column; and beside each other, no parts of a sum, of each player
        `model_a_weights`: the share of `minutes`, the `attention` and the `occlusion`, how much
        the score of the others would be below the team's; with the rank correlations of these in
        each team, `model_a_rank_correlation`.
    """
    parts = SetParts.of(model, sets, team_prior, steps)
    team = sets.frame["team_id"].to_numpy()
    row, place = np.nonzero(sets.player_id)
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
    whole = level(
        "model_a", "score", team, parts.score, common, by_player(added.sum(axis=1), "player")
    )
    long = pd.concat(
        [by_player(added[:, n], name) for n, name in enumerate(parts.columns)], ignore_index=True
    )
    long = long.groupby(["team_id", "part", "player_id"], sort=False, as_index=False).sum()
    detail = level("model_a_players", "score", team, of_set, {}, long)
    effects = _occlusion(model, sets, team_prior)
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
