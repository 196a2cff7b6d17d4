"""The floors of the house: an import points down, never up, and nothing goes in circles."""

import itertools

from nba_rank.core.imports import PACKAGE, imports, modules

FLOORS = (
    "core", "config", "data", "features", "samples", "odds", "models", "evaluation", "explain",
    "report", "experiments",
)  # fmt: skip
"""Rooms from the ground up; the programs themselves stand on the roof."""


def floor(module: str) -> int:
    room = module.split(".")[1] if "." in module else ""
    return FLOORS.index(room) if room in FLOORS else len(FLOORS)


def place(module: str, imported: str) -> str:
    return f"{modules()[module]}:{imports(module)[imported]}: {module} imports {imported}"


def backward_arrows() -> list[str]:
    return [
        place(module, imported)
        for module in modules()
        for imported in imports(module)
        if floor(imported) > floor(module)
    ]


def a_cycle() -> list[str]:
    """Return the imports of one cycle of modules, nothing where there is none."""
    done: set[str] = set()
    path: list[str] = []

    def visit(module: str) -> list[str]:
        if module in path:
            circle = [*path[path.index(module) :], module]
            return [place(a, b) for a, b in itertools.pairwise(circle)]
        if module in done:
            return []
        path.append(module)
        for imported in imports(module):
            if found := visit(imported):
                return found
        path.pop()
        done.add(module)
        return []

    for module in modules():
        if found := visit(module):
            return found
    return []


def test_no_import_points_to_a_higher_floor():
    assert backward_arrows() == []


def test_no_modules_import_each_other_in_a_circle():
    assert a_cycle() == []


def test_every_module_has_a_room_or_is_a_program():
    strays = [
        name
        for name, path in modules().items()
        if floor(name) == len(FLOORS)
        and name != PACKAGE
        and "__main__" not in path.read_text(encoding="utf-8")
    ]
    assert strays == []


def test_a_backward_arrow_and_a_cycle_are_seen(monkeypatch):
    made = {
        "nba_rank.core.a": {"nba_rank.report.b": 3},
        "nba_rank.report.b": {"nba_rank.core.a": 7},
    }
    monkeypatch.setitem(globals(), "modules", lambda: dict.fromkeys(made, "file"))
    monkeypatch.setitem(globals(), "imports", made.__getitem__)
    (arrow,) = backward_arrows()
    assert arrow == "file:3: nba_rank.core.a imports nba_rank.report.b"
    assert [line.split(":")[1] for line in a_cycle()] == ["3", "7"]
