"""ParseMessages in strict and lenient mode."""

from typing import Final

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse
from harmony_client.v1 import service_pb2 as pb

from .calls import ASSISTANT, NO_ROLE, Calls
from .contract import invalid_field
from .vector import Vector

THOUGHT: Final = "<|channel|>analysis<|message|>Let me see.<|end|>"
CALL: Final = (
    "<|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json"
    '<|message|>{"city":"Oslo"}<|call|>'
)
ANSWER: Final = "<|start|>assistant<|channel|>final<|message|>It rains in Oslo. ☔<|return|>"
LENIENT: Final = parse.ParseConfig(
    role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(strict=False)
)
# Names that only recover mode uses.
NAMES: Final = parse.ParseConfig(
    role=chat.ROLE_ASSISTANT,
    options=parse.ParseOptions(callable_names=["functions.f", "notes"], channels=["notes"]),
)
_RANGES: Final = parse.ParseConfig(
    role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(delta_offsets=True)
)
_LENIENT_NO_ROLE: Final = parse.ParseConfig(options=parse.ParseOptions(strict=False))
_LENIENT_NAMES: Final = parse.ParseConfig(
    role=chat.ROLE_ASSISTANT,
    options=parse.ParseOptions(strict=False, callable_names=["functions.f"], channels=["notes"]),
)
# Configs that every parsing RPC refuses, each with the path of the invalid field.
BAD_CONFIGS: Final = {
    "role-unspecified": (parse.ParseConfig(role=chat.ROLE_UNSPECIFIED), "role"),
    "no-header-tokens": (
        parse.ParseConfig(options=parse.ParseOptions(max_header_tokens=0)),
        "options.max_header_tokens",
    ),
    "too-many-header-tokens": (
        parse.ParseConfig(options=parse.ParseOptions(max_header_tokens=4097)),
        "options.max_header_tokens",
    ),
    "strict-and-recover": (
        parse.ParseConfig(options=parse.ParseOptions(strict=True, recover=True)),
        "options.recover",
    ),
    "too-many-callable-names": (
        parse.ParseConfig(options=parse.ParseOptions(callable_names=["f"] * 1025)),
        "options.callable_names",
    ),
    "empty-callable-name": (
        parse.ParseConfig(options=parse.ParseOptions(callable_names=["functions.f", ""])),
        "options.callable_names[1]",
    ),
    "empty-channel": (
        parse.ParseConfig(options=parse.ParseOptions(channels=[""])),
        "options.channels[0]",
    ),
}
_CASES: Final = {
    "thought-call-answer": THOUGHT + CALL + ANSWER,
    "no-header": "<|message|>hi<|end|>",
    "no-stop-token": "<|channel|>final<|message|>hi",
    "no-content": "<|channel|>final<|message|><|return|>",
    "no-content-and-no-stop-token": "<|channel|>final<|message|>",
    "stop/end": "<|channel|>final<|message|>hi<|end|>",
    "stop/return": "<|channel|>final<|message|>hi<|return|>",
    "stop/call": "<|channel|>final<|message|>hi<|call|>",
    "header/channel-first": "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}",
    "header/recipient-first": " to=functions.f<|channel|>commentary json<|message|>{}",
    "header/bare-recipient": "<|channel|>commentary functions.f<|message|>{}",
    "header/empty-recipient": "to=<|message|>hi",
    "header/bare-recipient-and-type": "functions.f code<|message|>x",
    "header/constrain-without-a-blank": " to=f<|constrain|>json<|message|>{}",
    "header/constrain-is-the-recipient": "<|channel|>final <|constrain|>json<|message|>{}",
    "header/role-repeated": "assistant to=f<|message|>hi",
    "header/role-repeated-twice": "assistant assistant<|message|>hi",
    "header/unknown-channel": "<|channel|>finalx<|message|>hi",
    "header/second-channel": "<|channel|>a<|channel|>b<|message|>hi",
    "header/angle-bracket-ends-the-channel": "<|channel|>final<x<|message|>hi",
    "header/white-space": "<|channel|>final \t\n to=f\r\n json <|message|>hi",
    "header/odd-white-space": "<|channel|>final\u2028to=a\u000bb<|message|>hi",
    "header/stop-token-inside": "<|channel|>final<|end|>x<|message|>hi",
    "header/unicode": "<|channel|>commentary to=functions.været<|message|>hi",
    "content/white-space": "<|message|>  a \n\n b\t \n<|end|>",
    "content/specials-are-text": (
        "<|message|>a<|channel|>b<|start|>c<|message|>d<|constrain|>e<|endoftext|><|end|>"
    ),
    "content/unicode": "<|message|>Füße 世界 🫡👩‍👩‍👧‍👦 e\u0301<|end|>",
    "content/large": "<|channel|>final<|message|>" + "One more word. " * 1200 + "<|return|>",
}
_CASES_WITH_STARTS: Final = {
    "nothing": "",
    "user": "<|start|>user<|message|>hi<|end|>",
    "system": "<|start|>system<|message|>hi<|end|>",
    "developer": "<|start|>developer<|message|>hi<|end|>",
    "tool": "<|start|>functions.f to=assistant<|channel|>commentary<|message|>4<|end|>",
    "tool-by-its-role": "<|start|>tool to=assistant<|message|>4<|end|>",
    "tool-by-its-recipient": "<|start|>to=assistant<|message|>4<|end|>",
    "tool-and-role": "<|start|>functions.f tool to=assistant<|message|>4<|end|>",
    "whole-conversation": (
        "<|start|>system<|message|>Be kind.<|end|><|start|>user<|message|>Hei<|end|>"
        "<|start|>assistant" + THOUGHT + CALL + ANSWER
    ),
    "last-message-is-not-ended": "<|start|>user<|message|>a<|end|><|start|>user<|message|>b",
}
_REFUSED: Final = {
    "header-cut-off": "<|channel|>final",
    "header-stopped": "<|channel|>final<|return|>",
    "header-goes-on-behind-a-stop-token": "<|channel|>final<|end|> and",
    "nothing": "",
    "empty-channel": "<|channel|><|message|>hi",
    "blank-before-the-channel": "<|channel|> final<|message|>hi",
    "words-left-over": "a b c<|message|>hi",
    "words-before-the-recipient": "json to=f<|message|>hi",
    "second-recipient": "<|channel|>final to=f to=g to=h<|message|>hi",
    "text-behind-the-end": "<|message|>x<|end|>y",
    "second-stop-token": "<|message|>x<|end|><|end|>",
    "header-behind-the-end": "<|message|>x<|end|><|channel|>final<|message|>y",
    "second-message-is-malformed": "<|message|>x<|end|><|start|>bob<|message|>y",
}
_REFUSED_WITH_STARTS: Final = {
    "no-start": "hi",
    "message-instead-of-start": "<|message|>hi",
    "stop-instead-of-start": "<|end|>",
    "start-alone": "<|start|>",
    "role-alone": "<|start|>assistant",
    "no-role": "<|start|><|message|>hi",
    "blank-role": "<|start|> <|message|>hi",
    "unknown-role": "<|start|>bob<|message|>hi",
    "role-in-capitals": "<|start|>Assistant<|message|>hi",
    "role-with-a-name": "<|start|>user:bob<|message|>hi",
    "role-twice": "<|start|>assistantassistant<|channel|>final<|message|>hi",
}
# Malformed output that only lenient mode accepts.
_LENIENT_ONLY: Final = {
    "text-behind-the-channel": "<|channel|>final hello   world<|end|>",
    "channel-alone": "<|channel|>final<|return|>",
    "words-alone": "Hello there<|end|>",
    "recipient-and-type-are-text": "<|channel|>commentary to=f <|constrain|>json<|call|>",
    "nothing-before-the-stop-token": "<|end|>",
    "no-preset-role-is-left": THOUGHT + "<|start|>assistant<|channel|>final hi<|end|>",
    "message-behind-it": "<|channel|>final hi<|end|>" + ANSWER,
    "role-repeated": "assistant<|channel|>final hi<|end|>",
}


