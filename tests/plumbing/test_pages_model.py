"""test_pages_model.py - any changes of a paged tree, compared with a plain dict of slots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tract.plumbing import pages
from tract.plumbing.objects import read_tree, write_blob, write_tree
from tract.plumbing.pages import Attachment, SlotFile
from tract.plumbing.repo import Repo, TreeId

Model = dict[int, tuple[SlotFile, ...]]
Change = tuple[int, list[tuple[str, int, list[int]]]]

LABELS = ("user", "assistant", "tool-result", "x-note", "x-a", "x-a-b")
edges = (0, 1, 2, 98, 99, 100, 101, 199, 9_998, 9_999, 10_000, 10_001, 20_000, 9_999_998)
slots = st.one_of(st.sampled_from(edges), st.integers(0, 9_999_998))
one_file = st.tuples(
    st.sampled_from(LABELS),
    st.integers(0, 9),
    st.lists(st.integers(1, 12), max_size=2, unique=True),
)
changes = st.tuples(slots, st.lists(one_file, max_size=2, unique_by=lambda file: file[0]))


def files_at(repo: Repo, change: Change) -> tuple[SlotFile, ...]:
    """What a change puts at its slot, in path order."""
    slot, given = change
    made = []
    for label, text, numbers in given:
        blobs = {n: write_blob(repo, f"attachment {n}".encode()) for n in sorted(numbers)}
        attached = tuple(Attachment(n, "bin", found) for n, found in blobs.items())
        made.append(SlotFile(slot, label, write_blob(repo, f"{text}".encode()), attached))
    return tuple(sorted(made, key=lambda file: file.path.encode()))


def listed(repo: Repo, tree: TreeId | None) -> Model:
    """A tree as a dict, read page by page."""
    found: Model = {}
    for page in pages.list_pages(repo, tree) if tree is not None else []:
        for file in pages.read_page(repo, page):
            assert page.first <= file.slot < page.first + pages.PAGE_SLOTS
            found[file.slot] = (*found.get(file.slot, ()), file)
    return found


def changed(repo: Repo, model: Model, batch: list[Change]) -> tuple[Model, Model]:
    """The model after a batch of changes, and the batch by slot."""
    wanted = {change[0]: files_at(repo, change) for change in batch}
    after = {slot: files for slot, files in (model | wanted).items() if files}
    return after, wanted


@given(st.lists(st.lists(changes, min_size=1, max_size=5), min_size=1, max_size=4))
def test_tree_is_a_dict_of_slots(shared_repo: Repo, batches: list[list[Change]]) -> None:
    """After any changes a tree reads as the dict of what was put at each slot, in slot order."""
    tree: TreeId | None = None
    model: Model = {}
    for batch in batches:
        model, wanted = changed(shared_repo, model, batch)
        tree = pages.replace(shared_repo, tree, wanted)
        found = listed(shared_repo, tree)
        assert found == model
        assert list(found) == sorted(model)
        appended = pages.append(shared_repo, tree, "user", write_blob(shared_repo, b"x"))
        assert appended[1] == max(model, default=-1) + 1
        for slot in (*wanted, 5, 150):
            assert pages.read_slot(shared_repo, tree, slot) == model.get(slot, ())


@given(st.lists(changes, max_size=8), st.lists(changes, max_size=8))
def test_difference_is_the_dicts(shared_repo: Repo, one: list[Change], two: list[Change]) -> None:
    """The difference of two trees is the slots whose files differ, in order."""
    before, wanted = changed(shared_repo, {}, one)
    old = pages.replace(shared_repo, None, wanted)
    after, wanted = changed(shared_repo, before, two)
    new = pages.replace(shared_repo, old, wanted)
    expected = [
        (slot, before.get(slot, ()), after.get(slot, ()))
        for slot in sorted(before.keys() | after.keys())
        if before.get(slot) != after.get(slot)
    ]
    assert [tuple(change) for change in pages.diff(shared_repo, old, new)] == expected


@given(st.lists(changes, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_same_entries_same_tree(shared_repo: Repo, batch: list[Change], random: object) -> None:
    """The way to a context does not show in its tree: one batch or many, in any order."""
    model, wanted = changed(shared_repo, {}, batch)
    at_once = pages.replace(shared_repo, None, wanted)
    tree: TreeId | None = None
    order = list(model.items())
    random.shuffle(order)  # type: ignore[attr-defined]
    for slot, files in [(77, files_at(shared_repo, (77, [("user", 1, [])]))), *order]:
        tree = pages.replace(shared_repo, tree, {slot: files})
    assert pages.replace(shared_repo, tree, {77: model.get(77, ())}) == at_once


@given(
    st.lists(st.tuples(st.sampled_from(LABELS), st.integers(0, 9)), min_size=1, max_size=6), slots
)
def test_appends_follow_each_other(
    shared_repo: Repo, said: list[tuple[str, int]], start: int
) -> None:
    """Appends stand one behind the other, behind whatever was there."""
    files = files_at(shared_repo, (start, [("user", 1, [])]))
    tree = pages.replace(shared_repo, None, {start: files})
    model: Model = {start: files}
    for label, text in said[: pages.SLOTS_MAX - 1 - start]:
        data = write_blob(shared_repo, f"{text}".encode())
        tree, slot, _ = pages.append(shared_repo, tree, label, data)
        model[slot] = (SlotFile(slot, label, data),)
    assert listed(shared_repo, tree) == model
    assert sorted(model) == list(range(start, start + len(model)))


@given(st.lists(changes, min_size=1, max_size=6))
def test_foreign_files_stay(shared_repo: Repo, batch: list[Change]) -> None:
    """Whatever changes, a file of somebody else at the root stays where it is."""
    tree = pages.replace(shared_repo, None, {})
    foreign = write_blob(shared_repo, b"not ours")
    item = (b"100644", b"LICENSE", bytes.fromhex(foreign))
    tree = write_tree(shared_repo, [*read_tree(shared_repo, tree), item])
    _, wanted = changed(shared_repo, {}, batch)
    assert item in read_tree(shared_repo, pages.replace(shared_repo, tree, wanted))
