"""The options of a parse: three modes, as the contract has them."""

import pytest

from harmony_server import core


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
    """Unset, `strict` is True unless `recover` is; the mode is what both make together."""
    assert (options.strict, options.recover, options.mode) == (strict, recover, mode)
    assert core.ParseOptions.for_mode(mode) == options


def test_strict_excludes_recover() -> None:
    """Both at once are refused, as in a request."""
    with pytest.raises(ValueError, match="strict and recover cannot both be True"):
        core.ParseOptions(strict=True, recover=True)


def test_strict_is_a_bool() -> None:
    """Anything else is a TypeError."""
    with pytest.raises(TypeError, match="strict must be a bool, not int"):
        core.ParseOptions(strict=1)  # type: ignore[arg-type]


def test_options_of_a_mode() -> None:
    """The bound of a header can be given with a mode; an unknown mode is refused."""
    assert core.ParseOptions.for_mode("lenient").max_header_tokens == 4096
    options = core.ParseOptions.for_mode("recover", max_header_tokens=8)
    assert options == core.ParseOptions(recover=True, max_header_tokens=8)
    with pytest.raises(ValueError, match="mode must be strict, lenient or recover, not 'x'"):
        core.ParseOptions.for_mode("x")  # type: ignore[arg-type]
