"""The encoding: conversations to tokens, tokens to messages, and text to tokens and back."""

import functools
import json
import sys
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal, Self

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer, model_validator

from . import json_text
from . import tokenizer as tk
from .bounds import RENDER_CACHE_BYTES
from .chat import Content, Conversation, DeveloperContent, Message, Role, SystemContent, TextContent
from .conversation_rules import AnalysisRule, has_function_tools, plan_conversation
from .errors import ParseError, RenderError
from .events import Event, MessageCompleted
from .header import CONSTRAIN_SPELLING
from .parse_options import ParseOptions
from .parser import MessageParser
from .recovery import RecoveringParser
from .render_cache import RenderCache
from .sections import developer_text, system_text
from .structure import STOP_TOKENS

N_CTX = 1_048_576
_MAX_ACTION_LENGTH = 524_288
_CacheKey = tuple[Hashable, ...]


class RenderConversationConfig(BaseModel):
    """How to render a conversation.

    Attributes:
        auto_drop_analysis: If the last assistant message is on channel `final`, leave out the
            messages on channel `analysis` before the first message on channel `final`.
        analysis: A rule to use instead; excludes `auto_drop_analysis`.
    """

    auto_drop_analysis: bool = True
    analysis: AnalysisRule | None = None

    @property
    def rule(self) -> AnalysisRule | None:
        """The rule that both fields stand for; None is the reference's."""
        if self.analysis is None and not self.auto_drop_analysis:
            return AnalysisRule.KEEP
        return self.analysis

    @model_validator(mode="after")
    def _refuse_both(self) -> Self:
        if self.analysis is not None and "auto_drop_analysis" in self.model_fields_set:
            raise ValueError("analysis excludes auto_drop_analysis")
        return self

    # Without a rule, it looks like the reference's.
    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        yield from (pair for pair in super().__repr_args__() if pair != ("analysis", None))

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = dump(self)
        if self.analysis is None:
            fields.pop("analysis", None)
        return fields


class RenderOptions(BaseModel):
    """The facts about a conversation that change how a single message is rendered.

    Attributes:
        conversation_has_function_tools: Whether a message of the conversation brings tools in the
            namespace `functions`; a system message then mentions them.
    """

    conversation_has_function_tools: bool = False


