"""Tests that compare the core with the reference package, call by call, on the same input."""

import pytest

# Their assertions are where a difference shows, so pytest must explain them as a test's own.
pytest.register_assert_rewrite("tests.differential.outcomes", "tests.differential.traces")
