"""A search for small requests that cost much memory or time.

The search climbs towards dear requests with Hypothesis' `target`. It asserts bounds on memory,
which repeat, and only reports times, which do not.
"""

from __future__ import annotations

import itertools
import json
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings, target
from hypothesis import strategies as st

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2, service_pb2
from harmony_server import bounds
from harmony_server.operations.errors import RequestError
from harmony_server.operations.inline_work import InlineWork, TooLargeInlineError
from harmony_server.operations.operations import Operations
from harmony_server.service.batch_stream import BatchStream
from harmony_server.service.parse_stream import ParseStream
from harmony_server.service.unary import HarmonyService
from tests.support.operations import operations

from .conftest import Report
from .scale import scale

pytestmark = pytest.mark.long

_EXAMPLES = 100
_MIB = 1024 * 1024
# What a small request may become in the event loop: its text in the widest characters, some copies
# of it, and what Python takes for its tokens.
_MAX_INLINE_MIB = 24

# Tokens with long texts, with wide ones, with incomplete ones, structure, and none at all.
_TOKENS = (72056, 72056, 33, 67, 102654, 51706, 88, 200008, 200006, 200007, 200005, 17196, 300000)
_TEXTS = ("", "a", "\n", '"', " " * 50, "\U0001f600", "null", "-", "to=", "\u4e2d")
_COUNTS = st.one_of(st.integers(1, 5), st.integers(1, 200), st.integers(1, 2000))


@dataclass
class _Worst:
    """The dearest requests found so far, by measure.

    Attributes:
        found: The value, and what the request was.
    """

    found: dict[str, tuple[float, str]]

    def note(self, measure: str, value: float, what: str) -> None:
        if value > self.found.get(measure, (0.0, ""))[0]:
            self.found[measure] = value, what


@st.composite
def _schemas(draw: st.DrawFn) -> str:
    texts = st.sampled_from(_TEXTS)
    leaf: dict[str, object] = {
        "type": draw(st.sampled_from(["object", "string", "array", "integer", ["null", "a"]]))
    }
    for key in draw(st.sets(st.sampled_from(["examples", "enum", "required"]))):
        leaf[key] = [draw(texts)] * draw(_COUNTS)
    for key in draw(st.sets(st.sampled_from(["title", "description", "default"]))):
        leaf[key] = draw(texts) * draw(_COUNTS)
    if draw(st.booleans()):
        leaf["nullable"] = True
    schema: dict[str, object] = {"type": "object", "properties": {draw(texts): leaf}}
    wrap = draw(st.sampled_from(["oneOf", "properties", "items"]))
    for _ in range(draw(st.integers(0, 58))):
        if wrap == "oneOf":
            schema = {"oneOf": [schema] * draw(st.integers(1, 2))} if _small(schema) else schema
        elif wrap == "items":
            schema = {"type": "array", "items": schema, "nullable": True}
        else:
            schema = {"type": "object", "properties": {"": schema}}
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))


def _small(schema: object) -> bool:
    return len(json.dumps(schema)) < bounds.MAX_INLINE_UNARY_BYTES // 2


@st.composite
def _contents(draw: st.DrawFn) -> tuple[chat.Role, list[chat.Content]]:
    kind = draw(st.sampled_from(["system", "developer", "text"]))
    count = draw(_COUNTS)
    if kind == "system":
        builtin = draw(st.sets(st.sampled_from([1, 2])))
        system = chat.SystemContent(no_defaults=draw(st.booleans()))
        system.builtin_tools.extend(sorted(builtin))  # type: ignore[arg-type]
        return chat.ROLE_SYSTEM, [chat.Content(system=system)] * count
    if kind == "developer":
        tool = chat.ToolDescription(
            name="f",
            description=draw(st.sampled_from(_TEXTS)) * draw(_COUNTS),
            parameters_json=draw(st.one_of(st.just("{}"), _schemas())),
        )
        namespace = chat.ToolNamespaceConfig(name="n", tools=[tool] * draw(st.integers(1, 20)))
        developer = chat.DeveloperContent(tools=[namespace])
        return chat.ROLE_DEVELOPER, [chat.Content(developer=developer)] * min(count, 20)
    text = draw(st.sampled_from(_TEXTS)) * draw(_COUNTS)
    return chat.ROLE_USER, [chat.Content(text=chat.TextContent(text=text))] * count


@st.composite
def _messages(draw: st.DrawFn) -> chat.Message:
    role, contents = draw(_contents())
    return chat.Message(author=chat.Author(role=role), content=contents)


@st.composite
def _tokens(draw: st.DrawFn) -> list[int]:
    runs = draw(st.lists(st.tuples(st.sampled_from(_TOKENS), _COUNTS), min_size=1, max_size=6))
    return list(itertools.chain.from_iterable([token] * count for token, count in runs))


