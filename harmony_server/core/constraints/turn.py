"""What an assistant's turn may be: the header forms of harmony, and the order of messages.

The turn begins behind the prompt's `<|start|>assistant` and ends before its stop token.
"""

from collections.abc import Sequence
from typing import NamedTuple

from .. import builtin_tools
from ..tokenizer import CALL, CHANNEL, CONSTRAIN, END, MESSAGE, RETURN, START
from .options import (
    ConstraintLevel,
    HeaderForms,
    ReasoningMode,
    SamplingConstraintOptions,
    ToolChoiceMode,
)
from .shapes import JsonShape
from .tree import Choice, Json, Name, Node, Repeat, Special, Text, choice, literal, sequence
from .tree import Sequence as SequenceNode

_ANALYSIS = "analysis"
_COMMENTARY = "commentary"
_FINAL = "final"

# Content types as a header spells them: text, and `<|constrain|>` before the rest.
_ContentType = tuple[str, str]
_CONSTRAIN_JSON: _ContentType = (" ", "json")
_FUNCTION_TYPES: tuple[_ContentType | str, ...] = (
    _CONSTRAIN_JSON,
    ("", "json"),
    " json",
    " code",
    "",
)
_CODE_TYPES: tuple[_ContentType | str, ...] = (" code", (" ", "code"), "")


class Callee(NamedTuple):
    """A recipient that may be called.

    Attributes:
        recipient: The recipient.
        is_builtin: Whether it belongs to a namespace that the models are trained on.
        arguments: The shape of the arguments, or None for text.
    """

    recipient: str
    is_builtin: bool
    arguments: JsonShape | None


class _CallForms(NamedTuple):
    channels: tuple[str, ...]
    content_types: tuple[_ContentType | str, ...]


def is_builtin_namespace(name: str) -> bool:
    """Returns whether the models are trained on a namespace of this name."""
    return name in (builtin_tools.BROWSER["name"], builtin_tools.PYTHON["name"])


def build_turn(
    callees: Sequence[Callee], answer: JsonShape | None, options: SamplingConstraintOptions
) -> Node:
    """Returns the tree of a turn.

    Args:
        callees: The recipients that may be called; at least one if a call is required.
        answer: The shape of the answer, or None for text.
        options: What the turn may be.
    """
    builder = _TurnBuilder(options)
    lasts: list[Node] = []
    if options.tool_choice is not ToolChoiceMode.REQUIRED:
        lasts.append(builder.build_answer(answer))
    if options.tool_choice is not ToolChoiceMode.NONE:
        lasts += builder.build_calls(callees)
    last = choice(*lasts)
    befores = builder.build_befores()
    if not befores or not options.max_messages_before_last:
        return last
    before = sequence(choice(*befores), Special(END), Special(START), literal("assistant"))
    return sequence(Repeat(before, 0, options.max_messages_before_last), last)


