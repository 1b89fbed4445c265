"""tract - version control for what a language model sees.

Every turn of a conversation is a real git commit in a bare repository. `from tract import Tract`
is all most programs need; other public names are loaded when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tract.content.entry import Entry as Entry
    from tract.content.generation import LLMConfig as LLMConfig
    from tract.content.generation import Usage as Usage
    from tract.content.kinds import ArtifactContent as ArtifactContent
    from tract.content.kinds import DialogueContent as DialogueContent
    from tract.content.kinds import FreeformContent as FreeformContent
    from tract.content.kinds import InstructionContent as InstructionContent
    from tract.content.kinds import OutputContent as OutputContent
    from tract.content.kinds import Priority as Priority
    from tract.content.kinds import ReasoningContent as ReasoningContent
    from tract.content.kinds import SessionContent as SessionContent
    from tract.content.kinds import ToolIOContent as ToolIOContent
    from tract.content.messages import Message as Message
    from tract.content.messages import PendingCall as PendingCall
    from tract.content.tokens import TokenCounter as TokenCounter
    from tract.errors import TractError as TractError
    from tract.porcelain.commit_info import CommitInfo as CommitInfo
    from tract.porcelain.compile import CompiledContext as CompiledContext
    from tract.porcelain.diff import DiffResult as DiffResult
    from tract.porcelain.import_ import ImportResult as ImportResult
    from tract.porcelain.in_force import WaitingDocument as WaitingDocument
    from tract.porcelain.log import ShowResult as ShowResult
    from tract.porcelain.log import StatusInfo as StatusInfo
    from tract.porcelain.problem import Problem as Problem
    from tract.porcelain.search import Hit as Hit
    from tract.porcelain.settings import Settings as Settings
    from tract.porcelain.storage import StorageInfo as StorageInfo
    from tract.porcelain.undo import Operation as Operation
    from tract.porcelain.undo import RefMove as RefMove
    from tract.porcelain.workspace import IndexUnavailable as IndexUnavailable
    from tract.tract import Tract as Tract

__version__ = "0.1.0"
_HOMES = {
    "tract.content.entry": "Entry",
    "tract.content.generation": "LLMConfig Usage",
    "tract.content.kinds": "ArtifactContent DialogueContent FreeformContent InstructionContent "
    "OutputContent Priority ReasoningContent SessionContent ToolIOContent",
    "tract.content.messages": "Message PendingCall",
    "tract.content.tokens": "TokenCounter",
    "tract.errors": "TractError",
    "tract.porcelain.compile": "CompiledContext",
    "tract.porcelain.diff": "DiffResult",
    "tract.porcelain.problem": "Problem",
    "tract.porcelain.commit_info": "CommitInfo",
    "tract.porcelain.import_": "ImportResult",
    "tract.porcelain.in_force": "WaitingDocument",
    "tract.porcelain.log": "ShowResult StatusInfo",
    "tract.porcelain.search": "Hit",
    "tract.porcelain.settings": "Settings",
    "tract.porcelain.storage": "StorageInfo",
    "tract.porcelain.undo": "Operation RefMove",
    "tract.porcelain.workspace": "IndexUnavailable",
    "tract.tract": "Tract",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - one list of names, and it is above


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'tract' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
