"""The unary RPCs."""

import hashlib
from collections.abc import Collection, Iterable
from typing import Literal, TypeVar

from google.protobuf.message import Message

from harmony_client.v1 import service_pb2 as pb

from ..contract import constraints, from_proto, to_proto, wire
from ..contract.requests import read_request
from ..core import vocabulary
from ..core.constraints import SamplingConstraint
from ..core.events import Event, MessageCompleted, Recovered
from ..core.tokenizer import SPECIAL_TOKENS
from ..operations.errors import invalid_field
from ..operations.offloading import PreparedWork
from ..operations.operations import Operations
from ..operations.rendering import RenderedConversation, TokenPacking
from ..version import __version__
from .conversations import read_conversation, read_messages

_Request = TypeVar("_Request", bound=Message)

_RUNS_FIELD = 2
_LOSS_RUNS_FIELD = 3
_CONTINUATION_RUNS_FIELD = 4

# The cache keeps rendered tokens in the form of responses.
TOKEN_PACKING = TokenPacking(wire.pack_parts, wire.count_tokens)


class HarmonyService:
    """Implements the unary RPCs of harmony.v1.HarmonyService.

    Each method takes a serialized request and returns the serialized response, or work that returns
    it. The method and the work raise RequestError, and AbandonedError if the caller has gone.

    Attributes:
        operations: Does the work; it must have been created with TOKEN_PACKING.
    """

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    def get_encoding(self, data: bytes) -> bytes:
        """Describes the encoding."""
        read_request(pb.GetEncodingRequest, data)
        encoding = self.operations.encoding
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
            end_of_text_token=SPECIAL_TOKENS["<|endoftext|>"],
        ).SerializeToString()

    def get_render_cache_statistics(self, data: bytes) -> bytes:
        """Returns the size of the render cache and its lookups."""
        read_request(pb.GetRenderCacheStatisticsRequest, data)
        statistics = self.operations.renderer.cache_statistics
        return pb.GetRenderCacheStatisticsResponse(
            hits=statistics.hits,
            misses=statistics.misses,
            entries=statistics.entries,
            bytes=statistics.bytes,
            max_bytes=statistics.max_bytes,
        ).SerializeToString()

    def render(self, data: bytes) -> bytes:
        """Renders one message."""
        request = read_request(pb.RenderRequest, data)
        if not request.HasField("message"):
            raise invalid_field("message", "is required")
        rendered = self.operations.renderer.render_message(
            from_proto.convert_message(request.message, "message"),
            "message",
            with_function_tools=request.options.conversation_has_function_tools,
            attribution=from_proto.convert_attribution(request.attribution, "attribution"),
        )
        return _write_rendered(rendered)

    def render_conversation(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to render a conversation."""
        return self._prepare_render(pb.RenderConversationRequest, data)

    def render_conversation_for_completion(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to render a conversation that ends with the start of the next turn."""
        return self._prepare_render(pb.RenderConversationForCompletionRequest, data)

    def render_conversation_for_training(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to render a conversation whose final answer ends with `<|return|>`."""
        return self._prepare_render(pb.RenderConversationForTrainingRequest, data)

    def _prepare_render(
        self,
        request_type: type[
            pb.RenderConversationRequest
            | pb.RenderConversationForCompletionRequest
            | pb.RenderConversationForTrainingRequest
        ],
        data: bytes,
    ) -> PreparedWork[bytes]:
        request, messages = read_conversation(request_type, data)
        next_turn_role = None
        if isinstance(request, pb.RenderConversationForCompletionRequest):
            next_turn_role = from_proto.convert_role(request.next_turn_role, "next_turn_role")
        config = from_proto.convert_render_config(request.config, "config")
        attribution = from_proto.convert_attribution(request.attribution, "attribution")
        loss = None
        for_training = isinstance(request, pb.RenderConversationForTrainingRequest)
        if isinstance(request, pb.RenderConversationForTrainingRequest) and request.HasField(
            "loss"
        ):
            loss = from_proto.convert_loss_policy(request.loss, "loss")
        renderer = self.operations.renderer
        conversation = renderer.recall(messages)

        def render() -> bytes:
            rendered = renderer.render_conversation(
                conversation,
                config,
                for_training=for_training,
                next_turn_role=next_turn_role,
                attribution=attribution,
                loss=loss,
            )
            return _write_rendered(rendered)

        return PreparedWork(conversation.new_bytes, render)

    def render_continuation(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to render what follows sampled tokens."""
        request, messages = read_messages(pb.RenderContinuationRequest, data)
        role = from_proto.convert_role(request.role, "role") if request.HasField("role") else None
        if request.drop_analysis and role is not None:
            raise invalid_field("drop_analysis", "excludes role")
        if request.drop_analysis and request.keep_return:
            raise invalid_field("drop_analysis", "excludes keep_return")
        next_turn_role = from_proto.convert_role(request.next_turn_role, "next_turn_role")
        attribution = from_proto.convert_attribution(request.attribution, "attribution")
        conversation = self.operations.renderer.recall(messages)

        def render() -> bytes:
            continuation = self.operations.continue_sampled(
                request.sampled,
                conversation,
                next_turn_role,
                role=role,
                with_function_tools=request.options.conversation_has_function_tools,
                attribution=attribution,
                drop_analysis=request.drop_analysis,
                keep_return=request.keep_return,
            )
            rest = pb.RenderContinuationResponse(
                kept=continuation.kept,
                closed=continuation.closed,
                cut_begins=[cut.begin for cut in continuation.cuts],
                cut_ends=[cut.end for cut in continuation.cuts],
            )
            runs = continuation.rendered.runs
            return b"".join(
                (
                    wire.write_tokens_response(continuation.rendered.packed),
                    rest.SerializeToString(),
                    b"" if runs is None else wire.write_columns(_CONTINUATION_RUNS_FIELD, runs),
                )
            )

        # Otherwise only the end of the sampled tokens is looked at.
        parsed_tokens = len(request.sampled) if request.drop_analysis else 0
        return PreparedWork(conversation.new_bytes + parsed_tokens, render)

    def build_sampling_constraint(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to build a sampling constraint."""
        request = read_request(pb.BuildSamplingConstraintRequest, data)
        if not request.HasField("conversation"):
            raise invalid_field("conversation", "is required")
        constraint_format = constraints.convert_format(request.format, "format")
        tools = constraints.tools_of(request.conversation)
        options = request.options.SerializeToString(deterministic=True)
        digest = hashlib.sha256(f"{constraint_format.value} {len(options)} ".encode() + options)
        for message_index, index, content in tools:
            digest.update(f" {message_index} {index} {len(content)} ".encode() + content)
        key = digest.digest()
        builder = self.operations.constraints
        known = builder.recall(key)
        if known is not None:
            return PreparedWork(0, lambda: known)

        def build() -> bytes:
            return builder.build(
                key,
                constraints.read_tools(request.conversation, "conversation"),
                constraint_format,
                constraints.convert_options(request.options, "options"),
                _pack_constraint,
            )

        size = sum(len(content) for _, _, content in tools) + len(options)
        return PreparedWork(size, build)

    def parse_messages(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to parse a completion."""
        request = read_request(pb.ParseMessagesRequest, data)
        role = from_proto.convert_role(request.role, "role") if request.HasField("role") else None
        max_header_tokens = self.operations.limits.header_tokens
        options = from_proto.convert_parse_options(request.options, "options", max_header_tokens)
        size = self.operations.check_parsed(request.tokens, "tokens")

        def parse() -> bytes:
            # Serialized responses, joined, are one response; as one message it would take ten times
            # the memory.
            parts = self.operations.parse(request.tokens, role, options, request.prefill)
            return b"".join(_to_response(events).SerializeToString() for events in parts)

        return PreparedWork(size + len(request.prefill), parse)

    def encode(self, data: bytes) -> bytes:
        """Encodes text."""
        request = read_request(pb.EncodeRequest, data)
        allowed = from_proto.convert_special_tokens(request.allowed_special, "allowed_special")
        # In the core, "all" means all that are not allowed.
        disallowed: Literal["all"] | Collection[str] = "all"
        if request.HasField("disallowed_special"):
            disallowed = from_proto.convert_special_tokens(
                request.disallowed_special, "disallowed_special"
            )
            disallowed = SPECIAL_TOKENS if disallowed == "all" else disallowed
        tokens = self.operations.encode(request.text, allowed, disallowed)
        return wire.write_tokens_response(wire.pack_parts(tokens))

    def decode(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to decode tokens."""
        request = read_request(pb.DecodeRequest, data)
        size = self.operations.check_parsed(request.tokens, "tokens")

        def decode() -> bytes:
            if request.as_bytes:
                response = pb.DecodeResponse(data=self.operations.decode_bytes(request.tokens))
            else:
                text = self.operations.decode(request.tokens, strict=request.strict)
                response = pb.DecodeResponse(text=text)
            return response.SerializeToString()

        return PreparedWork(size, decode)


def _pack_constraint(constraint: SamplingConstraint) -> bytes:
    return constraints.write_response(constraint).SerializeToString()


def _write_rendered(rendered: RenderedConversation) -> bytes:
    """Returns the response of a render RPC."""
    response = wire.write_tokens_response(rendered.packed)
    if rendered.runs is not None:
        response += wire.write_columns(_RUNS_FIELD, rendered.runs)
    if rendered.loss_runs is not None:
        response += wire.write_packed(_LOSS_RUNS_FIELD, wire.pack_tokens(rendered.loss_runs))
    return response


def _to_response(events: Iterable[Event]) -> pb.ParseMessagesResponse:
    response = pb.ParseMessagesResponse()
    for event in events:
        if isinstance(event, MessageCompleted):
            to_proto.fill_message(response.messages.add(), event)
            to_proto.fill_outcome(response.outcomes.add(), event)
        elif isinstance(event, Recovered):
            to_proto.fill_recovered(response.recovered.add(), event)
    return response
