"""The engines as parameters of tests: those that take an installation are for `make test-long`."""

from __future__ import annotations

import pytest

QUICK = ("automaton", "llguidance")
INSTALLED = ("oldest_xgrammar", "newest_xgrammar", "llama_cpp")

ENGINES = [
    *QUICK,
    *(pytest.param(name, marks=[pytest.mark.long, pytest.mark.runtimes]) for name in INSTALLED),
]
GRAMMAR_ENGINES = ENGINES[1:]
