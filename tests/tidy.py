"""tidy.py - the laws of the tree, each a function from modules to complaints.

A complaint is one line that names the module, the line and what to do. `test_tidy.py` applies
the laws to tract/, and shows on small bad trees that each of them can fail.
"""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.tree import FLOORS, Module, aliases_of, dotted, foreign, own, room_of, with_function

FACADE = 5
DOORS = {"serve", "adapters"}

# Who may import a third-party package: a room, or a module of it. The rest may be imported
# everywhere. A second value of True: only inside a function.
OWNERS = {
    "pygit2": ("tract.plumbing", False),
    "litellm": ("tract.llm.gateway", True),
    "tiktoken": ("tract.content.tokens", False),
    "click": ("tract.cli", False),
    "rich": ("tract.cli", False),
    "pydantic": ("tract.porcelain", True),
}

SAYS_NOTHING = ("manager", "handler", "helper", "util", "factory", "base", "impl", "misc")
BANNED_WORDS = {*SAYS_NOTHING, *(word + "s" for word in SAYS_NOTHING), "factories"}
GIT_WORDS = {"merge_base": "merge", "MergeBase": "Merge"}  # git's own, with git's meaning

# What a room below the classes that users meet is handed, and never takes for itself.
AMBIENT = {
    *("os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.urandom"),
    *("time.time", "time.time_ns", "datetime.datetime.now", "datetime.datetime.utcnow"),
    *("datetime.datetime.today", "datetime.date.today", "uuid.uuid1", "uuid.uuid4"),
    *("sys.stdin", "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"),
}
AMBIENT_MODULES = {"random", "secrets"}
AMBIENT_CALLS = {"input", "print"}
AMBIENT_ALLOWED = {
    ("tract.content.tokens", "os.environ"),  # looks for its tables
    ("tract.llm.gateway", "os.environ"),  # sets what litellm reads when it is imported
}

# A broad `except` stands only around code that users hand us: "module:function". One that cleans
# up and raises again catches nothing, and needs no place on the list.
BROAD_EXCEPT_ALLOWED: frozenset[str] = frozenset(
    {"tract.porcelain.decoded:_count"}  # a token counter of the program's own
)

ENTRY_POINTS = {"tract", "tract.__main__", "tract.testing"}

PRIVATE_PATH = re.compile(
    r"(?<![\w/.~$}<*])/(?:(?:work|workspace|root|mnt)/|(?:home|Users|tmp)/\w"
    r"|private/(?:var|tmp)/|var/folders/)"
)
ROOT_FILES = ("*.md", "*.toml", "*.txt", "Makefile", "LICENSE", ".gitignore")


def floors(modules: list[Module]) -> list[str]:
    """Imports go down: never up, and never sideways into another room of the same floor."""
    said = [f"{m.name}: the room {m.room} has no floor" for m in modules if m.floor is None]
    for module, found in own(modules):
        floor, below = module.floor, FLOORS.get(room_of(found.target))
        if floor is None or below is None or below < floor:
            continue
        same_room = room_of(found.target) == module.room
        if same_room or floor == below == FACADE:
            continue
        way = "sideways" if below == floor else "up"
        said.append(f"{module.name}:{found.line} imports {way}: {found.target}")
    return said


def cycles(modules: list[Module]) -> list[str]:
    """No module imports itself through others; imports inside functions count."""
    edges: dict[str, list[str]] = {module.name: [] for module in modules}
    for module, found in own(modules):
        edges[module.name].append(found.target)
    said: dict[frozenset[str], str] = {}
    for start in edges:
        loop = way_back(start, edges)
        if loop:
            said.setdefault(frozenset(loop), " -> ".join(loop))
    return [f"import cycle: {text}" for text in said.values()]


def way_back(start: str, edges: dict[str, list[str]]) -> list[str]:
    """The shortest chain of imports from `start` to itself; empty if there is none."""
    came_from: dict[str, str] = {}
    row = [start]
    while row:
        following = []
        for name in row:
            for target in edges.get(name, []):
                if target == start:
                    chain = [start, name]
                    while chain[-1] != start:
                        chain.append(came_from[chain[-1]])
                    return chain[::-1] if len(chain) > 1 else []
                if target not in came_from:
                    came_from[target] = name
                    following.append(target)
        row = following
    return []


def owners(modules: list[Module]) -> list[str]:
    """A third-party package is imported by its owner alone, some only inside a function."""
    said = []
    for module, found, top in foreign(modules):
        owner, in_function = OWNERS.get(top, ("tract", False))
        where = f"{module.name}:{found.line}"
        if module.name != owner and not module.name.startswith(owner + "."):
            said.append(f"{where} imports {top}, which belongs to {owner}")
        elif in_function and not found.in_function:
            said.append(f"{where} imports {top} at the top: import it inside the function")
    return said


