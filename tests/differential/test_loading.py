"""Loading encodings and the public interface match the reference."""

import inspect
import pathlib
from types import ModuleType
from typing import Any

import pytest

from tests.differential.outcomes import Comparison, Refusal

_NAMES = [
    "Author",
    "ChannelConfig",
    "Content",
    "Conversation",
    "DeveloperContent",
    "HarmonyEncoding",
    "HarmonyEncodingName",
    "HarmonyError",
    "Message",
    "ReasoningEffort",
    "RenderConversationConfig",
    "RenderOptions",
    "Role",
    "StreamState",
    "StreamableParser",
    "SystemContent",
    "TextContent",
    "ToolDescription",
    "ToolNamespaceConfig",
    "load_harmony_encoding",
]


@pytest.mark.parametrize(
    "name", ["", "harmonygptoss", "HarmonyGptOss ", "o200k_harmony", None, 3, b"HarmonyGptOss"]
)
def test_unknown_encodings_are_refused(both: Comparison, name: object) -> None:
    """Anything but the exact name of an encoding is refused."""
    outcome = both.assert_same(lambda harmony, _: harmony.load_harmony_encoding(name).name)
    assert isinstance(outcome, Refusal)


def test_encodings_load_by_string_and_by_member(
    both: Comparison, vocabulary_folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An encoding loads by a string and by a member of the enumeration."""
    monkeypatch.setenv("TIKTOKEN_ENCODINGS_BASE", str(vocabulary_folder))

    def names(harmony: ModuleType, _: Any) -> object:
        loaded = map(harmony.load_harmony_encoding, ["HarmonyGptOss", *harmony.HarmonyEncodingName])
        return [(type(encoding).__name__, encoding.name) for encoding in loaded]

    both.assert_same(names)


def test_errors_have_the_same_base_classes(both: Comparison) -> None:
    """`HarmonyError` has the same base classes."""
    both.assert_same(lambda harmony, _: [base.__name__ for base in harmony.HarmonyError.__mro__])


@pytest.mark.parametrize("name", _NAMES)
def test_every_name_takes_the_same_parameters(
    reference: ModuleType, core: ModuleType, name: str
) -> None:
    """Each class and function of the reference exists, and takes at least its parameters."""
    expected = getattr(reference, name)
    actual = getattr(core, name)
    for method in _own_methods(expected):
        theirs = _parameters(getattr(expected, method))
        ours = _parameters(getattr(actual, method))
        added = [parameter for parameter in ours if parameter not in theirs]
        assert [parameter for parameter in ours if parameter not in added] == theirs
        assert all(_is_optional(parameter) for parameter in added)
    if inspect.isfunction(expected):
        assert _parameters(actual) == _parameters(expected)


def test_every_exported_name_is_exported(reference: ModuleType, core: ModuleType) -> None:
    """A star import provides at least the names that it provides from the reference."""
    assert set(reference.__all__) <= set(core.__all__)


def _own_methods(thing: Any) -> list[str]:
    """Returns the public methods that a class does not inherit."""
    if not inspect.isclass(thing):
        return []
    return [
        name
        for name in vars(thing)
        if not name.startswith(("_", "model_")) and callable(getattr(thing, name))
    ]


def _parameters(function: Any) -> list[tuple[str, inspect._ParameterKind, object]]:
    return [
        (parameter.name, parameter.kind, parameter.default)
        for parameter in inspect.signature(function).parameters.values()
    ]


def _is_optional(parameter: tuple[str, inspect._ParameterKind, object]) -> bool:
    _, kind, default = parameter
    return kind is inspect.Parameter.KEYWORD_ONLY and default is not inspect.Parameter.empty
