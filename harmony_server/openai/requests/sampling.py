"""What a request says about sampling: checked for type only."""

from typing import Final

from .bounds import MAX_STOP_STRING_BYTES, MAX_STOP_STRINGS, MAX_TOP_LOGPROBS
from .fields import Field
from .json_output import to_json

_MAX_UINT32: Final = 2**32 - 1
_MAX_INT64: Final = 2**63 - 1


def read_max_tokens(body: Field, *names: str) -> int | None:
    """Returns the first limit on sampled tokens that the request has."""
    limits = [body.member(name).optional_integer(0, _MAX_UINT32) for name in names]
    return next((limit for limit in limits if limit is not None), None)


def read_seed(body: Field) -> int | None:
    """Returns the seed."""
    return body.member("seed").optional_integer(-_MAX_INT64 - 1, _MAX_INT64)


def read_top_logprobs(body: Field) -> int | None:
    """Returns how many alternatives each token needs a log probability for."""
    return body.member("top_logprobs").optional_integer(0, MAX_TOP_LOGPROBS)


def read_logit_bias(body: Field) -> dict[int, float]:
    """Returns the bias of each token id."""
    field = body.member("logit_bias")
    biases: dict[int, float] = {}
    if field.is_missing:
        return biases
    for member in field.other_members(frozenset()):
        token = _token_id(member.name)
        bias = member.optional_number()
        if token is None or bias is None:
            raise field.invalid("must map token ids to numbers")
        biases[token] = bias
    return biases


def read_stop(body: Field) -> tuple[str, ...]:
    """Returns the strings before which content ends."""
    field = body.member("stop")
    if field.is_missing:
        return ()
    strings = [field] if isinstance(field.value, str) else field.elements()
    if len(strings) > MAX_STOP_STRINGS:
        raise field.too_large("MAX_STOP_STRINGS", MAX_STOP_STRINGS, "array_above_max_length")
    for string in strings:
        if not string.text():
            raise string.invalid("must not be empty")
        if len(string.text().encode()) > MAX_STOP_STRING_BYTES:
            raise string.too_large(
                "MAX_STOP_STRING_BYTES", MAX_STOP_STRING_BYTES, "string_above_max_length"
            )
    return tuple(string.text() for string in strings)


def extra_json(body: Field, known: frozenset[str]) -> str | None:
    """Returns the members that are none of the API's as one JSON object; None without any."""
    extra = {name: value for name, value in body.value.items() if name not in known}
    return to_json(extra) if extra else None


def _token_id(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        return None
    token = int(text)
    return token if token <= _MAX_UINT32 else None
