"""Cuts the network between a server and its clients, in a network namespace of its own.

Run as `unshare --net python -m tests.stress.vanishing`. Prints the seconds until the server has
dropped every connection.
"""

import asyncio
import subprocess
import time

import grpc
import psutil

from devtools.server_process import running_server

from .mixed_load import SERVICE

_CLIENTS = 20
_LOOK_SECONDS = 0.5
_MOST_LOOKS = 300


def _loopback(state: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


def _established(process: psutil.Process) -> int:
    connections = process.net_connections("tcp")
    return sum(connection.status == psutil.CONN_ESTABLISHED for connection in connections)


async def _cut() -> float:
    """Returns the seconds from the cut until no connection is left."""
    _loopback("up")
    with running_server("--listen", "127.0.0.1:0") as (server, address):
        process = psutil.Process(server.pid)
        # Each channel has a connection of its own; half of them have an open stream.
        options = [("grpc.use_local_subchannel_pool", 1)]
        channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(_CLIENTS)]
        streams: list[grpc.aio.StreamStreamCall[bytes, bytes]] = []
        for number, channel in enumerate(channels):
            await channel.channel_ready()
            if number % 2:
                batch: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
                    f"{SERVICE}ParseBatch"
                )
                streams.append(batch())
                await streams[-1].write(b"")
                await streams[-1].read()
        assert _established(process) == _CLIENTS
        _loopback("down")
        cut = time.monotonic()
        for _ in range(_MOST_LOOKS):
            if not _established(process):
                break
            await asyncio.sleep(_LOOK_SECONDS)
        seconds = time.monotonic() - cut
        left = _established(process)
        _loopback("up")
        assert not left, f"{left} connections left after {seconds:.0f} s"
        for channel in channels:
            await channel.close()
    return seconds


if __name__ == "__main__":
    print(f"{asyncio.run(_cut()):.0f}")
