"""interop - stock git as the judge, numbered in reading order."""
