"""Conversations from the bytes of a request, whose messages are read only to be rendered."""

from typing import NamedTuple, TypeVar

from google.protobuf.message import Message as ProtoMessage

from harmony_client.v1 import chat_pb2

from .. import core
from ..contract import from_proto, wire
from ..contract.requests import read_request
from ..operations.errors import invalid_field

_Request = TypeVar("_Request", bound=ProtoMessage)

_CONVERSATION_FIELD = 1
_MESSAGES_FIELD = 1


class MessageBytes(NamedTuple):
    """The messages of a request, serialized: see `operations.rendering.Messages`.

    Attributes:
        keys: The bytes of each message.
    """

    keys: list[bytes]

    def size(self, index: int) -> int:
        """Returns the size of a message."""
        return len(self.keys[index])

    def field(self, index: int) -> str:
        """Returns the path of a message in the request."""
        return f"conversation.messages[{index}]"

    def read(self, index: int) -> core.Message:
        """Returns a message; raises RequestError if it is invalid."""
        proto = read_request(chat_pb2.Message, self.keys[index])
        return from_proto.convert_message(proto, self.field(index))


def read_conversation(request_type: type[_Request], data: bytes) -> tuple[_Request, MessageBytes]:
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
        # Protobuf skips groups as unknown fields; `wire` does not read them.
        request.DiscardUnknownFields()
        return read_conversation(request_type, request.SerializeToString())
    if not conversations:
        raise invalid_field("conversation", "is required")
    return read_request(request_type, rest), MessageBytes(messages)
