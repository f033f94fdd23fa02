"""The unary RPCs, as functions of a request; transport is `handlers`' business."""

from collections.abc import Callable, Collection, Iterable
from typing import Literal

from harmony_client.v1 import service_pb2 as pb

from .. import core
from ..contract import from_proto, to_proto, wire
from ..contract.requests import read_request
from ..core import vocabulary
from ..core.errors import SpecialTokenError
from ..core.events import Event, MessageCompleted, Recovered
from ..core.render_cache import CacheStatistics, RenderCache
from ..core.tokenizer import SPECIAL_TOKENS, is_token
from ..operations.abandonment import unless_abandoned
from ..operations.counters import Counters
from ..operations.errors import Reason, RequestError, invalid_field, parse_failed
from ..operations.limits import Limits
from ..operations.offloading import PreparedWork
from ..version import __version__
from .conversations import ConversationMessages, ConversationRenderer, RenderedMessage


class HarmonyService:
    """Serves the unary RPCs of harmony.v1.HarmonyService from one encoding.

    Args:
        encoding: The encoding.
        limits: What a request may ask for.
        render_cache_bytes: The bound of the render cache; 0 switches it off.

    Attributes:
        encoding: The encoding.
        limits: What a request may ask for.
        counters: What was done.
    """

    def __init__(
        self, encoding: core.HarmonyEncoding, limits: Limits, *, render_cache_bytes: int
    ) -> None:
        self.encoding = encoding
        self.limits = limits
        self.counters = Counters()
        self._cache: RenderCache[RenderedMessage] | None = (
            RenderCache(render_cache_bytes) if render_cache_bytes else None
        )
        self._conversations = ConversationRenderer(encoding, self._cache, self.counters, limits)

    def get_encoding(self, _request: pb.GetEncodingRequest) -> pb.GetEncodingResponse:
        """Describes the encoding."""
        encoding = self.encoding
        return pb.GetEncodingResponse(
            name=encoding.name,
            tokenizer_name=encoding.tokenizer_name,
            n_ctx=encoding.n_ctx,
            max_message_tokens=encoding.max_message_tokens,
            stop_tokens=encoding.stop_tokens(),
            stop_tokens_for_assistant_actions=encoding.stop_tokens_for_assistant_actions(),
            special_tokens=SPECIAL_TOKENS,
            vocabulary_sha256=vocabulary.SHA256,
            server_version=__version__,
        )

    def render(self, data: bytes) -> bytes:
        """Renders one message; request and response are bytes."""
        request = read_request(pb.RenderRequest, data)
        if not request.HasField("message"):
            raise invalid_field("message", "is required")
        message = from_proto.message(request.message, "message")
        options = core.RenderOptions(
            conversation_has_function_tools=request.options.conversation_has_function_tools
        )
        try:
            parts = self.encoding.render_in_parts(message, options)
            packed = wire.pack_parts(unless_abandoned(parts))
        except core.RenderError as error:
            raise invalid_field(f"message.{error.field}", str(error)) from None
        self.counters.count_rendered(wire.count_tokens(packed))
        return wire.tokens_response(packed)

    def render_conversation(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to render a conversation."""
        request, messages = self._conversations.read(pb.RenderConversationRequest, data)
        config = from_proto.render_config(request.config)
        return self._work(messages, lambda: self._conversations.render(messages, config))

    def render_conversation_for_completion(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to render a prompt."""
        request, messages = self._conversations.read(
            pb.RenderConversationForCompletionRequest, data
        )
        role = from_proto.role(request.next_turn_role, "next_turn_role")
        config = from_proto.render_config(request.config)
        end = self._conversations.prompt_end(role)
        return self._work(messages, lambda: self._conversations.render(messages, config, end=end))

    def render_conversation_for_training(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to render a training example."""
        request, messages = self._conversations.read(pb.RenderConversationForTrainingRequest, data)
        config = from_proto.render_config(request.config)
        return self._work(
            messages, lambda: self._conversations.render(messages, config, for_training=True)
        )

    def _work(
        self, messages: ConversationMessages, render: Callable[[], bytes]
    ) -> PreparedWork[bytes]:
        return PreparedWork(messages.new_bytes, lambda: wire.tokens_response(render()))

    def get_render_cache_statistics(
        self, _request: pb.GetRenderCacheStatisticsRequest
    ) -> pb.GetRenderCacheStatisticsResponse:
        """Says what the render cache holds and how often it was of use."""
        statistics = self.cache_statistics
        return pb.GetRenderCacheStatisticsResponse(
            hits=statistics.hits,
            misses=statistics.misses,
            entries=statistics.entries,
            bytes=statistics.bytes,
            max_bytes=statistics.max_bytes,
        )

    @property
    def cache_statistics(self) -> CacheStatistics:
        """What the render cache holds and how often it was of use; all zero without one."""
        return self._cache.statistics if self._cache else CacheStatistics(0, 0, 0, 0, 0)

    def parse_messages(self, data: bytes) -> bytes:
        """Parses a completion; request and response are bytes."""
        request = read_request(pb.ParseMessagesRequest, data)
        self.limits.check_tokens(len(request.tokens), "tokens")
        self.counters.count_parsed(len(request.tokens))
        role = from_proto.role(request.role, "role") if request.HasField("role") else None
        options = from_proto.parse_options(request.options, "options", self.limits.header_tokens)
        # Responses one behind the other are one response with all of their entries; as a message it
        # would take ten times the memory.
        try:
            parts = self.encoding.parse_in_parts(request.tokens, role, options)
            responses = [
                self._parsed(events).SerializeToString() for events in unless_abandoned(parts)
            ]
        except core.ParseError as error:
            raise parse_failed(error) from None
        return b"".join(responses)

    def _parsed(self, events: Iterable[Event]) -> pb.ParseMessagesResponse:
        response = pb.ParseMessagesResponse()
        for event in events:
            if isinstance(event, MessageCompleted):
                to_proto.fill_message(response.messages.add(), event)
                to_proto.fill_outcome(response.outcomes.add(), event)
            elif isinstance(event, Recovered):
                to_proto.fill_recovered(response.recovered.add(), event)
                self.counters.count_repair(event)
        return response

    def encode(self, data: bytes) -> bytes:
        """Encodes text; request and response are bytes."""
        request = read_request(pb.EncodeRequest, data)
        allowed = from_proto.special_tokens(request.allowed_special, "allowed_special")
        # For the core, "all" are all that are not allowed.
        disallowed: Literal["all"] | Collection[str] = "all"
        if request.HasField("disallowed_special"):
            disallowed = from_proto.special_tokens(request.disallowed_special, "disallowed_special")
            disallowed = SPECIAL_TOKENS if disallowed == "all" else disallowed
        try:
            tokens = self.encoding.encode(
                request.text, allowed_special=allowed, disallowed_special=disallowed
            )
        except SpecialTokenError as error:
            raise RequestError(
                Reason.DISALLOWED_SPECIAL_TOKEN,
                f"holds the disallowed special token {error.spelling}",
                field="text",
                metadata={"special_token": error.spelling},
            ) from None
        return wire.tokens_response(wire.pack_tokens(tokens))

    def decode(self, request: pb.DecodeRequest) -> pb.DecodeResponse:
        """Decodes tokens."""
        self.limits.check_tokens(len(request.tokens), "tokens")
        for index, token in enumerate(request.tokens):
            if not is_token(token):
                raise RequestError(
                    Reason.INVALID_TOKEN,
                    f"{token} is not in the vocabulary",
                    field=f"tokens[{index}]",
                    metadata={"token": str(token)},
                )
        data = self.encoding.decode_bytes(request.tokens)
        if request.as_bytes:
            return pb.DecodeResponse(data=data)
        try:
            return pb.DecodeResponse(
                text=data.decode(errors="strict" if request.strict else "replace")
            )
        except UnicodeDecodeError as error:
            raise RequestError(
                Reason.INVALID_UTF8,
                f"decode to bytes that are not UTF-8 at byte {error.start}",
                field="tokens",
                metadata={"byte": str(error.start)},
            ) from None
