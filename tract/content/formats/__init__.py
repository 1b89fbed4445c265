"""formats - one file a provider: compiled messages to its API's shape, and back.

Pure functions of messages; the provider's validity rules stand beside them. plain.py gives back
what was said, the others what a provider accepts. Imports the other files of content and nothing
else; open plain.py first.
"""
