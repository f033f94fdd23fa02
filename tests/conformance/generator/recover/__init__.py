"""Recover mode, which the reference lacks: vectors with expectations written by hand."""
