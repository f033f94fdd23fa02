"""The reference package, which provides the expected tokens, texts and messages."""

import importlib
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from devtools.vocabulary_file import in_tiktoken_format
from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import service_pb2 as pb
from harmony_server.core import vocabulary

from .to_reference import ROLE_NAMES, conversation_json, message_json

VOCABULARY_SIZE = 201_089
MESSAGE = 200_008
_SPELLING = re.compile(r"disallowed special token '([^']+)'")


class Reference:
    """The reference's encoding, called with the contract's messages.

    Attributes:
        package: The package `openai_harmony`.
        error: The exception that it raises.
        vocabulary: The vocabulary in tiktoken's file format, whose hash the reference checks.
        name: The name of the encoding.
        stop_tokens: The tokens that end a message.
    """

    def __init__(self) -> None:
        self.package: Any = importlib.import_module("openai_harmony")
        self.error: type[Exception] = self.package.HarmonyError
        self.vocabulary = in_tiktoken_format()
        self._encoding = _load(self.package, self.vocabulary)
        self.name: str = self._encoding.name
        self.stop_tokens = frozenset(self._encoding.stop_tokens())
        self.assistant_stop_tokens = sorted(self._encoding.stop_tokens_for_assistant_actions())

    def special_tokens(self) -> dict[str, int]:
        """Returns the id of every special token by its spelling."""
        return {
            spelling: self.tokens(spelling)[0] for spelling in self._encoding.special_tokens_set
        }

    # Rendering

    def render(self, message: chat.Message, *, with_function_tools: bool) -> list[int]:
        """Returns the tokens of one message."""
        built = self.package.Message.from_dict(message_json(message))
        options = self.package.RenderOptions(conversation_has_function_tools=with_function_tools)
        tokens: list[int] = self._encoding.render(built, options)
        return tokens

    def render_conversation(
        self, conversation: chat.Conversation, *, auto_drop_analysis: bool, training: bool = False
    ) -> list[int]:
        """Returns the tokens of a conversation, as a training example if `training`."""
        config = self._config(auto_drop_analysis)
        method = (
            self._encoding.render_conversation_for_training
            if training
            else self._encoding.render_conversation
        )
        tokens: list[int] = method(self._conversation(conversation), config)
        return tokens

    def render_for_completion(
        self, conversation: chat.Conversation, role: chat.Role, *, auto_drop_analysis: bool
    ) -> list[int]:
        """Returns the tokens of a prompt."""
        tokens: list[int] = self._encoding.render_conversation_for_completion(
            self._conversation(conversation), self.role(role), self._config(auto_drop_analysis)
        )
        return tokens

    # Parsing

    def parse(self, tokens: Iterable[int], role: "chat.Role | None", *, strict: bool) -> list[Any]:
        """Returns the messages of a completion."""
        messages: list[Any] = self._encoding.parse_messages_from_completion_tokens(
            list(tokens), self.role(role), strict=strict
        )
        return messages

    def new_parser(self, role: "chat.Role | None", *, strict: bool) -> Any:
        """Returns a parser that takes one token at a time."""
        return self.package.StreamableParser(self._encoding, self.role(role), strict=strict)

    def role(self, role: "chat.Role | None") -> Any:
        """Returns the reference's role."""
        return None if role is None else self.package.Role(ROLE_NAMES[role])

    # Text

    def tokens(self, text: str) -> list[int]:
        """Returns the tokens of a text in which special tokens are spelled out."""
        tokens: list[int] = self._encoding.encode(text, allowed_special="all")
        return tokens

    def encode(
        self, text: str, allowed: pb.SpecialTokenSet, disallowed: pb.SpecialTokenSet | None
    ) -> list[int]:
        """Returns the tokens of a text; raises `error` if it spells a disallowed token."""
        tokens: list[int] = self._encoding.encode(
            text,
            allowed_special="all" if allowed.all else set(allowed.tokens),
            disallowed_special=(
                "all" if disallowed is None or disallowed.all else set(disallowed.tokens)
            ),
        )
        return tokens

    def disallowed_spelling(self, error: Exception) -> str:
        """Returns the special token that `encode` refused."""
        match = _SPELLING.search(str(error))
        assert match is not None, error
        return match.group(1)

    def decode_bytes(self, tokens: Iterable[int]) -> bytes:
        """Returns the bytes of tokens; raises `error` for an unknown id."""
        # surrogateescape round-trips bytes that are not UTF-8.
        text: str = self._encoding.decode(list(tokens), errors="surrogateescape")
        return text.encode(errors="surrogateescape")

    def decode(self, tokens: Iterable[int], *, strict: bool) -> str:
        """Returns the text of tokens; raises UnicodeDecodeError for invalid UTF-8 if `strict`."""
        text: str = self._encoding.decode(list(tokens), errors="strict" if strict else "replace")
        return text

    def _config(self, auto_drop_analysis: bool) -> Any:
        return self.package.RenderConversationConfig(auto_drop_analysis=auto_drop_analysis)

    def _conversation(self, conversation: chat.Conversation) -> Any:
        messages = conversation_json(conversation)["messages"]
        return self.package.Conversation.from_messages(
            [self.package.Message.from_dict(message) for message in messages]
        )


def _load(package: Any, vocabulary_file: bytes) -> Any:
    """Returns the encoding, loaded from our own copy of the vocabulary without a download."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / vocabulary.FILE_NAME).write_bytes(vocabulary_file)
        before = os.environ.get(vocabulary.DIRECTORY_VARIABLE)
        os.environ[vocabulary.DIRECTORY_VARIABLE] = folder
        try:
            return package.load_harmony_encoding("HarmonyGptOss")
        finally:
            del os.environ[vocabulary.DIRECTORY_VARIABLE]
            if before is not None:
                os.environ[vocabulary.DIRECTORY_VARIABLE] = before
