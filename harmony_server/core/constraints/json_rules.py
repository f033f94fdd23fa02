"""JSON values as grammar rules, which all tools share.

Rules are interned by their text, so that equal shapes of different tools are one rule. No string
can contain a text of the form `<|word|>`: matchers take special tokens for their spelling there.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping

from .options import Budget
from .shapes import (
    ANY_VALUE,
    NEVER,
    AnyOf,
    AnyValue,
    Array,
    Constants,
    JsonShape,
    Number,
    Object,
    Reference,
    Shape,
    String,
)

# What a rule's name is followed by, in both dialects.
DEFINED_AS = " ::= "

_MARKER = re.compile(r"<(?=\|[a-z0-9_]+\|>)")
_ESCAPED_CHARACTERS = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NEEDS_NO_ESCAPE = re.compile(r"[ !#-\[\]-~]*")
_WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
# After how much of `<|word|>`: nothing, `<`, `<|`, `<|w`, `<|w|`. By state, what leads on; every
# other character leads to state 0. `>` in state 4 would complete it.
_MARKER_STEPS: tuple[Mapping[str, int], ...] = (
    {"<": 1},
    {"<": 1, "|": 2},
    {"<": 1, **dict.fromkeys(sorted(_WORD), 3)},
    {"<": 1, "|": 4, **dict.fromkeys(sorted(_WORD), 3)},
    {"<": 1},
)
_COMPLETES_MARKER = ("", "", "", "", ">")
# In an object with more properties, what follows each is a rule, so that its text grows with their
# number alone: llama.cpp refuses too many repetitions.
_MAX_INLINE_PROPERTIES = 8
# Characters of the declared names, where further properties are allowed beside them.
_MAX_TOLD_APART = 2048
_SHORT_ESCAPES = '[\\"\\\\/bfnrt]'
_CONTROL_CHARACTERS = "\\u0000-\\u001f"


class Rules:
    """The rules of one grammar, in the order in which they were completed.

    Args:
        budget: Counts the bytes.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._names: dict[str, str] = {}
        self._lines: list[str] = []
        self._reserved = 0

    def add(self, body: str) -> str:
        """Returns the name of the rule with this body."""
        name = self._names.get(body)
        if name is None:
            name = self._names[body] = f"r{len(self._lines)}"
            self.define(name, body)
        return name

    def reserve(self, prefix: str) -> str:
        """Returns a name for a rule that refers to itself, for `define`."""
        self._reserved += 1
        return f"{prefix}{self._reserved}"

    def define(self, name: str, body: str) -> None:
        """Gives a name its body."""
        self._budget.spend_bytes(len(name) + len(DEFINED_AS) + len(body) + 1)
        self._lines.append(f"{name}{DEFINED_AS}{body}\n")

    def text(self) -> str:
        """Returns all rules."""
        return "".join(self._lines)


def quoted(text: str) -> str:
    """Returns a text as a literal of both dialects, in ASCII."""
    if _NEEDS_NO_ESCAPE.fullmatch(text):
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


def alternatives(options: Iterable[str]) -> str:
    """Returns the body of a rule with these options."""
    return " | ".join(options)


def marker_free(rules: Rules, *, in_json: bool) -> list[str]:
    """Returns the rules of a text without `<|word|>`, by state.

    Args:
        rules: Takes the rules.
        in_json: Whether it is the rest of a JSON string, with its closing quote.
    """
    names = [rules.reserve("s") for _ in _MARKER_STEPS]
    ends = ['"\\""', f'"\\\\" {_escape_rule(rules)} {names[0]}'] if in_json else ['""']
    for state, name in enumerate(names):
        rules.define(name, alternatives([*ends, *_marker_steps(state, names, in_json=in_json)]))
    return names


def _marker_steps(
    state: int, names: list[str], *, in_json: bool, without: str = ""
) -> Iterable[str]:
    """Yields what may follow in a state, without some characters."""
    by_target: dict[int, list[str]] = {}
    for character, target in _MARKER_STEPS[state].items():
        if character not in without:
            by_target.setdefault(target, []).append(character)
    for target, characters in by_target.items():
        yield f"{_character_class(''.join(characters))} {names[target]}"
    others = "".join(_MARKER_STEPS[state]) + _COMPLETES_MARKER[state]
    others += "".join(character for character in without if character not in others)
    yield f"{_character_class(others, negated=True, in_json=in_json)} {names[0]}"


def _character_class(characters: str, *, negated: bool = False, in_json: bool = False) -> str:
    if len(characters) == 1 and not negated:
        return quoted(characters)
    if set(characters) >= _WORD:
        characters = "".join(one for one in characters if one not in _WORD)
        ranges = "a-z0-9_"
    else:
        ranges = ""
    body = "".join(map(_escaped_in_class, characters)) + ranges
    if in_json:
        body += f'\\"\\\\{_CONTROL_CHARACTERS}'
    return f"[{'^' if negated else ''}{body}]"


