"""Loading an encoding by name, and the public surface, are the reference's."""

import inspect
import pathlib
from types import ModuleType
from typing import Any

import pytest

from tests.differential.outcomes import Comparison

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
    """Only the exact name of an encoding loads it."""
    both.assert_same(lambda harmony, _: harmony.load_harmony_encoding(name).name)


def test_encodings_load_by_text_and_by_member(
    both: Comparison, vocabulary_folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name may be a text or a member of the enumeration."""
    monkeypatch.setenv("TIKTOKEN_ENCODINGS_BASE", str(vocabulary_folder))

    def names(harmony: ModuleType, _: Any) -> object:
        loaded = map(harmony.load_harmony_encoding, ["HarmonyGptOss", *harmony.HarmonyEncodingName])
        return [(type(encoding).__name__, encoding.name) for encoding in loaded]

    both.assert_same(names)


def test_errors_have_the_same_ancestors(both: Comparison) -> None:
    """`HarmonyError` is a `RuntimeError`."""
    both.assert_same(lambda harmony, _: [it.__name__ for it in harmony.HarmonyError.__mro__])


@pytest.mark.parametrize("name", _NAMES)
def test_every_name_is_called_the_same_way(
    reference: ModuleType, core: ModuleType, name: str
) -> None:
    """Each name of the reference is there, and so are its methods; they take what it takes."""
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
    """A star import brings at least the names that it brings from the reference."""
    assert set(reference.__all__) <= set(core.__all__)


def _own_methods(thing: Any) -> list[str]:
    """The public methods that a class does not inherit."""
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
