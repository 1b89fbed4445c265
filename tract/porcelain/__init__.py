"""porcelain - git's verbs over a context: one verb (or a close family) a file.

Imports plumbing, content and tract.errors; never a model, a terminal or the environment. Verbs
are functions whose first argument is a Workspace; tract.py binds them as methods.
Open workspace.py first, then write.py (the one way in) and context.py (the one way out).
"""
