"""Splits a conversation into serialized messages, as only new messages need to be parsed."""

from typing import NamedTuple, TypeVar

from google.protobuf.message import Message as ProtoMessage

from harmony_client.v1 import chat_pb2, service_pb2

from .. import bounds, core
from ..contract import from_proto, wire
from ..contract.requests import read_request
from ..operations.errors import invalid_field
from ..operations.inline_work import count_inline

_Request = TypeVar("_Request", bound=ProtoMessage)

_CONVERSATION_FIELD = 1
_MESSAGES_FIELD = 1


class MessageBytes(NamedTuple):
    """Serialized messages; implements `operations.rendering.Messages`.

    Attributes:
        keys: The bytes of each message, which are also its cache key.
        parent: The path in the request of the messages' list.
    """

    keys: list[bytes]
    parent: str

    def size(self, index: int) -> int:
        """Returns the size of a message, in bytes."""
        return len(self.keys[index])

    def field(self, index: int) -> str:
        """Returns the path of a message in the request."""
        return f"{self.parent}[{index}]"

    def read(self, index: int) -> core.Message:
        """Returns a message.

        Raises:
            RequestError: The message is malformed or invalid.
        """
        proto = read_request(chat_pb2.Message, self.keys[index])
        return from_proto.convert_message(proto, self.field(index))


def read_conversation(request_type: type[_Request], data: bytes) -> tuple[_Request, MessageBytes]:
    """Returns a request without its conversation, and the messages of the conversation.

    The messages are not checked; `MessageBytes.read` does that.

    Args:
        request_type: The type of the request.
        data: The serialized request.

    Raises:
        RequestError: MALFORMED_REQUEST, the bytes are not a valid request; INVALID_FIELD, it has no
            conversation.
    """
    if data.count(b"\n") > bounds.MAX_INLINE_CONVERSATION_LINES:
        count_inline(bounds.MAX_INLINE_WORK + 1)
    try:
        conversations, rest = wire.split_field(data, _CONVERSATION_FIELD)
        messages: list[bytes] = []
        # Protobuf merges a field that occurs several times.
        for conversation in conversations:
            new_messages, other_fields = wire.split_field(conversation, _MESSAGES_FIELD)
            messages += new_messages
            if other_fields:
                read_request(chat_pb2.Conversation, other_fields)
    except wire.WireError:
        request = read_request(request_type, data)
        # `wire` does not read groups, which protobuf keeps as unknown fields.
        request.DiscardUnknownFields()
        return read_conversation(request_type, request.SerializeToString())
    if not conversations:
        raise invalid_field("conversation", "is required")
    return read_request(request_type, rest), MessageBytes(messages, "conversation.messages")


def read_messages(
    request_type: type[service_pb2.RenderContinuationRequest], data: bytes
) -> tuple[service_pb2.RenderContinuationRequest, MessageBytes]:
    """Returns a request without its messages, and the messages, which are not checked.

    Raises:
        RequestError: MALFORMED_REQUEST, the bytes are not a valid request.
    """
    try:
        messages, rest = wire.split_field(data, request_type.MESSAGES_FIELD_NUMBER)
    except wire.WireError:
        request = read_request(request_type, data)
        request.DiscardUnknownFields()
        return read_messages(request_type, request.SerializeToString())
    return read_request(request_type, rest), MessageBytes(messages, "messages")
