"""Renders messages and conversations, within limits and with a cache of rendered messages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, Protocol

from .. import core
from ..core.conversation_rules import has_function_tools, plan_conversation
from ..core.render_cache import CacheStatistics, RenderCache
from ..core.tokenizer import END, RETURN, START
from ..training.loss import alternating_runs, find_trained_runs
from ..training.policy import LossPolicy
from ..training.samples import MessageKind
from .abandonment import stop_if_abandoned, unless_abandoned
from .counters import Counters
from .errors import RequestError, invalid_field, limit_exceeded
from .inline_work import count_inline
from .limits import Limits


class TokenPacking(NamedTuple):
    """How tokens become bytes.

    Packed runs of tokens, joined, must equal the packed tokens of the joined runs. All stop tokens
    must pack to the same length.

    Attributes:
        pack: Packs tokens that come in parts.
        count: Returns the number of tokens in packed bytes.
    """

    pack: Callable[[Iterable[Sequence[int]]], bytes]
    count: Callable[[bytes], int]


class Attribution(Enum):
    """How finely a render says whose each token is.

    Attributes:
        MESSAGES: One run a message.
        PARTS: One run a part of a message.
    """

    MESSAGES = auto()
    PARTS = auto()


class PackedRuns(NamedTuple):
    """Packed columns of runs, as in `core.TokenRuns`; those of parts are empty for MESSAGES.

    Attributes:
        lengths: The number of tokens of each run.
        messages: The index of each run's message.
        parts: The `core.TokenPart` of each run.
        contents: The index of each run's content; 0 for other parts.
    """

    lengths: bytes
    messages: bytes
    parts: bytes = b""
    contents: bytes = b""


class KnownRuns(NamedTuple):
    """What the tokens of a message are.

    Attributes:
        runs: The runs.
        lengths: Their lengths, packed; they depend on no index, so responses share them.
        contents: Their contents, packed likewise.
    """

    runs: core.MessageRuns
    lengths: bytes
    contents: bytes

    @property
    def size(self) -> int:
        """The memory that the columns take, in bytes."""
        return self.runs.size + sys.getsizeof(self.lengths) + sys.getsizeof(self.contents)


class RenderedConversation(NamedTuple):
    """The tokens of a conversation.

    Attributes:
        packed: The packed tokens.
        runs: Whose they are, if asked for.
        loss_runs: The lengths of runs without loss, with loss, and so on, if asked for.
    """

    packed: bytes
    runs: PackedRuns | None = None
    loss_runs: list[int] | None = None


class Messages(Protocol):
    """The messages of a conversation, in the form in which a transport received them."""

    @property
    def keys(self) -> Sequence[Hashable]:
        """The cache key of each message; it contains everything that its tokens depend on."""

    def size(self, index: int) -> int:
        """Returns the size of a message in bytes, the measure of what rendering it costs."""

    def field(self, index: int) -> str:
        """Returns the path of a message in the request, for errors."""

    def read(self, index: int) -> core.Message:
        """Returns a message.

        Raises:
            RequestError: It is invalid.
        """


@dataclass(slots=True)
class RenderedMessage:
    """The packed tokens of a message, and its properties that affect the whole conversation.

    Attributes:
        role: The author's role.
        channel: The channel, or None.
        has_function_tools: Whether the message brings function tools.
        packed: The packed tokens in a conversation without function tools.
        packed_with_tools: The packed tokens in a conversation with function tools.
        token_count: The number of tokens in `packed`.
        token_count_with_tools: The number of tokens in `packed_with_tools`.
        has_recipient: Whether the message has a recipient.
        runs: What the tokens in `packed` are, or None if nobody has asked yet.
        runs_with_tools: What the tokens in `packed_with_tools` are, or None.
        failure: Why the message cannot be rendered, or None; the cache has only messages without.
    """

    role: core.Role
    channel: str | None
    has_function_tools: bool
    packed: bytes = b""
    packed_with_tools: bytes = b""
    token_count: int = 0
    token_count_with_tools: int = 0
    has_recipient: bool = False
    runs: KnownRuns | None = None
    runs_with_tools: KnownRuns | None = None
    failure: RequestError | None = None

    @property
    def size(self) -> int:
        """The memory that the bytes and the channel take, in bytes."""
        size = sys.getsizeof(self.packed) + sys.getsizeof(self.channel)
        if self.packed_with_tools is not self.packed:
            size += sys.getsizeof(self.packed_with_tools)
        if self.runs is not None:
            size += self.runs.size
        if self.runs_with_tools is not None and self.runs_with_tools is not self.runs:
            size += self.runs_with_tools.size
        return size

    @property
    def kind(self) -> MessageKind:
        """What of the message decides whether it carries loss."""
        return MessageKind(self.role, self.channel, self.has_recipient)


class RecalledConversation(NamedTuple):
    """A conversation, some of whose messages are rendered already.

    Attributes:
        messages: The messages.
        cached: Each message as rendered before, or None if the cache does not have it.
    """

    messages: Messages
    cached: list[RenderedMessage | None]

    @property
    def new_bytes(self) -> int:
        """The total size of the messages that have to be rendered, in bytes."""
        size = self.messages.size
        return sum(size(index) for index, rendered in enumerate(self.cached) if rendered is None)


class Renderer:
    """Renders with one encoding. Thread-safe.

    Args:
        encoding: The encoding.
        limits: The limits of each request.
        counters: Counts the rendered tokens.
        packing: How tokens are packed into bytes.
        cache_bytes: The maximum size of the render cache; 0 disables it.

    Attributes:
        packed_end: A packed `<|end|>`.
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
        self.packed_end = packing.pack([[END]])
        self._packed_return = packing.pack([[RETURN]])
        self._turn_starts = {
            role: packing.pack([[START, *encoding.encode_ordinary(role.value)]])
            for role in core.Role
        }

    @property
    def cache_statistics(self) -> CacheStatistics:
        """The size of the render cache and its lookups; all zero if it is disabled."""
        return self._cache.statistics if self._cache else CacheStatistics(0, 0, 0, 0, 0)

    def pack(self, tokens: Sequence[int]) -> bytes:
        """Returns tokens, packed."""
        return self._packing.pack([tokens])

    def count(self, packed: bytes) -> int:
        """Returns the number of packed tokens."""
        return self._packing.count(packed)

    def render_message(
        self,
        message: core.Message,
        field: str,
        *,
        with_function_tools: bool,
        attribution: Attribution | None = None,
    ) -> RenderedConversation:
        """Renders one message, without the cache.

        Args:
            message: The message.
            field: Its path in the request, for errors.
            with_function_tools: Whether the conversation has function tools.
            attribution: How finely to say whose the tokens are; None for not at all.

        Raises:
            RequestError: INVALID_FIELD, the message cannot be rendered.
            AbandonedError: The caller has gone.
        """
        runs = core.MessageRuns() if attribution is Attribution.PARTS else None
        try:
            packed = self._pack(message, runs, with_function_tools=with_function_tools)
        except core.RenderError as error:
            raise invalid_field(f"{field}.{error.field}", str(error)) from None
        count = self._packing.count(packed)
        self._counters.count_rendered(count)
        if attribution is None:
            return RenderedConversation(packed)
        known = None if runs is None else self._know(runs)
        return RenderedConversation(packed, self._pack_runs(attribution, [(0, count, known)]))

    def recall(self, messages: Messages) -> RecalledConversation:
        """Looks up the messages of a conversation in the cache."""
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
        with_function_tools: bool = False,
        attribution: Attribution | None = None,
        loss: LossPolicy | None = None,
    ) -> RenderedConversation:
        """Renders a conversation.

        Args:
            conversation: The conversation.
            config: Which messages to drop.
            for_training: Whether to end a final answer with `<|return|>`.
            next_turn_role: The role whose header to begin at the end, or None.
            with_function_tools: Whether there are function tools that the messages do not show.
            attribution: How finely to say whose the tokens are; None for not at all.
            loss: Which tokens carry loss; None to not say.

        Raises:
            RequestError: A message is malformed or invalid, there are too many tokens, or the
                policy does not fit the messages.
            AbandonedError: The caller has gone.
        """
        rendered = self._render_messages(conversation)
        plan = plan_conversation(
            [message.role for message in rendered],
            [message.channel for message in rendered],
            (message.has_function_tools for message in rendered),
            analysis=config.rule,
            for_training=for_training,
        )
        kept = [rendered[index] for index in plan.kept]
        for message in kept:
            if message.failure:
                raise message.failure
        with_tools = plan.with_function_tools or with_function_tools
        if with_tools:
            packed = [message.packed_with_tools for message in kept]
            counts = [message.token_count_with_tools for message in kept]
        else:
            packed = [message.packed for message in kept]
            counts = [message.token_count for message in kept]
        if plan.ends_with_return:
            packed[-1] = packed[-1][: -len(self._packed_return)] + self._packed_return
        if next_turn_role is not None:
            turn_start = self._turn_starts[next_turn_role]
            packed.append(turn_start)
            counts.append(self._packing.count(turn_start))
        self._counters.count_rendered(sum(counts))
        if attribution is None and loss is None:
            return RenderedConversation(b"".join(packed))
        indices = [*plan.kept, len(rendered)]
        runs: list[KnownRuns | None] = [None] * len(counts)
        if attribution is Attribution.PARTS or loss is not None:
            for position, index in enumerate(plan.kept):
                runs[position] = self._find_runs(
                    conversation.messages, index, rendered[index], with_tools
                )
            if next_turn_role is not None:
                runs[-1] = self._know(_turn_start_runs(counts[-1]))
        attributed = list(zip(indices, counts, runs, strict=False))
        return RenderedConversation(
            b"".join(packed),
            None if attribution is None else self._pack_runs(attribution, attributed),
            None
            if loss is None
            else _find_loss(rendered, attributed, loss, ends_with_return=plan.ends_with_return),
        )

    def _find_runs(
        self, messages: Messages, index: int, rendered: RenderedMessage, with_tools: bool
    ) -> KnownRuns:
        """Returns the runs of a rendered message, and remembers them with it."""
        runs = rendered.runs_with_tools if with_tools else rendered.runs
        if runs is None:
            stop_if_abandoned()
            message = messages.read(index)
            options = core.RenderOptions(conversation_has_function_tools=with_tools)
            count = rendered.token_count_with_tools if with_tools else rendered.token_count
            runs = self._know(self._encoding.find_runs(message, count, options))
            if rendered.packed is rendered.packed_with_tools:
                rendered.runs = rendered.runs_with_tools = runs
            elif with_tools:
                rendered.runs_with_tools = runs
            else:
                rendered.runs = runs
            self._remember(messages, index, rendered)
        return runs

    def _know(self, runs: core.MessageRuns) -> KnownRuns:
        pack = self._packing.pack
        return KnownRuns(runs, pack([runs.lengths]), pack([runs.contents]))

    def _pack_runs(
        self,
        attribution: Attribution,
        attributed: Iterable[tuple[int, int, KnownRuns | None]],
    ) -> PackedRuns:
        """Packs the runs of messages, each given as index, number of tokens and runs."""
        pack = self._packing.pack
        indices: list[int] = []
        if attribution is Attribution.MESSAGES:
            counts = []
            for index, count, _ in attributed:
                indices.append(index)
                counts.append(count)
            return PackedRuns(pack([counts]), pack([indices]))
        lengths, parts, contents = [], [], []
        for index, _, known in attributed:
            if known is not None:
                lengths.append(known.lengths)
                indices += [index] * len(known.runs.parts)
                parts.append(known.runs.parts)
                contents.append(known.contents)
        return PackedRuns(b"".join(lengths), pack([indices]), b"".join(parts), b"".join(contents))

    def _render_messages(self, conversation: RecalledConversation) -> list[RenderedMessage]:
        messages = conversation.messages
        rendered: list[RenderedMessage] = []
        tokens = 0
        for index, cached in enumerate(conversation.cached):
            message = cached or self._render_new(messages, index)
            tokens += message.token_count_with_tools
            # Text has at most as many tokens as bytes, but system content can imply far more.
            if tokens > self._limits.request_bytes:
                raise limit_exceeded("max_request_bytes", self._limits.request_bytes)
            rendered.append(message)
        return rendered

    def _render_new(self, messages: Messages, index: int) -> RenderedMessage:
        stop_if_abandoned()
        message = messages.read(index)
        rendered = RenderedMessage(
            message.author.role,
            message.channel,
            has_function_tools(message),
            has_recipient=message.recipient is not None,
        )
        try:
            rendered.packed = rendered.packed_with_tools = self._pack(
                message, None, with_function_tools=False
            )
            # Only system content mentions the tools of the conversation.
            if any(isinstance(content, core.SystemContent) for content in message.content):
                rendered.packed_with_tools = self._pack(message, None, with_function_tools=True)
        except core.RenderError as error:
            rendered.failure = invalid_field(f"{messages.field(index)}.{error.field}", str(error))
            return rendered
        rendered.token_count = self._packing.count(rendered.packed)
        rendered.token_count_with_tools = self._packing.count(rendered.packed_with_tools)
        self._remember(messages, index, rendered)
        return rendered

    def _remember(self, messages: Messages, index: int, rendered: RenderedMessage) -> None:
        if self._cache is not None:
            key = messages.keys[index]
            self._cache.put(key, rendered, sys.getsizeof(key) + rendered.size)

    def _pack(
        self, message: core.Message, runs: core.MessageRuns | None, *, with_function_tools: bool
    ) -> bytes:
        options = core.RenderOptions(conversation_has_function_tools=with_function_tools)
        parts = self._encoding.render_in_parts(
            message, options, runs=runs, watch=_Watch(self._limits).watch
        )
        return self._packing.pack(_counted(unless_abandoned(parts)))


