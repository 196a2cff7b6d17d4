"""The imports between the modules of this package, read from their source."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parent.parent
PACKAGE = _ROOT.name
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


@cache
def modules() -> dict[str, Path]:
    """Return the source file of every module of the package by dotted name."""
    return {_name(path): path for path in sorted(_ROOT.rglob("*.py"))}


@cache
def imports(module: str) -> dict[str, int]:
    """Return the modules of this package that a module imports, with line numbers.

    Imports inside functions count. `from package import name` is the module `name` if there is one.
    """
    found: dict[str, int] = {}
    for node in _statements(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [_imported(node.module, alias.name) for alias in node.names]
        else:
            continue
        for name in names:
            if name in modules():
                found.setdefault(name, node.lineno)
    return found


def _statements(block: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements of a block at any depth; expressions, most of a tree, hold no import."""
    for name in _BLOCKS:
        for one in getattr(block, name, ()):
            yield one
            yield from _statements(one)


@cache
def closure(module: str) -> frozenset[str]:
    """Return a module and every module of this package that it imports, directly or not."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            parent = name.rpartition(".")[0]
            waiting += [*imports(name), *([parent] if parent else [])]
    return frozenset(reached)


def _imported(source: str, name: str) -> str:
    return f"{source}.{name}" if f"{source}.{name}" in modules() else source


def _name(path: Path) -> str:
    parts = path.relative_to(_ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
