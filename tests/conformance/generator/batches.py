"""ParseBatch: interleaved sequences, opened and closed at different steps, and errors."""

import itertools
from collections.abc import Sequence
from typing import Final

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse

from .batch import MAX_SEQUENCES, Batch
from .calls import Calls
from .contract import invalid_field
from .parses import ANSWER, BAD_CONFIGS, CALL, LENIENT, THOUGHT, prefilled
from .vector import Vector

_HELLO: Final = "<|channel|>final<|message|>Hello 🫡 there<|return|>"


def parse_batch_vectors(calls: Calls) -> list[Vector]:
    """Returns the vectors of ParseBatch: an engine's steps, and their errors."""
    return [
        *_steps(calls),
        *_lives(calls),
        *_characters(calls),
        *_prefilled(calls),
        *_ranges(calls),
        *_malformed(calls),
        *_unknown_and_open(calls),
        *_refused(calls),
    ]


def _batch(calls: Calls, name: str) -> Batch:
    return Batch(calls.reference, name)


def _pairs(sequence_id: int, tokens: Sequence[int]) -> list[tuple[int, int]]:
    return [(sequence_id, token) for token in tokens]


def _dealt(batch: Batch, runs: dict[int, list[int]], size: int = 1) -> Batch:
    """Feeds all tokens, `size` of each sequence per step."""
    for begin in range(0, max(map(len, runs.values())), size):
        pairs = [
            pair
            for sequence_id, run in runs.items()
            for pair in _pairs(sequence_id, run[begin : begin + size])
        ]
        batch.step(*pairs)
    return batch


def _opened(sequence_id: int, config: parse.ParseConfig | None = None) -> parse.OpenSequence:
    return parse.OpenSequence(sequence_id=sequence_id, config=config)


def _steps(calls: Calls) -> list[Vector]:
    long, short = calls.tokens(THOUGHT + CALL + ANSWER), calls.tokens(_HELLO)
    runs = {1: long, 2: short, 3: calls.tokens(THOUGHT + ANSWER)}
    alternating = itertools.chain.from_iterable(
        itertools.zip_longest(_pairs(1, runs[3]), _pairs(2, short))
    )
    many = {
        number: calls.tokens(f"<|channel|>final<|message|>I am {number}.<|end|>")
        for number in range(40)
    }
    return [
        _batch(calls, "steps/no-requests").half_close(),
        _batch(calls, "steps/empty-requests").step().step(open_=[1]).step().half_close(),
        _dealt(_batch(calls, "steps/one-sequence").step(open_=[7]), {7: long}).half_close(),
        _dealt(_batch(calls, "steps/one-token-each").step(open_=runs), runs).half_close(),
        _dealt(_batch(calls, "steps/three-tokens-each").step(open_=runs), runs, 3).half_close(),
        _dealt(_batch(calls, "steps/all-tokens-at-once").step(open_=runs), runs, 99).half_close(),
        _batch(calls, "steps/tokens-of-two-alternate")
        .step(*[pair for pair in alternating if pair], open_=[1, 2])
        .half_close(),
        _batch(calls, "steps/order-of-the-request")
        .step((2, 200_008), (1, 200_008), open_=[1, 2])
        .step((2, 87), (1, 88))
        .step((1, 89), (2, 90))
        .half_close(),
        _batch(calls, "steps/some-sequences-rest")
        .step(*[(sequence_id, 200_008) for sequence_id in (1, 2, 3)], open_=[1, 2, 3])
        .step((1, 87), (3, 88))
        .step((2, 89))
        .step((3, 90), (2, 91), (1, 92))
        .half_close(),
        _dealt(_batch(calls, "steps/many-sequences").step(open_=many), many).half_close(),
        _batch(calls, "steps/messages-in-one-request")
        .step(*_pairs(1, calls.tokens("<|message|>a<|end|><|start|>user<|message|>b")), open_=[1])
        .half_close(),
    ]


