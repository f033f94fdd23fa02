"""Encode and Decode."""

from typing import Final

from harmony_client.v1 import service_pb2 as pb

from .calls import Calls
from .contract import failure, invalid_field
from .vector import Vector

ALL = pb.SpecialTokenSet(all=True)
NONE = pb.SpecialTokenSet()
_SPELLINGS = "a<|start|>b<|end|>c<|reserved_200014|>d"
_COMPLETION = (
    "<|channel|>analysis<|message|>Rain?<|end|><|start|>assistant"
    "<|channel|>final<|message|>Yes.<|return|>"
)
# Each takes another path through the pattern that splits text into words.
TEXTS: Final = {
    "empty": "",
    "ascii": "Hello, world!",
    "digits": "1234567890 3.14159 1,000,000 0x7f",
    "contractions": "I'll don't WE'VE it's 'S 'sound",
    "letter-case": "camelCase PascalCase SCREAMING_SNAKE iPhone McDonald",
    "white-space": "a  b\t\tc \n\n  d\r\n\r\ne   ",
    "blanks-alone": "          ",
    "line-feeds": "\n\n\n\n\n",
    "code": "def f(x: int) -> str:\n    return f\"{x!r}\"  # ok\n",
    "json": '{"a": [1, 2.50, -3e10], "b": {"c": null, "d": "\\u00e9"}}',
    "punctuation": "...!!!???---===***###$$$%%%&&&",
    "url": "https://example.com/a/b?c=d&e=%20#f",
    "accents": "Füße über Straßenbahnschienen, naïve café",
    "combining": "e\u0301 n\u0303 a\u0308\u0323",
    "cyrillic": "Быстрая лиса",
    "arabic": "مرحبا بالعالم",
    "hebrew-with-marks": "שָׁלוֹם",
    "hindi": "नमस्ते दुनिया",
    "thai": "สวัสดีชาวโลก",
    "chinese": "敏捷的棕色狐狸跳过了懒狗",
    "japanese": "こんにちは、世界。カタカナ",
    "korean": "안녕하세요 세계",
    "emoji": "🫡👍🏽👩‍👩‍👧‍👦🇳🇴",
    "mathematical": "𝒳 ∈ ℝⁿ ⇒ ∑ᵢ xᵢ² ≥ 0",
    "unicode-white-space": "a\u00a0b\u2003c\u3000d\u2028e\u0085f",
    "invisible": "a\u200bb\u200dc\ufeffd\u00ade",
    "control-characters": "a\u0000b\u0001c\u007fd\u001b[0m",
    "private-use": "\ue000\U000f0000\U0010ffff",
    "replacement-character": "\ufffd\ufffd",
    "half-spellings": "<|start <|end| |>channel|> <| |>",
    "unknown-spellings": "<|endofprompt|><|im_start|><|reserved_201089|>",
    "long-run": "!" * 300,
    "long-word": "a" * 400,
    "repeated-word": "tokens " * 200,
}  # fmt: skip