def _turn_start_runs(count: int) -> core.MessageRuns:
    runs = core.MessageRuns()
    runs.add_header([(core.TokenPart.START, 1), (core.TokenPart.AUTHOR, count)])
    return runs


def _find_loss(
    rendered: Sequence[RenderedMessage],
    attributed: Iterable[tuple[int, int, KnownRuns | None]],
    policy: LossPolicy,
    *,
    ends_with_return: bool,
) -> list[int]:
    runs = core.TokenRuns.join((index, known.runs) for index, _, known in attributed if known)
    kinds = [message.kind for message in rendered]
    try:
        trained = list(find_trained_runs(kinds, runs, policy, ends_with_return=ends_with_return))
    except ValueError as error:
        raise invalid_field("loss.chosen", str(error)) from None
    return alternating_runs(trained, sum(runs.lengths))


class _Watch:
    """Ends work on a text that becomes too long, or whose caller has gone.

    Args:
        limits: Gives the limit, `max_request_bytes`.
    """

    def __init__(self, limits: Limits) -> None:
        self._maximum = limits.request_bytes
        self._characters = 0

    def watch(self, characters: int) -> None:
        """Counts characters of types and descriptions before they are written.

        Raises:
            RequestError: LIMIT_EXCEEDED, they are too many.
            AbandonedError: The caller has gone.
            TooLargeInlineError: They are too many for the event loop.
        """
        stop_if_abandoned()
        self._characters += characters
        if self._characters > self._maximum:
            raise limit_exceeded("max_request_bytes", self._maximum)
        count_inline(characters)


def _counted(parts: Iterable[Sequence[int]]) -> Iterable[Sequence[int]]:
    for part in parts:
        count_inline(len(part))
        yield part
