"""bench - how long things take, beside a floor measured in the same run, and beside our peers.

`make bench` runs it and writes results.json, out of which RESULTS.md is made. Nothing here is a
test: a time is told, never asserted. What can be counted is counted in the suites.
"""
