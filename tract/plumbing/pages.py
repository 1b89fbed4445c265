"""pages.py - the paged tree: slot → label and blob.

Slot 1234567 is the files `123/45/67.LABEL.md` (and `67.LABEL.N.EXT`, its attachments). An append
reads and writes three trees whatever the length of the history. A difference of two trees walks
only subtrees whose ids differ. Files that are not ours stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tract.errors import UsageError
from tract.plumbing.objects import FILE, FOLDER, TreeItem, read_tree, write_blob, write_tree
from tract.plumbing.repo import ATTRIBUTES, BlobId, Repo, TreeId

PAGE_SLOTS = 100
SLOTS_MAX = 10_000_000
_ENTRY = re.compile(rb"(\d\d)\.([a-z0-9-]+)\.(?:(\d+)\.([a-z0-9]+)|md)\Z")
_TOP = re.compile(rb"\d{3}\Z")
_MIDDLE = re.compile(rb"\d\d\Z")


class Attachment(NamedTuple):
    """The blob of an entry's attachment number `n`."""

    n: int
    extension: str
    blob: BlobId


class SlotFile(NamedTuple):
    """What stands at a slot: the entry's label and blob, and its attachments."""

    slot: int
    label: str
    blob: BlobId
    attachments: tuple[Attachment, ...] = ()

    @property
    def path(self) -> str:
        """The path from the root of the tree."""
        return entry_path(self.slot, self.label)


class Page(NamedTuple):
    """A leaf tree of up to 100 slots; `first` is the slot its number 00 stands for."""

    first: int
    tree: TreeId


class SlotChange(NamedTuple):
    """A slot whose files differ between two trees; several files only where slots are shared."""

    slot: int
    before: tuple[SlotFile, ...]
    after: tuple[SlotFile, ...]


def entry_path(slot: int, label: str) -> str:
    """`000/01/17.tool-result.md` for slot 117."""
    return f"{slot // 10000:03}/{slot // 100 % 100:02}/{slot % 100:02}.{label}.md"


# Reading


def list_pages(repo: Repo, tree: TreeId) -> list[Page]:
    """The pages of a tree in slot order."""
    pages = []
    for _, top, top_id in _folders(read_tree(repo, tree), _TOP):
        for _, middle, page_id in _folders(read_tree(repo, top_id.hex()), _MIDDLE):
            first = int(top) * 10000 + int(middle) * PAGE_SLOTS
            pages.append(Page(first, TreeId(page_id.hex())))
    return pages


def read_page(repo: Repo, page: Page) -> list[SlotFile]:
    """What stands on a page, in path order."""
    return _slot_files(read_tree(repo, page.tree), page.first)


def read_slot(repo: Repo, tree: TreeId, slot: int) -> tuple[SlotFile, ...]:
    """What stands at a slot; empty where nothing does."""
    items = _page_items(repo, tree, slot)
    return tuple(file for file in _slot_files(items, slot - slot % 100) if file.slot == slot)


def list_tools(repo: Repo, tree: TreeId) -> list[tuple[str, BlobId]]:
    """The files of `tools/` in path order."""
    folder = _find_folder(read_tree(repo, tree), b"tools")
    if folder is None:
        return []
    return [
        (name.decode("utf-8", "replace"), BlobId(blob.hex()))
        for mode, name, blob in read_tree(repo, folder)
        if mode != FOLDER
    ]


class _LastPage(NamedTuple):
    """Where the highest slot is: the folders on the way to its page, and what they hold."""

    slot: int
    top: TreeItem
    inner: list[TreeItem]
    middle: TreeItem
    page: list[TreeItem]


def _last_page(repo: Repo, root: list[TreeItem]) -> _LastPage | None:
    for top in _folders(reversed(root), _TOP):
        inner = read_tree(repo, top[2].hex())
        for middle in _folders(reversed(inner), _MIDDLE):
            page = read_tree(repo, middle[2].hex())
            number = _last_number(page)
            if number is not None:
                slot = int(top[1]) * 10000 + int(middle[1]) * PAGE_SLOTS + number
                return _LastPage(slot, top, inner, middle, page)
    return None


