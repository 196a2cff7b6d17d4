"""Model A after training: one or more networks that score as one, and how sure they are."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from nba_rank.config.schema import ModelAConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.core.errors import UserError
from nba_rank.core.workers import one_thread
from nba_rank.features.roster import PlayerSets
from nba_rank.models.model_a.device import gpu_memory
from nba_rank.models.model_a.inputs import Inputs
from nba_rank.models.model_a.network import Network
from nba_rank.models.model_a.uncertainty import INTERVALS, dropout_scores, has_dropout, intervals
from nba_rank.models.saved import reading
from nba_rank.samples.lists import Batch

_SCORES = "scores.npz"
_MODEL = "model_a.json"


class TeamScores(NamedTuple):
    """What model A says of N teams.

    Attributes:
        score: Mean score of the networks, higher is better, float64 [N].
        attention: Mean weight of each player over networks and heads, float32 [N, P].
        intervals: Columns `INTERVALS` of N rows; None where they were not asked for or nothing
            tells how sure the model is, that is with one network and no dropout samples.
    """

    score: FloatArray
    attention: npt.NDArray[np.float32]
    intervals: pd.DataFrame | None

    def save(self, folder: Path) -> None:
        """Write the scores into a folder; `load` restores them exactly."""
        known = self.intervals if self.intervals is not None else pd.DataFrame(index=self.score)
        np.savez(
            folder / _SCORES, score=self.score, attention=self.attention, intervals=known.to_numpy()
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read scores back."""
        path = folder / _SCORES
        with reading(path), np.load(path, allow_pickle=False) as saved:
            score, attention, bounds = (saved[name] for name in cls._fields)
        known = pd.DataFrame(bounds, columns=list(INTERVALS)) if bounds.shape[1] else None
        return cls(score, attention, known)


