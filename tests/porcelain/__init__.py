"""Tests of tract.porcelain: every verb, as a user of class Tract calls it."""
