"""The table of the contract's RPCs, and everything that must match it."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

from harmony_client import AsyncClient, Client, _codec, _openai_codec
from harmony_client.openai.v1 import openai_pb2
from harmony_client.v1 import service_pb2
from harmony_server.contract.methods import (
    METHODS,
    OPENAI_SERVICE_NAME,
    SERVICE_NAME,
    Method,
    methods_offered,
    services_offered,
)
from tests.support.documents import document
from tests.support.round_robin import run_example

# The methods of the Python clients for the streams.
_STREAMS = {
    "Parse": "open_parse",
    "ParseBatch": "batch",
    "StreamAnswer": "stream_answer",
    "StreamAnswerBatch": "stream_answer_batch",
}
_CLIENT_NAMES = {**_STREAMS, "RenderContinuation": "continue_sampled"}


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_the_table_has_every_rpc() -> None:
    """Each RPC has a request and a response named after it; only unary RPCs are retried."""
    services = (
        service_pb2.DESCRIPTOR.services_by_name["HarmonyService"],
        openai_pb2.DESCRIPTOR.services_by_name["OpenAIService"],
    )
    assert list(METHODS) == [method.name for service in services for method in service.methods]
    assert METHODS["Render"] == Method(
        "harmony.v1.HarmonyService",
        "Render",
        False,
        service_pb2.RenderRequest,
        service_pb2.RenderResponse,
    )
    assert METHODS["Render"].path == "/harmony.v1.HarmonyService/Render"
    assert METHODS["Render"].domain == "harmony.v1"
    assert METHODS["BuildAnswer"].path == "/harmony.openai.v1.OpenAIService/BuildAnswer"
    assert METHODS["BuildAnswer"].domain == "harmony.openai.v1"
    for name, method in METHODS.items():
        assert method.request_type.DESCRIPTOR.name == f"{name}Request"
        assert method.response_type.DESCRIPTOR.name == f"{name}Response"
        assert method.streaming == (name in _STREAMS)
        assert method.retried == (name not in _STREAMS)


def test_the_openai_layer_is_offered_only_where_it_is_switched_on() -> None:
    """Without the layer, a server has the other service and its methods alone."""
    assert services_offered(openai=False) == (SERVICE_NAME,)
    assert services_offered(openai=True) == (SERVICE_NAME, OPENAI_SERVICE_NAME)
    assert {method.service for method in methods_offered(openai=False)} == {SERVICE_NAME}
    assert methods_offered(openai=True) == list(METHODS.values())


def test_the_core_contract_does_not_depend_on_the_openai_layer() -> None:
    """No proto of `harmony.v1` imports one of `harmony.openai.v1`."""
    imported, seen = [service_pb2.DESCRIPTOR], set()
    while imported:
        file = imported.pop()
        seen.add(file.name)
        imported += file.dependencies
    assert "harmony/v1/chat.proto" in seen
    assert not any(name.startswith("harmony/openai/") for name in seen)


@pytest.mark.parametrize(
    "change",
    [
        'methods.METHODS["Bogus"] = methods.METHODS["Render"]._replace(name="Bogus")',
        'del methods.METHODS["Encode"]',
        'methods.METHODS["Parse"] = methods.METHODS["Parse"]._replace(streaming=False)',
    ],
)
def test_a_missing_handler_fails_at_import(change: str) -> None:
    """An RPC without a handler, or a handler without an RPC, fails at import."""
    program = f"""
from harmony_server.contract import methods
{change}
import harmony_server.rpc.handlers
"""
    imported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert imported.returncode == 1
    assert "TypeError: not both in the contract and among the handlers" in imported.stderr


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("name", METHODS)
def test_the_python_clients_call_every_rpc(client: type, name: str) -> None:
    """Both Python clients have a method for each RPC."""
    assert callable(getattr(client, _CLIENT_NAMES.get(name, _snake_case(name))))


def test_the_codec_builds_the_requests() -> None:
    """The codec has a function for each unary request with fields, and for no other."""
    built = {
        inspect.signature(function).return_annotation.rpartition(".")[2]
        for codec in (_codec, _openai_codec)
        for name, function in inspect.getmembers(codec, inspect.isfunction)
        if name.endswith("_request")
    }
    unary = {name: method for name, method in METHODS.items() if not method.streaming}
    with_fields = {
        f"{name}Request" for name, method in unary.items() if method.request_type.DESCRIPTOR.fields
    }
    assert built == with_fields


def test_the_documented_retry_policy() -> None:
    """The service config in docs/deployment.md retries exactly the RPCs that may be retried."""
    policies = run_example("ipv4:127.0.0.1:1")["SERVICE_CONFIG"]["methodConfig"]
    named = [name for policy in policies if "retryPolicy" in policy for name in policy["name"]]
    assert {(name["service"], name["method"]) for name in named} == {
        (method.service, name) for name, method in METHODS.items() if method.retried
    }


def test_the_conformance_page_describes_every_rpc() -> None:
    """The table in docs/conformance.md lists the RPCs in the order of the contract."""
    page = document("conformance.md")
    rows = re.findall(r"^\| `(\w+)` \| \d+ \|", page, re.MULTILINE)
    assert rows == list(METHODS)