def _lives(calls: Calls) -> list[Vector]:
    hello = _pairs(5, calls.tokens("<|message|>Hello"))
    users = _opened(0)
    return [
        _batch(calls, "life/in-one-request").step(*hello, open_=[5], close=[5]).half_close(),
        _batch(calls, "life/staggered")
        .step((1, 200_008), open_=[1])
        .step((1, 87), (2, 200_008), open_=[2])
        .step((1, 88), (2, 89), (3, 200_008), open_=[3], close=[1])
        .step((2, 90), (3, 91), close=[2])
        .step((3, 92), (4, 200_008), open_=[4])
        .half_close(),
        _batch(calls, "life/id-used-again")
        .step(*hello, open_=[5], close=[5])
        .step(*hello[:1], open_=[5])
        .step((5, 87), close=[5])
        .half_close(),
        _batch(calls, "life/closed-in-other-order")
        .step(*[(sequence_id, 200_008) for sequence_id in (1, 2, 3)], open_=[1, 2, 3])
        .step(close=[3, 1])
        .half_close(),
        _batch(calls, "life/half-close-with-open-sequences")
        .step(*[(sequence_id, 200_008) for sequence_id in (3, 1)], open_=[3, 1])
        .step((1, 87))
        .half_close(),
        _batch(calls, "life/closed-before-any-token")
        .step(open_=[users])
        .step(close=[0])
        .half_close(),
        _batch(calls, "life/without-config")
        .step(open_=[users])
        .step(*_pairs(0, calls.tokens("<|start|>user<|message|>x<|end|>")))
        .half_close(),
        _batch(calls, "life/largest-id")
        .step((2**32 - 1, 200_008), (0, 200_008), open_=[2**32 - 1, 0])
        .step((0, 87), (2**32 - 1, 88))
        .half_close(),
        _batch(calls, "life/each-its-own-config")
        .step(
            open_=[
                _opened(1, LENIENT),
                _opened(2, parse.ParseConfig(role=chat.ROLE_USER)),
                _opened(3, parse.ParseConfig()),
            ]
        )
        .step(
            *_pairs(1, calls.tokens("<|channel|>final hi<|end|>")),
            *_pairs(2, calls.tokens("<|message|>hi")),
            *_pairs(3, calls.tokens("<|start|>system<|message|>hi")),
        )
        .half_close(),
    ]


def _characters(calls: Calls) -> list[Vector]:
    salute = calls.tokens("🫡")
    head, tail = salute[0], salute[1:]
    begun = [(1, 200_008), (2, 200_008)]
    return [
        _batch(calls, "utf8/over-steps")
        .step(*begun, open_=[1, 2])
        .step((1, head), (2, 87))
        .step((1, tail[0]), (2, head))
        .step(*_pairs(1, tail[1:]), *_pairs(2, tail))
        .half_close(),
        _batch(calls, "utf8/incomplete-at-the-close")
        .step(*begun, open_=[1, 2])
        .step((1, 87), (1, head), (2, head), close=[1])
        .half_close(),
        _batch(calls, "utf8/incomplete-at-the-stop-token")
        .step(*begun, open_=[1, 2])
        .step((1, head), (2, 87))
        .step((1, 200_007), (2, 88))
        .half_close(),
        _batch(calls, "utf8/broken-by-a-letter")
        .step(*begun, open_=[1, 2])
        .step((1, head), (2, 87))
        .step((1, 88), (2, 89))
        .half_close(),
        _batch(calls, "unknown-id/in-content")
        .step(*begun, open_=[1, 2])
        .step((1, 300_000), (2, 87))
        .step((1, 88), (2, 2**32 - 1))
        .half_close(),
        _batch(calls, "specials-are-text")
        .step(*begun, open_=[1, 2])
        .step((1, 200_006), (2, 87))
        .step((1, 200_005), (2, 200_008))
        .half_close(),
    ]


def _prefilled(calls: Calls) -> list[Vector]:
    final = _opened(1, prefilled(calls, "<|channel|>final<|message|>"))
    content = _opened(2, prefilled(calls, "<|channel|>final<|message|>It"))
    header = _opened(3, prefilled(calls, "<|channel|>commentary to"))
    refused = _opened(4, prefilled(calls, "<|message|>x<|end|>y"))
    return [
        _batch(calls, "prefill/started-with-the-first-token")
        .step(open_=[final, content, header])
        .step((1, 87), (2, 200_007), *_pairs(3, calls.tokens("=f<|message|>{}")))
        .step((1, 88), (3, 89))
        .half_close(),
        _batch(calls, "prefill/nothing-behind-it")
        .step(open_=[final, content, header])
        .step(close=[1])
        .half_close(),
        _batch(calls, "prefill/refused")
        .step((1, 87), (4, 87), open_=[final, refused])
        .step((1, 87))
        .half_close(),
    ]


def _ranges(calls: Calls) -> list[Vector]:
    asks = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(delta_offsets=True)
    )
    salute = calls.tokens("🫡")
    runs = {1: calls.tokens(_HELLO), 2: calls.tokens(THOUGHT), 3: calls.tokens(_HELLO)}
    opened: list[int | parse.OpenSequence] = [1, _opened(2, asks), _opened(3, asks)]
    begun = [(1, 200_008), (2, 200_008)]
    return [
        _dealt(_batch(calls, "delta-offsets/one-token-each").step(open_=opened), runs).half_close(),
        _dealt(
            _batch(calls, "delta-offsets/three-tokens-each").step(open_=opened), runs, 3
        ).half_close(),
        _batch(calls, "delta-offsets/beside-one-that-does-not-ask")
        .step(*begun, open_=[1, _opened(2, asks)])
        .step((1, 87), (2, 88))
        .step((2, salute[0]), (1, 87))
        .step((2, salute[1]), (1, 87))
        .step((2, salute[2]), (1, 87))
        .step((1, 87))
        .step((1, 87), (1, 87), (2, 88), (2, 88))
        .half_close(),
        _batch(calls, "delta-offsets/behind-a-prefill")
        .step((1, 87), open_=[_opened(1, prefilled(calls, "<|message|>It", asks))])
        .step((1, 88))
        .half_close(),
    ]


