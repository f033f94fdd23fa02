"""The status of a call that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import grpc
import pytest
from google.rpc import status_pb2
from grpc_status import rpc_status


def status_of(call: Callable[[], object]) -> status_pb2.Status:
    """Makes a call that must fail and returns its status, details included."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    # What a call raises is the call, too; the stubs of gRPC do not know.
    status = rpc_status.from_call(cast(grpc.Call, raised.value))
    assert status is not None
    return status
