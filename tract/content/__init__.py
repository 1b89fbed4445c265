"""content - what an entry is, and its bytes; how entries become messages, and are counted.

Imports msgspec, tiktoken (tokens.py alone) and tract.errors; knows nothing of git: it is handed
bytes and gives bytes back. Open kinds.py first (what one can say), then entry.py (what is kept),
codec.py (its bytes), messages.py and pairing.py (what a model is shown).
"""
