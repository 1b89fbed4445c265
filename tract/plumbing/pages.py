"""pages.py - the paged tree: slot → label and blob.

Slot 1234567 is the files `123/45/67.LABEL.md` (and `67.LABEL.N.EXT`, its attachments). An append
reads and writes three trees whatever the length of the history. A difference of two trees walks
only subtrees whose ids differ. Files that are not ours stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from sys import intern
from typing import NamedTuple

from tract.errors import UsageError
from tract.plumbing.objects import (
    FILE,
    FOLDER,
    TreeItem,
    by_name,
    parse_tree,
    raw_tree,
    read_raw_tree,
    read_tree,
    write_blob,
    write_raw_tree,
    write_tree,
)
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


class Tail(NamedTuple):
    """The way down to a tree's highest slot, as git stores it: what the next append adds to.

    `root_at` and `inner_at` are where, in the raw trees, the id of the folder below begins.
    """

    tree: TreeId
    slot: int
    root: bytes
    root_at: int
    inner: bytes
    inner_at: int
    page: bytes
    is_plain: bool


def read_tail(repo: Repo, tree: TreeId) -> Tail | None:
    """Where an append to this tree goes; None where it has no entries.

    A page that ends in a file of somebody else's is not plain: an append puts it in order anew.
    """
    root = read_raw_tree(repo, tree)
    for top, root_at in _folders_from_the_end(root, tree, _TOP):
        inner = read_raw_tree(repo, top[2].hex())
        for middle, inner_at in _folders_from_the_end(inner, top[2].hex(), _MIDDLE):
            page = read_raw_tree(repo, middle[2].hex())
            items = parse_tree(page, middle[2].hex())
            number = next((int(m[1]) for item in reversed(items) if (m := _match(item))), None)
            if number is not None:
                slot = int(top[1]) * 10000 + int(middle[1]) * PAGE_SLOTS + number
                is_plain = _match(items[-1]) is not None
                return Tail(tree, slot, root, root_at, inner, inner_at, page, is_plain)
    return None


def _folders_from_the_end(
    raw: bytes, tree: str, pattern: re.Pattern[bytes]
) -> Iterator[tuple[TreeItem, int]]:
    """The folders of a raw tree, last first, with where their id begins."""
    end = len(raw)
    for item in reversed(parse_tree(raw, tree)):
        if item[0] == FOLDER and pattern.match(item[1]):
            yield item, end - 20
        end -= len(item[0]) + len(item[1]) + 22


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
            files.append(SlotFile(first + int(number), intern(label.decode()), blob, mine))
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


class Appended(NamedTuple):
    """The tree with the new entry, the slot it got, and where the next append goes, if known."""

    tree: TreeId
    slot: int
    tail: Tail | None


def append(
    repo: Repo,
    tree: TreeId | None,
    label: str,
    blob: BlobId,
    attachments: Iterable[Attachment] = (),
    *,
    tail: Tail | None = None,
) -> Appended:
    """Put an entry behind the last one; three trees are written, the first time with attributes.

    `tail` is what the append before returned; where it is of another tree, it is read anew.

    Raises:
        UsageError: the context is full at ten million slots.
    """
    if tree is not None and (tail is None or tail.tree != tree):
        tail = read_tail(repo, tree)
    slot = tail.slot + 1 if tail is not None and tree is not None else 0
    if slot >= SLOTS_MAX:
        raise UsageError(
            f"the context is full: slot {SLOTS_MAX - 1} is taken", "begin a new branch"
        )
    file = SlotFile(slot, label, blob, tuple(attachments))
    if tree is None or tail is None or slot % PAGE_SLOTS == 0 or not tail.is_plain:
        return Appended(replace(repo, tree, {slot: (file,)}), slot, None)
    page = tail.page + raw_tree(sorted(_files(file), key=by_name))
    page_id = write_raw_tree(repo, page, follows=_id_at(tail.inner, tail.inner_at))
    inner = _exchanged(tail.inner, tail.inner_at, page_id)
    inner_id = write_raw_tree(repo, inner, follows=_id_at(tail.root, tail.root_at))
    root = _exchanged(tail.root, tail.root_at, inner_id)
    made = write_raw_tree(repo, root, follows=tree)
    after = Tail(made, slot, root, tail.root_at, inner, tail.inner_at, page, True)
    return Appended(made, slot, after)


def _id_at(raw: bytes, at: int) -> str:
    return raw[at : at + 20].hex()


def _exchanged(raw: bytes, at: int, tree: TreeId) -> bytes:
    """A raw tree with the id at that place exchanged."""
    return raw[:at] + bytes.fromhex(tree) + raw[at + 20 :]


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
    return write_tree(repo, root, follows=tree or "")


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
        made = write_tree(repo, content, follows=_find_folder(items, name) or "")
        kept.append((FOLDER, name, bytes.fromhex(made)))
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
