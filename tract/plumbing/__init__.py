"""plumbing - git objects and refs: what is stored, without knowing what it means.

Imports pygit2 (the only room that may), the standard library and tract.errors; knows nothing
of entries, models or terminals. Ids are hexadecimal text that carries its kind (CommitId …).
Open repo.py first, then objects.py, pages.py, refs.py; the bytes are written down in FORMAT.md.
"""
