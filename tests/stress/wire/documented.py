"""Checks that calls end as docs/errors.md says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import grpc

from harmony_client.v1 import parse_pb2
from tests.support.failures import Failure, failure_of_error, failure_of_status

_PAGE = Path(__file__).parents[3] / "docs" / "errors.md"
_ROW = re.compile(r"^\| `([A-Z_]+)` \| `([A-Z0-9_]+)` \|", re.MULTILINE)
# Documented, but no input may cause it.
_FAULT = ("INTERNAL", "INTERNAL")
REASONS: Final = frozenset(_ROW.findall(_PAGE.read_text("utf-8"))) - {_FAULT}


def check_failure(failure: Failure) -> None:
    """Asserts that code and reason are documented, and are not a fault of the server."""
    assert (failure.code.name, failure.reason) in REASONS, failure
    assert failure.domain == "harmony.v1"


def check_error(error: grpc.RpcError) -> Failure:
    """Checks the error of a call in the same way, and returns it."""
    failure = failure_of_error(error)
    check_failure(failure)
    return failure


def check_response(response: Any) -> None:
    """Checks the errors inside a response in the same way."""
    if isinstance(response, parse_pb2.ParseBatchResponse):
        assert len(response.sequence_ids) == len(response.deltas)
        for event in response.events:
            if event.HasField("error"):
                check_failure(failure_of_status(event.error))
