"""The operations, used by a front end without gRPC and protobuf."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse
from harmony_client.v1 import service_pb2 as pb
from harmony_server import core
from harmony_server.bounds import MAX_INLINE_WORK
from harmony_server.core.events import MessageCompleted
from harmony_server.operations.errors import Reason, RequestError
from harmony_server.operations.inline_work import InlineWork, TooLargeInlineError, count_inline
from harmony_server.operations.offloading import Offloader, PreparedWork
from harmony_server.operations.operations import Operations
from harmony_server.operations.rendering import TokenPacking
from harmony_server.service.batch_stream import BatchStream
from harmony_server.service.unary import HarmonyService
from tests.support.encodings import encoding, tokens_of
from tests.support.messages import message
from tests.support.operations import limits, operations

_CONFIG = core.RenderConversationConfig()
_WIDTH = 4
_BUILTIN = (chat.BUILTIN_TOOL_BROWSER, chat.BUILTIN_TOOL_PYTHON)


def _pack(parts: Iterable[Sequence[int]]) -> bytes:
    return b"".join(token.to_bytes(_WIDTH) for part in parts for token in part)


_PACKING = TokenPacking(pack=_pack, count=lambda packed: len(packed) // _WIDTH)


def _unpack(packed: bytes) -> list[int]:
    starts = range(0, len(packed), _WIDTH)
    return [int.from_bytes(packed[start : start + _WIDTH]) for start in starts]


@dataclass
class _Messages:
    """The messages of a front end that keeps them as canonical JSON."""

    keys: Sequence[str]

    def size(self, index: int) -> int:
        return len(self.keys[index])

    def field(self, index: int) -> str:
        return f"$[{index}]"

    def read(self, index: int) -> core.Message:
        return core.Message.from_dict(json.loads(self.keys[index]))


def _operations(**settings: object) -> Operations:
    return Operations(encoding(), limits(**settings), _PACKING, render_cache_bytes=1024 * 1024)


def _conversation() -> core.Conversation:
    thought = core.Message.from_role_and_content(core.Role.ASSISTANT, "Hm.").with_channel(
        "analysis"
    )
    answer = core.Message.from_role_and_content(core.Role.ASSISTANT, "4").with_channel("final")
    return core.Conversation.from_messages(
        [core.Message.from_role_and_content(core.Role.USER, "2 + 2?"), thought, answer]
    )


def _json(conversation: core.Conversation) -> _Messages:
    return _Messages([json.dumps(message.to_dict()) for message in conversation.messages])


def test_the_operations_load_no_grpc_and_no_protobuf() -> None:
    """Importing the operations loads no gRPC, no protobuf and no layer above."""
    program = """
import sys
import harmony_server.operations.offloading, harmony_server.operations.operations
packages = {name.partition(".")[0] for name in sys.modules}
print(packages & {"grpc", "google", "harmony_client", "click"})
print({"harmony_server.contract", "harmony_server.telemetry"} & set(sys.modules))
"""
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert output.split() == ["set()", "set()"]


@pytest.mark.parametrize("drops", [True, False])
def test_any_front_end_renders_as_the_core_does(drops: bool) -> None:
    """A front end with its own form of messages and tokens renders the core's tokens."""
    renderer = _operations().renderer
    conversation = _conversation()
    config = core.RenderConversationConfig(auto_drop_analysis=drops)
    for _ in range(2):
        recalled = renderer.recall(_json(conversation))
        rendered = renderer.render_conversation(recalled, config, next_turn_role=core.Role.USER)
        assert _unpack(rendered.packed) == encoding().render_conversation_for_completion(
            conversation, core.Role.USER, config
        )
        recalled = renderer.recall(_json(conversation))
        rendered = renderer.render_conversation(recalled, config, for_training=True)
        assert _unpack(rendered.packed) == encoding().render_conversation_for_training(
            conversation, config
        )


def test_front_ends_share_cache_and_counters() -> None:
    """A front end finds messages that another has rendered under the same key; both are counted."""
    operations = _operations()
    renderer = operations.renderer
    first, second = _json(_conversation()), _json(_conversation())
    new = renderer.recall(first)
    assert new.new_bytes == sum(map(len, first.keys))
    rendered = renderer.render_conversation(new, _CONFIG)
    known = renderer.recall(second)
    assert known.new_bytes == 0
    assert renderer.render_conversation(known, _CONFIG) == rendered
    statistics = renderer.cache_statistics
    assert (statistics.hits, statistics.misses, statistics.entries) == (3, 3, 3)
    assert operations.counters.rendered_tokens == 2 * len(_unpack(rendered.packed))


def test_errors_have_reasons_and_paths() -> None:
    """An unrenderable message is INVALID_FIELD, with a path in the front end's form."""
    broken = core.Message.from_role_and_content(core.Role.TOOL, "x")
    renderer = _operations().renderer
    recalled = renderer.recall(_json(core.Conversation.from_messages([broken])))
    with pytest.raises(RequestError) as caught:
        renderer.render_conversation(recalled, _CONFIG)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_FIELD, "$[0].author.name")


