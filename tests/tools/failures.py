"""The status of a failed call."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import grpc
import pytest
from google.rpc import status_pb2
from grpc_status import rpc_status


def status_of(call: Callable[[], object]) -> status_pb2.Status:
    """Makes a call that must fail, and returns its status with details."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    # The raised error is also the call, which gRPC's type stubs do not say.
    status = rpc_status.from_call(cast(grpc.Call, raised.value))
    assert status is not None
    return status