def _options() -> st.SearchStrategy[parse_pb2.ParseOptions]:
    names = st.lists(st.sampled_from(_TEXTS[1:]), max_size=3)
    return st.builds(
        lambda recover, names, size: parse_pb2.ParseOptions(
            recover=recover,
            callable_names=[name * size for name in names],
            channels=[name * size for name in names],
        ),
        st.booleans(),
        names,
        _COUNTS,
    )


@st.composite
def _requests(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    """Returns an RPC and its requests; of a stream, the last one is the one to measure."""
    method = draw(st.sampled_from([*_UNARY, *_STREAMS]))
    if method == "render":
        request: object = service_pb2.RenderRequest(message=draw(_messages()))
    elif method == "render_conversation":
        conversation = chat.Conversation(messages=[draw(_messages())] * draw(_COUNTS))
        request = service_pb2.RenderConversationRequest(conversation=conversation)
    elif method == "parse_messages":
        request = service_pb2.ParseMessagesRequest(
            tokens=draw(_tokens()), role=chat.ROLE_ASSISTANT, options=draw(_options())
        )
    elif method == "decode":
        request = service_pb2.DecodeRequest(tokens=draw(_tokens()), as_bytes=draw(st.booleans()))
    elif method == "encode":
        request = service_pb2.EncodeRequest(text=draw(st.sampled_from(_TEXTS)) * draw(_COUNTS))
    elif method == "Parse":
        config = parse_pb2.ParseConfig(role=chat.ROLE_ASSISTANT, options=draw(_options()))
        opened = parse_pb2.ParseRequest(config=config).SerializeToString()
        token_ids = parse_pb2.TokenIds(tokens=draw(_tokens()))
        return method, [opened, parse_pb2.ParseRequest(tokens=token_ids).SerializeToString()]
    else:
        ids = list(range(draw(_COUNTS)))
        token = draw(st.sampled_from(_TOKENS))
        openings = [parse_pb2.OpenSequence(sequence_id=number) for number in ids]
        batch = parse_pb2.ParseBatchRequest(
            open=draw(st.sampled_from([[], openings])),
            sequence_ids=ids,
            tokens=[token] * len(ids),
            close=draw(st.sampled_from([[], ids, [*ids, *range(5000, 9000)]])),
        )
        return method, [batch.SerializeToString()]
    return method, [request.SerializeToString()]  # type: ignore[attr-defined]


_UNARY: dict[str, Callable[[HarmonyService, bytes], object]] = {
    "render": HarmonyService.render,
    "render_conversation": lambda service, data: service.render_conversation(data).do(),
    "parse_messages": lambda service, data: service.parse_messages(data).do(),
    "decode": lambda service, data: service.decode(data).do(),
    "encode": HarmonyService.encode,
}
_STREAMS: dict[str, Callable[[Operations], ParseStream | BatchStream]] = {
    "Parse": ParseStream,
    "ParseBatch": BatchStream,
}


def _cost(method: str, requests: list[bytes]) -> tuple[float, float]:
    """Does the work of the last request as the event loop would; returns seconds and MiB."""
    service = HarmonyService(operations())
    answer: Callable[[bytes], object]
    if method in _UNARY:
        room = bounds.MAX_INLINE_WORK

        def answer(data: bytes) -> object:
            return _UNARY[method](service, data)
    else:
        room = bounds.MAX_INLINE_WORK
        answer = _STREAMS[method](service.operations).answer
    for request in requests[:-1]:
        answer(request)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    began = time.thread_time()
    try:
        with InlineWork(room):
            answer(requests[-1])
    except (RequestError, TooLargeInlineError):
        pass
    seconds = time.thread_time() - began
    _, peak = tracemalloc.get_traced_memory()
    return seconds, (peak - before) / _MIB


def test_no_small_request_costs_much(report: Report) -> None:
    """In the event loop, no small request that the search finds takes more than a few MiB."""
    worst = _Worst({})

    @settings(
        max_examples=_EXAMPLES * scale(),
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.target],
        suppress_health_check=list(HealthCheck),
    )
    @given(_requests())
    def search(drawn: tuple[str, list[bytes]]) -> None:
        method, requests = drawn
        size = len(requests[-1])
        if size > (
            bounds.MAX_INLINE_UNARY_BYTES if method in _UNARY else bounds.MAX_INLINE_STREAM_BYTES
        ):
            reject()
        try:
            seconds, mib = _cost(method, requests)
        except RequestError:
            return  # the stream was not opened
        target(seconds * 1000, label="milliseconds")
        target(mib, label="MiB")
        worst.note("milliseconds", seconds * 1000, f"{method} of {size} bytes")
        worst.note("MiB", mib, f"{method} of {size} bytes")
        assert mib < _MAX_INLINE_MIB, (method, size, mib)

    tracemalloc.start()
    try:
        search()
    finally:
        tracemalloc.stop()
    for measure, (value, what) in worst.found.items():
        report(f"dearest in the event loop: {value:.1f} {measure}, {what}")
    assert worst.found
