"""Generates the vectors; see `python -m tests.conformance.generator --help`."""