@dataclass(frozen=True)
class FittedModelA:
    """Everything that scores a roster.

    Attributes:
        networks: The trained networks, on the device of prediction and in evaluation mode; all
            read `inputs`.
        inputs: What turns player sets into lists.
    """

    networks: list[Network]
    inputs: Inputs

    @classmethod
    def of(cls, networks: Iterable[Network], device: torch.device | str = "cpu") -> Self:
        """Combine networks to predict on a device; ValueError where one was not fitted."""
        networks = [network.to(device).eval() for network in networks]
        inputs = networks[0].inputs
        if inputs is None:
            raise ValueError("a network that was not fitted knows no player columns")
        return cls(networks, inputs)

    @property
    def losses(self) -> pd.DataFrame:
        """Columns `network`, `epoch`, `train_loss`, `val_loss` (NaN without validation season)."""
        columns = ["network", "epoch", "train_loss", "val_loss"]
        return _by_network([network.losses for network in self.networks]).reindex(columns=columns)

    @property
    def diagnostics(self) -> pd.DataFrame:
        """Columns `network`, `epoch` (-1: before training) and diagnostics; empty without."""
        return _by_network([network.diagnostics for network in self.networks])

    @property
    def content(self) -> list[object]:
        """Everything beside the teams that scores depend on, as parts of a cache's key."""
        states = [network.state_dict() for network in self.networks]
        weights = [value.cpu().numpy() for state in states for value in state.values()]
        inputs = self.inputs.state().values()
        return [
            *weights,
            *(value.numpy() if isinstance(value, torch.Tensor) else value for value in inputs),
            [network.arguments for network in self.networks],
            str(self.networks[0].device),
        ]

    def predict(
        self, sets: PlayerSets, team_prior: pd.DataFrame, *, with_intervals: bool = True
    ) -> TeamScores:
        """Score each team of the sets.

        Each date goes through the networks by itself: the last bits of a matrix product depend on
        its shape, and a date must score the same alone as among others.

        Args:
            sets: Player sets of N rows.
            team_prior: Store features of the same rows, `inputs.prior.features` among them.
            with_intervals: Take the dropout samples, by far the most of the work.

        Raises:
            UserError: The columns are not those that the model was fitted on.
        """
        score = np.zeros(len(sets.frame))
        attention = np.zeros(sets.player_id.shape, dtype=np.float32)
        bounds = np.zeros((len(sets.frame), len(INTERVALS)))
        n_samples = self._n_samples if with_intervals else 0
        unknown = np.zeros(len(sets.frame), dtype=np.float32)
        scope, device = self.networks[0].config.list_scope, self.networks[0].device
        lists = self.inputs.lists(sets, team_prior, unknown, scope)
        date_of_list = sets.frame[["season", "as_of_date"]].iloc[lists.row[:, 0]]
        samples = "model.model_a.mc_dropout_samples"
        with one_thread(), gpu_memory("predicting with model A", samples):
            for number in date_of_list.groupby(list(date_of_list)).indices.values():
                index = np.asarray(number)
                teams = lists.row[index] >= 0
                width = teams.sum(axis=1).max()
                rows, teams = lists.row[index][teams], teams[:, :width]
                batch = {
                    name: tensor[torch.from_numpy(index), :width].to(device)
                    for name, tensor in lists.tensors.items()
                }
                day = date_of_list["as_of_date"].iloc[index[0]].toordinal()
                score[rows], attention[rows], bounds[rows] = self._predict_date(
                    batch, teams, n_samples, day
                )
        sampled = with_intervals and (n_samples > 0 or len(self.networks) > 1)
        frame = pd.DataFrame(bounds, columns=list(INTERVALS)) if sampled else None
        return TeamScores(score, attention, frame)

    def _predict_date(
        self, batch: Batch, teams: npt.NDArray[np.bool_], n_samples: int, day: int
    ) -> tuple[FloatArray, npt.NDArray[np.float32], FloatArray]:
        """Return score [N], attention [N, P] and intervals [N, 4] of the teams of one date."""
        with torch.inference_mode():
            ranked = [network.score_batch(batch) for network in self.networks]
            samples = [
                dropout_scores(network, batch, n_samples, _seed(network, day)).cpu()
                for network in self.networks
                if n_samples
            ]
        scores = torch.stack([one.score for one in ranked]).cpu().double()
        weights = torch.stack([one.weights.mean(dim=2) for one in ranked]).mean(dim=0).cpu()
        spread = torch.cat(samples).double() if samples else scores
        return (
            scores.mean(dim=0).numpy()[teams],
            weights.numpy()[teams],
            intervals(spread.numpy()[:, teams]),
        )

    def save(self, folder: Path) -> None:
        """Write a Lightning checkpoint of each network, and how many there are."""
        (folder / _MODEL).write_text(json.dumps({"n_networks": len(self.networks)}))
        for number, network in enumerate(self.networks):
            network.save_checkpoint(_path(folder, number))

    @classmethod
    def load(
        cls,
        folder: Path,
        settings: ModelAConfig | None = None,
        device: torch.device | str = "cpu",
    ) -> Self:
        """Read the networks back; they score exactly as those that were saved.

        With `settings` they replace the saved config, for values that matter only in scoring.

        Raises:
            UserError: A file is missing, or is not what `save` has written.
        """
        with reading(folder / _MODEL):
            n_networks = int(json.loads((folder / _MODEL).read_text())["n_networks"])
            if n_networks < 1:
                raise ValueError(f"{n_networks} networks")
        paths = [_path(folder, number) for number in range(n_networks)]
        for path in paths:
            if not path.exists():
                raise UserError(
                    f"{path} is missing, one of {n_networks} networks of model A: train again, or "
                    "copy the folder anew from where it was made"
                )
        changed: dict[str, Any] = {} if settings is None else {"config": asdict(settings)}
        return cls.of((_load(path, changed) for path in paths), device)

    @property
    def _n_samples(self) -> int:
        """Number of dropout samples a network; 0 where no dropout acts."""
        first = self.networks[0]
        return first.config.mc_dropout_samples if has_dropout(first) else 0


def _path(folder: Path, number: int) -> Path:
    return folder / f"model_a_{number}.ckpt"


def _load(path: Path, changed: dict[str, Any]) -> Network:
    with reading(path):
        return Network.load(path, **changed)


def _seed(network: Network, day: int) -> int:
    """Return a seed that a network uses for a day, alone or among others."""
    return int(np.random.SeedSequence([network.seed, day]).generate_state(1)[0])


def _by_network(rows: list[list[dict[str, float]]]) -> pd.DataFrame:
    """Return the rows of each network as one table, their number first."""
    return pd.DataFrame(
        [{"network": number, **row} for number, own in enumerate(rows) for row in own]
    )
