"""A long mixed load with every tenth stream cancelled: the server's resources do not grow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc
import psutil
import pytest

from devtools.certificates import Authority
from devtools.server_process import (
    listens_on,
    metrics_on,
    module_command,
    running,
    serve_command,
)
from tests.support.samples import Samples

from .conftest import Report
from .mixed_load import CHANNEL_OPTIONS, MixedLoad
from .scale import scaled
from .vitals import Vitals

pytestmark = pytest.mark.long

# Enough to fill the render cache and to initialise everything else.
_WARM_UP = 1000
_MEASURED = 1500
_MOST = 90_000
_MOST_CANCELLED = 45_000
_LOOKS = 30
# More than the memory of a server without leaks was seen to move.
_MAX_GROWTH_MIB = 4.0
# Per thousand streams; grpcio 1.85.1 leaks 220.
_MAX_KIB_OF_CANCELLED = 1000
_TOKEN = "a-token"

_SERVER = serve_command()
_LEAKING_SERVER = module_command("tests.stress.leaking_server", "serve")
# A small cache is soon full; one that still fills would look like a leak.
_ARGUMENTS = ("--listen", "127.0.0.1:0", "--render-cache-mib", "1")


@contextmanager
def _running(command: Sequence[str], *arguments: str) -> Iterator[tuple[psutil.Process, list[str]]]:
    """Runs a server and yields its process and addresses; its log must stay empty."""
    with tempfile.TemporaryFile("w+") as log:
        with running([*command, *_ARGUMENTS, *arguments], stderr=log) as process:
            addresses = [listens_on(process)]
            if "--metrics-listen" in arguments:
                addresses.append(metrics_on(process))
            yield psutil.Process(process.pid), addresses
        assert process.returncode == 0
        log.seek(0)
        assert log.read() == ""


async def _soak(
    process: psutil.Process, load: MixedLoad, measured: int, metrics: Sequence[str] = ()
) -> Vitals:
    """Warms the server up, then runs the load and measures the process at intervals."""
    await load.run(_WARM_UP)
    vitals = Vitals(process)
    for _ in range(_LOOKS):
        await load.run(measured // _LOOKS)
        for address in metrics:
            Samples.scrape(address)
        vitals.look(load.done)
    return vitals


def _assert_flat(vitals: Vitals) -> None:
    """Asserts that memory, descriptors and threads do not grow."""
    assert vitals.growth_mib() < _MAX_GROWTH_MIB, vitals.text()
    for held in (vitals.descriptors, vitals.threads):
        # Cancelled streams and closed connections are released a moment later.
        assert max(held) <= min(held) + 3, vitals.text()


async def test_nothing_grows(report: Report) -> None:
    """Memory, descriptors and threads do not grow, and every answer is right."""
    with _running(_SERVER) as (process, [address]):
        async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
            load = MixedLoad(channel)
            vitals = await _soak(process, load, scaled(_MEASURED, _MOST))
    report(f"{vitals.text()}; {load.cancelled:,} streams cancelled")
    assert load.cancelled > _MEASURED / 100
    _assert_flat(vitals)


async def test_nothing_grows_with_everything_on(tmp_path: Path, report: Report) -> None:
    """Nothing grows with TLS, tokens, a JSON log and scraped metrics either."""
    authority = Authority()
    certificate, key = authority.issue().write(tmp_path, "server")
    tokens = tmp_path / "tokens"
    tokens.write_text(_TOKEN)
    settings = ["--tls-certificate", certificate, "--tls-key", key]
    settings += ["--auth-token-file", str(tokens), "--metrics-listen", "127.0.0.1:0"]
    settings += ["--log-format", "json"]
    credentials = grpc.composite_channel_credentials(
        grpc.ssl_channel_credentials(authority.certificate),
        grpc.access_token_call_credentials(_TOKEN),
    )
    with _running(_SERVER, *settings) as (process, [address, metrics]):
        async with grpc.aio.secure_channel(
            address, credentials, options=CHANNEL_OPTIONS
        ) as channel:
            load = MixedLoad(channel)
            vitals = await _soak(process, load, scaled(_MEASURED, _MOST), [metrics])
    report(f"{vitals.text()}; {load.cancelled:,} streams cancelled")
    _assert_flat(vitals)


async def test_cancelled_streams(report: Report) -> None:
    """A cancelled stream leaks less than a kilobyte, which gRPC itself loses."""
    with _running(_SERVER) as (process, [address]):
        async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
            load = MixedLoad(channel)
            await load.cancel_streams(_WARM_UP)
            vitals = Vitals(process)
            count = scaled(_MEASURED, _MOST_CANCELLED)
            for _ in range(_LOOKS):
                await load.cancel_streams(count // _LOOKS)
                vitals.look(load.cancelled)
    report(vitals.text())
    assert vitals.kib_per_thousand() < _MAX_KIB_OF_CANCELLED
    assert max(vitals.descriptors) <= min(vitals.descriptors) + 3, vitals.text()


async def test_a_leak_is_detected() -> None:
    """The soak test detects a leak of 8 KiB per RPC."""
    with _running(_LEAKING_SERVER) as (process, [address]):
        async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
            vitals = await _soak(process, MixedLoad(channel), _MEASURED)
    with pytest.raises(AssertionError, match="KiB a thousand"):
        _assert_flat(vitals)
