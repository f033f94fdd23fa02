"""Handlers in a server inside this process: faults, cancelled work, requests that come early."""

import asyncio
import contextlib
import json
import logging
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import grpc
import pytest
from google.protobuf.message import Message

from harmony_client.openai.v1 import openai_pb2
from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub
from harmony_client.v1 import chat_pb2, constraint_pb2, parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from harmony_server.bounds import MAX_INLINE_UNARY_BYTES
from harmony_server.contract.methods import METHODS, OPENAI_SERVICE_NAME, SERVICE_NAME
from harmony_server.core import HarmonyEncoding
from harmony_server.operations import offloading
from harmony_server.operations.abandonment import AbandonedError, abandonable
from harmony_server.operations.offloading import Offloader
from harmony_server.operations.operations import Operations
from harmony_server.rpc.handlers import Handlers
from harmony_server.service.parse_stream import ParseStream
from tests.support.failures import Failure, failure_of_error
from tests.support.messages import conversation, user
from tests.support.operations import limits, operations
from tests.support.streams import ASSISTANT, config, tokens

if TYPE_CHECKING:
    from harmony_client.v1.service_pb2_grpc import HarmonyServiceAsyncStub

_INTERNAL = Failure(grpc.StatusCode.INTERNAL, "internal error", "INTERNAL", "harmony.v1")
_TIMEOUT_SECONDS = 20


def _async_stub(channel: "grpc.aio.Channel") -> "HarmonyServiceAsyncStub":
    # At run time one stub serves both kinds of channels.
    return cast("HarmonyServiceAsyncStub", HarmonyServiceStub(channel))


def _fail(*_: object) -> bytes:
    raise KeyError("a secret of /usr/lib/harmony.py")


@contextlib.asynccontextmanager
async def _connected(handlers: Handlers) -> AsyncIterator["grpc.aio.Channel"]:
    """Serves the handlers in this process and yields a channel to them."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        handlers.build_generic_handlers((SERVICE_NAME, OPENAI_SERVICE_NAME))
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)
        handlers.close()


async def test_work_counts_until_it_is_done() -> None:
    """Work whose RPC is cancelled counts until its thread has finished."""
    bounds = limits()
    offloader = Offloader(bounds)
    begun, done = threading.Event(), threading.Event()

    def work() -> bytes:
        begun.set()
        done.wait(_TIMEOUT_SECONDS)
        return b""

    rpc = asyncio.create_task(offloader.do_request(work, MAX_INLINE_UNARY_BYTES + 1))
    assert await asyncio.to_thread(begun.wait, _TIMEOUT_SECONDS)
    for _ in range(3):
        rpc.cancel()
        await asyncio.sleep(0.05)
    assert bounds.large_requests.taken == 1
    done.set()
    with pytest.raises(asyncio.CancelledError):
        await rpc
    assert bounds.large_requests.taken == 0
    offloader.close()


async def test_a_busy_stream_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that takes longer than the idle timeout is answered."""
    begun, done = threading.Event(), threading.Event()

    def work(_stream: ParseStream, _data: bytes) -> bytes:
        begun.set()
        done.wait(_TIMEOUT_SECONDS)
        return b""

    monkeypatch.setattr(ParseStream, "answer", work)
    handlers = Handlers(limits())
    handlers.start(operations())
    async with _connected(handlers) as channel:
        at_work = _async_stub(channel).Parse(timeout=_TIMEOUT_SECONDS)
        # Large enough for a thread.
        await at_work.write(parse_pb2.ParseRequest(tokens=parse_pb2.TokenIds(tokens=[87] * 20_000)))
        assert await asyncio.to_thread(begun.wait, _TIMEOUT_SECONDS)
        idle = _async_stub(channel).Parse(timeout=_TIMEOUT_SECONDS)
        ending = asyncio.create_task(handlers.streams.end_idle(0.01))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await idle.read()
        assert failure_of_error(caught.value).metadata["limit"] == "stream_idle_timeout_seconds"
        # The busy stream is older: if it counted as idle, it would have ended first.
        ending.cancel()
        done.set()
        assert await at_work.read() == parse_pb2.ParseResponse()