def undeclared(modules: list[Module], pyproject: Path) -> list[str]:
    """What is imported is declared; the doors (serve, adapters) may use what an extra declares."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    always = names_of(project.get("dependencies", []))
    extras = names_of([one for extra in project["optional-dependencies"].values() for one in extra])
    return [
        f"{module.name}:{found.line} imports {top}, which pyproject.toml does not declare"
        for module, found, top in foreign(modules)
        if top not in (always | extras if module.room in DOORS else always)
    ]


def names_of(requirements: list[str]) -> set[str]:
    """The import names of requirements such as `pygit2>=1.21,<2`."""
    found = (re.match(r"[\w.-]+", requirement) for requirement in requirements)
    return {match[0].replace("-", "_").lower() for match in found if match}


def dead(modules: list[Module]) -> list[str]:
    """Every module is imported by another, or is an entry point."""
    used = {found.target for _, found in own(modules)}
    return [
        f"{module.name} is imported by nobody: fold it into its caller, or remove it"
        for module in modules
        if module.name not in used | ENTRY_POINTS and not module.is_room
    ]


def words_of(name: str) -> set[str]:
    """The words of a CamelCase or snake_case name, in lower case."""
    for phrase, rest in GIT_WORDS.items():
        name = name.replace(phrase, rest)
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def names(modules: list[Module]) -> list[str]:
    """No name of a module, class or function says that nobody decided what the thing is."""
    said = []
    for module in modules:
        named: list[tuple[str, str]] = [(module.name, module.name.rpartition(".")[2])]
        named += [
            (module.at(node), node.name)
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        for where, name in named:
            for word in sorted(words_of(name) & BANNED_WORDS):
                said.append(f"{where} is called {name}: {word} says nothing")
    return said


def ambient(modules: list[Module]) -> list[str]:
    """Below the facade nothing reads the environment, the terminal, the clock or randomness."""
    said = []
    for module in modules:
        if module.floor is None or module.floor >= FACADE:
            continue
        aliases = aliases_of(module.tree)
        for node in ast.walk(module.tree):
            used = dotted(node, aliases)
            if used in AMBIENT and (module.name, used) not in AMBIENT_ALLOWED:
                said.append(f"{module.at(node)} uses {used}: let it be passed in")
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in AMBIENT_CALLS - aliases.keys():
                said.append(f"{module.at(node)} calls {called.id}: the terminal is cli's")
        for found in module.imports:
            if found.target.split(".")[0] in AMBIENT_MODULES:
                said.append(f"{module.name}:{found.line} imports {found.target}: pass it in")
    return said


def facade(modules: list[Module]) -> list[str]:
    """No function of tract/tract.py does more than return what another module does."""
    return [
        f"{module.at(node)} {node.name} has a body: move it to a lower floor and bind it"
        for module in modules
        if module.name == "tract.tract"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not only_returns(node)
    ]


def only_returns(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a body is one return, or the `...` of an overload, after its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if len(body) > 1:
        return False
    return not body or isinstance(body[0], ast.Return) or is_ellipsis(body[0])


def is_ellipsis(node: ast.stmt) -> bool:
    """Whether a statement is `...`."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and node.value.value is ...
    )


def broad(modules: list[Module], allowed: frozenset[str] = BROAD_EXCEPT_ALLOWED) -> list[str]:
    """A broad `except` (or `suppress`) stands only where the list allows it."""
    said = []
    for module in modules:
        for function, node in with_function(module.tree):
            if is_broad(node) and f"{module.name}:{function}" not in allowed:
                said.append(f"{module.at(node)} catches everything in {function or 'the module'}")
    return said


def is_broad(node: ast.AST) -> bool:
    """Whether a node catches every exception."""
    if isinstance(node, ast.ExceptHandler):
        everything = node.type is None or mentions_everything(node.type)
        return everything and not raises_again(node)
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        return any(mentions_everything(argument) for argument in node.args)
    return False


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether an `except` ends in a bare `raise` that nothing in it leads past."""
    last = handler.body[-1]
    ways_out = ast.Return | ast.Break | ast.Continue
    leaves = any(isinstance(node, ways_out) for node in ast.walk(handler))
    return isinstance(last, ast.Raise) and last.exc is None and not leaves


def mentions_everything(node: ast.expr) -> bool:
    """Whether an `except` clause names Exception or BaseException."""
    named = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(ast.unparse(one).split(".")[-1] in {"Exception", "BaseException"} for one in named)


def docstrings(modules: list[Module]) -> list[str]:
    """A module opens with its file name, a dash and its job; a room says three lines."""
    said = []
    for module in modules:
        written = ast.get_docstring(module.tree) or ""
        if module.is_room:
            if len([line for line in written.splitlines() if line.strip()]) < 3:
                said.append(f"{module.name}: its docstring says in three lines what the room is")
        elif not re.match(re.escape(module.path.name) + r" [-–—] \S", written):
            said.append(f'{module.name}: its docstring opens with "{module.path.name} - "')
    return said


def private_paths(root: Path, folders: Iterable[str]) -> list[str]:
    """No file names a home or working directory of somebody's machine."""
    said = []
    for path in text_files(root, folders):
        text = path.read_text(encoding="utf-8", errors="replace")
        for match in PRIVATE_PATH.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            said.append(f"{path.relative_to(root)}:{line} names a path of a machine: {match[0]}")
    return said


def text_files(root: Path, folders: Iterable[str]) -> Iterator[Path]:
    """The files of the folders, and those that lie in the root itself."""
    for pattern in ROOT_FILES:
        yield from sorted(root.glob(pattern))
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def longest(modules: list[Module], number: int = 10) -> tuple[list[str], list[str]]:
    """The longest files and functions, with their lines; being long is no complaint."""
    files = [(module.text.count("\n"), module.path.name) for module in modules]
    functions = [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{module.room}.{node.name}")
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return (
        [f"{name} {lines}" for lines, name in sorted(files, reverse=True)[:number]],
        [f"{name} {lines}" for lines, name in sorted(functions, reverse=True)[:number]],
    )
