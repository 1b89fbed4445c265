"""Tests of tract.content: what an entry is, its bytes, and what a model is shown of it."""