async def test_a_deadline_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the deadline passes, work in a thread stops early and no longer counts."""
    bounds = limits()
    handlers = Handlers(bounds)
    handlers.start(operations())
    begun, finished = threading.Event(), threading.Event()

    def render_in_parts(*_: object, **_options: object) -> Iterator[list[int]]:
        begun.set()
        end = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < end:
            time.sleep(0.001)
            yield [87]
        finished.set()

    monkeypatch.setattr(HarmonyEncoding, "render_in_parts", render_in_parts)
    request = service_pb2.RenderConversationRequest(conversation=conversation(user("word " * 2000)))
    async with _connected(handlers) as channel:
        call = _async_stub(channel).RenderConversation(request, timeout=1)
        assert await asyncio.to_thread(begun.wait, _TIMEOUT_SECONDS)
        assert bounds.large_requests.taken == 1
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert failure_of_error(caught.value).code is grpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(2 * _TIMEOUT_SECONDS):
            while bounds.large_requests.taken:  # noqa: ASYNC110  # there is no event to await
                await asyncio.sleep(0.01)
    assert not finished.is_set()


_TEXT = "word " * 100_000
_TOKENS = [200008, *[87] * 150_000]
_CONVERSATION = conversation(user(_TEXT))
_SEQUENCES = range(5000)
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
                                parameters_json=f'{{"properties": {{"a{number}": {{}}}}}}',
                            )
                            for number in range(1000)
                        ],
                    )
                ]
            )
        )
    ],
)


def _open(sequence_ids: Sequence[int]) -> parse_pb2.ParseBatchRequest:
    return parse_pb2.ParseBatchRequest(
        open=[
            parse_pb2.OpenSequence(sequence_id=number, config=ASSISTANT) for number in sequence_ids
        ]
    )


_MESSAGES = [{"role": "user", "content": f"{number}"} for number in range(9000)]
_HEADER = openai_pb2.AnswerHeader(id="chatcmpl-1", created=1, model="m")
_CONTEXT = openai_pb2.AnswerContext(api=openai_pb2.API_CHAT_COMPLETIONS, header=_HEADER, choices=1)

# Small enough to be answered at once, without a thread.
_OPENED = [_open(_SEQUENCES[begin : begin + 250]) for begin in range(0, len(_SEQUENCES), 250)]
# Requests whose work takes long, by RPC and sort; the last of a stream is the long one.
_LONG_WORK: dict[str, list[Message]] = {
    "Render": [service_pb2.RenderRequest(message=user(_TEXT))],
    "RenderConversation": [service_pb2.RenderConversationRequest(conversation=_CONVERSATION)],
    "RenderConversationForCompletion": [
        service_pb2.RenderConversationForCompletionRequest(
            conversation=_CONVERSATION, next_turn_role=chat_pb2.ROLE_ASSISTANT
        )
    ],
    "RenderConversationForTraining": [
        service_pb2.RenderConversationForTrainingRequest(conversation=_CONVERSATION)
    ],
    "BuildSamplingConstraint": [
        service_pb2.BuildSamplingConstraintRequest(
            conversation=conversation(_TOOLS),
            format=constraint_pb2.CONSTRAINT_FORMAT_XGRAMMAR_EBNF,
        )
    ],
    "RenderContinuation": [
        service_pb2.RenderContinuationRequest(
            sampled=[200008],
            messages=_CONVERSATION.messages,
            next_turn_role=chat_pb2.ROLE_ASSISTANT,
        )
    ],
    "RenderContinuation, analysis dropped": [
        service_pb2.RenderContinuationRequest(
            sampled=[200006, 1428, *_TOKENS],
            next_turn_role=chat_pb2.ROLE_ASSISTANT,
            drop_analysis=True,
        )
    ],
    "ParseMessages": [
        service_pb2.ParseMessagesRequest(tokens=_TOKENS, role=chat_pb2.ROLE_ASSISTANT)
    ],
    "Encode": [service_pb2.EncodeRequest(text=_TEXT)],
    "Encode, special tokens": [
        service_pb2.EncodeRequest(
            text="<|end|>" * 20_000, allowed_special=service_pb2.SpecialTokenSet(all=True)
        )
    ],
    "Decode": [service_pb2.DecodeRequest(tokens=_TOKENS)],
    "Decode, bytes": [service_pb2.DecodeRequest(tokens=_TOKENS, as_bytes=True)],
    "Parse": [config(ASSISTANT), tokens(_TOKENS)],
    "ParseBatch, one sequence": [
        _open([7]),
        parse_pb2.ParseBatchRequest(sequence_ids=[7] * len(_TOKENS), tokens=_TOKENS),
    ],
    "ParseBatch, several tokens each": [
        *_OPENED,
        parse_pb2.ParseBatchRequest(
            sequence_ids=[*_SEQUENCES, *_SEQUENCES], tokens=[200008, 87] * len(_SEQUENCES)
        ),
    ],
    "ParseBatch, one token each": [
        *_OPENED,
        parse_pb2.ParseBatchRequest(sequence_ids=_SEQUENCES, tokens=[200008] * len(_SEQUENCES)),
    ],
    "ParseBatch, opened": [_open(_SEQUENCES)],
    "ParseBatch, closed": [
        *_OPENED,
        parse_pb2.ParseBatchRequest(close=[*_SEQUENCES, *[9_999_999] * 5000]),
    ],
    "RenderChatCompletion": [
        openai_pb2.RenderChatCompletionRequest(
            body_json=json.dumps(
                {
                    "model": "m",
                    "messages": [{"role": "user", "content": f"{i}"} for i in range(9000)],
                }
            ).encode(),
            header=_HEADER,
        )
    ],
    "RenderModelResponse": [
        openai_pb2.RenderModelResponseRequest(
            body_json=json.dumps({"model": "m", "input": _MESSAGES}).encode(),
            header=_HEADER,
        )
    ],
    "BuildAnswer": [
        openai_pb2.BuildAnswerRequest(
            context=_CONTEXT,
            step=openai_pb2.AnswerStep(
                tokens=[200008] * 200_000,
                ends=[openai_pb2.SequenceEnd(reason=openai_pb2.END_REASON_STOP)],
            ),
        )
    ],
    "StreamAnswer": [
        openai_pb2.StreamAnswerRequest(open=openai_pb2.OpenAnswer(context=_CONTEXT)),
        openai_pb2.StreamAnswerRequest(step=openai_pb2.AnswerStep(tokens=[200008] * 200_000)),
    ],
    "StreamAnswerBatch": [
        openai_pb2.StreamAnswerBatchRequest(
            open=[openai_pb2.OpenBatchAnswer(answer_id=1, context=_CONTEXT)]
        ),
        openai_pb2.StreamAnswerBatchRequest(sequence_ids=[1] * 200_000, tokens=[200008] * 200_000),
    ],
}
# Their work does not depend on the request.
_NO_LONG_WORK = {"GetEncoding", "GetRenderCacheStatistics"}
# A long work looks for its caller at least so often.
_CHECKS = 3


def _method(work: str) -> str:
    return work.partition(",")[0]


class _Departure(threading.Event):
    """The departure of a caller; the work that looks for it often waits for it."""

    def __init__(self, abandoned: threading.Event, progress: "queue.SimpleQueue[str]") -> None:
        super().__init__()
        self._abandoned = abandoned
        self._progress = progress
        self._checks = 0

    def is_set(self) -> bool:
        self._checks += 1
        if self._checks == _CHECKS:
            self._progress.put("at work")
            self._abandoned.wait(_TIMEOUT_SECONDS)
        return self._abandoned.is_set()


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> "queue.SimpleQueue[str]":
    """Tells that work in a thread has looked for its caller repeatedly, then how it ended."""
    progress: queue.SimpleQueue[str] = queue.SimpleQueue()

    @contextlib.contextmanager
    def watched(abandoned: threading.Event) -> Iterator[None]:
        with abandonable(_Departure(abandoned, progress)):
            try:
                yield
            except AbandonedError:
                progress.put("stopped")
                raise
        progress.put("done")

    monkeypatch.setattr(offloading, "abandonable", watched)
    return progress


def test_every_rpc_is_known_to_stop() -> None:
    """Each RPC of the contract either has a long work below, or none at all."""
    assert {*map(_method, _LONG_WORK), *_NO_LONG_WORK} == METHODS.keys()


@pytest.mark.parametrize("work", _LONG_WORK)
async def test_work_stops_when_its_caller_has_gone(
    work: str, progress: "queue.SimpleQueue[str]"
) -> None:
    """It looks for its caller again and again, stops when that has gone, and counts no more."""

    async def next_progress() -> str:
        return await asyncio.to_thread(progress.get, timeout=_TIMEOUT_SECONDS)

    bounds = limits()
    handlers = Handlers(bounds)
    handlers.start(operations())
    *earlier, long = _LONG_WORK[work]
    async with _connected(handlers) as channel:
        stub: Any = _async_stub(channel)
        if METHODS[_method(work)].service == OPENAI_SERVICE_NAME:
            stub = OpenAIServiceStub(channel)
        call: Any = getattr(stub, _method(work))
        if METHODS[_method(work)].streaming:
            call = call(timeout=_TIMEOUT_SECONDS)
            for request in earlier:
                await call.write(request)
                await call.read()
            await call.write(long)
        else:
            call = call(long, timeout=_TIMEOUT_SECONDS)
        assert await next_progress() == "at work"
        call.cancel()
        assert await next_progress() == "stopped"
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while bounds.large_requests.taken or bounds.streams.taken:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def _failure_of_encode(channel: "grpc.aio.Channel", deadline_seconds: float) -> Failure:
    try:
        await _async_stub(channel).Encode(service_pb2.EncodeRequest(), timeout=deadline_seconds)
    except grpc.aio.AioRpcError as error:
        return failure_of_error(error)
    raise AssertionError("the call succeeded")


async def test_an_unexpected_error_reveals_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception is INTERNAL, and its text does not reach the client."""
    monkeypatch.setattr(Operations, "encode", _fail)
    handlers = Handlers(limits())
    handlers.start(operations())
    async with _connected(handlers) as channel:
        assert await _failure_of_encode(channel, _TIMEOUT_SECONDS) == _INTERNAL


