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
from .attribution import MessageRuns, Rendered, TokenPart, TokenRuns
from .bounds import RENDER_CACHE_BYTES
from .chat import Conversation, Message, Role, TextContent
from .continuation import Continuation, plan_continuation
from .conversation_rules import AnalysisRule, has_function_tools, plan_conversation
from .errors import ParseError, RenderError
from .events import Event, MessageCompleted
from .message_rendering import MessageRenderer, RenderedMessage
from .parse_options import ParseOptions
from .parser import MessageParser
from .recovery import RecoveringParser
from .render_cache import RenderCache
from .structure import STOP_TOKENS
from .typescript import Watch

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
        self.render_cache: RenderCache[RenderedMessage] | None = RenderCache(RENDER_CACHE_BYTES)
        self._tokenizer = tk.Tokenizer()
        self._renderer = MessageRenderer(self._tokenizer)

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
        self,
        message: Message,
        render_options: RenderOptions | None = None,
        *,
        runs: MessageRuns | None = None,
        watch: Watch | None = None,
    ) -> Iterator[Sequence[int]]:
        """Yields in parts the tokens that `render` returns, to save memory.

        Args:
            message: The message.
            render_options: The facts about its conversation.
            runs: Empty runs, to be filled with what the tokens are.
            watch: Called with the length, in characters, of the types and descriptions of tools
                before they are written; what it raises ends the work.

        Raises:
            RenderError, ValueError: As `render`, but some parts may have been yielded by then.
        """
        options = render_options or RenderOptions()
        return self._renderer.render_in_parts(
            message, options.conversation_has_function_tools, runs, watch
        )

    def render_attributed(
        self, message: Message, render_options: RenderOptions | None = None
    ) -> Rendered:
        """Renders one message, and says which part of it each token is of.

        Raises:
            RenderError, ValueError: As `render`.
        """
        tokens = self.render(message, render_options)
        runs = self.find_runs(message, len(tokens), render_options)
        return Rendered(tokens, TokenRuns.join([(0, runs)]))

    def find_runs(
        self, message: Message, token_count: int, render_options: RenderOptions | None = None
    ) -> MessageRuns:
        """Returns the runs of a message that was rendered before, without rendering it again.

        Args:
            message: The message.
            token_count: The number of its tokens.
            render_options: The options that it was rendered with.
        """
        options = render_options or RenderOptions()
        return self._renderer.find_runs(
            message, token_count, options.conversation_has_function_tools
        )

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
        tokens += self._renderer.role_tokens[next_turn_role.value]
        return tokens

    def render_conversation_for_training(
        self, conversation: Conversation, config: RenderConversationConfig | None = None
    ) -> list[int]:
        """Renders a conversation; if it ends with a final answer, the last token is `<|return|>`.

        Raises:
            RenderError, ValueError: As `render`.
        """
        return self._render_conversation(conversation, config, for_training=True)

    def render_conversation_attributed(
        self,
        conversation: Conversation,
        config: RenderConversationConfig | None = None,
        *,
        next_turn_role: Role | None = None,
        for_training: bool = False,
        options: RenderOptions | None = None,
    ) -> Rendered:
        """Renders a conversation, and says whose each token is and what part of the message.

        Args:
            conversation: The conversation. Its indices count, also where messages are left out.
            config: Which messages to leave out.
            next_turn_role: The role whose header to begin at the end, as for completion; these
                tokens count as the message that comes next. None for no such end.
            for_training: Whether to end a final answer with `<|return|>`.
            options: The facts about the conversation, if it is a part of another one.

        Raises:
            RenderError, ValueError: As `render`.
        """
        runs: list[tuple[int, MessageRuns]] = []
        tokens = self._render_conversation(
            conversation, config, for_training=for_training, runs=runs, options=options
        )
        if next_turn_role is not None:
            turn_start = self._renderer.role_tokens[next_turn_role.value]
            tokens += [tk.START, *turn_start]
            turn_runs = MessageRuns()
            turn_runs.add_header([(TokenPart.START, 1), (TokenPart.AUTHOR, 1 + len(turn_start))])
            runs.append((len(conversation.messages), turn_runs))
        return Rendered(tokens, TokenRuns.join(runs))

    def continue_sampled(
        self,
        sampled: Sequence[int],
        messages: Sequence[Message],
        next_turn_role: Role,
        *,
        role: Role | None = None,
        options: RenderOptions | None = None,
        drop_analysis: bool = False,
        keep_return: bool = False,
    ) -> Continuation:
        """Renders what follows sampled tokens, none of which is encoded again.

        The next prompt is `prompt + sampled[:kept] + tokens`. A sampled `<|return|>` becomes the
        `<|end|>` of a history; a message that was cut off inside its content gets an `<|end|>`.

        Args:
            sampled: The token ids as the model sampled them; more of the prompt may stand before
                them.
            messages: The messages that came since; none of their analysis is left out.
            next_turn_role: The role whose header to begin at the end.
            role: The role at the end of the prompt, if the tokens begin inside its header.
            options: The facts about the conversation that change how messages are rendered.
            drop_analysis: Leave out the analysis messages that AnalysisRule.CURRENT_TURN leaves
                out of the next prompt. `sampled` must then begin with the first `<|start|>` of the
                prompt. Excludes `role` and `keep_return`.
            keep_return: Keep a `<|return|>` at the end instead of `<|end|>`.

        Raises:
            RenderError: The sampled tokens end inside a header or outside any message, or cannot be
                parsed to drop analysis; or as `render`.
            ValueError: Arguments that exclude each other; or as `render`.
        """
        if drop_analysis and (role is not None or keep_return):
            raise ValueError("drop_analysis excludes role and keep_return")
        options = options or RenderOptions()
        end, cuts = plan_continuation(
            sampled,
            messages,
            role,
            keep_return=keep_return,
            parse=self._parse_strictly if drop_analysis else None,
        )
        rendered = self.render_conversation_attributed(
            Conversation(messages=list(messages)),
            RenderConversationConfig(analysis=AnalysisRule.KEEP),
            next_turn_role=next_turn_role,
            options=options,
        )
        tokens = [tk.END, *rendered.tokens] if end.is_open else rendered.tokens
        return Continuation(end.kept, tokens, end.is_open, rendered.runs, cuts)

    def _parse_strictly(self, tokens: Sequence[int]) -> list[Event]:
        return self.parse_events(tokens, None, ParseOptions())

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
        runs: list[tuple[int, MessageRuns]] | None = None,
        options: RenderOptions | None = None,
    ) -> list[int]:
        """Renders a conversation, and adds the index and the runs of each message to `runs`."""
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
        with_tools = plan.with_function_tools or (
            options is not None and options.conversation_has_function_tools
        )
        remembered, keys = self._recall([messages[index] for index in plan.kept], with_tools)
        tokens: list[int] = []
        for index, key, rendered in zip(plan.kept, keys, remembered, strict=True):
            if rendered is None:
                message_runs = None if runs is None else MessageRuns()
                try:
                    message_tokens = self._render(messages[index], with_tools, message_runs)
                except RenderError as error:
                    _require_json(messages, "conversation")
                    raise error.inside(f"messages[{index}]") from None
                except ValueError as error:
                    raise ValueError(f"invalid conversation JSON: {error}") from None
                self._remember(key, message_tokens, message_runs)
            else:
                message_tokens, message_runs = rendered
                if runs is not None and message_runs is None:
                    message_runs = self._renderer.find_runs(
                        messages[index], len(message_tokens), with_tools
                    )
                    self._remember(key, message_tokens, message_runs)
            tokens += message_tokens
            if runs is not None and message_runs is not None:
                runs.append((index, message_runs))
        if plan.ends_with_return:
            tokens[-1] = tk.RETURN
        return tokens

    def _recall(
        self, messages: Sequence[Message], with_tools: bool
    ) -> tuple[list[RenderedMessage | None], list[_CacheKey | None]]:
        """Returns each message as it was rendered, or None, and the cache key of each."""
        if self.render_cache is None:
            return [None] * len(messages), [None] * len(messages)
        keys = [_cache_key(message, with_tools) for message in messages]
        return self.render_cache.get_all(keys), keys

    def _remember(self, key: _CacheKey | None, tokens: list[int], runs: MessageRuns | None) -> None:
        if self.render_cache is not None and key is not None:
            rendered = RenderedMessage(tokens, runs)
            self.render_cache.put(key, rendered, sum(map(sys.getsizeof, key)) + rendered.size)

    def _render(
        self, message: Message, with_tools: bool, runs: MessageRuns | None = None
    ) -> list[int]:
        tokens: list[int] = []
        for part in self._renderer.render_in_parts(message, with_tools, runs):
            tokens += part
        return tokens

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
        *,
        watch: Watch | None = None,
    ) -> Iterator[list[Event]]:
        """Yields in parts the events that `parse_events` returns, to save memory.

        `watch` is called with the characters of the open message after each part; it may raise.
        """
        parser = self.new_parser(role, options, prefill)
        events: list[Event] = []
        for part in parser.feed_in_parts(tokens):
            if watch is not None:
                watch(parser.content.tell())
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

    def prepare_parsing(self) -> None:
        """Makes the tables that parsers look tokens up in, which the first ones would make."""
        for parser_type in (MessageParser, RecoveringParser):
            for width in (1, 2, tk.MAX_WIDTH):
                self._tokenizer.content_texts(parser_type.breaks, width)

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
