"""Parse: one sequence, split into requests in several ways."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Final

from harmony_client._google import status_pb2
from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse

from .calls import ASSISTANT, NO_ROLE, Calls
from .contract import failure, invalid_field, run
from .parses import ANSWER, BAD_CONFIGS, CALL, LENIENT, NAMES, THOUGHT, prefilled
from .vector import Vector

_EMOJI: Final = "<|channel|>final<|message|>Hei 🫡 世界 👩‍👩‍👧‍👦!<|return|>"
_LATER: Final = "<|message|>x<|end|><|start|>user<|message|>y<|end|>"
_MESSAGE: Final = ("<|message|>", "x")


def cut(tokens: Sequence[int], *sizes: int) -> list[list[int]]:
    """Splits tokens into runs of the given sizes, repeated in turn."""
    runs: list[list[int]] = []
    begin = 0
    for size in itertools.cycle(sizes):
        if begin >= len(tokens):
            return runs
        runs.append(list(tokens[begin : begin + size]))
        begin += size
    return runs


def parse_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of splits, characters, configs, protocol and errors."""
    return [
        *_splits(calls),
        *_characters(calls),
        *_configs(calls),
        *_protocol(calls),
        *_malformed(calls),
        *_prefilled(calls),
        *_ranges(calls),
    ]


def _splits(calls: Calls) -> list[Vector]:
    whole = calls.tokens(THOUGHT + CALL + ANSWER)
    messages = [calls.tokens(text) for text in (THOUGHT, CALL, ANSWER)]
    emoji = calls.tokens(_EMOJI)
    story = calls.tokens("<|channel|>final<|message|>" + "One more word. " * 900 + "<|return|>")
    return [
        calls.parse("split/whole", [whole]),
        calls.parse("split/one-by-one", cut(whole, 1)),
        calls.parse("split/two-by-two", cut(whole, 2)),
        calls.parse("split/seven-by-seven", cut(whole, 7)),
        calls.parse("split/one-then-many", cut(whole, 1, 5, 2)),
        calls.parse("split/nothing-between", cut(whole, 3, 0, 1, 0)),
        calls.parse("split/at-messages", messages),
        calls.parse(
            "split/inside-headers", [*cut(whole[:1], 1), whole[1:9], whole[9:16], whole[16:]]
        ),
        calls.parse("split/stop-tokens-alone", [[*whole[:-1]], whole[-1:]]),
        calls.parse("split/emoji-whole", [emoji]),
        calls.parse("split/emoji-one-by-one", cut(emoji, 1)),
        calls.parse("split/emoji-two-by-two", cut(emoji, 2)),
        calls.parse("split/emoji-three-by-three", cut(emoji, 3)),
        calls.parse("split/large-at-once", [story]),
        calls.parse("split/large-in-steps", cut(story, 64)),
        calls.parse(
            "split/messages-in-one-request",
            ["<|message|>Hello, world!<|end|><|start|>assistant<|message|>a b", " c"],
        ),
    ]


def _characters(calls: Calls) -> list[Vector]:
    begin, end = calls.tokens("<|message|>"), calls.tokens("<|end|>")
    salute = calls.tokens("🫡")
    head, tail = salute[:1], salute[1:]
    user_begin = calls.tokens("<|start|>user<|message|>")
    return [
        calls.parse("utf8/incomplete-at-the-half-close", [begin, [87], head]),
        calls.parse("utf8/incomplete-at-the-stop-token", [begin, [87], head, end]),
        calls.parse("utf8/incomplete-and-stopped-in-one-request", [begin, [87, *head, *end]]),
        calls.parse("utf8/broken-by-a-letter", [begin, head, [87], [87], tail, [88], end]),
        calls.parse("utf8/broken-by-a-letter-in-one-request", [begin, [*head, 87, 87], end]),
        calls.parse("utf8/nothing-leaks", [begin, head, end, user_begin, tail, end]),
        calls.parse("unknown-id/in-content", [begin, [300_000], [87, 2**32 - 1, 88], end]),
        calls.parse("unknown-id/inside-a-character", [begin, head, [300_000], tail, end]),
        calls.parse(
            "specials-are-text", [begin, *cut(calls.tokens("a<|start|><|channel|>b"), 1), end]
        ),
    ]


def _configs(calls: Calls) -> list[Vector]:
    header = "<|start|>functions.f to=assistant<|channel|>commentary <|constrain|>json<|message|>"
    text_in_header = calls.tokens(
        "<|channel|>final hi  there<|end|><|start|>user<|message|>x<|end|>"
    )
    few = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(max_header_tokens=2)
    )
    return [
        calls.parse("config/alone", [], NO_ROLE),
        calls.parse("config/no-role", ["<|start|>", "user<|message|>", "x", "<|end|>"], NO_ROLE),
        calls.parse("config/user", ["<|message|>x"], parse.ParseConfig(role=chat.ROLE_USER)),
        calls.parse("config/tool", [header, "4"], NO_ROLE),
        calls.parse(
            "config/explicit-options",
            [THOUGHT, ANSWER],
            parse.ParseConfig(
                role=chat.ROLE_ASSISTANT,
                options=parse.ParseOptions(strict=True, max_header_tokens=4096),
            ),
        ),
        calls.parse(
            "config/header-of-the-largest-length", ["<|channel|>", "final", *_MESSAGE], few
        ),
        calls.parse("config/names-change-nothing", ["functions.f notes", *_MESSAGE], NAMES),
        calls.parse("lenient/rescued", [text_in_header], LENIENT),
        calls.parse("lenient/rescued-one-by-one", cut(text_in_header, 1), LENIENT),
        calls.parse("lenient/well-formed", [THOUGHT, CALL, ANSWER], LENIENT),
        calls.parse("lenient/header-without-role-is-dropped", ["<|end|>", ANSWER], LENIENT),
    ]