def test_limits_apply_to_any_front_end() -> None:
    """Limits apply to a rendered conversation and to the tokens of a parse and a decode."""
    operations = _operations(max_request_bytes=1024, max_request_tokens=3)
    text = core.Message.from_role_and_content(core.Role.USER, "a b " * 600)
    recalled = operations.renderer.recall(_json(core.Conversation.from_messages([text])))
    with pytest.raises(RequestError, match="max_request_bytes is exceeded: 1024") as caught:
        operations.renderer.render_conversation(recalled, _CONFIG)
    assert caught.value.reason is Reason.LIMIT_EXCEEDED
    with pytest.raises(RequestError, match="exceeds max_request_tokens, 3"):
        list(operations.parse([87] * 4, None, core.ParseOptions()))
    with pytest.raises(RequestError, match="exceeds max_request_tokens, 3"):
        operations.decode([87] * 4, strict=False)


def test_parses_are_counted() -> None:
    """The tokens and repairs of a parse are counted; malformed output is PARSE_FAILED."""
    operations = _operations()
    tokens = tokens_of("<|channel|>final<|message|>4<|return|><|return|>")
    options = core.ParseOptions(recover=True)
    events = [
        event for part in operations.parse(tokens, core.Role.ASSISTANT, options) for event in part
    ]
    messages = [event.text for event in events if isinstance(event, MessageCompleted)]
    assert messages == ["4"]
    assert operations.counters.parsed_tokens == len(tokens)
    assert operations.counters.repairs["EXTRA_STOP"] == 1
    with pytest.raises(RequestError) as caught:
        list(operations.parse(tokens, core.Role.ASSISTANT, core.ParseOptions()))
    assert caught.value.reason is Reason.PARSE_FAILED


async def test_small_work_that_becomes_large_goes_to_a_thread() -> None:
    """Work that counts more than fits the event loop begins again in a thread, once."""
    offloader = Offloader(limits())
    begun: list[threading.Thread] = []

    def work(size: int) -> threading.Thread:
        begun.append(threading.current_thread())
        count_inline(size)
        return threading.current_thread()

    here = threading.current_thread()
    assert await offloader.do_request(functools.partial(work, 16_384), 10) is here
    begun.clear()
    assert await offloader.do_request(functools.partial(work, 16_385), 10) is not here
    assert begun[0] is here
    assert len(begun) == 2

    def prepare() -> PreparedWork[threading.Thread]:
        work(16_385)
        return PreparedWork(10, functools.partial(work, 10))

    assert await offloader.do_prepared_request(prepare, 10) is not here
    offloader.close()


@pytest.mark.parametrize(
    "content",
    [
        chat.Content(system=chat.SystemContent(builtin_tools=_BUILTIN)),
        chat.Content(system=chat.SystemContent()),
        chat.Content(developer=chat.DeveloperContent(tools=[chat.ToolNamespaceConfig()])),
    ],
    ids=["built-in tools", "defaults", "namespaces"],
)
def test_what_a_small_message_becomes_decides_where_it_is_rendered(content: chat.Content) -> None:
    """A small request with many contents is too large for the event loop before it is rendered."""
    service = HarmonyService(operations())
    items = [content] * (4000 // (content.ByteSize() + 2))
    request = pb.RenderRequest(message=message(chat.ROLE_SYSTEM, *items)).SerializeToString()
    assert len(request) < 4096
    with pytest.raises(TooLargeInlineError), InlineWork(MAX_INLINE_WORK):
        service.render(request)
    usual = message(
        chat.ROLE_SYSTEM, chat.Content(system=chat.SystemContent(builtin_tools=_BUILTIN))
    )
    with InlineWork(MAX_INLINE_WORK):
        assert service.render(pb.RenderRequest(message=usual).SerializeToString())


async def test_any_front_end_can_offload_its_work() -> None:
    """Small work runs inline, large work in a thread; too much large work is refused."""
    bounds = limits(max_concurrent_large_requests=1)
    offloader = Offloader(bounds)
    here = threading.current_thread()
    assert await offloader.do_request(threading.current_thread, 10) is here
    assert await offloader.do_request(threading.current_thread, 10_000) is not here
    bounds.large_requests.take()
    with pytest.raises(RequestError) as caught:
        await offloader.do_request(threading.current_thread, 10_000)
    assert caught.value.metadata == {"limit": "max_concurrent_large_requests", "maximum": "1"}
    assert await offloader.do_request(threading.current_thread, 10) is here
    offloader.close()


@pytest.mark.parametrize(
    "request_",
    [
        parse.ParseBatchRequest(close=range(300)),
        parse.ParseBatchRequest(open=[parse.OpenSequence(sequence_id=i) for i in range(300)]),
        parse.ParseBatchRequest(sequence_ids=range(300), tokens=[87] * 300),
    ],
    ids=["closes", "opens", "tokens of unknown sequences"],
)
def test_many_changes_of_sequences_are_too_large_for_the_event_loop(
    request_: parse.ParseBatchRequest,
) -> None:
    """Opening, closing or failing many sequences is left to a thread, before any has changed."""
    stream = BatchStream(operations())
    data = request_.SerializeToString()
    assert not stream.is_light(data)
    response = parse.ParseBatchResponse.FromString(stream.answer(data))
    assert len(response.events) == len({*request_.close, *request_.sequence_ids})


def test_a_step_of_many_sequences_stays_in_the_event_loop() -> None:
    """Tokens of open sequences never go to a thread for their number."""
    stream = BatchStream(operations())
    opened = [parse.OpenSequence(sequence_id=number) for number in range(1000)]
    stream.answer(parse.ParseBatchRequest(open=opened).SerializeToString())
    step = parse.ParseBatchRequest(sequence_ids=range(1000), tokens=[200006] * 1000)
    assert stream.is_light(step.SerializeToString())