def _malformed(calls: Calls) -> list[Vector]:
    begun = [(1, 200_008), (2, 200_008)]
    few = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(max_header_tokens=2)
    )
    return [
        _batch(calls, "malformed/one-ends-the-other-goes-on")
        .step(*begun, open_=[1, 2])
        .step((1, 200_007), (2, 87))
        .step((1, 87), (2, 88))
        .step((1, 87), (2, 89))
        .half_close(),
        _batch(calls, "malformed/later-tokens-are-dropped")
        .step(*_pairs(1, [200_008, 87, 200_007, 65, 65]), begun[1], open_=[1, 2], close=[1])
        .half_close(),
        _batch(calls, "malformed/closed-in-a-header")
        .step(*_pairs(1, calls.tokens("<|channel|>final")), begun[1], open_=[1, 2])
        .step((2, 87), close=[1])
        .half_close(),
        _batch(calls, "malformed/half-close-in-headers")
        .step(begun[1], open_=[1, 2, 3])
        .half_close(),
        _batch(calls, "malformed/all-at-once")
        .step((1, 87), (2, 87), open_=[_opened(1), _opened(2)])
        .half_close(),
        _batch(calls, "malformed/id-used-again")
        .step((1, 87), open_=[_opened(1)])
        .step((1, 200_008), open_=[1])
        .half_close(),
        _batch(calls, "malformed/header-too-long")
        .step((1, 87), (2, 200_008), open_=[_opened(1, few), 2])
        .step((1, 87), (2, 88))
        .step((1, 87), (2, 89))
        .half_close(),
    ]


def _unknown_and_open(calls: Calls) -> list[Vector]:
    begun = [(1, 200_008), (2, 200_008)]
    return [
        _batch(calls, "unknown/never-opened")
        .step((1, 200_008), (9, 87), open_=[1])
        .step((9, 87), (1, 88))
        .half_close(),
        _batch(calls, "unknown/several-tokens-are-one-error")
        .step((1, 200_008), (9, 87), (9, 87), (8, 87), open_=[1], close=[9])
        .half_close(),
        _batch(calls, "unknown/close-of-one-never-opened").step(close=[4, 4, 5]).half_close(),
        _batch(calls, "unknown/closed")
        .step((1, 200_008), open_=[1], close=[1])
        .step((1, 87))
        .step(close=[1])
        .half_close(),
        _batch(calls, "unknown/closed-twice-in-a-request")
        .step((1, 200_008), open_=[1], close=[1, 1])
        .half_close(),
        _batch(calls, "unknown/opened-in-a-later-request")
        .step((1, 200_008))
        .step((1, 200_008), open_=[1])
        .half_close(),
        _batch(calls, "open/twice")
        .step(*begun, open_=[1, 2])
        .step((1, 87), (2, 88), open_=[1])
        .step((1, 87), (2, 89))
        .half_close(),
        _batch(calls, "open/twice-in-a-request").step(*begun[:1], open_=[1, 1]).half_close(),
        _batch(calls, "open/thrice-in-a-request").step(open_=[1, 1, 1]).half_close(),
        _batch(calls, "open/again-where-it-closes")
        .step((1, 200_008), open_=[1])
        .step((1, 87), open_=[1], close=[1])
        .half_close(),
        _batch(calls, "open/too-many")
        .step(open_=[_opened(sequence_id) for sequence_id in range(MAX_SEQUENCES + 1)])
        .half_close(),
    ]


def _refused(calls: Calls) -> list[Vector]:
    """Returns vectors of invalid configs, which end a sequence, and of invalid requests."""
    columns = {
        "no-tokens": ([1], []),
        "no-sequence-ids": ([], [87]),
        "fewer-tokens": ([1, 1], [87]),
        "more-tokens": ([1], [87, 88]),
    }
    return [
        *[
            _batch(calls, f"error/config-{name}")
            .step((1, 200_008), (2, 200_008), open_=[1, _opened(2, config)])
            .step((1, 87), (2, 88))
            .half_close()
            for name, (config, _) in BAD_CONFIGS.items()
        ],
        *[
            _batch(calls, f"error/columns-{name}")
            .step((1, 200_008), open_=[1])
            .fail(
                parse.ParseBatchRequest(sequence_ids=sequence_ids, tokens=tokens),
                invalid_field("tokens"),
            )
            for name, (sequence_ids, tokens) in columns.items()
        ],
        _batch(calls, "error/columns-of-the-first-request").fail(
            parse.ParseBatchRequest(sequence_ids=[1], open=[_opened(1)]), invalid_field("tokens")
        ),
    ]
