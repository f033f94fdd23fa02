"""The render cache: it changes no token, is bounded, can be switched off and has statistics."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harmony_client
from harmony_client.v1 import chat_pb2, service_pb2
from harmony_server import core
from harmony_server.contract import from_proto, wire
from harmony_server.operations.errors import RequestError
from harmony_server.service.unary import HarmonyService
from tests.support.operations import operations

ENCODING = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
MIB = 1024 * 1024

TOOLS = harmony_client.developer(
    instructions="Be brief.",
    functions=[harmony_client.function("f", "Does it.", {"type": "object", "properties": {}})],
)
MESSAGES = [
    harmony_client.system(),
    harmony_client.developer(instructions="Be brief."),
    TOOLS,
    harmony_client.user("Hi"),
    harmony_client.assistant("Hm", channel="analysis"),
    harmony_client.assistant("{}", channel="commentary", recipient="functions.f"),
    harmony_client.tool("functions.f", "4", channel="commentary"),
    harmony_client.assistant("Hello", channel="final"),
    harmony_client.assistant("Hello"),
]
conversations = st.lists(st.sampled_from(MESSAGES), max_size=8)


def service(cache_bytes: int) -> HarmonyService:
    """Returns a new service with an empty cache."""
    return HarmonyService(operations(cache_bytes))


def statistics(server: HarmonyService) -> service_pb2.GetRenderCacheStatisticsResponse:
    """Returns a service's cache statistics."""
    return service_pb2.GetRenderCacheStatisticsResponse.FromString(
        server.get_render_cache_statistics(b"")
    )


def render(
    server: HarmonyService, messages: list[chat_pb2.Message], auto_drop_analysis: bool = True
) -> list[int]:
    """Renders a conversation from the bytes of a request."""
    request = service_pb2.RenderConversationRequest(
        conversation=chat_pb2.Conversation(messages=messages),
        config=service_pb2.RenderConversationConfig(auto_drop_analysis=auto_drop_analysis),
    )
    response = server.render_conversation(request.SerializeToString()).do()
    return list(service_pb2.RenderConversationResponse.FromString(response).tokens)


def in_core(messages: list[chat_pb2.Message], auto_drop_analysis: bool) -> list[int]:
    """Renders the same conversation with the core, without a cache."""
    conversation = core.Conversation(
        messages=[from_proto.convert_message(message, "message") for message in messages]
    )
    cache, ENCODING.render_cache = ENCODING.render_cache, None
    try:
        return ENCODING.render_conversation(
            conversation, core.RenderConversationConfig(auto_drop_analysis=auto_drop_analysis)
        )
    finally:
        ENCODING.render_cache = cache


@given(st.lists(st.tuples(conversations, st.booleans()), min_size=1, max_size=6))
def test_a_warm_cache_changes_no_token(
    requests: list[tuple[list[chat_pb2.Message], bool]],
) -> None:
    """The tokens are the same whatever was rendered before, with any tools and options."""
    server = service(MIB)
    for messages, auto_drop in requests:
        assert render(server, messages, auto_drop) == in_core(messages, auto_drop)


@given(st.lists(conversations, min_size=1, max_size=6))
def test_the_core_cache_changes_no_token(requests: list[list[chat_pb2.Message]]) -> None:
    """The core's cache distinguishes everything that a message's tokens depend on."""
    for messages, auto_drop in itertools.product(requests, [True, False]):
        conversation = core.Conversation(
            messages=[from_proto.convert_message(message, "message") for message in messages]
        )
        config = core.RenderConversationConfig(auto_drop_analysis=auto_drop)
        assert ENCODING.render_conversation(conversation, config) == in_core(messages, auto_drop)


def test_a_growing_conversation_misses_only_its_new_turn() -> None:
    """Each message is rendered once, however often the conversation is sent."""
    server = service(MIB)
    turns = [harmony_client.user(f"Question {index}") for index in range(20)]
    for length in range(1, 21):
        render(server, turns[:length])
    assert statistics(server).misses == 20
    assert statistics(server).hits == sum(range(20))
    assert statistics(server).entries == 20


def test_cached_messages_do_not_count_as_work() -> None:
    """The work of a request is the size of its messages that are not in the cache."""
    server = service(MIB)
    request = service_pb2.RenderConversationRequest(
        conversation=chat_pb2.Conversation(messages=MESSAGES[3:5])
    )
    work = server.render_conversation(request.SerializeToString())
    assert work.size == sum(message.ByteSize() for message in MESSAGES[3:5])
    work.do()
    assert server.render_conversation(request.SerializeToString()).size == 0


def test_the_cache_is_bounded_in_bytes() -> None:
    """The cache stays within its limit and drops the oldest messages first."""
    server = service(64 * 1024)
    for index in range(500):
        render(server, [harmony_client.user(f"{index} " + "word " * 100)])
    assert 0 < statistics(server).bytes <= statistics(server).max_bytes == 64 * 1024
    before = statistics(server)
    for index in (499, 0):
        render(server, [harmony_client.user(f"{index} " + "word " * 100)])
    after = statistics(server)
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 1)


