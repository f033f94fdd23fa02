"""Shared by tests, benchmarks and scripts. Not part of the distribution."""