def _prefilled(calls: Calls) -> list[Vector]:
    """Returns vectors of streams that continue a prefill."""
    final = prefilled(calls, "<|channel|>final<|message|>")
    part = prefilled(calls, "<|channel|>commentary to=functions")
    return [
        calls.parse("prefill/one-by-one", cut(calls.tokens("It is 4.<|return|>"), 1), final),
        calls.parse("prefill/at-once", ["It is 4.<|return|>" + CALL], final),
        calls.parse("prefill/started-with-the-first-token", [[], [], "4", []], final),
        calls.parse("prefill/stopped-at-once", ["<|return|>"], final),
        calls.parse("prefill/nothing-behind-it", [], final),
        calls.parse("prefill/header-goes-on", [".f", "<|message|>", "{}", "<|call|>"], part),
        calls.parse("prefill/error/cut-off", [".f"], part),
        calls.parse("prefill/error/behind-it", ["4<|return|>", "5"], final),
        calls.parse("prefill/error/refused", ["4"], prefilled(calls, "<|message|>x<|end|>4")),
    ]


def _ranges(calls: Calls) -> list[Vector]:
    """Returns vectors of deltas with their ranges."""
    asks = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(delta_offsets=True)
    )
    lenient = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(strict=False, delta_offsets=True)
    )
    whole, emoji = calls.tokens(THOUGHT + CALL + ANSWER), calls.tokens(_EMOJI)
    salute = calls.tokens("🫡")
    return [
        calls.parse("delta-offsets/one-by-one", cut(whole, 1), asks),
        calls.parse("delta-offsets/seven-by-seven", cut(whole, 7), asks),
        calls.parse("delta-offsets/emoji-one-by-one", cut(emoji, 1), asks),
        calls.parse("delta-offsets/emoji-three-by-three", cut(emoji, 3), asks),
        calls.parse("delta-offsets/cut-inside-a-character", [[200_008, 87, *salute[:2]]], asks),
        calls.parse("delta-offsets/unknown-id", [[200_008, 300_000], [87, 300_000, 87]], asks),
        calls.parse("delta-offsets/text-in-a-header", ["<|channel|>final hi<|end|>"], lenient),
        calls.parse(
            "delta-offsets/prefill",
            [salute[1:], [87], [88, 200_007]],
            prefilled(calls, [200_008, 87, salute[0]], asks),
        ),
    ]


def _protocol(calls: Calls) -> list[Vector]:
    """Returns vectors of streams without tokens and of requests out of order."""
    config = parse.ParseRequest(config=ASSISTANT)
    begun = calls.parse("", ["<|message|>"])
    nothing = parse.ParseRequest()

    def out_of_order(name: str, *requests: parse.ParseRequest) -> Vector:
        # Every request before the last one has a response.
        responses = [*begun.responses[: len(requests) - 1]]
        error = failure("OUT_OF_ORDER", field="request")
        return Vector(f"parse/error/{name}", requests, responses, error)

    return [
        Vector("parse/protocol/no-requests", [], [parse.ParseResponse()]),
        Vector(
            "parse/protocol/config-without-a-field",
            [parse.ParseRequest(config=NO_ROLE)],
            [parse.ParseResponse(), parse.ParseResponse()],
        ),
        calls.parse("protocol/requests-without-tokens", [[], *_MESSAGE, [], [], "y", []]),
        out_of_order("tokens-first", run([200_008])),
        out_of_order("no-tokens-first", run([])),
        out_of_order("nothing-first", nothing),
        out_of_order("config-twice", config, config),
        out_of_order("config-late", config, run(calls.tokens("<|message|>")), config),
        out_of_order("nothing-later", config, nothing),
        *[
            _refused_config(f"config-{name}", config, invalid_field(f"config.{field}"))
            for name, (config, field) in BAD_CONFIGS.items()
        ],
    ]


def _refused_config(name: str, config: parse.ParseConfig, error: status_pb2.Status) -> Vector:
    return Vector(f"parse/error/{name}", [parse.ParseRequest(config=config)], error=error)


def _malformed(calls: Calls) -> list[Vector]:
    few = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(max_header_tokens=5)
    )

    def case(
        name: str, chunks: Iterable[str | list[int]], config: parse.ParseConfig = ASSISTANT
    ) -> Vector:
        return calls.parse(f"malformed/{name}", chunks, config)

    return [
        case("text-behind-the-end", ["<|message|>x<|end|>y"]),
        case("text-behind-the-end-in-a-request-of-its-own", ["<|message|>", "x<|end|>", [], "y"]),
        case("no-start", ["x"], NO_ROLE),
        case("events-before-the-error", [THOUGHT + ANSWER + "<|end|>"]),
        case("offsets-count-over-requests", ["<|message|>", [], "a b c", "<|end|>", "d"]),
        case("half-close-without-tokens", []),
        case("half-close-in-a-header", ["<|channel|>final"]),
        case("half-close-behind-a-stopped-header", ["<|channel|>final", "<|return|>"]),
        case("half-close-in-a-later-header", [_LATER, "<|start|>assistant"]),
        case("half-close-in-a-header-not-strict", ["<|channel|>final"], LENIENT),
        case("empty-channel", ["<|channel|>", "<|message|>"]),
        case("words-left-over", ["a b", " c", "<|message|>"]),
        case("unknown-role", [_LATER, "<|start|>bob", "<|message|>"]),
        case("unknown-id-in-a-header", [[300_000], "<|message|>"]),
        case("header-too-long", [[87, 87], [87, 87], [87, 87]], few),
        case("header-too-long-in-one-request", [[87] * 9], few),
        case("empty-channel-not-strict", ["<|channel|>", "<|end|>"], LENIENT),
    ]