async def test_an_unexpected_error_ends_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception on a stream ends it with the same error."""
    monkeypatch.setattr(ParseStream, "answer", _fail)
    handlers = Handlers(limits())
    handlers.start(operations())
    async with _connected(handlers) as channel:
        call = _async_stub(channel).Parse(iter([parse_pb2.ParseRequest()]))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            [response async for response in call]
        assert failure_of_error(caught.value) == _INTERNAL


async def test_a_request_waits_until_the_server_has_started() -> None:
    """A request before start-up has finished waits, up to its deadline, and is then served."""
    handlers = Handlers(limits())
    async with _connected(handlers) as channel:
        early = await _failure_of_encode(channel, 0.2)
        assert early.code is grpc.StatusCode.DEADLINE_EXCEEDED
        call = _async_stub(channel).Encode(
            service_pb2.EncodeRequest(text="Hello"), timeout=_TIMEOUT_SECONDS
        )
        handlers.start(operations())
        assert list((await call).tokens) == [13225]


async def test_an_error_ends_an_rpc_once(caplog: pytest.LogCaptureFixture) -> None:
    """The exception with which gRPC aborts a handler does not count as a second error."""
    handlers = Handlers(limits())
    handlers.start(operations())
    async with _connected(handlers) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as unary:
            await _async_stub(channel).Render(service_pb2.RenderRequest(), timeout=_TIMEOUT_SECONDS)
        stream = _async_stub(channel).Parse(timeout=_TIMEOUT_SECONDS)
        await stream.write(parse_pb2.ParseRequest())
        assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert failure_of_error(unary.value).reason == "INVALID_FIELD"
    # gRPC logs unexpected exceptions of a handler, such as a second abort.
    assert [
        record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG
    ] == []