class HarmonyEncoding:
    """The harmony encoding of the gpt-oss models; `load_harmony_encoding` returns one.

    Attributes:
        name: The name of the encoding.
        tokenizer_name: The name of its tokenizer.
        max_message_tokens: The largest number of tokens in one message.
        n_ctx: The size of the context, in tokens.
        special_tokens_set: The spellings of all special tokens.
        render_cache: Remembers the messages that the conversation functions have rendered. Assign a
            cache of another size, or None to remember nothing.
    """

    tokenizer_name = tk.NAME
    n_ctx = N_CTX
    max_message_tokens = N_CTX - _MAX_ACTION_LENGTH

    def __init__(self, name: str) -> None:
        self.name = name
        self.special_tokens_set = set(tk.SPECIAL_TOKENS)
        self.render_cache: RenderCache[list[int]] | None = RenderCache(RENDER_CACHE_BYTES)
        self._tokenizer = tk.Tokenizer()
        self._role_tokens = {
            role.value: self._tokenizer.encode_ordinary(role.value) for role in Role
        }

    def __reduce__(self) -> tuple[Callable[[str], "HarmonyEncoding"], tuple[str]]:
        """Pickles to the name: unpickling loads the encoding, or returns the one loaded before."""
        return load_once, (self.name,)

    def __repr__(self) -> str:
        return f"<HarmonyEncoding {self.name!r}>"

    # Rendering

    def render(self, message: Message, render_options: RenderOptions | None = None) -> list[int]:
        """Renders one message.

        Raises:
            RenderError: A tool message without a name, or content that the role does not allow.
            ValueError: Text with a lone surrogate, or tool parameters that are not valid JSON.
        """
        options = render_options or RenderOptions()
        try:
            return self._render(message, options.conversation_has_function_tools)
        except RenderError:
            _require_json([message], "message")
            raise
        except ValueError as error:
            raise ValueError(f"invalid message JSON: {error}") from None

    def render_in_parts(
        self, message: Message, render_options: RenderOptions | None = None
    ) -> Iterator[list[int]]:
        """Yields in parts the tokens that `render` returns, to save memory.

        Raises:
            RenderError, ValueError: As `render`, but some parts may have been yielded by then.
        """
        options = render_options or RenderOptions()
        return self._render_in_parts(message, options.conversation_has_function_tools)

    def render_conversation(
        self, conversation: Conversation, config: RenderConversationConfig | None = None
    ) -> list[int]:
        """Renders a conversation.

        Raises:
            RenderError, ValueError: As `render`.
        """
        return self._render_conversation(conversation, config)

    def render_conversation_for_completion(
        self,
        conversation: Conversation,
        next_turn_role: Role,
        config: RenderConversationConfig | None = None,
    ) -> list[int]:
        """Renders a conversation, followed by `<|start|>` and the role whose turn is next.

        Raises:
            RenderError, ValueError: As `render`.
        """
        tokens = self.render_conversation(conversation, config)
        tokens.append(tk.START)
        tokens += self._role_tokens[next_turn_role.value]
        return tokens

    def render_conversation_for_training(
        self, conversation: Conversation, config: RenderConversationConfig | None = None
    ) -> list[int]:
        """Renders a conversation; if it ends with a final answer, the last token is `<|return|>`.

        Raises:
            RenderError, ValueError: As `render`.
        """
        return self._render_conversation(conversation, config, for_training=True)

    # Rendering many conversations

    def render_conversations(
        self,
        conversations: Iterable[Conversation],
        config: RenderConversationConfig | None = None,
    ) -> list[list[int]]:
        """Renders many conversations; returns the tokens of each, in order.

        Raises:
            RenderError: As `render`; `field` begins with `conversations[index].`.
            ValueError: As `render`; the message begins with `conversations[index]: `.
        """
        return _render_each(
            conversations, lambda conversation: self.render_conversation(conversation, config)
        )

    def render_conversations_for_completion(
        self,
        conversations: Iterable[Conversation],
        next_turn_role: Role,
        config: RenderConversationConfig | None = None,
    ) -> list[list[int]]:
        """Renders many conversations, each followed by `<|start|>` and the role of the next turn.

        Raises:
            RenderError, ValueError: As `render_conversations`.
        """
        return _render_each(
            conversations,
            lambda conversation: self.render_conversation_for_completion(
                conversation, next_turn_role, config
            ),
        )

    def render_conversations_for_training(
        self,
        conversations: Iterable[Conversation],
        config: RenderConversationConfig | None = None,
    ) -> list[list[int]]:
        """Renders many conversations; a final answer at the end of one ends with `<|return|>`.

        Raises:
            RenderError, ValueError: As `render_conversations`.
        """
        return _render_each(
            conversations,
            lambda conversation: self.render_conversation_for_training(conversation, config),
        )

    def _render_conversation(
        self,
        conversation: Conversation,
        config: RenderConversationConfig | None,
        *,
        for_training: bool = False,
    ) -> list[int]:
        messages = conversation.messages
        plan = plan_conversation(
            [message.author.role for message in messages],
            [message.channel for message in messages],
            map(has_function_tools, messages),
            analysis=config.rule if config else None,
            for_training=for_training,
        )
        if len(plan.kept) < len(messages):
            dropped = set(range(len(messages))).difference(plan.kept)
            _require_json((messages[index] for index in sorted(dropped)), "conversation")
        with_tools = plan.with_function_tools
        remembered, keys = self._recall([messages[index] for index in plan.kept], with_tools)
        tokens: list[int] = []
        for index, key, rendered in zip(plan.kept, keys, remembered, strict=True):
            if rendered is None:
                try:
                    rendered = self._render(messages[index], with_tools)
                except RenderError as error:
                    _require_json(messages, "conversation")
                    raise error.inside(f"messages[{index}]") from None
                except ValueError as error:
                    raise ValueError(f"invalid conversation JSON: {error}") from None
                self._remember(key, rendered)
            tokens += rendered
        if plan.ends_with_return:
            tokens[-1] = tk.RETURN
        return tokens

    def _recall(
        self, messages: Sequence[Message], with_tools: bool
    ) -> tuple[list[list[int] | None], list[_CacheKey | None]]:
        """Returns the remembered tokens of each message, or None, and the cache key of each."""
        if self.render_cache is None:
            return [None] * len(messages), [None] * len(messages)
        keys = [_cache_key(message, with_tools) for message in messages]
        return self.render_cache.get_all(keys), keys

    def _remember(self, key: _CacheKey | None, rendered: list[int]) -> None:
        if self.render_cache is not None and key is not None:
            # A list of its own integers, which lie together in memory, is the fastest to join.
            size = sum(map(sys.getsizeof, key)) + sys.getsizeof(rendered)
            size += len(rendered) * sys.getsizeof(tk.START)
            self.render_cache.put(key, rendered, size)

    def _render(self, message: Message, with_tools: bool) -> list[int]:
        tokens: list[int] = []
        for part in self._render_in_parts(message, with_tools):
            tokens += part
        return tokens

    def _render_in_parts(self, message: Message, with_tools: bool) -> Iterator[list[int]]:
        """Renders a message; each piece of text is encoded on its own, as in the reference."""
        yield self._render_header(message)
        for index, content in enumerate(message.content):
            try:
                text = _content_text(content, message.author.role, with_tools)
            except RenderError as error:
                raise error.inside(f"content[{index}]") from None
            yield from self._tokenizer.encode_ordinary_in_parts(json_text.join_surrogates(text))
        calls_tool = message.author.role is Role.ASSISTANT and message.recipient is not None
        yield [tk.CALL if calls_tool else tk.END]

    def _render_header(self, message: Message) -> list[int]:
        encode = self._encode_piece
        author = message.author
        tokens = [tk.START]
        if author.role is Role.TOOL:
            if author.name is None:
                raise RenderError("Tools should have a name!", field="author.name")
            tokens += encode(author.name)
        else:
            tokens += self._role_tokens[author.role.value]
            if author.name is not None:
                tokens += encode(":" + author.name)
        if message.recipient is not None and message.recipient != "all":
            tokens += encode(" to=" + message.recipient)
        if message.channel is not None:
            tokens.append(tk.CHANNEL)
            tokens += encode(message.channel)
        if message.content_type is not None:
            tokens += self._encode_content_type(message.content_type)
        tokens.append(tk.MESSAGE)
        return tokens

    def _encode_content_type(self, content_type: str) -> list[int]:
        if not content_type.startswith(CONSTRAIN_SPELLING):
            return self._encode_piece(f" {content_type}")
        rest = content_type.removeprefix(CONSTRAIN_SPELLING)
        return [*self._encode_piece(" "), tk.CONSTRAIN, *self._encode_piece(rest)]

    def _encode_piece(self, text: str) -> list[int]:
        return self._tokenizer.encode_ordinary(json_text.join_surrogates(text))

    # Parsing

    def parse_messages_from_completion_tokens(
        self,
        tokens: Iterable[int],
        role: Role | None = None,
        *,
        strict: bool | None = True,
        options: ParseOptions | None = None,
        prefill: Iterable[int] = (),
    ) -> list[Message]:
        """Parses a whole completion.

        Args:
            tokens: Token ids as the model sampled them.
            role: The role at the end of the prompt, if the tokens begin inside its header. None if
                they begin with `<|start|>`.
            strict: See ParseOptions; None means True.
            options: If given, used instead of `strict`.
            prefill: The last tokens of the prompt, behind those that `role` stands for, if the
                tokens continue them. The messages have nothing of their text.

        Raises:
            ParseError: Malformed output.
            PrefillError: A malformed prefill.
            OverflowError: A token id is negative or does not fit into 32 bits.
        """
        options = options or ParseOptions(strict=strict)
        events = self.parse_events(tokens, role, options, prefill)
        return [event.to_message() for event in events if isinstance(event, MessageCompleted)]

    def parse_completions(
        self,
        completions: Iterable[Iterable[int]],
        role: Role | None = None,
        *,
        options: ParseOptions | None = None,
        prefill: Iterable[int] = (),
    ) -> list[list[Message]]:
        """Parses many whole completions; returns the messages of each, in order.

        Args:
            completions: The token ids of each completion.
            role: The role at the end of every prompt, as in
                `parse_messages_from_completion_tokens`.
            options: How to treat malformed output; by default it is an error.
            prefill: The last tokens of every prompt, as in `parse_messages_from_completion_tokens`.

        Raises:
            ParseError: Malformed output; `completion` is the index, and the message begins with
                `completions[index]: `.
            PrefillError: A malformed prefill.
            OverflowError: A token id is negative or does not fit into 32 bits; the message begins
                with `completions[index]: `.
        """
        parsed: list[list[Message]] = []
        prefill = list(prefill)
        for index, tokens in enumerate(completions):
            try:
                messages = self.parse_messages_from_completion_tokens(
                    tokens, role, options=options, prefill=prefill
                )
            except ParseError as error:
                raise error.of_completion(index) from None
            except OverflowError as error:
                raise OverflowError(f"completions[{index}]: {error}") from None
            parsed.append(messages)
        return parsed

    def parse_events(
        self,
        tokens: Iterable[int],
        role: Role | None,
        options: ParseOptions,
        prefill: Iterable[int] = (),
    ) -> list[Event]:
        """Parses a whole completion into events.

        Arguments and errors are those of `parse_messages_from_completion_tokens`.
        """
        parts = self.parse_in_parts(list(tokens), role, options, prefill)
        return [event for events in parts for event in events]

    def parse_in_parts(
        self,
        tokens: Sequence[int],
        role: Role | None,
        options: ParseOptions,
        prefill: Iterable[int] = (),
    ) -> Iterator[list[Event]]:
        """Yields in parts the events that `parse_events` returns, to save memory."""
        parser = self.new_parser(role, options, prefill)
        events: list[Event] = []
        for part in parser.feed_in_parts(tokens):
            yield events
            events = part
        parser.finish(events)
        yield events

    def new_parser(
        self, role: Role | None, options: ParseOptions, prefill: Iterable[int] = ()
    ) -> MessageParser:
        """Returns a parser for one sequence, which has read the prefill.

        Raises:
            PrefillError, OverflowError: As `MessageParser.read_prefill`.
        """
        parser_type = RecoveringParser if options.recover else MessageParser
        # The reference has a Role of its own.
        preset_role = role if role is None or type(role) is Role else Role(role.value)
        parser = parser_type(self._tokenizer, preset_role, options)
        tokens = list(prefill)
        if tokens:
            parser.read_prefill(tokens)
        return parser

    # Text and tokens

    def encode(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = frozenset(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """Encodes text; see `Tokenizer.encode`."""
        return self._tokenizer.encode(
            text, allowed_special=allowed_special, disallowed_special=disallowed_special
        )

    def encode_in_parts(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = frozenset(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> Iterator[list[int]]:
        """Yields in parts the tokens that `encode` returns; see `Tokenizer.encode_in_parts`."""
        return self._tokenizer.encode_in_parts(
            text, allowed_special=allowed_special, disallowed_special=disallowed_special
        )

    def encode_ordinary(self, text: str) -> list[int]:
        """Encodes text without special tokens; see `Tokenizer.encode_ordinary`."""
        return self._tokenizer.encode_ordinary(text)

    def decode(self, tokens: Iterable[int], errors: str = "replace") -> str:
        """Decodes tokens into text; `errors` handles invalid UTF-8 as in `bytes.decode`.

        Raises:
            HarmonyError: A token id is not in the vocabulary.
            OverflowError: A token id is negative or does not fit into 32 bits.
            UnicodeDecodeError: Invalid UTF-8, if `errors` is "strict".
        """
        return self.decode_bytes(tokens).decode("utf-8", errors=errors)

    def decode_utf8(self, tokens: Iterable[int]) -> str:
        """Decodes tokens into text.

        Raises:
            HarmonyError: A token id is not in the vocabulary, or the bytes are not UTF-8.
            OverflowError: A token id is negative or does not fit into 32 bits.
        """
        return self._tokenizer.decode_utf8(list(tokens))

    def decode_bytes(self, tokens: Iterable[int]) -> bytes:
        """Decodes tokens into bytes; errors as in `decode`."""
        return self._tokenizer.decode_bytes(list(tokens))

    def is_special_token(self, token: int) -> bool:
        """Returns whether a token id is that of a special token."""
        return tk.is_special_token(token)

    def stop_tokens(self) -> list[int]:
        """Returns the tokens that end a message."""
        return sorted(STOP_TOKENS)

    def stop_tokens_for_assistant_actions(self) -> list[int]:
        """Returns the tokens that end the assistant's turn."""
        return [tk.RETURN, tk.CALL]


@functools.cache
def load_once(name: str) -> HarmonyEncoding:
    """Returns the process's encoding of this name."""
    return HarmonyEncoding(name)


def _render_each(
    conversations: Iterable[Conversation], render: Callable[[Conversation], list[int]]
) -> list[list[int]]:
    rendered: list[list[int]] = []
    for index, conversation in enumerate(conversations):
        try:
            rendered.append(render(conversation))
        except RenderError as error:
            raise error.inside(f"conversations[{index}]") from None
        except ValueError as error:
            raise ValueError(f"conversations[{index}]: {error}") from None
    return rendered


def _require_json(messages: Iterable[Message], kind: str) -> None:
    """Raises ValueError unless all messages can be written as JSON.

    The reference turns all messages into JSON before it renders any, so it reports these errors
    before all others.
    """
    for message in messages:
        try:
            json_text.from_python(message.to_dict())
        except ValueError as error:
            raise ValueError(f"invalid {kind} JSON: {error}") from None


def _cache_key(message: Message, with_tools: bool) -> _CacheKey | None:
    """Returns everything that the tokens of a message depend on, or None to not remember them."""
    author = message.author
    contents = message.content
    if len(contents) == 1 and type(contents[0]) is TextContent:
        content: Hashable = contents[0].text
    else:
        try:
            # In a tuple, so that it never equals a text.
            content = (json.dumps([content.to_dict() for content in contents]),)
        except RecursionError:
            # Nested too deep; rendering reports it.
            return None
    return (
        content,
        with_tools,
        author.role,
        author.name,
        message.recipient,
        message.channel,
        message.content_type,
    )


def _content_text(content: Content, role: Role, with_tools: bool) -> str:
    match content:
        case TextContent():
            return content.text
        case SystemContent():
            _require_role("SystemContent", Role.SYSTEM, role)
            return system_text(content, with_tools)
        case DeveloperContent():
            _require_role("DeveloperContent", Role.DEVELOPER, role)
            return developer_text(content)
    raise NotImplementedError(f"{type(content).__name__} cannot be rendered")


def _require_role(content: str, expected: Role, role: Role) -> None:
    if role is not expected:
        raise RenderError(
            f"{content} may only appear in {expected.value} messages, "
            f"found in {role.value.capitalize()}",
            field="",
        )
