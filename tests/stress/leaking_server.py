"""A server that leaks memory with every RPC, which the soak test must detect.

`python -m tests.stress.leaking_server serve ...`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harmony_server.cli import main
from harmony_server.telemetry.logs import RpcLog
from harmony_server.telemetry.rpcs import Rpc

BYTES_PER_RPC: Final = 8192

_kept: list[bytes] = []
_begin = RpcLog.begin


def _leak(self: RpcLog, rpc: Rpc) -> Callable[[], None]:
    _kept.append(bytes(BYTES_PER_RPC))
    return _begin(self, rpc)


if __name__ == "__main__":
    RpcLog.begin = _leak  # type: ignore[method-assign]  # on purpose
    main()
