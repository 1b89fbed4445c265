"""tree.py - the package as `test_tidy.py` sees it: parsed modules, and what each imports.

Read with `ast` and never imported, so the laws hold for code that does not run yet. Every import
counts the same: at the top, inside a function, under TYPE_CHECKING, or by name.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

FLOORS = {
    "errors": 0,
    "plumbing": 1,
    "content": 1,
    "porcelain": 2,
    "llm": 2,
    "program": 3,
    "speech": 3,
    "agent": 4,
    "tract": 5,
    "session": 5,
    "testing": 5,
    "serve": 6,
    "adapters": 6,
    "cli": 7,
    "__init__": 8,
    "__main__": 8,
}


@dataclass
class Module:
    """One parsed file of the package."""

    name: str
    path: Path
    tree: ast.Module = field(repr=False)
    text: str = field(repr=False)
    imports: "list[Import]" = field(default_factory=list, repr=False)

    @property
    def room(self) -> str:
        """The folder or file at the top of the package that the module belongs to."""
        return room_of(self.name)

    @property
    def floor(self) -> int | None:
        """The number of its floor; None if nobody gave its room one."""
        return FLOORS.get(self.room)

    @property
    def is_room(self) -> bool:
        """Whether it is the `__init__` of a folder."""
        return self.path.name == "__init__.py"

    def at(self, node: ast.AST) -> str:
        """Where a complaint points."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}"


@dataclass(frozen=True)
class Import:
    """One name that a module imports, wherever in the file it does so."""

    target: str
    line: int
    in_function: bool


def room_of(name: str) -> str:
    """The room of a module, by its dotted name."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def read_package(root: Path, package: str = "tract") -> list[Module]:
    """Parse every module of `root/package` and resolve what it imports."""
    modules = []
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        dotted = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        modules.append(Module(dotted, path, ast.parse(text, str(path)), text))
    known = {module.name for module in modules}
    for module in modules:
        module.imports = list(imports_of(module, known))
    return modules


def imports_of(module: Module, known: set[str]) -> Iterator[Import]:
    """Every import of a module: at its top, in functions, under TYPE_CHECKING and by name."""
    inside = {
        id(node)
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(module.tree):
        for target in targets_of(node, module, known):
            yield Import(target, getattr(node, "lineno", 1), id(node) in inside)
    if "import_module" in module.text or "__import__" in module.text:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for target in named_by(node.value, module, known):
                    yield Import(target, node.lineno, id(node) in inside)


def targets_of(node: ast.AST, module: Module, known: set[str]) -> list[str]:
    """The dotted names that an import statement loads, submodules preferred to their package."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    start = node.module or ""
    if node.level:
        parts = module.name.split(".")
        up = node.level - 1 if module.is_room else node.level
        start = ".".join([*parts[: len(parts) - up], *([start] if start else [])])
    full = [f"{start}.{alias.name}" for alias in node.names]
    return [name if name in known else start for name in full]


def named_by(text: str, module: Module, known: set[str]) -> list[str]:
    """The module that a string may name in a file that imports modules by name."""
    if not re.fullmatch(r"\.?[\w.]+", text):
        return []
    package = module.name if module.is_room else module.name.rpartition(".")[0]
    relative = f"{package}.{text.lstrip('.')}"
    return [name for name in dict.fromkeys((text, relative)) if name in known - {"tract"}]


def own(modules: Iterable[Module]) -> Iterator[tuple[Module, Import]]:
    """Every import of one of our modules by another."""
    for module in modules:
        for found in module.imports:
            if found.target.split(".")[0] == "tract" and found.target != module.name:
                yield module, found


def foreign(modules: Iterable[Module]) -> Iterator[tuple[Module, Import, str]]:
    """Every import of a package that is neither ours nor Python's, with the package's name."""
    for module in modules:
        for found in module.imports:
            top = found.target.split(".")[0]
            if top != "tract" and top not in sys.stdlib_module_names:
                yield module, found, top


def aliases_of(tree: ast.Module) -> dict[str, str]:
    """What each imported name of a file stands for, dotted in full."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                found[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def dotted(node: ast.AST, aliases: dict[str, str]) -> str:
    """`datetime.datetime.now` for whatever an expression of names and dots stands for."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, "")
    if isinstance(node, ast.Attribute):
        value = dotted(node.value, aliases)
        return f"{value}.{node.attr}" if value else ""
    return ""


def with_function(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node with the name of the innermost function around it."""
    for node in ast.iter_child_nodes(tree):
        yield function, node
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from with_function(node, node.name if named else function)  # type: ignore[attr-defined]
