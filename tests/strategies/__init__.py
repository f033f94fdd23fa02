"""Hypothesis strategies that draw plain data, from which the reference's and our objects are built.

Plain data (canonical dictionaries, and small value classes for token streams) guarantees that both
sides get the same input, and prints well when a test fails.
"""
