"""The alert rules: they pass Prometheus' linter and their unit tests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml

from harmony_server.operations.counters import Counters
from tests.support.observed_servers import observed_server
from tests.support.tools import ROOT, tool

RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
_UNIT_TESTS = Path(__file__).parent / "alerts_test.yaml"
_TIMEOUT_SECONDS = 60


def rules() -> list[dict[str, Any]]:
    """Returns the alert rules."""
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def _promtool(*arguments: str | Path) -> None:
    result = subprocess.run(
        [tool("promtool"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_rules_are_valid() -> None:
    """The rules pass Prometheus' linter without warnings."""
    _promtool("check", "rules", "--lint-fatal", RULES)


def test_alerts_fire_when_they_should() -> None:
    """The rules pass their unit tests, in which each alert fires in one case and not in another."""
    _promtool("test", "rules", _UNIT_TESTS)


@pytest.mark.parametrize("name", [rule["alert"] for rule in rules()])
def test_each_alert_has_both_cases(name: str) -> None:
    """The unit tests have a case in which the alert fires and one in which it does not."""
    cases = [
        bool(case.get("exp_alerts"))
        for test in yaml.safe_load(_UNIT_TESTS.read_text(encoding="utf-8"))["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == name
    ]
    assert set(cases) == {True, False}


def test_alerts_have_a_severity_and_a_description() -> None:
    """Each alert has a severity, a description and a summary that names the series."""
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert all(text.endswith(".") for text in rule["annotations"].values())
        assert "{{ $labels." in rule["annotations"]["summary"]


def test_alerts_use_metrics_that_exist() -> None:
    """The rules' metrics, codes and reasons exist, and every selector names the job."""
    text = "\n".join(rule["expr"] for rule in rules())
    with observed_server("--workers", "2") as server:
        families = server.samples().families.values()
    served = {sample.name for family in families for sample in family.samples}
    selectors = re.findall(r"(\w+)\{([^}]*)\}", text)
    # Prometheus itself adds `up`.
    assert {name for name, _ in selectors} - {"up"} <= served
    assert all(labels.startswith('job="harmony-sidecar"') for _, labels in selectors)
    codes = "|".join(re.findall(r'grpc_code=~?"([^"]+)"', text)).split("|")
    assert set(codes) <= set(grpc.StatusCode.__members__)
    reasons = set(re.findall(r'reason="([^"]+)"', text))
    assert reasons <= Counters().sequence_errors.keys()
