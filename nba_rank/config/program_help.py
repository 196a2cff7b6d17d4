"""The help of a program, made from its schema and the groups of `conf/`."""

import sys
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, ListConfig, OmegaConf

from nba_rank.config.compose import CONF
from nba_rank.config.schema.option import declared, first_sentence


def program_help(config_name: str, kind: type, overrides: list[str]) -> str:
    """Return what a program is for, its options with a line each, and its groups.

    The values shown are those after the overrides of the command line.
    """
    main = sys.modules["__main__"]
    path = Path(str(main.__file__))
    # A room that is a program, too, has its shell inside.
    name = f"python -m nba_rank.{path.parent.name if path.stem == '__main__' else path.stem}"
    with initialize_config_dir(str(CONF)):
        cfg = compose(config_name, overrides=overrides, return_hydra_config=True)
    groups = _groups(cfg)
    lines = [
        f"{name}: {str(main.__doc__).partition(': ')[2].strip()}",
        "",
        f"usage: {name} [option=value] [group=choice] [flags]",
    ]
    if groups:
        lines += ["", "groups, each a set of options:", *_table(groups)]
    lines += ["", "options, with their values after the words given here:"]
    lines += _table(_options(kind, cfg))
    flags = [_MULTIRUN, *_FLAGS] if name.endswith(".train") else _FLAGS
    lines += ["", "flags:", *_table(flags)]
    return "\n".join(lines)


_MULTIRUN = ("-m, --multirun", "Run once for each of several values, or search: hparams_search=...")
_FLAGS = [
    ("--cfg job", "Print the composed config and end."),
    ("--hydra-help", "Explain Hydra's own flags and config."),
]


def _groups(cfg: DictConfig) -> list[tuple[str, str]]:
    """Return the groups that the config chooses from, with their options."""
    chosen = cfg.hydra.runtime.choices
    found = []
    for group in sorted(str(name) for name in chosen if not str(name).startswith("hydra/")):
        folder = CONF / group.partition("@")[0]
        options = sorted(path.stem for path in folder.glob("*.yaml"))
        if len(options) > 1 and "@" not in group:
            found.append((f"{group}={_text(chosen[group])}", ", ".join(options)))
    return found


def _options(kind: type, cfg: DictConfig) -> list[tuple[str, str]]:
    """Return every option with its value, and the first sentence of its meaning."""
    absent, found = OmegaConf.missing_keys(cfg), []
    for key, field in declared(kind).items():
        value = "..." if key in absent else _text(OmegaConf.select(cfg, key))
        found.append((f"{key}={value}", first_sentence(field)))
    return found


def _text(value: object) -> str:
    """Write a value as the command line takes it."""
    if isinstance(value, ListConfig):
        return f"[{','.join(str(one) for one in value)}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _table(rows: list[tuple[str, str]]) -> list[str]:
    width = min(max(len(left) for left, _ in rows), 52)
    return [f"  {left:<{width}}  {right}" for left, right in rows]
