"""Distances, intervals, tests and agreement: pure functions over numpy arrays, each with its source."""
