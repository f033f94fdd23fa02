"""Shared by several suites: real servers, calls to them, and their responses."""