def _escape_rule(rules: Rules) -> str:
    """Returns the rule of an escape in a JSON string, behind its backslash: a whole character."""
    hexadecimal = "[0-9a-fA-F]"
    return rules.add(
        alternatives(
            [
                _SHORT_ESCAPES,
                f'"u" [0-9a-cefA-CEF] {hexadecimal} {hexadecimal} {hexadecimal}',
                f'"u" [dD] [0-7] {hexadecimal} {hexadecimal}',
                f'"u" [dD] [89abAB] {hexadecimal} {hexadecimal} "\\\\u" [dD] [c-fC-F] '
                f"{hexadecimal} {hexadecimal}",
            ]
        )
    )


class JsonRules:
    """Writes shapes as rules.

    Args:
        rules: Takes the rules.
        max_whitespace: The most white-space characters between two parts.
    """

    def __init__(self, rules: Rules, max_whitespace: int) -> None:
        self._rules = rules
        self._max_whitespace = max_whitespace
        self._string_states: list[str] = []
        self._value = ""
        self._references: dict[str, str] = {}
        self._unwritten: list[tuple[str, Shape]] = []
        self._definitions: Mapping[str, Shape] = {}

    def write(self, json_shape: JsonShape) -> str:
        """Returns the name of a rule, or a literal, for the values of a shape."""
        self._definitions = json_shape.definitions
        self._references = {}
        written = self._write(json_shape.shape)
        while self._unwritten:
            name, shape = self._unwritten.pop()
            self._rules.define(name, self._write(shape))
        return written

    def _write(self, shape: Shape) -> str:
        match shape:
            case AnyValue():
                return self._write_value()
            case Constants():
                return self._write_choice(map(self._write_constant, shape.values))
            case AnyOf():
                return self._write_choice(map(self._write, shape.options))
            case Reference():
                return self._refer(shape.name)
            case Object():
                return self._write_object(shape)
            case Array():
                return self._write_array(shape)
            case String():
                return self._write_string(shape.minimum, shape.maximum)
            case Number():
                return self._integer if shape.integer else self._number

    def _write_choice(self, options: Iterable[str]) -> str:
        unique = list(dict.fromkeys(options))
        return unique[0] if len(unique) == 1 else self._rules.add(alternatives(unique))

    def _refer(self, name: str) -> str:
        written = self._references.get(name)
        if written is None:
            written = self._references[name] = self._rules.reserve("d")
            self._unwritten.append((written, self._definitions[name]))
        return written

    # White space

    @functools.cached_property
    def _space(self) -> str:
        if not self._max_whitespace:
            return '""'
        return self._rules.add(f"[ \\n\\r\\t]{{0,{self._max_whitespace}}}")

    @functools.cached_property
    def _comma(self) -> str:
        return self._rules.add(f'{self._space} "," {self._space}')

    @functools.cached_property
    def _colon(self) -> str:
        return self._rules.add(f'{self._space} ":" {self._space}')

    # Scalars

    @functools.cached_property
    def _integer(self) -> str:
        return self._rules.add('"-"? ("0" | [1-9] [0-9]{0,15})')

    @functools.cached_property
    def _number(self) -> str:
        return self._rules.add(f'{self._integer} ("." [0-9]{{1,16}})? ([eE] [+-]? [0-9]{{1,3}})?')

    @property
    def _string_rest(self) -> list[str]:
        """The rest of a string, with its closing quote, by the state of a marker."""
        if not self._string_states:
            self._string_states = marker_free(self._rules, in_json=True)
        return self._string_states

    def _write_string(self, minimum: int = 0, maximum: int | None = None) -> str:
        """Returns the rule of a string.

        A bounded one has neither `<|` nor escapes of four digits: xgrammar takes long to compile
        the rules of each length, and these would be twice and two and a half times as many.
        """
        plain, behind = '"\\""', '"\\""'
        if maximum is None:
            plain, behind = self._string_rest[:2]
        if minimum or maximum is not None:
            longest = minimum if maximum is None else maximum
            # From the end; the second rule is for the rest behind a `<`.
            for left in range(1, longest + 1):
                end = ['"\\""'] if maximum is not None and longest - left >= minimum else []
                steps = [f'"\\\\" {_SHORT_ESCAPES} {plain}', f'"<" {behind}']
                plain, behind = [
                    self._rules.add(
                        alternatives(
                            [
                                *end,
                                *steps,
                                f"{_character_class(excluded, negated=True, in_json=True)} {plain}",
                            ]
                        )
                    )
                    for excluded in ("<", "<|")
                ]
        return self._rules.add(f'"\\"" {plain}')

    # Constants

    def _write_constant(self, value: object) -> str:
        match value:
            case str():
                return quoted(_write_json_string(value))
            case dict():
                members = [
                    f"{self._write_key(key)} {self._write_constant(member)}"
                    for key, member in value.items()
                ]
                return self._write_container("{", members, "}")
            case list():
                return self._write_container("[", map(self._write_constant, value), "]")
        return quoted(json.dumps(value))

    def _write_container(self, opening: str, parts: Iterable[str], closing: str) -> str:
        inner = f" {self._comma} ".join(parts)
        space = self._space
        inner = f"{inner} {space} " if inner else ""
        return self._rules.add(f"{quoted(opening)} {space} {inner}{quoted(closing)}")

    def _write_key(self, key: str) -> str:
        return f"{quoted(_write_json_string(key))} {self._colon}"

    # Containers

    def _write_value(self) -> str:
        if not self._value:
            name = self._value = self._rules.reserve("v")
            options = [
                self._write_object(Object({}, frozenset(), ANY_VALUE)),
                self._write_array(Array((), ANY_VALUE, 0, None)),
                self._write_string(),
                self._number,
                *map(quoted, ("true", "false", "null")),
            ]
            self._rules.define(name, alternatives(options))
        return self._value

    def _write_array(self, shape: Array) -> str:
        comma, space = self._comma, self._space
        items = None if shape.items is None else self._write(shape.items)
        first_items = list(map(self._write, shape.prefix))
        if not first_items and items is not None:
            first_items = [items]
        count = len(first_items)
        # From the end: what may follow the items before.
        rest = ""
        if items is not None and shape.maximum != count:
            least = max(0, shape.minimum - count)
            most = "" if shape.maximum is None else shape.maximum - count
            times = f"{{{least},{most}}}" if least or most else "*"
            rest = f" ({comma} {items}){times}"
        for index in range(count - 1, 0, -1):
            rest = f"{comma} {first_items[index]}{rest}"
            rest = f" {self._rules.add(f'({rest})?' if index >= shape.minimum else rest)}"
        inner = f"{first_items[0]}{rest} {space}" if first_items else ""
        if inner and not shape.minimum:
            inner = f"({inner})?"
        return self._rules.add(f'"[" {space} {inner} "]"')

    def _write_object(self, shape: Object) -> str:
        comma, space = self._comma, self._space
        # How an object may begin, and what may follow the properties before; from the end.
        beginnings: list[str] = []
        rest = ""
        if shape.additional is not None and (key := self._write_further_key([*shape.properties])):
            further = self._rules.add(f"{key} {self._colon} {self._write(shape.additional)}")
            rest = f" ({comma} {further})*"
            beginnings = [f"{further}{rest}"]
        for name, part in reversed([*shape.properties.items()]):
            if part is NEVER:
                continue
            member = self._rules.add(f"{self._write_key(name)} {self._write(part)}")
            if name in shape.required:
                beginnings = []
            beginnings.append(f"{member}{rest}")
            rest = (
                f" {comma} {member}{rest}"
                if name in shape.required
                else (f" ({comma} {member})?{rest}")
            )
            if len(shape.properties) > _MAX_INLINE_PROPERTIES:
                rest = f" {self._rules.add(rest.strip())}"
        inner = ""
        if beginnings:
            inner = f"({alternatives(reversed(beginnings))}) {space}"
            if not shape.required:
                inner = f"({inner})?"
        return self._rules.add(f'"{{" {space} {inner} "}}"')

    def _write_further_key(self, names: list[str]) -> str:
        """Returns the rule of a key other than the names; escapes may not spell them either.

        Returns an empty string if the names are too long to be told from others.
        """
        if not names:
            return self._write_string()
        if sum(map(len, names)) > _MAX_TOLD_APART:
            return ""
        prefixes = {name[:end] for name in names for end in range(len(name) + 1)}
        endings = set(names)
        # From the longest: the rest of a key that begins so.
        rests: dict[str, str] = {}
        children: dict[str, list[str]] = {}
        for prefix in sorted(prefixes, key=lambda prefix: (-len(prefix), prefix)):
            state = _marker_state(prefix)
            options = [] if prefix in endings else ['"\\""']
            following = children.get(prefix, [])
            for character in following:
                if character != _COMPLETES_MARKER[state]:
                    written = _write_json_string(character)[1:-1]
                    options.append(f"{quoted(written)} {rests[prefix + character]}")
            others = "".join(one for one in following if one not in '"\\' and one >= " ")
            options += _marker_steps(state, self._string_rest, in_json=True, without=others)
            rests[prefix] = self._rules.add(alternatives(options))
            if prefix:
                children.setdefault(prefix[:-1], []).append(prefix[-1])
        return self._rules.add(f'"\\"" {rests[""]}')


def _marker_state(text: str) -> int:
    state = 0
    for character in text:
        state = _MARKER_STEPS[state].get(character, 0)
    return state


def _write_json_string(text: str) -> str:
    """Writes a JSON string with as few escapes as possible, and none of `<|word|>`."""
    return _MARKER.sub("\\\\u003c", json.dumps(text, ensure_ascii=False))


def _escaped(character: str) -> str:
    if character in _ESCAPED_CHARACTERS:
        return _ESCAPED_CHARACTERS[character]
    if " " <= character <= "~":
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _escaped_in_class(character: str) -> str:
    # Neither dialect escapes these by a backslash alone.
    return f"\\u{ord(character):04x}" if character in "[]^-" else _escaped(character)
