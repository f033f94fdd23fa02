"""One message to tokens, part by part."""

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from . import json_text
from . import tokenizer as tk
from .attribution import MessageRuns, TokenPart
from .chat import Content, DeveloperContent, Message, Role, SystemContent, TextContent
from .errors import RenderError
from .header import CONSTRAIN_SPELLING
from .sections import developer_text, system_text
from .typescript import Watch


class RenderedMessage(NamedTuple):
    """A message as the render cache remembers it.

    Attributes:
        tokens: The token ids.
        runs: What they are, or None if nobody has asked yet.
    """

    tokens: list[int]
    runs: MessageRuns | None

    @property
    def size(self) -> int:
        """The memory that it takes, in bytes."""
        # A list of its own integers, which lie together in memory, is the fastest to join.
        size = sys.getsizeof(self.tokens) + len(self.tokens) * sys.getsizeof(tk.START)
        return size + self.runs.size if self.runs is not None else size


class MessageRenderer:
    """Renders messages; each piece of text is encoded on its own, as in the reference."""

    def __init__(self, tokenizer: tk.Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.role_tokens = {role.value: tokenizer.encode_ordinary(role.value) for role in Role}

    def render_in_parts(
        self,
        message: Message,
        with_tools: bool,
        runs: MessageRuns | None = None,
        watch: Watch | None = None,
    ) -> Iterator[Sequence[int]]:
        """Yields the tokens of a message in parts, and adds what they are to `runs`.

        Raises:
            RenderError: A tool message without a name, or content that the role does not allow.
            ValueError: Tool parameters that are not valid JSON.
        """
        yield self._render_header(message, runs)
        for index, content in enumerate(message.content):
            try:
                text = _content_text(content, message.author.role, with_tools, watch)
            except RenderError as error:
                raise error.inside(f"content[{index}]") from None
            for tokens in self._tokenizer.encode_ordinary_in_parts(json_text.join_surrogates(text)):
                if runs is not None:
                    runs.add(TokenPart.CONTENT, len(tokens), index)
                yield tokens
        calls_tool = message.author.role is Role.ASSISTANT and message.recipient is not None
        if runs is not None:
            runs.add(TokenPart.STOP, 1)
        yield [tk.CALL if calls_tool else tk.END]

    def find_runs(self, message: Message, token_count: int, with_tools: bool) -> MessageRuns:
        """Returns the runs of a message that was rendered before, given its number of tokens.

        Encodes the header, and the contents only if there are several.
        """
        runs = MessageRuns()
        if len(message.content) == 1:
            header = self._render_header(message, runs)
            runs.add(TokenPart.CONTENT, token_count - len(header) - 1)
            runs.add(TokenPart.STOP, 1)
        else:
            for _ in self.render_in_parts(message, with_tools, runs):
                pass
        return runs

    def _render_header(self, message: Message, runs: MessageRuns | None) -> list[int]:
        encode = self._encode_piece
        author = message.author
        tokens = [tk.START]
        ends = None if runs is None else [(TokenPart.START, 1)]
        name = author.name
        if author.role is Role.TOOL:
            if name is None:
                raise RenderError("Tools should have a name!", field="author.name")
            tokens += encode(name)
            name = None
        else:
            tokens += self.role_tokens[author.role.value]
        if ends is not None:
            ends.append((TokenPart.AUTHOR, len(tokens)))
        if name is not None:
            tokens += encode(":" + name)
            if ends is not None:
                ends.append((TokenPart.NAME, len(tokens)))
        if message.recipient is not None and message.recipient != "all":
            tokens += encode(" to=" + message.recipient)
            if ends is not None:
                ends.append((TokenPart.RECIPIENT, len(tokens)))
        if message.channel is not None:
            tokens.append(tk.CHANNEL)
            tokens += encode(message.channel)
            if ends is not None:
                ends.append((TokenPart.CHANNEL, len(tokens)))
        if message.content_type is not None:
            tokens += self._encode_content_type(message.content_type)
            if ends is not None:
                ends.append((TokenPart.CONTENT_TYPE, len(tokens)))
        tokens.append(tk.MESSAGE)
        if runs is not None and ends is not None:
            ends.append((TokenPart.MESSAGE, len(tokens)))
            runs.add_header(ends)
        return tokens

    def _encode_content_type(self, content_type: str) -> list[int]:
        if not content_type.startswith(CONSTRAIN_SPELLING):
            return self._encode_piece(f" {content_type}")
        rest = content_type.removeprefix(CONSTRAIN_SPELLING)
        return [*self._encode_piece(" "), tk.CONSTRAIN, *self._encode_piece(rest)]

    def _encode_piece(self, text: str) -> list[int]:
        return self._tokenizer.encode_ordinary(json_text.join_surrogates(text))


def _content_text(content: Content, role: Role, with_tools: bool, watch: Watch | None) -> str:
    match content:
        case TextContent():
            return content.text
        case SystemContent():
            _require_role("SystemContent", Role.SYSTEM, role)
            return system_text(content, with_tools, watch)
        case DeveloperContent():
            _require_role("DeveloperContent", Role.DEVELOPER, role)
            return developer_text(content, watch)
    raise NotImplementedError(f"{type(content).__name__} cannot be rendered")


def _require_role(content: str, expected: Role, role: Role) -> None:
    if role is not expected:
        raise RenderError(
            f"{content} may only appear in {expected.value} messages, "
            f"found in {role.value.capitalize()}",
            field="",
        )
