"""Renders messages and conversations, bounded and counted, each message from memory if it can."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from .. import core
from ..core.conversation_rules import has_function_tools, plan_conversation
from ..core.render_cache import CacheStatistics, RenderCache
from ..core.tokenizer import RETURN, START
from .abandonment import stop_if_abandoned, unless_abandoned
from .counters import Counters
from .errors import RequestError, invalid_field, limit_exceeded
from .limits import Limits


class TokenPacking(NamedTuple):
    """How tokens become bytes: runs packed one after the other are the packed whole.

    The stop tokens must all pack to the same length.

    Attributes:
        pack: Packs tokens that come part by part.
        count: Returns how many tokens are packed.
    """

    pack: Callable[[Iterable[Sequence[int]]], bytes]
    count: Callable[[bytes], int]


class Messages(Protocol):
    """The messages of a conversation, as a front has them."""

    @property
    def keys(self) -> Sequence[Hashable]:
        """What each message is remembered under: all that its tokens depend on."""

    def size(self, index: int) -> int:
        """Returns the size of a message, in bytes: what reading and rendering it costs."""

    def field(self, index: int) -> str:
        """Returns the path of a message, as the front's callers write it."""

    def read(self, index: int) -> core.Message:
        """Returns a message; raises RequestError if it is invalid."""


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
        """The memory that it takes, in bytes."""
        shared = self.packed is self.packed_with_tools
        size = sys.getsizeof(self.packed) + sys.getsizeof(self.channel)
        return size + (0 if shared else sys.getsizeof(self.packed_with_tools))


class RecalledConversation(NamedTuple):
    """The messages of a conversation, and what is remembered of each."""

    messages: Messages
    remembered: list[RenderedMessage | None]

    @property
    def new_bytes(self) -> int:
        """The size of the messages that are not remembered."""
        size = self.messages.size
        return sum(size(index) for index, known in enumerate(self.remembered) if known is None)


class Renderer:
    """Renders with one encoding. Thread-safe.

    Args:
        encoding: The encoding.
        limits: What a request may ask for.
        counters: Where rendered tokens are counted.
        packing: The form of the tokens.
        cache_bytes: The bound of the render cache; 0 switches it off.
    """

    def __init__(
        self,
        encoding: core.HarmonyEncoding,
        limits: Limits,
        counters: Counters,
        packing: TokenPacking,
        *,
        cache_bytes: int,
    ) -> None:
        self._encoding = encoding
        self._limits = limits
        self._counters = counters
        self._packing = packing
        self._cache: RenderCache[RenderedMessage] | None = (
            RenderCache(cache_bytes) if cache_bytes else None
        )
        self._packed_return = packing.pack([[RETURN]])
        self._turn_starts = {
            role: packing.pack([[START, *encoding.encode_ordinary(role.value)]])
            for role in core.Role
        }

    @property
    def cache_statistics(self) -> CacheStatistics:
        """What the render cache holds and how often it was of use; all zero without one."""
        return self._cache.statistics if self._cache else CacheStatistics(0, 0, 0, 0, 0)

    def render_message(
        self, message: core.Message, field: str, *, with_function_tools: bool
    ) -> bytes:
        """Returns the packed tokens of one message, whose path is `field`.

        Raises:
            RequestError: It cannot be rendered.
        """
        try:
            packed = self._pack(message, with_function_tools=with_function_tools)
        except core.RenderError as error:
            raise invalid_field(f"{field}.{error.field}", str(error)) from None
        self._counters.count_rendered(self._packing.count(packed))
        return packed

    def recall(self, messages: Messages) -> RecalledConversation:
        """Looks the messages of a conversation up in the cache."""
        if self._cache is None:
            return RecalledConversation(messages, [None] * len(messages.keys))
        return RecalledConversation(messages, self._cache.get_all(messages.keys))

    def render_conversation(
        self,
        conversation: RecalledConversation,
        config: core.RenderConversationConfig,
        *,
        for_training: bool = False,
        next_turn_role: core.Role | None = None,
    ) -> bytes:
        """Returns the packed tokens of a conversation.

        Args:
            conversation: The conversation.
            config: What to leave out.
            for_training: Whether a final answer at the end ends with `<|return|>`.
            next_turn_role: Whose turn to ask for at the end; None: nobody's.

        Raises:
            RequestError: A message is invalid or cannot be rendered, or the tokens are too many.
        """
        rendered = self._render_messages(conversation)
        plan = plan_conversation(
            [message.role for message in rendered],
            [message.channel for message in rendered],
            (message.has_function_tools for message in rendered),
            auto_drop_analysis=config.auto_drop_analysis,
            for_training=for_training,
        )
        kept = [rendered[index] for index in plan.kept]
        for message in kept:
            if message.failure:
                raise message.failure
        if plan.with_function_tools:
            packed = [message.packed_with_tools for message in kept]
            count = sum(message.token_count_with_tools for message in kept)
        else:
            packed = [message.packed for message in kept]
            count = sum(message.token_count for message in kept)
        if plan.ends_with_return:
            packed[-1] = packed[-1][: -len(self._packed_return)] + self._packed_return
        if next_turn_role is not None:
            turn_start = self._turn_starts[next_turn_role]
            packed.append(turn_start)
            count += self._packing.count(turn_start)
        self._counters.count_rendered(count)
        return b"".join(packed)

    def _render_messages(self, conversation: RecalledConversation) -> list[RenderedMessage]:
        messages = conversation.messages
        rendered: list[RenderedMessage] = []
        tokens = 0
        for index, known in enumerate(conversation.remembered):
            message = known or self._render_new(messages, index)
            tokens += message.token_count_with_tools
            # Text has no more tokens than bytes, but what a system message implies can have more.
            if tokens > self._limits.request_bytes:
                raise limit_exceeded("max_request_bytes", self._limits.request_bytes)
            rendered.append(message)
        return rendered

    def _render_new(self, messages: Messages, index: int) -> RenderedMessage:
        stop_if_abandoned()
        message = messages.read(index)
        rendered = RenderedMessage(
            b"", b"", 0, 0, message.author.role, message.channel, has_function_tools(message)
        )
        try:
            rendered.packed = self._pack(message, with_function_tools=False)
            # Only system content says whether there are tools.
            depends_on_tools = any(
                isinstance(content, core.SystemContent) for content in message.content
            )
            rendered.packed_with_tools = (
                self._pack(message, with_function_tools=True)
                if depends_on_tools
                else rendered.packed
            )
        except core.RenderError as error:
            rendered.failure = invalid_field(f"{messages.field(index)}.{error.field}", str(error))
            return rendered
        rendered.token_count = self._packing.count(rendered.packed)
        rendered.token_count_with_tools = self._packing.count(rendered.packed_with_tools)
        if self._cache is not None:
            key = messages.keys[index]
            self._cache.put(key, rendered, sys.getsizeof(key) + rendered.size)
        return rendered

    def _pack(self, message: core.Message, *, with_function_tools: bool) -> bytes:
        options = core.RenderOptions(conversation_has_function_tools=with_function_tools)
        parts = self._encoding.render_in_parts(message, options)
        return self._packing.pack(unless_abandoned(parts))
