"""Builds a sampling constraint from a conversation."""

import dataclasses
import hashlib
import json
import struct
from collections.abc import Callable, Sequence
from typing import Protocol

from .. import json_text
from ..bounds import (
    DEFAULT_MAX_CONSTRAINT_BYTES,
    MAX_JSON_WHITESPACE,
    MAX_MESSAGES_BEFORE_LAST,
    MAX_SCHEMA_NODES,
)
from ..chat import Conversation
from ..errors import ConstraintError
from ..tokenizer import CALL, RETURN, VOCABULARY_SIZE
from .automaton import build_automaton
from .bnf import print_ebnf, print_gbnf
from .lark import LARK_DIALECT, is_too_deep, print_lark
from .options import (
    Budget,
    ConstraintFormat,
    ConstraintLevel,
    NoticeReason,
    SamplingConstraint,
    SamplingConstraintOptions,
    TokenAutomaton,
    ToolChoiceMode,
)
from .prefill import after_prefill
from .recipients import Declaration, declared_recipients
from .schema import RULES_DIALECT, UnfitSchemaError, read_schema
from .shapes import ANY_JSON, ANY_OBJECT, ANY_VALUE, EMPTY_OBJECT, JsonShape
from .tree import Node
from .turn import Callee, build_turn

STOP_TOKENS = (RETURN, CALL)


