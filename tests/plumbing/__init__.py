"""Tests of tract.plumbing: objects, pages, refs, revisions and the repository itself."""