class _TurnBuilder:
    def __init__(self, options: SamplingConstraintOptions) -> None:
        self._options = options
        self._text = Text()
        # Nodes print once: equal parts of calls must be the same node.
        self._channel_choices: dict[tuple[str, ...], Node] = {}
        self._tails: dict[tuple[_CallForms, int], Node] = {}
        self._types: dict[_CallForms, Node] = {}

    def build_befores(self) -> list[Node]:
        """Returns the messages that may come before the last."""
        befores = []
        if self._options.reasoning is ReasoningMode.ALLOWED:
            befores.append(self._build_message(_ANALYSIS, self._text))
        if not self._options.no_preambles:
            befores.append(self._build_message(_COMMENTARY, self._text))
        return befores

    def build_answer(self, shape: JsonShape | None) -> Node:
        """Returns the message on channel `final`."""
        message = self._build_message(_FINAL, self._text if shape is None else Json(shape))
        return self._ended(message, RETURN)

    def build_calls(self, callees: Sequence[Callee]) -> list[Node]:
        """Returns the calls, with the recipient behind the channel and before it."""
        is_free = (
            self._options.level is ConstraintLevel.STRUCTURE
            and not self._options.allowed_recipients
        )
        by_channels: dict[tuple[str, ...], tuple[list[Node], list[Node]]] = {}
        if is_free:
            forms = _CallForms(self._channels(is_builtin=False), (*_FUNCTION_TYPES, (" ", "code")))
            if self._options.header_forms is HeaderForms.CANONICAL:
                forms = _CallForms((_COMMENTARY, _ANALYSIS), (_CONSTRAIN_JSON, " code"))
            recipient = sequence(literal(" to="), Name(1))
            self._add_call(by_channels, recipient, forms, self._text)
        else:
            for callee in callees:
                arguments = callee.arguments
                is_text = arguments is None or self._options.level is ConstraintLevel.STRUCTURE
                body = self._text if is_text or arguments is None else Json(arguments)
                self._add_call(
                    by_channels, literal(f" to={callee.recipient}"), self._forms(callee), body
                )
        calls = []
        for channels, (behind, before) in by_channels.items():
            channel = sequence(Special(CHANNEL), self._build_channels(channels))
            calls += [sequence(channel, choice(*behind)), choice(*before)]
        return [self._ended(call, CALL) for call in calls]

    def _add_call(
        self,
        by_channels: dict[tuple[str, ...], tuple[list[Node], list[Node]]],
        recipient: Node,
        forms: _CallForms,
        body: Node,
    ) -> None:
        tail = self._build_tail(forms, body)
        channels = self._build_channels(forms.channels)
        behind, before = by_channels.setdefault(forms.channels, ([], []))
        behind.append(sequence(recipient, tail))
        before.append(sequence(recipient, Special(CHANNEL), channels, tail))

    def _build_tail(self, forms: _CallForms, body: Node) -> Node:
        """Returns what follows recipient and channel: the content type and the body."""
        key = (forms, id(body.shape) if isinstance(body, Json) else 0)
        tail = self._tails.get(key)
        if tail is None:
            if forms not in self._types:
                self._types[forms] = choice(*map(_content_type, forms.content_types))
            # A choice of one: a sequence would be unfolded, and not be the same node any more.
            tail = Choice((sequence(self._types[forms], Special(MESSAGE), body),))
            self._tails[key] = tail
        return tail

    def _build_message(self, channel: str, body: Node) -> Node:
        return sequence(Special(CHANNEL), literal(channel), Special(MESSAGE), body)

    def _build_channels(self, channels: tuple[str, ...]) -> Node:
        if channels not in self._channel_choices:
            self._channel_choices[channels] = choice(*map(literal, channels))
        return self._channel_choices[channels]

    def _ended(self, message: Node, stop_token: int) -> Node:
        if self._options.stop_tokens_in_grammar:
            return sequence(message, Special(stop_token))
        return message

    def _forms(self, callee: Callee) -> _CallForms:
        takes_text = callee.arguments is None
        types: tuple[_ContentType | str, ...]
        if self._options.header_forms is HeaderForms.CANONICAL:
            types = (" code",) if callee.is_builtin or takes_text else (_CONSTRAIN_JSON,)
        elif takes_text:
            types = _CODE_TYPES
        elif callee.is_builtin:
            types = (*_CODE_TYPES, _CONSTRAIN_JSON)
        else:
            types = _FUNCTION_TYPES
        return _CallForms(self._channels(is_builtin=callee.is_builtin), types)

    def _channels(self, *, is_builtin: bool) -> tuple[str, ...]:
        if self._options.reasoning is ReasoningMode.FORBIDDEN:
            return (_COMMENTARY,)
        if self._options.header_forms is HeaderForms.CANONICAL:
            return (_ANALYSIS,) if is_builtin else (_COMMENTARY,)
        return (_COMMENTARY, _ANALYSIS)


def _content_type(written: _ContentType | str) -> Node:
    if isinstance(written, str):
        return literal(written)
    before, name = written
    parts = (Special(CONSTRAIN), literal(name))
    return SequenceNode((literal(before), *parts) if before else parts)