def _last_number(items: list[TreeItem]) -> int | None:
    return next((int(match[1]) for item in reversed(items) if (match := _match(item))), None)


def _page_items(repo: Repo, tree: TreeId, slot: int) -> list[TreeItem]:
    items = read_tree(repo, tree)
    for name in _folder_names(slot):
        folder = _find_folder(items, name)
        if folder is None:
            return []
        items = read_tree(repo, folder)
    return items


def _folder_names(slot: int) -> tuple[bytes, bytes]:
    return b"%03d" % (slot // 10000), b"%02d" % (slot // 100 % 100)


def _folders(items: Iterable[TreeItem], pattern: re.Pattern[bytes]) -> Iterator[TreeItem]:
    return (item for item in items if item[0] == FOLDER and pattern.match(item[1]))


def _find_folder(items: Iterable[TreeItem], name: bytes) -> TreeId | None:
    for mode, found, tree in items:
        if found == name and mode == FOLDER:
            return TreeId(tree.hex())
    return None


def _match(item: TreeItem) -> re.Match[bytes] | None:
    return _ENTRY.match(item[1]) if item[0] != FOLDER else None


def _slot_files(items: Iterable[TreeItem], first: int) -> list[SlotFile]:
    files: list[SlotFile] = []
    attached: dict[tuple[bytes, bytes], list[Attachment]] = {}
    for item in items:
        match = _match(item)
        if match is None:
            continue
        number, label, n, extension = match.groups()
        blob = BlobId(item[2].hex())
        if n is not None:
            found = Attachment(int(n), extension.decode(), blob)
            attached.setdefault((number, label), []).append(found)
        else:
            mine = tuple(sorted(attached.pop((number, label), ())))
            files.append(SlotFile(first + int(number), label.decode(), blob, mine))
    return files


# Difference


def diff(repo: Repo, before: TreeId | None, after: TreeId | None) -> list[SlotChange]:
    """The slots in which two trees differ, in order; equal subtrees are never opened."""
    changes: list[SlotChange] = []
    for top, a, b in _differing(_items(repo, before), _items(repo, after), _TOP):
        for middle, c, d in _differing(_items(repo, a), _items(repo, b), _MIDDLE):
            first = int(top) * 10000 + int(middle) * PAGE_SLOTS
            changes.extend(_diff_page(_items(repo, c), _items(repo, d), first))
    return changes


def _items(repo: Repo, tree: TreeId | None) -> list[TreeItem]:
    return read_tree(repo, tree) if tree is not None else []


def _differing(
    before: list[TreeItem], after: list[TreeItem], pattern: re.Pattern[bytes]
) -> list[tuple[bytes, TreeId | None, TreeId | None]]:
    was, now = set(before), set(after)
    old = {name: tree for _, name, tree in _folders(was - now, pattern)}
    new = {name: tree for _, name, tree in _folders(now - was, pattern)}
    names = sorted(old.keys() | new.keys())
    return [(name, _tree_id(old.get(name)), _tree_id(new.get(name))) for name in names]


def _tree_id(raw: bytes | None) -> TreeId | None:
    return TreeId(raw.hex()) if raw is not None else None


def _diff_page(before: list[TreeItem], after: list[TreeItem], first: int) -> list[SlotChange]:
    touched = {match[1] for item in set(before) ^ set(after) if (match := _match(item))}
    if not touched:
        return []
    old = _by_slot([item for item in before if item[1][:2] in touched], first)
    new = _by_slot([item for item in after if item[1][:2] in touched], first)
    slots = sorted(old.keys() | new.keys())
    return [SlotChange(slot, old.get(slot, ()), new.get(slot, ())) for slot in slots]


def _by_slot(items: list[TreeItem], first: int) -> dict[int, tuple[SlotFile, ...]]:
    found: dict[int, tuple[SlotFile, ...]] = {}
    for file in _slot_files(items, first):
        found[file.slot] = (*found.get(file.slot, ()), file)
    return found


# Writing


def append(
    repo: Repo,
    tree: TreeId | None,
    label: str,
    blob: BlobId,
    attachments: Iterable[Attachment] = (),
) -> tuple[TreeId, int]:
    """Put an entry behind the last one; three trees are written, the first time with attributes.

    Raises:
        UsageError: the context is full at ten million slots.
    """
    root = read_tree(repo, tree) if tree is not None else []
    last = _last_page(repo, root)
    slot = last.slot + 1 if last is not None else 0
    if slot >= SLOTS_MAX:
        raise UsageError(
            f"the context is full: slot {SLOTS_MAX - 1} is taken", "begin a new branch"
        )
    file = SlotFile(slot, label, blob, tuple(attachments))
    if last is None or slot % PAGE_SLOTS == 0:
        return replace(repo, tree, {slot: (file,)}), slot
    page = write_tree(repo, [*last.page, *_files(file)])
    inner = write_tree(repo, _exchanged(last.inner, last.middle, page))
    return write_tree(repo, _exchanged(root, last.top, inner)), slot


def _exchanged(items: list[TreeItem], folder: TreeItem, tree: TreeId) -> list[TreeItem]:
    """The lines of a tree with one folder's content exchanged."""
    at = items.index(folder)
    return [*items[:at], (FOLDER, folder[1], bytes.fromhex(tree)), *items[at + 1 :]]


def replace(repo: Repo, tree: TreeId | None, slots: Mapping[int, tuple[SlotFile, ...]]) -> TreeId:
    """The tree with these slots holding exactly these files; `()` empties a slot."""
    root = read_tree(repo, tree) if tree is not None else _new_root(repo)
    grouped: dict[bytes, dict[bytes, dict[int, tuple[SlotFile, ...]]]] = {}
    for slot, files in slots.items():
        top, middle = _folder_names(slot)
        grouped.setdefault(top, {}).setdefault(middle, {})[slot] = files
    for top, middles in grouped.items():
        inner = _subtree(repo, root, top)
        for middle, page in middles.items():
            leaf = _replace_on_page(_subtree(repo, inner, middle), page)
            inner = _with_folder(repo, inner, middle, leaf)
        root = _with_folder(repo, root, top, inner)
    return write_tree(repo, root)


def _new_root(repo: Repo) -> list[TreeItem]:
    blob = write_blob(repo, ATTRIBUTES)
    return [(FILE, b".gitattributes", bytes.fromhex(blob))]


def _subtree(repo: Repo, items: list[TreeItem], name: bytes) -> list[TreeItem]:
    found = _find_folder(items, name)
    return read_tree(repo, found) if found is not None else []


def _with_folder(
    repo: Repo, items: list[TreeItem], name: bytes, content: list[TreeItem]
) -> list[TreeItem]:
    kept = [item for item in items if item[1] != name]
    if content:
        kept.append((FOLDER, name, bytes.fromhex(write_tree(repo, content))))
    return kept


def _replace_on_page(
    items: list[TreeItem], slots: Mapping[int, tuple[SlotFile, ...]]
) -> list[TreeItem]:
    numbers = {b"%02d" % (slot % PAGE_SLOTS) for slot in slots}
    kept = [item for item in items if item[1][:2] not in numbers or not _match(item)]
    for files in slots.values():
        for file in files:
            kept.extend(_files(file))
    return kept


def _files(file: SlotFile) -> list[TreeItem]:
    stem = f"{file.slot % PAGE_SLOTS:02}.{file.label}"
    items = [(FILE, f"{stem}.md".encode(), bytes.fromhex(file.blob))]
    for n, extension, blob in file.attachments:
        items.append((FILE, f"{stem}.{n}.{extension}".encode(), bytes.fromhex(blob)))
    return items