def encode_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of texts, and of each rule for the special tokens that they spell."""
    some = pb.SpecialTokenSet(tokens=["<|start|>"])
    spellings = sorted(calls.reference.special_tokens())
    return [
        *[calls.encode(f"text/{name}", text) for name, text in TEXTS.items()],
        calls.encode("specials/all-allowed", _COMPLETION, ALL),
        calls.encode("specials/all-allowed-none-disallowed", _SPELLINGS, ALL, NONE),
        calls.encode("specials/none-disallowed", _SPELLINGS, None, NONE),
        calls.encode("specials/some-allowed", _SPELLINGS, some, NONE),
        calls.encode("specials/allowed-in-text", "<|start|>user", some),
        calls.encode("specials/allowed-set-but-empty", "no specials", NONE),
        calls.encode(
            "specials/others-disallowed",
            "a<|start|>b",
            None,
            pb.SpecialTokenSet(tokens=["<|end|>", "<|call|>"]),
        ),
        calls.encode("specials/adjacent", "<|start|><|start|> <|end|>\n<|end|>", ALL, NONE),
        calls.encode("specials/every-one", "".join(spellings[:40]), ALL),
        calls.encode("specials/disallowed", "a<|start|>b"),
        calls.encode("specials/first-of-several-disallowed", _SPELLINGS),
        calls.encode("specials/disallowed-though-others-are-allowed", _SPELLINGS, some),
        calls.encode("specials/disallowed-by-name", "a<|end|>", None, _set("<|end|>")),
        calls.encode("specials/disallowed-by-all", "a<|return|>", None, ALL),
        calls.encode("specials/disallowed-and-allowed", "a<|start|>", some, some),
        _bad_set("allowed-unknown", "allowed_special.tokens[1]", allowed=_set("<|end|>", "end")),
        _bad_set("allowed-all-and-some", "allowed_special.tokens", allowed=_all_and("<|end|>")),
        _bad_set(
            "disallowed-unknown",
            "disallowed_special.tokens[0]",
            disallowed=_set("<|endofprompt|>"),
        ),
        _bad_set(
            "disallowed-all-and-some", "disallowed_special.tokens", disallowed=_all_and("<|end|>")
        ),
        _bad_set("disallowed-empty", "disallowed_special.tokens[0]", disallowed=_set("")),
    ]


def decode_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of whole and partial characters, as text and as bytes."""
    salute = calls.tokens("🫡")
    assert len(salute) > 1, "a character of several tokens"
    mixed = calls.tokens("Grüße, 世界 👋🏽\n")
    completion = calls.tokens(_COMPLETION)
    return [
        calls.decode("empty", []),
        calls.decode("empty-as-bytes", [], as_bytes=True),
        calls.decode("text", mixed),
        calls.decode("text-strict", mixed, strict=True),
        calls.decode("text-as-bytes", mixed, as_bytes=True),
        calls.decode("specials-are-spelled-out", completion),
        calls.decode("specials-as-bytes", completion, as_bytes=True),
        calls.decode("first-and-last-id", [0, 199_997, 199_998, 201_088]),
        calls.decode("every-structural-token", range(199_998, 200_020)),
        calls.decode("character-of-several-tokens", salute, strict=True),
        calls.decode("character-cut-off", salute[:-1]),
        calls.decode("character-without-its-beginning", salute[1:]),
        calls.decode("character-cut-off-inside", [87, salute[0], 87]),
        calls.decode("character-cut-off-as-bytes", salute[:-1], as_bytes=True),
        calls.decode("strict-has-no-effect-on-bytes", salute[1:], strict=True, as_bytes=True),
        calls.decode("single-bytes", range(180, 256), as_bytes=True),
        calls.decode("null-character", calls.tokens("a\u0000b"), strict=True),
        calls.decode("many-tokens", calls.tokens("All work and no play. " * 150)),
        calls.decode("strict/cut-off-at-the-end", [87, *salute[:-1]], strict=True),
        calls.decode("strict/cut-off-at-the-beginning", salute[1:], strict=True),
        calls.decode("strict/cut-off-inside", [*mixed, salute[0], *mixed], strict=True),
        _unknown_id("unknown-id", [87, 201_089], 1),
        _unknown_id("unknown-id-as-bytes", [201_089], 0, as_bytes=True),
        _unknown_id("first-of-several-unknown-ids", [87, 300_000, 400_000], 1),
        _unknown_id("largest-id", [2**32 - 1], 0),
    ]


def _set(*spellings: str) -> pb.SpecialTokenSet:
    return pb.SpecialTokenSet(tokens=spellings)


def _all_and(spelling: str) -> pb.SpecialTokenSet:
    return pb.SpecialTokenSet(all=True, tokens=[spelling])


def _bad_set(
    name: str,
    field: str,
    allowed: pb.SpecialTokenSet | None = None,
    disallowed: pb.SpecialTokenSet | None = None,
) -> Vector:
    request = pb.EncodeRequest(text="x", allowed_special=allowed, disallowed_special=disallowed)
    return Vector(f"encode/error/{name}", [request], error=invalid_field(field))


def _unknown_id(name: str, tokens: list[int], index: int, *, as_bytes: bool = False) -> Vector:
    status = failure(
        "INVALID_TOKEN", field=f"tokens[{index}]", metadata={"token": str(tokens[index])}
    )
    request = pb.DecodeRequest(tokens=tokens, as_bytes=as_bytes)
    return Vector(f"decode/error/{name}", [request], error=status)
