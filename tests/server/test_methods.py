"""The table of the contract's RPCs, and all that is held against it."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

from harmony_client import AsyncClient, Client, _codec
from harmony_client.v1 import service_pb2
from harmony_server.contract.methods import METHODS, SERVICE_NAME, Method
from tests.support.documents import document
from tests.support.round_robin import run_example

_STREAMS = {"Parse": "open_parse", "ParseBatch": "batch"}


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_the_table_has_every_rpc() -> None:
    """Each RPC has its own request and response, named after it; only unary ones are retried."""
    service = service_pb2.DESCRIPTOR.services_by_name["HarmonyService"]
    assert list(METHODS) == [method.name for method in service.methods]
    assert METHODS["Render"] == Method(
        "harmony.v1.HarmonyService",
        "Render",
        False,
        service_pb2.RenderRequest,
        service_pb2.RenderResponse,
    )
    assert METHODS["Render"].path == "/harmony.v1.HarmonyService/Render"
    for name, method in METHODS.items():
        assert method.request_type.DESCRIPTOR.name == f"{name}Request"
        assert method.response_type.DESCRIPTOR.name == f"{name}Response"
        assert method.streaming == (name in _STREAMS)
        assert method.retried == (name not in _STREAMS)


@pytest.mark.parametrize(
    "change",
    [
        'methods.METHODS["Bogus"] = methods.METHODS["Render"]._replace(name="Bogus")',
        'del methods.METHODS["Encode"]',
        'methods.METHODS["Parse"] = methods.METHODS["Parse"]._replace(streaming=False)',
    ],
)
def test_a_handler_is_missed_at_import(change: str) -> None:
    """The server does not start with an RPC that has no handler, or a handler without an RPC."""
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
    """Each has a method for each RPC."""
    assert callable(getattr(client, _STREAMS.get(name, _snake_case(name))))


def test_the_codec_builds_the_requests() -> None:
    """There is a function for each unary request that has fields, and for no other."""
    built = {
        inspect.signature(function).return_annotation.removeprefix("service_pb2.")
        for name, function in inspect.getmembers(_codec, inspect.isfunction)
        if name.endswith("_request")
    }
    unary = {name: method for name, method in METHODS.items() if not method.streaming}
    with_fields = {
        f"{name}Request" for name, method in unary.items() if method.request_type.DESCRIPTOR.fields
    }
    assert built == with_fields


def test_the_documented_retry_policy_names_what_is_retried() -> None:
    """The service config of docs/deployment.md retries exactly the RPCs that may be."""
    policies = run_example("ipv4:127.0.0.1:1")["SERVICE_CONFIG"]["methodConfig"]
    named = [name for policy in policies if "retryPolicy" in policy for name in policy["name"]]
    assert {name["service"] for name in named} == {SERVICE_NAME}
    assert {name["method"] for name in named} == {
        name for name, method in METHODS.items() if method.retried
    }


def test_the_conformance_page_describes_every_rpc() -> None:
    """Its table has them in the order of the contract."""
    page = document("conformance.md")
    rows = re.findall(r"^\| `(\w+)` \| \d+ \|", page, re.MULTILINE)
    assert rows == list(METHODS)
