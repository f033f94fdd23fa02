"""Parse options: three modes, as in the contract."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given

from harmony_server import core
from tests.strategies.token_streams import chunked_streams
from tests.support.encodings import encoding


@pytest.mark.parametrize(
    ("options", "strict", "recover", "mode"),
    [
        (core.ParseOptions(), True, False, "strict"),
        (core.ParseOptions(strict=None), True, False, "strict"),
        (core.ParseOptions(strict=True), True, False, "strict"),
        (core.ParseOptions(strict=False), False, False, "lenient"),
        (core.ParseOptions(recover=True), False, True, "recover"),
        (core.ParseOptions(strict=False, recover=True), False, True, "recover"),
    ],
)
def test_the_mode_of_options(
    options: core.ParseOptions, strict: bool, recover: bool, mode: core.ParseMode
) -> None:
    """`strict` defaults to the opposite of `recover`, and the two determine the mode."""
    assert (options.strict, options.recover, options.mode) == (strict, recover, mode)
    assert core.ParseOptions.for_mode(mode) == options


def test_strict_excludes_recover() -> None:
    """`strict` together with `recover` is a ValueError."""
    with pytest.raises(ValueError, match="strict and recover cannot both be True"):
        core.ParseOptions(strict=True, recover=True)


def test_strict_is_a_bool() -> None:
    """A `strict` that is not a bool is a TypeError."""
    with pytest.raises(TypeError, match="strict must be a bool, not int"):
        core.ParseOptions(strict=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["strict", "lenient"])
@given(chunks=chunked_streams())
def test_names_change_nothing_without_recover(
    chunks: list[list[int]], mode: core.ParseMode
) -> None:
    """In strict and lenient mode, callable names and channels have no effect."""
    plain = core.ParseOptions.for_mode(mode)
    named = replace(plain, callable_names=("functions.f", "json", "user"), channels=("notes",))
    tokens = [token for chunk in chunks for token in chunk]
    results = []
    for options in (plain, named):
        try:
            results.append(repr(encoding().parse_events(tokens, core.Role.ASSISTANT, options)))
        except core.ParseError as error:
            results.append(str(error))
    assert results[0] == results[1]


def test_options_of_a_mode() -> None:
    """`for_mode` accepts every other option and refuses an unknown mode."""
    assert core.ParseOptions.for_mode("lenient").max_header_tokens == 4096
    options = core.ParseOptions.for_mode("recover", max_header_tokens=8)
    assert options == core.ParseOptions(recover=True, max_header_tokens=8)
    options = core.ParseOptions.for_mode("recover", callable_names=["f"], channels=["notes"])
    assert options == core.ParseOptions(recover=True, callable_names=("f",), channels=("notes",))
    with pytest.raises(ValueError, match="mode must be strict, lenient or recover, not 'x'"):
        core.ParseOptions.for_mode("x")  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["callable_names", "channels"])
def test_names_are_strings(field: str) -> None:
    """Any iterable of names becomes a tuple; a lone string or another value is a TypeError."""
    makers: list[Callable[..., core.ParseOptions]] = [
        core.ParseOptions,
        partial(core.ParseOptions.for_mode, "recover"),
    ]
    for make in makers:
        assert getattr(make(**{field: iter(["f", "g"])}), field) == ("f", "g")
        for wrong in ("functions.f", ["f", 1]):
            with pytest.raises(TypeError, match=f"^{field} must be an iterable of strings$"):
                make(**{field: wrong})
