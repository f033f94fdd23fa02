"""A message of a Parse stream costs at most 1.5 times as much with every feature on."""

from collections.abc import Callable

from devtools import requests
from harmony_client.v1 import service_pb2

from .. import load
from ..compare import Comparison, alternate, microseconds
from ..features import Features, features, scraped
from ..results import Goal, Row, costing
from ..servers import Configuration, ServerProcess, harmony_server

_STREAMS = 64
_STEPS = 200
_STREAM_ROUNDS = 11
_CALLS = 500
_CALL_ROUNDS = 9
_TEXT = "The build fails on the second run because the cache key leaves out the compiler version."

# Applies a load and returns its cost to the server.
_Cost = Callable[[ServerProcess], float]


def measure() -> list[Row]:
    """Measures streams with every feature on, and small RPCs with each, against a bare server."""
    with features() as parts, harmony_server() as bare:
        return [_in_streams(parts, bare), *_in_calls(parts, bare)]


def _in_streams(parts: Features, bare: ServerProcess) -> Row:
    scripts = requests.parse_scripts(requests.completions(_STREAMS), _STEPS)

    def cost(server: ServerProcess) -> float:
        return load.stream_in_lock_step(server, load.PARSE, scripts).cpu_seconds_per_message

    return _row(
        f"`Parse`, {_STREAMS} streams, one token a request: server CPU per message, everything on",
        _compare(parts.everything, bare, cost, _STREAM_ROUNDS),
        Goal("at most", 1.5),
    )


def _in_calls(parts: Features, bare: ServerProcess) -> list[Row]:
    calls = [service_pb2.EncodeRequest(text=_TEXT).SerializeToString()] * _CALLS

    def cost(server: ServerProcess) -> float:
        return load.call_in_turn(server, load.ENCODE, calls).cpu_seconds_per_message

    configurations = {
        "everything on": parts.everything,
        "TLS alone": parts.tls,
        "bearer tokens alone": parts.tokens,
        "metrics alone": parts.metrics,
        "OpenTelemetry alone, 1 % traced": parts.tracing,
        "JSON logs alone": parts.logs,
        "JSON logs alone, a line for each RPC": parts.all_logs,
    }
    return [
        _row(
            f"`Encode` of a sentence: server CPU per call, {name}",
            _compare(configuration, bare, cost, _CALL_ROUNDS),
        )
        for name, configuration in configurations.items()
    ]


def _compare(
    configuration: Configuration, bare: ServerProcess, cost: _Cost, rounds: int
) -> Comparison:
    with harmony_server(configuration) as server, scraped(server):
        return alternate(lambda _number: cost(server), lambda _number: cost(bare), rounds)


def _row(what: str, comparison: Comparison, goal: Goal | None = None) -> Row:
    return costing(
        what,
        microseconds(comparison.ours),
        f"all off {microseconds(comparison.other)}",
        comparison,
        goal,
    )
