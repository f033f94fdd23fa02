"""The outcome of a call: a value, or a refusal reduced to what both sides must share."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Final

from pydantic import ValidationError

# The parts of the reference's messages that programs may rely on. Positions in JSON text and the
# wording of underlying libraries are not among them.
_KEY_PHRASES: Final = (
    r"Invalid HarmonyEncodingName: .*",
    r"Tools should have a name!",
    r"SystemContent may only appear in system messages, found in \w+",
    r"DeveloperContent may only appear in developer messages, found in \w+",
    r"invalid (?:message|conversation) JSON",
    r"Unexpected token \d+ while expecting start token \d+",
    r"message header did not contain a role",
    r"Unknown role: .*",
    r"channel marker present but no channel value found in header",
    r"unexpected tokens remaining in message header",
    r"could not decode header",
    r"Unexpected EOS while waiting for message header to complete",
    r"Could not decode tokens: Invalid token error: Invalid token for decoding: \d+",
    r"Could not decode tokens: Invalid utf-8 sequence",
    r"Invalid token for decoding: \d+",
    r"Encountered text corresponding to disallowed special token",
    r"Unknown content variant",
    r"invalid allowed_special",
)
_KEY_PHRASE: Final = re.compile("|".join(_KEY_PHRASES), re.DOTALL)


@dataclass(frozen=True)
class Value:
    """A call returned this value."""

    value: object


@dataclass(frozen=True)
class Refusal:
    """A call raised an exception of this class, with this key phrase in its message."""

    exception: str
    phrase: str
    ancestors: frozenset[str] = field(compare=False, repr=False, default=frozenset())


Outcome = Value | Refusal


def outcome_of(call: Callable[[], object]) -> Outcome:
    """Makes a call and returns its outcome."""
    try:
        return Value(call())
    except ValidationError as error:
        found = [(detail["type"], detail["loc"]) for detail in error.errors()]
        return Refusal("ValidationError", f"{error.title}: {found}")
    except Exception as error:
        ancestors = frozenset(base.__name__ for base in type(error).__mro__)
        return Refusal(type(error).__name__, _key_phrase(str(error)), ancestors)


def seen_by_a_program(actual: Outcome, expected: Outcome) -> Outcome:
    """Returns our outcome as seen by a program that was written for the reference.

    Our exceptions may be subclasses of the reference's: the same `except` clauses catch them.
    """
    if (
        isinstance(actual, Refusal)
        and isinstance(expected, Refusal)
        and expected.exception in actual.ancestors
    ):
        return replace(actual, exception=expected.exception)
    return actual


@dataclass(frozen=True)
class Comparison:
    """The reference and our core, to make calls on both."""

    reference: ModuleType
    reference_encoding: Any
    core: ModuleType
    encoding: Any

    def assert_same(self, call: Callable[[ModuleType, Any], object]) -> Outcome:
        """Makes a call on both sides and returns its outcome, which must be the same.

        Args:
            call: Takes a module and its encoding.
        """
        expected = outcome_of(lambda: call(self.reference, self.reference_encoding))
        actual = outcome_of(lambda: call(self.core, self.encoding))
        assert seen_by_a_program(actual, expected) == expected
        return expected

    def assert_both_refuse(self, call: Callable[[ModuleType, Any], object]) -> None:
        """Makes a call on both sides, which both must refuse with any exception.

        For arguments that no type checker accepts, where the reference's exception is accidental.
        """
        assert isinstance(
            outcome_of(lambda: call(self.reference, self.reference_encoding)), Refusal
        )
        assert isinstance(outcome_of(lambda: call(self.core, self.encoding)), Refusal)


def _key_phrase(message: str) -> str:
    match = _KEY_PHRASE.search(message)
    return match.group() if match else ""
