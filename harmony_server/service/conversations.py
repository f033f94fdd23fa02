"""Renders conversations from the bytes of a request, each message from memory where it can."""

import sys
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message as ProtoMessage

from harmony_client.v1 import chat_pb2

from .. import core
from ..contract import from_proto, wire
from ..contract.requests import read_request
from ..core.conversation_rules import has_function_tools, plan_conversation
from ..core.render_cache import RenderCache
from ..core.tokenizer import RETURN, START
from ..operations.abandonment import stop_if_abandoned, unless_abandoned
from ..operations.counters import Counters
from ..operations.errors import RequestError, invalid_field, limit_exceeded
from ..operations.limits import Limits

_Request = TypeVar("_Request", bound=ProtoMessage)

_CONVERSATION_FIELD = 1
_MESSAGES_FIELD = 1
_PACKED_RETURN = wire.pack_tokens([RETURN])


@dataclass(slots=True)
class RenderedMessage:
    """A message's packed tokens, and what the conversation around it must know of it.

    Attributes:
        packed: The tokens, packed.
        packed_with_tools: The same for a conversation that has function tools.
        token_count: How many tokens `packed` has.
        token_count_with_tools: How many `packed_with_tools` has.
        role: The author's role.
        channel: The channel, or None.
        has_function_tools: Whether it brings the function tools.
        failure: Why it cannot be rendered; such a message is not remembered.
    """

    packed: bytes
    packed_with_tools: bytes
    token_count: int
    token_count_with_tools: int
    role: core.Role
    channel: str | None
    has_function_tools: bool
    failure: RequestError | None = None

    @property
    def size(self) -> int:
        """What the message takes, in bytes."""
        shared = self.packed is self.packed_with_tools
        size = sys.getsizeof(self.packed) + sys.getsizeof(self.channel)
        return size + (0 if shared else sys.getsizeof(self.packed_with_tools))


@dataclass(slots=True)
class ConversationMessages:
    """The messages of a request.

    Attributes:
        data: The bytes of each.
        remembered: What is remembered of each.
    """

    data: list[bytes]
    remembered: list[RenderedMessage | None]

    @property
    def new_bytes(self) -> int:
        """The size of those that are not remembered."""
        pairs = zip(self.data, self.remembered, strict=True)
        return sum(len(data) for data, known in pairs if known is None)


class ConversationRenderer:
    """Renders conversations; where there is a cache, a message seen before costs a look-up."""

    def __init__(
        self,
        encoding: core.HarmonyEncoding,
        cache: RenderCache[RenderedMessage] | None,
        counters: Counters,
        limits: Limits,
    ) -> None:
        self._encoding = encoding
        self._cache = cache
        self._counters = counters
        self._limits = limits

    def read(
        self, request_type: type[_Request], data: bytes
    ) -> tuple[_Request, ConversationMessages]:
        """Returns a request without its conversation, and the conversation's messages.

        Raises:
            RequestError: The bytes are not such a request, or it has no conversation.
        """
        try:
            conversations, rest = wire.split_field(data, _CONVERSATION_FIELD)
            messages: list[bytes] = []
            # Parts of one conversation add up, as in every protobuf parser.
            for conversation in conversations:
                found, unknown = wire.split_field(conversation, _MESSAGES_FIELD)
                messages += found
                if unknown:
                    read_request(chat_pb2.Conversation, unknown)
        except wire.WireError:
            request = read_request(request_type, data)
            # What protobuf reads though `wire` does not: groups, which it skips as unknown.
            request.DiscardUnknownFields()
            return self.read(request_type, request.SerializeToString())
        if not conversations:
            raise invalid_field("conversation", "is required")
        request = read_request(request_type, rest)
        if self._cache is None:
            return request, ConversationMessages(messages, [None] * len(messages))
        return request, ConversationMessages(messages, self._cache.get_all(messages))

    def render(
        self,
        messages: ConversationMessages,
        config: core.RenderConversationConfig,
        *,
        for_training: bool = False,
        end: bytes = b"",
    ) -> bytes:
        """Returns the packed tokens of a conversation, and `end`.

        Raises:
            RequestError: A message cannot be read or rendered.
        """
        rendered = self._rendered(messages)
        plan = plan_conversation(
            [message.role for message in rendered],
            [message.channel for message in rendered],
            [message.has_function_tools for message in rendered],
            auto_drop_analysis=config.auto_drop_analysis,
            for_training=for_training,
        )
        kept = [rendered[index] for index in plan.kept]
        for message in kept:
            if message.failure:
                raise message.failure
        with_tools = plan.with_function_tools
        packed = [it.packed_with_tools if with_tools else it.packed for it in kept]
        self._counters.count_rendered(
            sum(it.token_count_with_tools if with_tools else it.token_count for it in kept)
            + wire.count_tokens(end)
        )
        if plan.ends_with_return:
            # All stop tokens are of one packed length.
            packed[-1] = packed[-1][: -len(_PACKED_RETURN)] + _PACKED_RETURN
        return b"".join((*packed, end))

    def _rendered(self, messages: ConversationMessages) -> list[RenderedMessage]:
        rendered: list[RenderedMessage] = []
        tokens = 0
        pairs = zip(messages.data, messages.remembered, strict=True)
        for index, (data, known) in enumerate(pairs):
            message = known or self._render(data, f"conversation.messages[{index}]")
            tokens += message.token_count_with_tools
            # Text has no more tokens than bytes; what a system message implies can have more.
            if tokens > self._limits.request_bytes:
                raise limit_exceeded("max_request_bytes", self._limits.request_bytes)
            rendered.append(message)
        return rendered

    def prompt_end(self, next_turn_role: core.Role) -> bytes:
        """Returns the packed tokens that ask for a turn."""
        return wire.pack_tokens([START, *self._encoding.encode_ordinary(next_turn_role.value)])

    def _render(self, data: bytes, path: str) -> RenderedMessage:
        stop_if_abandoned()
        message = from_proto.message(read_request(chat_pb2.Message, data), path)
        rendered = RenderedMessage(
            b"", b"", 0, 0, message.author.role, message.channel, has_function_tools(message)
        )
        try:
            rendered.packed = self._packed(message, with_tools=False)
            # Only system content says whether there are tools.
            depends_on_tools = any(isinstance(it, core.SystemContent) for it in message.content)
            rendered.packed_with_tools = (
                self._packed(message, with_tools=True) if depends_on_tools else rendered.packed
            )
            rendered.token_count = wire.count_tokens(rendered.packed)
            rendered.token_count_with_tools = wire.count_tokens(rendered.packed_with_tools)
        except core.RenderError as error:
            rendered.failure = invalid_field(f"{path}.{error.field}", str(error))
        else:
            if self._cache is not None:
                self._cache.put(data, rendered, sys.getsizeof(data) + rendered.size)
        return rendered

    def _packed(self, message: core.Message, *, with_tools: bool) -> bytes:
        options = core.RenderOptions(conversation_has_function_tools=with_tools)
        return wire.pack_parts(unless_abandoned(self._encoding.render_in_parts(message, options)))