def parse_messages_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of whole completions, well-formed and malformed."""
    return [
        *_strict(calls),
        *_lenient(calls),
        *_tokens(calls),
        *_prefilled(calls),
        *_refused_requests(),
    ]


def prefilled(
    calls: Calls, prefill: str | list[int], config: parse.ParseConfig = ASSISTANT
) -> parse.ParseConfig:
    """Returns a config with a prefill."""
    tokens = calls.tokens(prefill) if isinstance(prefill, str) else prefill
    return parse.ParseConfig(
        role=config.role if config.HasField("role") else None,
        options=config.options if config.HasField("options") else None,
        prefill=tokens,
    )


def _prefilled(calls: Calls) -> list[Vector]:
    """Returns vectors of completions that continue a prefill."""
    final = "<|channel|>final<|message|>"
    *begin, last = calls.tokens("🫡")

    def case(
        name: str,
        prefill: str | list[int],
        completion: str | list[int],
        config: parse.ParseConfig = ASSISTANT,
    ) -> Vector:
        return calls.parse_messages(
            f"prefill/{name}", completion, prefilled(calls, prefill, config)
        )

    return [
        case("whole-header", final, "4<|return|>" + ANSWER),
        case("part-of-a-header", "<|channel|>commentary to=functions", ".f<|message|>{}<|call|>"),
        case("part-of-the-content", final + "The answer is", " 4.<|return|>"),
        case("whole-messages", THOUGHT + "<|start|>assistant" + final, "4<|return|>"),
        case("with-a-start", "<|start|>assistant" + final, "4<|return|>", NO_ROLE),
        case("stopped-at-once", final + "4", "<|return|>"),
        case("nothing-behind-it", final + "4", ""),
        case("ended-message", THOUGHT, ANSWER),
        case("part-of-a-character", [200_008, *begin], [last, 87, 200_007]),
        case("lenient", "<|channel|>final one", " two<|end|>", LENIENT),
        case("delta-offsets-change-nothing", final, "4<|return|>", _RANGES),
        case("error/cut-off", "<|channel|>commentary", " to=f"),
        case("error/cut-off-at-once", "<|channel|>commentary", ""),
        case("error/behind-it", final, "4<|return|>5"),
        case("error/refused", THOUGHT + "4", ANSWER),
        case("error/refused-header", "<|channel|><|message|>x", "4"),
        case("error/refused-not-strict", "<|channel|><|end|>", ANSWER, LENIENT),
    ]


def _strict(calls: Calls) -> list[Vector]:
    explicit = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(strict=True, max_header_tokens=4096)
    )
    return [
        *[calls.parse_messages(f"strict/{name}", text) for name, text in _CASES.items()],
        calls.parse_messages("strict/explicit-options", THOUGHT + ANSWER, explicit),
        calls.parse_messages("strict/names-change-nothing", "functions.f notes<|message|>x", NAMES),
        calls.parse_messages("strict/preset-user", "<|message|>hi<|end|>", _role(chat.ROLE_USER)),
        calls.parse_messages(
            "strict/preset-tool", " to=a<|message|>4<|end|>", _role(chat.ROLE_TOOL)
        ),
        *[
            calls.parse_messages(f"strict/no-role/{name}", text, NO_ROLE)
            for name, text in _CASES_WITH_STARTS.items()
        ],
        *[calls.parse_messages(f"strict/error/{name}", text) for name, text in _REFUSED.items()],
        *[
            calls.parse_messages(f"strict/error/no-role/{name}", text, NO_ROLE)
            for name, text in _REFUSED_WITH_STARTS.items()
        ],
    ]


def _lenient(calls: Calls) -> list[Vector]:
    same = ("thought-call-answer", "no-stop-token", "header/recipient-first")
    refused = ("header-cut-off", "empty-channel", "words-left-over", "text-behind-the-end")
    return [
        *[calls.parse_messages(f"lenient/{name}", _CASES[name], LENIENT) for name in same],
        *[
            calls.parse_messages(f"lenient/rescued/{name}", text, LENIENT)
            for name, text in _LENIENT_ONLY.items()
        ],
        calls.parse_messages(
            "lenient/no-role/header-is-dropped",
            "<|start|>assistant<|channel|>final hi<|end|><|start|>user<|message|>x<|end|>",
            _LENIENT_NO_ROLE,
        ),
        *[
            calls.parse_messages(f"lenient/error/{name}", _REFUSED[name], LENIENT)
            for name in refused
        ],
        calls.parse_messages(
            "lenient/error/rescue-of-an-empty-channel", "<|channel|><|end|>", LENIENT
        ),
        calls.parse_messages(
            "lenient/names-change-nothing", "<|channel|>final functions.f<|end|>", _LENIENT_NAMES
        ),
        calls.parse_messages("lenient/error/no-role/no-start", "hi", _LENIENT_NO_ROLE),
    ]


def _tokens(calls: Calls) -> list[Vector]:
    """Returns vectors that only token ids can express: partial characters, unknown ids, limits."""
    begin, end = calls.tokens("<|message|>"), calls.tokens("<|end|>")
    salute = calls.tokens("🫡")
    head, tail = salute[:1], salute[1:]
    user_begin = calls.tokens("<|start|>user<|message|>")
    few = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(max_header_tokens=3)
    )
    few_lenient = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(strict=False, max_header_tokens=3)
    )

    def case(name: str, tokens: list[int], config: parse.ParseConfig = ASSISTANT) -> Vector:
        return calls.parse_messages(name, tokens, config)

    return [
        case("utf8/character-of-several-tokens", [*begin, *salute, *end]),
        case("utf8/cut-off-by-the-stop-token", [*begin, 87, *head, *end]),
        case("utf8/cut-off-by-the-end", [*begin, 87, *salute[:-1]]),
        case("utf8/cut-off-by-a-letter", [*begin, *head, 87, *tail, 87, *end]),
        case("utf8/without-its-beginning", [*begin, *tail, *end]),
        case(
            "utf8/nothing-leaks-into-the-next-message",
            [*begin, *head, *end, *user_begin, *tail, *end],
        ),
        case("utf8/error/in-a-header", [*head, *begin, 87]),
        case("unknown-id/in-content", [*begin, 87, 300_000, 88, *end]),
        case("unknown-id/several-in-content", [*begin, 201_089, 2**32 - 1, 87, *end]),
        case("unknown-id/inside-a-character", [*begin, *head, 300_000, *tail, *end]),
        case("unknown-id/error/in-a-header", [300_000, *begin, 87]),
        case("unknown-id/error/instead-of-a-start", [2**32 - 1], NO_ROLE),
        case("limit/header-of-the-largest-length", [*calls.tokens("to=a.b"), *begin], few),
        case("limit/error/header-too-long", [87, 87, 87, 87, *begin], few),
        case("limit/error/header-too-long-not-strict", [87, 87, 87, 87, *end], few_lenient),
        case("limit/rescue-of-the-largest-length", [87, 87, 87, *end], few_lenient),
        case("limit/error/default", [87] * 4097),
    ]


def _refused_requests() -> list[Vector]:
    vectors = []
    for name, (config, field) in BAD_CONFIGS.items():
        request = pb.ParseMessagesRequest(tokens=[200_008], options=config.options)
        if config.HasField("role"):
            request.role = config.role
        error = invalid_field(field)
        vectors.append(Vector(f"parse_messages/error/{name}", [request], error=error))
    return vectors


def _role(role: chat.Role) -> parse.ParseConfig:
    return parse.ParseConfig(role=role)
