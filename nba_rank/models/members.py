"""The base models, fitted, predicting and saved together."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from rich.console import Console
from xgboost import XGBModel

from nba_rank.config.schema import Config
from nba_rank.core.arrays import Float32Array
from nba_rank.core.errors import UserError
from nba_rank.core.fit_or_load import fit_or_load
from nba_rank.core.names import MEMBERS
from nba_rank.core.season_weights import season_weights
from nba_rank.features.asof import start_years
from nba_rank.features.store import KEY
from nba_rank.models.model_a.device import device_of
from nba_rank.models.model_a.fitted import FittedModelA, TeamScores
from nba_rank.models.saved import reading
from nba_rank.models.trees import Forest, fit_rf, fit_xgb, load_xgb
from nba_rank.samples.dataset import PROGRESS, PROJECTED, Dataset

if TYPE_CHECKING:
    from nba_rank.models.model_a.fit import LoggerFactory

_FEATURES, _XGB, _FOREST = "features.json", "xgb.ubj", "rf.npz"


@dataclass(frozen=True)
class Scores:
    """Scores of every member.

    Attributes:
        frame: Columns `season`, `as_of_date`, `team_id`, `conference`, where known `PROGRESS` (0 to
            1), `PROJECTED` and the stack's features, and a score per member, higher is better, NaN
            on dates that a member cannot score without players; of an uncertain model A also
            `nba_rank.models.model_a.uncertainty.INTERVALS`.
        attention: float32 [N, P], model A's weight of each player of the sets; None without it.
    """

    frame: pd.DataFrame
    attention: Float32Array | None


@dataclass(frozen=True)
class Members:
    """Fitted models A, B and C; None where one was not asked for.

    Attributes:
        columns: Store features, in the order of fitting.
        carried: Those that `predict` copies beside the scores.
    """

    columns: list[str]
    carried: list[str]
    model_a: FittedModelA | None = None
    xgb: XGBModel | None = None
    rf: Forest | None = None

    @classmethod
    def fit(
        cls,
        data: Dataset,
        config: Config,
        seed: int,
        on_epoch: Callable[[], None],
        *,
        logger_factory: "LoggerFactory | None" = None,
        console: Console | None = None,
    ) -> Self:
        """Fit the members that the config names on training seasons, or take them from the cache.

        Args:
            data: Training seasons only.
            config: The run's config; `paths.members` is the cache.
            seed: Each member spawns its own from it.
            on_epoch: Called after each epoch of each network of model A.
            logger_factory: As in `fit_model_a`, like `console`.
            console: Where diagnostics are printed.

        Raises:
            UserError: A member has nothing to learn from.
            NotLearningError: Model A does not learn.
        """
        model = config.model
        seeds = np.random.SeedSequence(seed).generate_state(3).tolist()
        X, y = data.X, data.store_relevance()
        weight = season_weights(start_years(data.frame["season"]), config.folds.season_half_life)
        date = data.frame["as_of_date"].to_numpy()
        fitted: dict[str, Any] = {}
        if "model_a" in model.members:
            if data.sets.frame.empty:
                raise UserError("no training season has player logs, which model A needs")
            fitted["model_a"] = _model_a(data, config, seeds[0], on_epoch, logger_factory, console)
        for name, fit, parts in (
            ("xgb", fit_xgb, (X, y, data.season, date, model.xgb, seeds[1], weight)),
            ("rf", fit_rf, (X, y, model.rf, seeds[2], weight)),
        ):
            if name in model.members:
                fitted[name] = _trees(name, fit, parts, config)
        carried = dict.fromkeys([PROGRESS, PROJECTED, *model.stack.features])
        return cls(data.columns, [name for name in carried if name in data.columns], **fitted)

    @property
    def names(self) -> list[str]:
        """Names of the fitted members, in the order of the score columns."""
        return [name for name in MEMBERS if getattr(self, name) is not None]

    def predict(
        self, data: Dataset, *, with_intervals: bool = True, cache: str | None = None
    ) -> Scores:
        """Score all rows.

        Intervals say how sure model A is, and take most of the time. `cache` is a folder that
        keeps model A's scores.

        Raises:
            ValueError: The features are not those that the members were fitted on.
        """
        if data.columns != self.columns:
            wrong = sorted(set(data.columns) ^ set(self.columns)) or "their order"
            raise ValueError(f"the features are not those of the fitted models: {wrong}")
        frame, attention = data.frame.copy(), None
        frame[self.carried] = data.features(self.carried)
        if self.model_a is not None:
            scores = _scores(self.model_a, data, with_intervals=with_intervals, cache=cache)
            scored = data.sets.frame[KEY].assign(model_a=scores.score)
            if scores.intervals is not None:
                scored = pd.concat([scored, scores.intervals], axis=1)
            attention = scores.attention
            frame = frame.merge(scored, on=KEY, how="left", validate="one_to_one")
        if self.xgb is not None:
            frame["xgb"] = self.xgb.predict(data.X).astype(np.float64)
        if self.rf is not None:
            frame["rf"] = self.rf.predict(data.X)
        return Scores(frame, attention)

    def save(self, folder: Path) -> None:
        """Write the members and the names of their features into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        features = {"members": self.names, "columns": self.columns, "carried": self.carried}
        (folder / _FEATURES).write_text(json.dumps(features, indent=2) + "\n")
        if self.model_a is not None:
            self.model_a.save(folder)
        if self.xgb is not None:
            self.xgb.save_model(folder / _XGB)
        if self.rf is not None:
            self.rf.save(folder / _FOREST)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the members back; they score exactly as those that were saved.

        Raises:
            UserError: The folder holds no members, or a file is not what `save` has written.
        """
        path = folder / _FEATURES
        if not path.exists():
            raise UserError(f"no fitted models in {folder}")
        with reading(path):
            content = json.loads(path.read_text(encoding="utf-8"))
            names, columns, carried = (content[key] for key in ("members", "columns", "carried"))
        return cls(
            columns=columns,
            carried=carried,
            model_a=FittedModelA.load(folder) if "model_a" in names else None,
            xgb=load_xgb(folder / _XGB) if "xgb" in names else None,
            rf=Forest.load(folder / _FOREST) if "rf" in names else None,
        )


def _trees(name: str, fit: Callable[..., Any], parts: Sequence[object], config: Config) -> Any:  # noqa: ANN401
    """Fit a member of trees on some arguments, or take it from the cache."""
    member, _ = fit_or_load(
        config.paths.members,
        name,
        parts,
        made_by=__name__,
        make=lambda: fit(*parts),
        write=lambda member, folder: Members([], [], **{name: member}).save(folder),
        read=lambda folder: getattr(Members.load(folder), name),
    )
    return member


def _model_a(
    data: Dataset,
    config: Config,
    seed: int,
    on_epoch: Callable[[], None],
    logger_factory: "LoggerFactory | None",
    console: Console | None,
) -> FittedModelA:
    """Fit model A, or take it from the cache and report its training as if it had just been."""
    # What fits imports Lightning, which takes seconds.
    from nba_rank.models.model_a.fit import fit_model_a
    from nba_rank.models.model_a.loggers import log_again

    settings, callbacks = config.model.model_a, config.callbacks
    prior, relevance = data.team_prior(settings.team_prior), data.set_relevance()
    device = device_of(config.trainer)
    # `prior` is a part itself, and the fit draws no dropout samples.
    unread = {"team_prior", "mc_dropout_samples"}
    watched = callbacks.attention_diagnostics
    fitted, known = fit_or_load(
        # Debugging shows the training itself, so it cannot come from the cache.
        None if watched.enabled and watched.attention_debug else config.paths.members,
        "model_a",
        [
            *_players(data),
            prior,
            relevance,
            {name: value for name, value in asdict(settings).items() if name not in unread},
            replace(config.trainer, num_threads=1),  # fits have one thread in any case
            str(device),
            config.folds.season_half_life,
            callbacks.early_stopping_patience,
            watched.enabled,
            callbacks.not_learning,
            seed,
        ],
        made_by=__name__,
        make=lambda: fit_model_a(
            data.sets,
            prior,
            relevance,
            config,
            seed,
            on_epoch,
            logger_factory=logger_factory,
            console=console,
        ),
        write=FittedModelA.save,
        read=partial(FittedModelA.load, settings=settings, device=device),
    )
    if known:
        for number, network in enumerate(fitted.networks):
            log_again(network, logger_factory(number) if logger_factory else [])
            for _ in network.losses:
                on_epoch()
    return fitted


def _scores(
    model: FittedModelA, data: Dataset, *, with_intervals: bool, cache: str | None
) -> TeamScores:
    """Score with model A, or take the scores of the same networks and teams from the cache."""
    prior = data.set_features(model.inputs.features)
    scores, _ = fit_or_load(
        cache,
        "scores",
        [*_players(data), prior, *model.content, with_intervals],
        made_by=__name__,
        make=lambda: model.predict(data.sets, prior, with_intervals=with_intervals),
        write=TeamScores.save,
        read=TeamScores.load,
    )
    return scores


def _players(data: Dataset) -> list[object]:
    """Return the content of the player sets, as parts of a cache's key."""
    sets = data.sets
    return [
        sets.frame, sets.player_id, sets.minutes_share, sets.stats, sets.columns, sets.games,
    ]  # fmt: skip
