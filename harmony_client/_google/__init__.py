"""The Google messages that the harmony protos and rich errors are made of.

A process can hold one definition of `google/rpc/status.proto` and the like.
The package googleapis-common-protos is the usual owner: where it is installed
its modules are used. Where it is not, the copies generated from its .proto
files take their place, so that the client needs grpcio and protobuf alone.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harmony_client._google.generated import (
        annotations_pb2,
        error_details_pb2,
        http_pb2,
        status_pb2,
    )
else:
    try:
        from google.api import annotations_pb2, http_pb2
        from google.rpc import error_details_pb2, status_pb2
    except ModuleNotFoundError:
        from harmony_client._google.generated import (
            annotations_pb2,
            error_details_pb2,
            http_pb2,
            status_pb2,
        )

__all__ = ["annotations_pb2", "error_details_pb2", "http_pb2", "status_pb2"]
