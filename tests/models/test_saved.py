"""A folder of fitted models from a stranger cannot execute code."""

import itertools
import json
import pickle
from functools import partial

import numpy as np
import pytest
import torch

from nba_rank.core.errors import UserError
from nba_rank.core.files import file_hashes
from nba_rank.models.members import Members
from nba_rank.models.model_a.fitted import TeamScores
from nba_rank.models.playoff_classifier import PlayoffClassifier
from nba_rank.models.ranker import Ranker
from nba_rank.models.trees import Forest

FILES = ["features.json", "model_a.json", "model_a_0.ckpt", "xgb.ubj", "rf.npz"]


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        import os

        return os.mkdir, (self.folder,)


def by_pickle(path, payload):
    path.write_bytes(pickle.dumps(payload))


def by_torch(path, payload):
    torch.save({"hyper_parameters": {}, "state_dict": {}, "inputs": payload}, path)


def by_numpy(path, payload):
    names = ("root", "feature", "threshold", "left", "right", "unknown_left", "value")
    values = {name: np.array([payload], dtype=object) for name in (*names, *TeamScores._fields)}
    with path.open("wb") as file:
        np.savez(file, **values)


PLANTS = [by_pickle, by_torch, by_numpy]


def rehash(folder):
    """Make the hashes of a cache's entry right, which a stranger can do as well."""
    if (folder / "contents.json").exists():
        hashes = file_hashes(folder)
        del hashes["contents.json"]
        (folder / "contents.json").write_text(json.dumps(hashes))


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("ensemble.json", Ranker.load),
        ("projection.json", Ranker.load),
        ("next_games.json", Ranker.load),
        ("clone_classifier.ubj", PlayoffClassifier.load),
        ("scores.npz", TeamScores.load),
        ("rf.npz", lambda folder: Forest.load(folder / "rf.npz")),
    ],
)
@pytest.mark.parametrize("plant", PLANTS)
def test_no_file_of_a_ranker_runs_a_payload(tmp_path, name, load, plant):
    (tmp_path / "ensemble.json").write_text("{}")
    plant(tmp_path / name, Payload(tmp_path / "made"))
    with pytest.raises(UserError, match=name):
        load(tmp_path)
    assert not (tmp_path / "made").exists()


def test_no_file_of_members_runs_a_payload_in_a_run_folder_or_a_cache(
    data, small_config, changed, tmp_path
):
    cache, folder = tmp_path / "members", tmp_path / "models"
    config = changed(small_config, {"paths.members": str(cache)})
    fit = partial(Members.fit, data, config, 1, lambda: None)
    fit().save(folder)
    targets = [path for path in tmp_path.rglob("*") if path.name in FILES]
    assert {path.name for path in targets} == set(FILES)
    for path, plant in itertools.product(targets, PLANTS):
        content = path.read_bytes()
        plant(path, Payload(tmp_path / "made"))
        rehash(path.parent)
        load = partial(Members.load, folder) if path.parent == folder else fit
        with pytest.raises(UserError, match=str(path)):
            load()
        assert not (tmp_path / "made").exists()
        path.write_bytes(content)
        rehash(path.parent)


@pytest.mark.parametrize("child", [-1, 0, 99])
def test_a_tree_without_end_or_of_foreign_nodes_is_refused(tmp_path, child):
    node = {name: np.array([1, 2]) for name in ("left", "right")}
    node |= {"feature": np.array([0, -1]), "threshold": np.zeros(2), "value": np.zeros(2)}
    forest = Forest(root=np.array([0]), unknown_left=np.zeros(2, dtype=bool), **node)
    forest.left[:], forest.right[:] = [1, 1], [child, 1]
    forest.save(tmp_path / "rf.npz")
    with pytest.raises(UserError, match=r"rf\.npz"):
        Forest.load(tmp_path / "rf.npz")


def test_a_folder_of_an_older_version_is_refused(tmp_path):
    (tmp_path / "features.json").write_text('{"columns": [], "carried": []}')
    with pytest.raises(UserError, match=r"features\.json.*train again"):
        Members.load(tmp_path)