class TextEncoding(Protocol):
    """What a constraint needs of an encoding."""

    def encode_ordinary(self, text: str) -> list[int]:
        """Encodes text without special tokens."""

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Returns the bytes of tokens."""


_DEFAULT_OPTIONS = SamplingConstraintOptions()


def build_sampling_constraint(
    conversation: Conversation,
    constraint_format: ConstraintFormat,
    options: SamplingConstraintOptions = _DEFAULT_OPTIONS,
    *,
    encoding: TextEncoding,
    max_bytes: int = DEFAULT_MAX_CONSTRAINT_BYTES,
    max_nodes: int = MAX_SCHEMA_NODES,
    checkpoint: Callable[[], None] = lambda: None,
) -> SamplingConstraint:
    """Builds what keeps a sampler from writing malformed harmony in the assistant's next turn.

    The same tools, format and options give the same bytes in every process.

    Args:
        conversation: The conversation; only its tools count.
        constraint_format: The format of the engine.
        options: What the turn may be.
        encoding: Encodes the names for a token automaton, and decodes the prefill.
        max_bytes: The most bytes of the constraint.
        max_nodes: The most parts of JSON Schemas.
        checkpoint: Called again and again; what it raises ends the build.

    Raises:
        ConstraintError: An option does not fit the conversation or the format, or a name does not
            fit into a header.
        ConstraintLimitError: A limit is exceeded.
    """
    _check(options, constraint_format)
    budget = Budget(max_bytes, max_nodes, checkpoint)
    is_automaton = constraint_format is ConstraintFormat.TOKEN_AUTOMATON
    level = options.level or (ConstraintLevel.TOOLS if is_automaton else ConstraintLevel.SCHEMAS)
    options = dataclasses.replace(options, level=level)
    declarations = declared_recipients(conversation, budget)
    _check_tool_choice(options, declarations)
    shapes = _Shapes(options, constraint_format, budget)
    answer = shapes.of_answer()
    turn = build_turn(
        [shapes.callee(declaration) for declaration in _chosen(options, declarations)],
        answer,
        options,
    )
    if is_automaton and (answer or any(one.tool for one in declarations.values())):
        budget.notify(NoticeReason.BODIES_NOT_ENFORCED)
    turn = after_prefill(turn, options.prefill, encoding.decode_bytes)
    if is_automaton:
        automaton = build_automaton(turn, encoding.encode_ordinary, budget)
        return SamplingConstraint(
            None, automaton, _automaton_sha256(automaton), STOP_TOKENS, tuple(budget.notices)
        )
    grammar = _print(turn, constraint_format, options, budget)
    sha256 = hashlib.sha256(grammar.encode()).hexdigest()
    return SamplingConstraint(grammar, None, sha256, STOP_TOKENS, tuple(budget.notices))


def _check(options: SamplingConstraintOptions, constraint_format: ConstraintFormat) -> None:
    if constraint_format is ConstraintFormat.TOKEN_AUTOMATON and options.level not in (
        None,
        ConstraintLevel.TOOLS,
    ):
        raise ConstraintError("must be tools for a token automaton", field="options.level")
    if constraint_format is ConstraintFormat.LLAMA_GBNF and options.stop_tokens_in_grammar:
        raise ConstraintError(
            "must be false for GBNF: llama.cpp allows its stop tokens by itself",
            field="options.stop_tokens_in_grammar",
        )
    for name, least, most in (
        ("max_messages_before_last", 0, MAX_MESSAGES_BEFORE_LAST),
        ("max_json_whitespace", 0, MAX_JSON_WHITESPACE),
        ("vocabulary_size", CALL + 1, VOCABULARY_SIZE),
    ):
        if not least <= getattr(options, name) <= most:
            raise ConstraintError(f"must be from {least} to {most}", field=f"options.{name}")


def _check_tool_choice(
    options: SamplingConstraintOptions, declarations: dict[str, Declaration]
) -> None:
    for index, recipient in enumerate(options.allowed_recipients):
        if recipient not in declarations:
            raise ConstraintError(
                "must be a recipient that the conversation declares",
                field=f"options.tool_choice.allowed_recipients[{index}]",
            )
    if options.tool_choice is ToolChoiceMode.REQUIRED and not declarations:
        raise ConstraintError(
            "requires a call, but the conversation declares no tool",
            field="options.tool_choice.mode",
        )


def _chosen(
    options: SamplingConstraintOptions, declarations: dict[str, Declaration]
) -> list[Declaration]:
    if options.tool_choice is ToolChoiceMode.NONE:
        return []
    allowed = set(options.allowed_recipients)
    return [
        declaration
        for declaration in declarations.values()
        if not allowed or declaration.recipient in allowed
    ]


class _Shapes:
    """Reads the schemas of a request."""

    def __init__(
        self,
        options: SamplingConstraintOptions,
        constraint_format: ConstraintFormat,
        budget: Budget,
    ) -> None:
        self._options = options
        self._is_lark = constraint_format is ConstraintFormat.LLGUIDANCE_LARK
        self._dialect = LARK_DIALECT if self._is_lark else RULES_DIALECT
        self._budget = budget
        self._with_schemas = options.level is ConstraintLevel.SCHEMAS

    def callee(self, declaration: Declaration) -> Callee:
        """Returns a recipient with the shape of its arguments."""
        tool = declaration.tool
        arguments: JsonShape | None
        if tool is None:
            arguments = None
        elif not self._with_schemas:
            arguments = ANY_OBJECT
        elif tool.parameters is None:
            arguments = EMPTY_OBJECT
        else:
            arguments = self._read(
                tool.parameters, f"{declaration.path}.parameters_json", ANY_OBJECT
            )
        return Callee(declaration.recipient, declaration.is_builtin, arguments)

    def of_answer(self) -> JsonShape | None:
        """Returns the shape of the answer, or None for text."""
        field = "options.response_schema_json"
        text = self._options.response_schema_json
        if text is None or self._options.level is ConstraintLevel.STRUCTURE:
            return None
        try:
            schema = json_text.load_unambiguous(text)
        except json_text.JsonError as error:
            raise ConstraintError(str(error), field=field) from None
        if not isinstance(schema, dict | bool):
            raise ConstraintError("must be a JSON Schema, an object", field=field)
        return self._read(schema, field, ANY_JSON) if self._with_schemas else ANY_JSON

    def _read(self, schema: object, field: str, otherwise: JsonShape) -> JsonShape:
        try:
            shape = read_schema(
                schema, self._dialect, self._budget, field, open_objects=self._options.open_objects
            )
            if self._is_lark and is_too_deep(shape):
                raise UnfitSchemaError("is nested too deeply for llguidance")
        except UnfitSchemaError as error:
            if self._options.strict_schemas:
                raise ConstraintError(f"cannot be enforced: {error}", field=field) from None
            self._budget.notify(NoticeReason.SCHEMA_NOT_ENFORCED, field)
            return otherwise
        # Arguments are an object, even if the schema does not say so.
        return otherwise if shape.shape is ANY_VALUE else shape


def _print(
    turn: Node,
    constraint_format: ConstraintFormat,
    options: SamplingConstraintOptions,
    budget: Budget,
) -> str:
    max_whitespace = options.max_json_whitespace
    if constraint_format is ConstraintFormat.LLGUIDANCE_LARK:
        return print_lark(turn, budget, max_whitespace=max_whitespace)
    if constraint_format is ConstraintFormat.LLAMA_GBNF:
        return print_gbnf(turn, budget, max_whitespace=max_whitespace)
    grammar = print_ebnf(
        turn,
        budget,
        max_whitespace=max_whitespace,
        vocabulary_size=options.vocabulary_size,
    )
    if constraint_format is ConstraintFormat.XGRAMMAR_EBNF:
        return grammar
    return json.dumps({"type": "structural_tag", "format": {"type": "grammar", "grammar": grammar}})


def _automaton_sha256(automaton: TokenAutomaton) -> str:
    """Hashes the columns: the length of each, and its numbers, as 32 bits in little-endian."""
    digest = hashlib.sha256()
    for column in (
        automaton.edge_offsets,
        automaton.edge_tokens,
        automaton.edge_targets,
        automaton.text_states,
        automaton.accepting_states,
    ):
        digest.update(struct.pack(f"<{len(column) + 1}I", len(column), *column))
    return digest.hexdigest()
