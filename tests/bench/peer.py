"""peer.py - LangGraph's SqliteSaver at the work that both of us do.

A graph whose state is a list of messages, checkpointed whole, as its documentation sets it up.
Where it is not installed its cells stay empty, and RESULTS.md says why.
"""

import importlib.metadata
import sqlite3
from pathlib import Path
from typing import Annotated, Any

from tests.bench.data import messages, texts
from tests.bench.timing import Figure, clocked, summary

APPENDS = 20
APPENDS_LONG = 3  # of a list so long that one takes seconds
LONG = 50_000
IMPORT = (
    "from langgraph.checkpoint.sqlite import SqliteSaver; "
    "from langgraph.graph import MessagesState, StateGraph"
)
# Run in a process of its own: the messages of a thread, as the graph hands them out.
READ = f"""
import sys, time
start = time.perf_counter()
{IMPORT}
from pathlib import Path
from tests.bench import peer
imported = time.perf_counter()
assert peer.graph_on(Path(sys.argv[1])).get_state(peer.THREAD).values["messages"]
print(imported - start, time.perf_counter() - imported)
"""
THREAD = {"configurable": {"thread_id": "1"}}


def version() -> str | None:
    """What is installed; None without."""
    names = ("langgraph", "langgraph-checkpoint-sqlite")
    try:
        return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    except importlib.metadata.PackageNotFoundError:
        return None


def told() -> str:
    """What RESULTS.md says about it."""
    found = version()
    if found is None:
        return "LangGraph's cells are empty: it is not installed (`make bench` tries to)."
    return f"LangGraph is {found}: a message list, checkpointed whole, without counting tokens."


def thread(folder: Path, entries: int) -> Path | None:
    """A file that holds a thread of that many messages, made once; None without LangGraph."""
    path = folder / f"langgraph-{entries}.sqlite"
    if version() is None:
        return None
    if not path.exists():
        _say(graph_on(path), messages(entries))
    return path


def appends(folder: Path, entries: int) -> Figure | None:
    """One message added to a thread of that many."""
    path = thread(folder, entries)
    if path is None:
        return None
    graph, said, taken = graph_on(path), texts(seed=2), []
    for number in range((APPENDS if entries < LONG else APPENDS_LONG) + 1):
        role = "assistant" if number % 2 else "user"
        spent, _ = clocked(_say, graph, [{"role": role, "content": next(said)}])
        if number:
            taken.append(spent)
    return summary(taken)


def conversation_bytes(folder: Path, said: list[str]) -> tuple[int, int] | None:
    """Bytes of a thread to which these texts were added one by one: whole, and as deltas."""
    if version() is None:
        return None
    whole, deltas = (folder / f"langgraph-{name}.sqlite" for name in ("whole", "deltas"))
    for graph in (graph_on(whole), _graph(deltas, _deltas())):
        for number, text in enumerate(said):
            _say(graph, [{"role": "assistant" if number % 2 else "user", "content": text}])
        graph.checkpointer.conn.close()  # which writes the log back into the file
    return whole.stat().st_size, deltas.stat().st_size


def _deltas() -> Any:
    """A state that is a list of messages, of which checkpoints keep what was added."""
    from langgraph.channels import DeltaChannel
    from langgraph.graph.message import _messages_delta_reducer
    from typing_extensions import TypedDict

    kept = Annotated[list[Any], DeltaChannel(_messages_delta_reducer)]
    return TypedDict("Deltas", {"messages": kept})  # type: ignore[operator]


def graph_on(path: Path) -> Any:
    """A graph of one node, whose threads are kept in that file."""
    from langgraph.graph import MessagesState

    return _graph(path, MessagesState)


def _graph(path: Path, state: Any) -> Any:
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph import START, StateGraph

    builder = StateGraph(state)
    builder.add_node("model", lambda state: {})
    builder.add_edge(START, "model")
    connection = sqlite3.connect(path, check_same_thread=False)
    return builder.compile(checkpointer=SqliteSaver(connection))


def _say(graph: Any, said: list[dict[str, Any]]) -> None:
    graph.update_state(THREAD, {"messages": said}, as_node="model")
