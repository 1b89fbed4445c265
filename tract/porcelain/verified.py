"""verified.py - caches that are checked: each answer is computed anew from the objects, too.

For who suspects a cache (`Tract.open(verify_cache=True)`). Everything costs as much as without
one; a difference is an error that says which page, and never an answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from tract.errors import CorruptRepo
from tract.plumbing.pages import Page, SlotFile, list_pages, read_page
from tract.plumbing.repo import TreeId
from tract.porcelain.context import Context, ContextCache
from tract.porcelain.decoded import DecodedPage, Item, read_entry
from tract.porcelain.derived import PageFacts

_DIGITS = 12
_Said = tuple[SlotFile, object, int, bytes]


class VerifiedCache(ContextCache):
    """Compares every hit with a fresh decode.

    Raises, from every method:
        CorruptRepo: the cache or the index is wrong; `page` is the page's tree.
    """

    def read(self, tree: TreeId | None) -> Context:
        """The context of a tree, each of its pages compared."""
        found = super().read(tree)
        fresh = self._fresh_context(tree)
        if _said(found.items) != _said(fresh.items) or found.tools != fresh.tools:
            raise _wrong("the cache of contexts", tree or "", TreeId(tree or ""))
        return found

    def _fresh_context(self, tree: TreeId | None) -> Context:
        anew = ContextCache(self._repo, self._counter, self._derived.without_pages())
        return anew.read(tree)

    def _page(self, page: Page, known: PageFacts | None = None) -> DecodedPage:
        found = super()._page(page, known)
        fresh = self._anew(page)
        if _said(found.items) != _said(fresh.items):
            raise _wrong("the cache of pages", f"page {page.first}", page.tree)
        return found

    def _anew(self, page: Page) -> DecodedPage:
        files = read_page(self._repo, page)
        return DecodedPage([self._item(file) for file in files], 0)

    def _item(self, file: SlotFile) -> Item:
        return Item(file, read_entry(self._repo, file), self._counter)

    def _facts(self, pages: list[Page]) -> list[PageFacts]:
        found = super()._facts(pages)
        for page, facts in zip(pages, found, strict=True):
            if facts != self._anew(page).facts:
                raise _wrong("the index", f"page {page.first}", page.tree)
        return found

    def has_shared(self, tree: TreeId) -> bool:
        """Whether entries share a slot, by the pages themselves."""
        self._facts(list_pages(self._repo, tree))
        return super().has_shared(tree)

    def item(self, file: SlotFile) -> Item:
        """The entry in a file, compared."""
        found = super().item(file)
        if _said([found]) != _said([self._item(file)]):
            raise _wrong("the cache of entries", file.path, TreeId(file.blob))
        return found


def _said(items: Sequence[Item]) -> list[_Said]:
    return [(i.file, i.entry, i.tokens, i.hash if i.message is not None else b"") for i in items]


def _wrong(cache: str, what: str, tree: TreeId) -> CorruptRepo:
    return CorruptRepo(
        f"{cache} is wrong about {what} ({tree[:_DIGITS]})",
        "remove tract/index.sqlite in the repository and open it again; if it comes back, "
        "report it: this is a bug in tract",
        page=tree,
    )
