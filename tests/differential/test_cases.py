"""The budget of cases for the generated tests."""

import pytest

from tests.differential.cases import DEFAULT_CASES, SHARES, VARIABLE, case_count


@pytest.mark.parametrize("total", [1, 2_000, 20_000])
def test_shares_add_up_to_the_budget(monkeypatch: pytest.MonkeyPatch, total: int) -> None:
    """All tests together run at least the number of cases in the environment variable."""
    monkeypatch.setenv(VARIABLE, str(total))
    assert sum(map(case_count, SHARES)) >= total


def test_the_default_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable, the tests run the default number of cases."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert DEFAULT_CASES <= sum(map(case_count, SHARES)) < DEFAULT_CASES * 1.05
