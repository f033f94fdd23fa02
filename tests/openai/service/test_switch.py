"""The setting `openai`: who sees the second service, and who does not."""

import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2

from devtools.server_process import listens_on, metrics_on, running, running_server, serve_command
from harmony_client.openai.v1 import openai_pb2 as pb
from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub
from harmony_server.settings import Settings
from tests.support.failures import failure_of
from tests.support.standard_services import SERVING, health, reflect
from tests.support.streams import LockStep

from .samples import chat_body, context, header

_SERVICE = "harmony.openai.v1.OpenAIService"
_SECONDS = 30


def _render(stub: OpenAIServiceStub) -> pb.RenderChatCompletionResponse:
    request = pb.RenderChatCompletionRequest(body_json=chat_body(), header=header())
    return stub.RenderChatCompletion(request, timeout=_SECONDS)


def _services(channel: grpc.Channel) -> set[str]:
    request = reflection_pb2.ServerReflectionRequest(list_services="*")
    return {found.name for found in reflect(channel, request).list_services_response.service}


def _metrics(*arguments: str) -> str:
    command = serve_command("--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
    with running([*command, *arguments]) as process:
        listens_on(process)
        with urllib.request.urlopen(f"http://{metrics_on(process)}/metrics", timeout=60) as page:
            return str(page.read().decode())


@pytest.fixture(scope="module")
def plain() -> Iterator[grpc.Channel]:
    """A channel to a server with default settings."""
    with (
        running_server("--listen", "127.0.0.1:0") as (_, address),
        grpc.insecure_channel(address) as opened,
    ):
        yield opened


def test_it_is_off_by_default(plain: grpc.Channel) -> None:
    """Without the setting, the service is unknown to calls, health and reflection."""
    assert not Settings.model_validate({}).openai
    assert failure_of(lambda: _render(OpenAIServiceStub(plain))).code is (
        grpc.StatusCode.UNIMPLEMENTED
    )
    unknown = failure_of(lambda: health(plain, _SERVICE))
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "SERVICE_UNKNOWN")
    assert _SERVICE not in _services(plain)


def test_switched_on_it_is_served_reported_and_described(
    channel: grpc.Channel, stub: OpenAIServiceStub
) -> None:
    """With the setting, it answers beside the first service, is healthy, and reflection has it."""
    assert _render(stub).prompt.prompt_tokens
    assert health(channel, _SERVICE) == SERVING
    assert {_SERVICE, "harmony.v1.HarmonyService"} < _services(channel)
    request = reflection_pb2.ServerReflectionRequest(
        file_containing_symbol=f"{_SERVICE}.StreamAnswerBatch"
    )
    described = reflect(channel, request).file_descriptor_response.file_descriptor_proto
    assert any(b"AnswerContext" in proto for proto in described)


def test_its_rpcs_have_metrics_only_where_it_is_on() -> None:
    """Each RPC has its series from the start; without the service there are none."""
    with_layer = _metrics("--openai")
    methods = set(
        re.findall(
            rf'grpc_server_started_total{{.*method="(\w+)",.*service="{_SERVICE}"', with_layer
        )
    )
    assert methods == {
        "RenderChatCompletion",
        "RenderModelResponse",
        "BuildAnswer",
        "StreamAnswer",
        "StreamAnswerBatch",
    }
    assert _SERVICE not in _metrics()


def test_a_call_without_a_token_is_refused_in_its_domain(tmp_path: Path) -> None:
    """Bearer tokens hold for the service too; the error has its domain."""
    token = tmp_path / "token"
    token.write_text("secret-of-this-test")
    arguments = ("--openai", "--listen", "127.0.0.1:0", "--auth-token-file", str(token))
    with (
        running_server(*arguments) as (_, address),
        grpc.insecure_channel(address) as channel,
    ):
        refused = failure_of(lambda: _render(OpenAIServiceStub(channel)))
    assert (refused.code, refused.reason, refused.domain) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "BEARER_TOKEN_REQUIRED",
        "harmony.openai.v1",
    )


def test_a_stopping_server_ends_its_streams() -> None:
    """An open answer ends with SERVER_STOPPING, in the domain of the service, after the drain."""
    arguments = ("--openai", "--listen", "127.0.0.1:0", "--grace-seconds", "0")
    with (
        running_server(*arguments) as (process, address),
        grpc.insecure_channel(address) as channel,
    ):
        stream = LockStep(OpenAIServiceStub(channel).StreamAnswer)
        opened = stream.ask(
            pb.StreamAnswerRequest(open=pb.OpenAnswer(context=context(stream=True)))
        )
        assert opened.frames
        process.send_signal(signal.SIGTERM)
        ended = stream.wait_failing()
    assert (ended.code, ended.reason, ended.domain) == (
        grpc.StatusCode.UNAVAILABLE,
        "SERVER_STOPPING",
        "harmony.openai.v1",
    )


def test_several_workers_serve_it() -> None:
    """A context from one process opens an answer in another: they share nothing."""
    with (
        running_server("--openai", "--listen", "127.0.0.1:0", "--workers", "2") as (_, address),
    ):
        for _ in range(4):
            # New connections reach either worker.
            options = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.insecure_channel(address, options=options) as channel:
                prompt = _render(OpenAIServiceStub(channel)).prompt
            with grpc.insecure_channel(address, options=options) as channel:
                stream = LockStep(OpenAIServiceStub(channel).StreamAnswer)
                opening = pb.OpenAnswer(context=prompt.context)
                assert stream.ask(pb.StreamAnswerRequest(open=opening)) == pb.StreamAnswerResponse()
                stream.cancel()
