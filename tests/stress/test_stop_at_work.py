"""SIGTERM ends a server whatever it works on."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable

import grpc
import psutil
import pytest

from devtools.server_process import running_server
from harmony_client.openai.v1 import openai_pb2
from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub
from harmony_client.v1 import chat_pb2, constraint_pb2, parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from harmony_server.contract.methods import METHODS
from tests.support.messages import conversation, user

from .conftest import Report

pytestmark = pytest.mark.long

_TIMEOUT_SECONDS = 60
# The server gives streams one second after the grace period; the rest is for a busy machine.
_LONGEST_SECONDS = 8
_TEXT = "abcdefghijklm" * 400_000
_TOKENS = [200006, 200008] * 500_000

_ROLE = chat_pb2.ROLE_ASSISTANT
_RECOVER = parse_pb2.ParseOptions(recover=True)
_CONFIG = parse_pb2.ParseConfig(role=_ROLE, options=_RECOVER)
_CONVERSATION = conversation(user(_TEXT))
_PROPERTIES = {f"p{number}": {"type": "string"} for number in range(30)}
_TOOLS = chat_pb2.Message(
    author=chat_pb2.Author(role=chat_pb2.ROLE_DEVELOPER),
    content=[
        chat_pb2.Content(
            developer=chat_pb2.DeveloperContent(
                tools=[
                    chat_pb2.ToolNamespaceConfig(
                        name="functions",
                        tools=[
                            chat_pb2.ToolDescription(
                                name=f"f{number}",
                                parameters_json=json.dumps(
                                    {"properties": {f"only_{number}": {}, **_PROPERTIES}}
                                ),
                            )
                            for number in range(2000)
                        ],
                    )
                ]
            )
        )
    ],
)
_HEADER = openai_pb2.AnswerHeader(id="chatcmpl-1", created=1, model="m")
_CONTEXT = openai_pb2.AnswerContext(api=openai_pb2.API_CHAT_COMPLETIONS, header=_HEADER, choices=1)


def _body(**members: object) -> bytes:
    return json.dumps({"model": "m", **members}).encode()


# Work of several seconds for each RPC that can have it.
_WORK: dict[str, Callable[[HarmonyServiceStub], object]] = {
    "Render": lambda stub: stub.Render.future(service_pb2.RenderRequest(message=user(_TEXT))),
    "RenderConversation": lambda stub: stub.RenderConversation.future(
        service_pb2.RenderConversationRequest(conversation=_CONVERSATION)
    ),
    "RenderConversationForCompletion": lambda stub: stub.RenderConversationForCompletion.future(
        service_pb2.RenderConversationForCompletionRequest(
            conversation=_CONVERSATION, next_turn_role=_ROLE
        )
    ),
    "RenderConversationForTraining": lambda stub: stub.RenderConversationForTraining.future(
        service_pb2.RenderConversationForTrainingRequest(conversation=_CONVERSATION)
    ),
    "RenderContinuation": lambda stub: stub.RenderContinuation.future(
        service_pb2.RenderContinuationRequest(
            sampled=[200008], role=_ROLE, messages=_CONVERSATION.messages, next_turn_role=_ROLE
        )
    ),
    "BuildSamplingConstraint": lambda stub: stub.BuildSamplingConstraint.future(
        service_pb2.BuildSamplingConstraintRequest(
            conversation=chat_pb2.Conversation(messages=[_TOOLS]),
            format=constraint_pb2.CONSTRAINT_FORMAT_XGRAMMAR_EBNF,
        )
    ),
    "ParseMessages": lambda stub: stub.ParseMessages.future(
        service_pb2.ParseMessagesRequest(tokens=_TOKENS, role=_ROLE, options=_RECOVER)
    ),
    "Parse": lambda stub: stub.Parse(
        iter(
            [
                parse_pb2.ParseRequest(config=_CONFIG),
                parse_pb2.ParseRequest(tokens=parse_pb2.TokenIds(tokens=_TOKENS)),
            ]
        )
    ),
    "ParseBatch": lambda stub: stub.ParseBatch(
        iter(
            [
                parse_pb2.ParseBatchRequest(
                    open=[parse_pb2.OpenSequence(sequence_id=1, config=_CONFIG)],
                    sequence_ids=[1] * len(_TOKENS),
                    tokens=_TOKENS,
                )
            ]
        )
    ),
    "Encode": lambda stub: stub.Encode.future(service_pb2.EncodeRequest(text=_TEXT)),
    "Decode": lambda stub: stub.Decode.future(
        service_pb2.DecodeRequest(tokens=[72056] * 1_000_000)
    ),
}
_OPENAI_WORK: dict[str, Callable[[OpenAIServiceStub], object]] = {
    "RenderChatCompletion": lambda stub: stub.RenderChatCompletion.future(
        openai_pb2.RenderChatCompletionRequest(
            body_json=_body(messages=[{"role": "user", "content": _TEXT}]), header=_HEADER
        )
    ),
    "RenderModelResponse": lambda stub: stub.RenderModelResponse.future(
        openai_pb2.RenderModelResponseRequest(body_json=_body(input=_TEXT), header=_HEADER)
    ),
    "BuildAnswer": lambda stub: stub.BuildAnswer.future(
        openai_pb2.BuildAnswerRequest(
            context=_CONTEXT,
            step=openai_pb2.AnswerStep(
                tokens=_TOKENS, ends=[openai_pb2.SequenceEnd(reason=openai_pb2.END_REASON_STOP)]
            ),
        )
    ),
    "StreamAnswer": lambda stub: stub.StreamAnswer(
        iter(
            [
                openai_pb2.StreamAnswerRequest(open=openai_pb2.OpenAnswer(context=_CONTEXT)),
                openai_pb2.StreamAnswerRequest(step=openai_pb2.AnswerStep(tokens=_TOKENS)),
            ]
        )
    ),
    "StreamAnswerBatch": lambda stub: stub.StreamAnswerBatch(
        iter(
            [
                openai_pb2.StreamAnswerBatchRequest(
                    open=[openai_pb2.OpenBatchAnswer(answer_id=1, context=_CONTEXT)],
                    sequence_ids=[1] * len(_TOKENS),
                    tokens=_TOKENS,
                )
            ]
        )
    ),
}
_NO_LONG_WORK = {"GetEncoding", "GetRenderCacheStatistics"}


def test_every_rpc_is_stopped() -> None:
    """Each RPC of the contract has long work here, or none at all."""
    assert {*_WORK, *_OPENAI_WORK, *_NO_LONG_WORK} == METHODS.keys()


@pytest.mark.parametrize("method", [*_WORK, *_OPENAI_WORK])
def test_sigterm_during_work(method: str, report: Report) -> None:
    """The process ends with code 0 within seconds, of which the settings take none."""
    arguments = (
        "--openai",
        "--listen",
        "127.0.0.1:0",
        "--drain-seconds",
        "0",
        "--grace-seconds",
        "0",
    )
    options = [("grpc.max_receive_message_length", -1)]
    with (
        running_server(*arguments) as (process, address),
        grpc.insecure_channel(address, options) as channel,
    ):
        used = _cpu_seconds(process.pid)
        if method in _WORK:
            call = _WORK[method](HarmonyServiceStub(channel))
        else:
            call = _OPENAI_WORK[method](OpenAIServiceStub(channel))
        # It is at work when it has taken so much more.
        end = time.monotonic() + _TIMEOUT_SECONDS
        while _cpu_seconds(process.pid) - used < 0.3 and time.monotonic() < end:
            time.sleep(0.01)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(_TIMEOUT_SECONDS)
        seconds = time.monotonic() - begin
        with contextlib.suppress(AttributeError):
            call.cancel()  # type: ignore[attr-defined]  # both kinds of calls have it
    report(f"{method}: {seconds:.2f} s from SIGTERM to the end")
    assert code == 0
    assert seconds < _LONGEST_SECONDS


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
