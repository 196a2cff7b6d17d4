"""Experiment files from anywhere, such as the `best.yaml` of a sweep, as `experiment=<path>`.

Hydra builds and calls whatever a config names under `hydra`, so a file from a stranger could run
any code. A file may therefore set fields of our own config, choose options of our own groups, and
say how to search; anything else is refused before Hydra reads it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nba_rank.core.errors import UserError

_OPTION = re.compile(r"/?\w[\w-]*(/\w[\w-]*)*")
_SEARCH = re.compile(r"hydra\.sweeper\.(?:n_trials|n_jobs|params\.(?P<param>.+))")
"""What a file may set of Hydra's own config."""


def known_to_hydra(word: str) -> str:
    """Register the experiment file that a word of the command line names, under a new name for it.

    Other words are returned as they are.

    Raises:
        UserError: There is no such file, or it holds what it may not.
    """
    key, _, value = word.partition("=")
    is_file = value.endswith((".yaml", ".yml"))
    if key != "experiment" or not (is_file or ".." in value or value.startswith(("/", "~"))):
        return word
    path = Path(value).absolute()
    if not is_file or not path.is_file():
        raise UserError(
            f"{word}: there is no such file; a file ends in .yaml, and a name without the ending "
            "is one of conf/experiment"
        )
    node = _read(path)
    if problems := [*_problems(OmegaConf.to_container(node))]:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise UserError(
            f"{path} may only set this program's own config and search parameters "
            f"(hydra.sweeper.params, n_trials and n_jobs):\n{lines}\n"
            "Remove these; what you trust can be given on the command line"
        )
    name = re.sub(r"\W+", "_", str(path.with_suffix(""))).strip("_")
    ConfigStore.instance().store(group="experiment", name=name, node=node, package="_global_")
    return f"experiment={name}"


def _read(path: Path) -> DictConfig:
    try:
        node = OmegaConf.load(path)
    except (yaml.YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as YAML: {error}") from error
    if not isinstance(node, DictConfig):
        raise UserError(f"{path} must hold `key: value` lines, not a list")
    return node


def _problems(content: object) -> Iterator[str]:
    """Yield what a file may not hold, by its key."""
    assert isinstance(content, dict)
    for entry in content.pop("defaults", None) or []:
        if not _is_own_default(entry):
            yield f"defaults: {entry}"
    for key, value in _leaves(content):
        search = _SEARCH.fullmatch(key)
        if _names_hydra(search["param"] or "" if search else key) or "_target_" in f"{key} {value}":
            yield key


def _leaves(node: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Yield the dotted key and value of everything that holds nothing else."""
    if isinstance(node, dict | list) and node:
        for name, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _leaves(value, f"{key}.{name}" if key else str(name))
    else:
        yield key, node


def _is_own_default(entry: object) -> bool:
    """Return whether an entry of the defaults list chooses an option of our own groups."""
    if not isinstance(entry, dict):
        return isinstance(entry, str) and _is_option(entry)
    if len(entry) != 1:
        return False
    [(group, option)] = entry.items()
    group = str(group).removeprefix("override ").removeprefix("optional ").strip()
    options = option if isinstance(option, list) else [option]
    if group == "/hydra/sweeper":
        return options == ["study"]
    if group == "/hydra/sweeper/sampler":
        return all(_is_option(one) for one in options)
    return _is_option(group) and all(one is None or _is_option(one) for one in options)


def _is_option(name: object) -> bool:
    """Return whether a name is one of `conf/`: no package, no path out of it, nothing of Hydra."""
    return isinstance(name, str) and bool(_OPTION.fullmatch(name)) and not _names_hydra(name)


def _names_hydra(key: str) -> bool:
    return "hydra" in re.split(r"\W+", key)
