"""The unary RPCs, as functions of a request; transport is `handlers`' business."""

from collections.abc import Callable

import grpc

from harmony_client.v1 import service_pb2 as pb

from . import core, from_proto, to_proto
from .core import vocabulary
from .core.errors import SpecialTokenError
from .core.events import MessageCompleted, Recovered
from .core.tokenizer import SPECIAL_TOKENS, is_token
from .request_error import RequestError, invalid_field
from .version import __version__


class HarmonyService:
    """Serves the unary RPCs of harmony.v1.HarmonyService from one encoding."""

    def __init__(self, encoding: core.HarmonyEncoding) -> None:
        self.encoding = encoding

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

    def render(self, request: pb.RenderRequest) -> pb.RenderResponse:
        """Renders one message."""
        if not request.HasField("message"):
            raise invalid_field("message", "is required")
        message = from_proto.message(request.message, "message")
        options = core.RenderOptions(
            conversation_has_function_tools=request.options.conversation_has_function_tools
        )
        tokens = _rendered(lambda: self.encoding.render(message, options), "message")
        return pb.RenderResponse(tokens=tokens)

    def render_conversation(
        self, request: pb.RenderConversationRequest
    ) -> pb.RenderConversationResponse:
        """Renders a conversation."""
        conversation, config = _conversation_and_config(request)
        tokens = _rendered(
            lambda: self.encoding.render_conversation(conversation, config), "conversation"
        )
        return pb.RenderConversationResponse(tokens=tokens)

    def render_conversation_for_completion(
        self, request: pb.RenderConversationForCompletionRequest
    ) -> pb.RenderConversationForCompletionResponse:
        """Renders a prompt."""
        conversation, config = _conversation_and_config(request)
        role = from_proto.role(request.next_turn_role, "next_turn_role")
        tokens = _rendered(
            lambda: self.encoding.render_conversation_for_completion(conversation, role, config),
            "conversation",
        )
        return pb.RenderConversationForCompletionResponse(tokens=tokens)

    def render_conversation_for_training(
        self, request: pb.RenderConversationForTrainingRequest
    ) -> pb.RenderConversationForTrainingResponse:
        """Renders a training example."""
        conversation, config = _conversation_and_config(request)
        tokens = _rendered(
            lambda: self.encoding.render_conversation_for_training(conversation, config),
            "conversation",
        )
        return pb.RenderConversationForTrainingResponse(tokens=tokens)

    def parse_messages(self, request: pb.ParseMessagesRequest) -> pb.ParseMessagesResponse:
        """Parses a completion."""
        role = from_proto.role(request.role, "role") if request.HasField("role") else None
        options = from_proto.parse_options(request.options, "options")
        try:
            events = self.encoding.parse_events(request.tokens, role, options)
        except core.ParseError as error:
            raise parse_failed(error) from None
        completed = [event for event in events if isinstance(event, MessageCompleted)]
        return pb.ParseMessagesResponse(
            messages=map(to_proto.message, completed),
            outcomes=map(to_proto.outcome, completed),
            recovered=[to_proto.recovered(it) for it in events if isinstance(it, Recovered)],
        )

    def encode(self, request: pb.EncodeRequest) -> pb.EncodeResponse:
        """Encodes text."""
        allowed = from_proto.special_tokens(request.allowed_special, "allowed_special")
        disallowed = frozenset(SPECIAL_TOKENS) - allowed
        if request.HasField("disallowed_special"):
            disallowed = from_proto.special_tokens(request.disallowed_special, "disallowed_special")
        try:
            tokens = self.encoding.encode(
                request.text, allowed_special=allowed, disallowed_special=disallowed
            )
        except SpecialTokenError as error:
            raise RequestError(
                grpc.StatusCode.INVALID_ARGUMENT,
                "DISALLOWED_SPECIAL_TOKEN",
                f"holds the disallowed special token {error.spelling}",
                field="text",
                metadata={"special_token": error.spelling},
            ) from None
        return pb.EncodeResponse(tokens=tokens)

    def decode(self, request: pb.DecodeRequest) -> pb.DecodeResponse:
        """Decodes tokens."""
        for index, token in enumerate(request.tokens):
            if not is_token(token):
                raise RequestError(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    "INVALID_TOKEN",
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
                grpc.StatusCode.INVALID_ARGUMENT,
                "INVALID_UTF8",
                f"decode to bytes that are not UTF-8 at byte {error.start}",
                field="tokens",
                metadata={"byte": str(error.start)},
            ) from None


def parse_failed(error: core.ParseError) -> RequestError:
    """Returns the error for malformed output: where it is, and what was being read."""
    at_end = error.token is None
    place = "at the end of the stream" if at_end else f"at token {error.token}"
    return RequestError(
        grpc.StatusCode.INVALID_ARGUMENT,
        "PARSE_FAILED",
        f"malformed output {place}, offset {error.offset}, state {error.state}: {error}",
        metadata={
            "token": "" if at_end else str(error.token),
            "offset": str(error.offset),
            "state": error.state,
        },
    )


def _conversation_and_config(
    request: pb.RenderConversationRequest
    | pb.RenderConversationForCompletionRequest
    | pb.RenderConversationForTrainingRequest,
) -> tuple[core.Conversation, core.RenderConversationConfig]:
    if not request.HasField("conversation"):
        raise invalid_field("conversation", "is required")
    conversation = from_proto.conversation(request.conversation, "conversation")
    return conversation, from_proto.render_config(request.config)


def _rendered(render: Callable[[], list[int]], path: str) -> list[int]:
    try:
        return render()
    except core.RenderError as error:
        raise invalid_field(f"{path}.{error.field}", str(error)) from None
