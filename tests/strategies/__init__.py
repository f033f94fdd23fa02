"""Hypothesis strategies that draw plain data, from which tests build objects of either side.

Plain data (canonical dictionaries, and small value classes for token streams) ensures that our core
and the reference get the same input, and prints well when a test fails.
"""
