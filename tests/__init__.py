"""The tests: a mirror of tract/, and the suites that have no counterpart there.

A regular package, so that `from tests.git import git` never finds somebody else's `tests`.
Open `conftest.py` first: it says what every test may take for granted.
"""