def test_a_message_larger_than_the_cache_is_not_stored() -> None:
    """A message larger than the cache is rendered, not stored, and evicts nothing."""
    server = service(64 * 1024)
    render(server, [harmony_client.user("small")])
    tokens = render(server, [harmony_client.user("word " * 50_000)])
    assert len(tokens) > 50_000
    assert statistics(server).entries == 1


def test_the_cache_can_be_switched_off() -> None:
    """Without a cache, the tokens are the same and the statistics are zero."""
    server = service(0)
    assert render(server, MESSAGES) == in_core(MESSAGES, True)
    assert statistics(server) == service_pb2.GetRenderCacheStatisticsResponse()


def test_messages_that_fail_are_not_cached() -> None:
    """A message that cannot be rendered fails every time, with its current index."""
    server = service(MIB)
    broken = chat_pb2.Message(author=chat_pb2.Author(role=chat_pb2.ROLE_TOOL))
    for messages in ([broken], [harmony_client.user("Hi"), broken]):
        with pytest.raises(RequestError, match="Tools should have a name!") as caught:
            render(server, messages)
        assert caught.value.field == f"conversation.messages[{len(messages) - 1}].author.name"
    assert statistics(server).entries == 1


def test_a_dropped_message_may_be_broken() -> None:
    """As in the core, a dropped message is not rendered and cannot fail."""
    broken = chat_pb2.Message(author=chat_pb2.Author(role=chat_pb2.ROLE_TOOL), channel="analysis")
    messages = [broken, harmony_client.assistant("Hello", channel="final")]
    assert render(service(MIB), messages) == in_core(messages, True)


def test_parts_of_a_conversation_are_merged() -> None:
    """A conversation field that occurs twice is merged, as in protobuf."""
    first, second = (
        service_pb2.RenderConversationRequest(
            conversation=chat_pb2.Conversation(messages=[message])
        ).SerializeToString()
        for message in MESSAGES[3:5]
    )
    response = service(MIB).render_conversation(first + second).do()
    tokens = list(service_pb2.RenderConversationResponse.FromString(response).tokens)
    assert tokens == in_core(MESSAGES[3:5], True)


@pytest.mark.parametrize("damage", ["cut in a message", "field number 0"])
def test_what_protobuf_refuses_is_refused(damage: str) -> None:
    """The hand-written reader refuses what protobuf refuses."""
    conversation = chat_pb2.Conversation(messages=MESSAGES[3:5]).SerializeToString()
    if damage == "cut in a message":
        parts = [conversation[:7], conversation[7:]]
    else:
        parts = [conversation + b"\x00\x01"]
    request = b"".join(bytes([0x0A, len(part)]) + part for part in parts)
    with pytest.raises(RequestError) as caught:
        service(MIB).render_conversation(request).do()
    assert caught.value.reason == "MALFORMED_REQUEST"


def test_unknown_fields_are_ignored() -> None:
    """Unknown fields are ignored, groups of an older protobuf included."""
    request = service_pb2.RenderConversationRequest(
        conversation=chat_pb2.Conversation(messages=[MESSAGES[3]])
    ).SerializeToString()
    varint_field = bytes([0xA0, 0x06, 0x05])  # field 100, varint
    group = bytes([0xA3, 0x06, 0xA0, 0x06, 0x05, 0xA4, 0x06])  # field 100, a group around it
    for extra in (varint_field, group):
        response = service(MIB).render_conversation(request + extra).do()
        tokens = list(service_pb2.RenderConversationResponse.FromString(response).tokens)
        assert tokens == in_core([MESSAGES[3]], True)


@given(st.lists(st.integers(0, 201_088), max_size=40))
def test_packed_tokens_match_protobuf(tokens: list[int]) -> None:
    """A response encoded by hand has the same bytes as protobuf's."""
    expected = service_pb2.RenderResponse(tokens=tokens).SerializeToString()
    assert wire.write_tokens_response(wire.pack_tokens(tokens)) == expected


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Any bytes are either read or refused with an error meant for the caller."""
    reason = "NONE"
    try:
        service(MIB).render_conversation(data).do()
    except RequestError as error:
        reason = error.reason
    assert reason in {"NONE", "MALFORMED_REQUEST", "INVALID_FIELD"}


def test_key_order_of_parameters_is_part_of_a_message() -> None:
    """Two tools that differ only in the order of their keys are two messages."""
    server = service(MIB)
    schemas = [{"a": {"type": "string"}, "b": {}}, {"b": {}, "a": {"type": "string"}}]
    texts = []
    for schema in schemas:
        parameters = {"type": "object", "properties": schema}
        tool = harmony_client.function("f", "d", parameters)
        assert json.loads(tool.parameters_json) == parameters
        tokens = render(server, [harmony_client.developer(functions=[tool])])
        texts.append(ENCODING.decode_utf8(tokens))
    assert texts[0].index("a?:") < texts[0].index("b?:")
    assert texts[1].index("b?:") < texts[1].index("a?:")
