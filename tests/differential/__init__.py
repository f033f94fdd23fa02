"""Compares the core with the reference package, call by call, on the same input."""

import pytest

# pytest explains failed assertions only in test modules and in modules registered here.
pytest.register_assert_rewrite("tests.differential.outcomes", "tests.differential.traces")
