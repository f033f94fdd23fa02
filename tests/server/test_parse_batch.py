"""The ParseBatch stream, step by step in the contract's order."""

from collections.abc import Iterable, Sequence

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as pb
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.strategies.token_streams import streams
from tests.support.encodings import encode, tokens_of
from tests.support.failures import Failure, failure_of_status
from tests.support.streams import (
    ASSISTANT,
    LockStep,
    batch,
    batch_failing,
    completed,
    delta,
    parse_either_way,
    started,
    with_deltas_joined,
)

_INVALID = grpc.StatusCode.INVALID_ARGUMENT


def _request(
    *pairs: tuple[int, int], open_: Iterable[int] = (), close: Iterable[int] = ()
) -> pb.ParseBatchRequest:
    """Returns a request that opens the assistant's sequences, feeds pairs and closes sequences."""
    return pb.ParseBatchRequest(
        open=[pb.OpenSequence(sequence_id=sequence_id, config=ASSISTANT) for sequence_id in open_],
        sequence_ids=[sequence_id for sequence_id, _ in pairs],
        tokens=[token for _, token in pairs],
        close=close,
    )


def _deltas(response: pb.ParseBatchResponse) -> list[tuple[int, str]]:
    assert len(response.sequence_ids) == len(response.deltas)
    return list(zip(response.sequence_ids, response.deltas, strict=True))


def _kinds(response: pb.ParseBatchResponse) -> list[tuple[int, int, str | None]]:
    """Returns each event's sequence, index among the deltas, and kind."""
    return [
        (event.sequence_id, event.delta_index, event.WhichOneof("event"))
        for event in response.events
    ]


def _errors(response: pb.ParseBatchResponse) -> list[tuple[int, Failure]]:
    return [
        (event.sequence_id, failure_of_status(event.error))
        for event in response.events
        if event.HasField("error")
    ]


def _events_of(
    responses: Iterable[pb.ParseBatchResponse], sequence_id: int, *, has_offsets: bool = False
) -> tuple[list[pb.ParseEvent], Failure | None]:
    """Returns what a Parse stream would have returned for one sequence."""
    found: list[pb.ParseEvent] = []
    failure = None
    for response in responses:
        begin = 0
        columns = [list(response.delta_begins), list(response.delta_ends)]
        assert columns == [[], []] or any(columns[1])
        for column in columns:
            assert len(column) in (0, len(response.deltas))
            column += [0] * (len(response.deltas) - len(column))
        for event in [*response.events, None]:
            end = len(response.deltas) if event is None else event.delta_index
            found += [
                delta(response.deltas[index], *(column[index] for column in columns))
                if has_offsets
                else delta(response.deltas[index])
                for index in range(begin, end)
                if response.sequence_ids[index] == sequence_id
            ]
            if not has_offsets:
                assert not any(
                    columns[1][index]
                    for index in range(begin, end)
                    if response.sequence_ids[index] == sequence_id
                )
            begin = end
            if event is None or event.sequence_id != sequence_id:
                continue
            match event.WhichOneof("event"):
                case "started":
                    found.append(pb.ParseEvent(started=event.started))
                case "completed":
                    found.append(pb.ParseEvent(completed=event.completed))
                case "recovered":
                    found.append(pb.ParseEvent(recovered=event.recovered))
                case "error":
                    # Later tokens of a failed sequence are errors of an unknown one.
                    failure = failure or failure_of_status(event.error)
    return found, failure


# The protocol


def test_sequences_in_lock_step(stub: HarmonyServiceStub) -> None:
    """Each request is answered by one response before the next is written; so is the half-close."""
    stream = LockStep[pb.ParseBatchRequest, pb.ParseBatchResponse](stub.ParseBatch)
    assert stream.ask(_request(open_=[7, 8])) == pb.ParseBatchResponse()
    begun = stream.ask(_request((7, 200008), (8, 200008)))
    assert _kinds(begun) == [(7, 0, "started"), (8, 0, "started")]
    assert _deltas(stream.ask(_request((8, 87), (7, 88)))) == [(8, "x"), (7, "y")]
    ended = stream.ask(_request((7, 200007), (8, 89)))
    assert _deltas(ended) == [(8, "z")]
    assert _kinds(ended) == [(7, 0, "completed")]
    assert ended.events[0].completed == completed("y", (0, 0), (1, 2), stop_token=200007).completed
    (last,) = stream.half_close()
    assert _kinds(last) == [(8, 0, "completed")]
    assert last.events[0].completed == completed("xz", (0, 0), (1, 3)).completed


@pytest.mark.parametrize("field", ["open", "sequence_ids", "close"])
def test_too_many_failures_end_the_stream(stub: HarmonyServiceStub, field: str) -> None:
    """A request that fails too many sequences ends the stream; the error names its field."""
    sequence_ids = range(40_000)
    without_role = pb.ParseConfig(role=chat.ROLE_UNSPECIFIED)
    request = {
        "open": pb.ParseBatchRequest(
            open=[
                pb.OpenSequence(sequence_id=sequence_id, config=without_role)
                for sequence_id in sequence_ids
            ]
        ),
        "sequence_ids": _request(*((sequence_id, 87) for sequence_id in sequence_ids)),
        "close": _request(close=sequence_ids),
    }[field]
    failure = batch_failing(stub, request)[1]
    assert failure.message == f"{field}: more than 32768 sequences failed"
    assert failure.reason == "INVALID_FIELD"
    assert failure.fields == (field,)


def test_an_empty_stream(stub: HarmonyServiceStub) -> None:
    """A stream that is half-closed before any request gets one empty response and OK."""
    assert batch(stub) == [pb.ParseBatchResponse()]


def test_an_empty_request(stub: HarmonyServiceStub) -> None:
    """An empty request is answered with an empty response."""
    assert batch(stub, _request(), _request(open_=[1]), _request())[:3] == (
        [pb.ParseBatchResponse()] * 3
    )


def test_a_request_opens_feeds_and_closes(stub: HarmonyServiceStub) -> None:
    """One request can open, feed and close a sequence."""
    response, end = batch(stub, _request((5, 200008), (5, 87), open_=[5], close=[5]))
    assert _events_of([response], 5) == (
        [started(), delta("x"), completed("x", (0, 0), (1, 2))],
        None,
    )
    assert end == pb.ParseBatchResponse()


def test_a_sequence_without_config(stub: HarmonyServiceStub) -> None:
    """Without a config a sequence is strict and begins with `<|start|>`."""
    opened = pb.ParseBatchRequest(open=[pb.OpenSequence(sequence_id=0)])
    run = tokens_of("<|start|>user<|message|>x<|end|>")
    responses = batch(stub, opened, *[_request((0, token)) for token in run])
    user = chat.ROLE_USER
    assert _events_of(responses, 0) == (
        [
            started(user),
            delta("x"),
            completed("x", (1, 2), (3, 4), role=user, stop_token=200007),
        ],
        None,
    )


def test_several_tokens_of_a_sequence_make_one_delta(stub: HarmonyServiceStub) -> None:
    """A sequence listed several times gets its tokens in order and makes one delta per message."""
    run = [(1, token) for token in tokens_of("<|message|>Hello, world!")]
    other = [(2, token) for token in tokens_of("<|message|>a b")]
    mixed = [
        pair for pairs in zip(run, [*other, None, None], strict=False) for pair in pairs if pair
    ]
    response = batch(stub, _request(*mixed, *run[5:], open_=[1, 2]))[0]
    assert sorted(_deltas(response)) == [(1, "Hello, world!"), (2, "a b")]
    assert [kind for _, _, kind in _kinds(response)] == ["started", "started"]


def test_events_have_their_index_among_the_deltas(stub: HarmonyServiceStub) -> None:
    """`delta_index` is the number of deltas in the response before the event."""
    text = "<|message|>a<|end|><|start|>assistant<|message|>b<|end|>"
    response = batch(stub, _request(*[(1, token) for token in tokens_of(text)], open_=[1]))[0]
    assert _deltas(response) == [(1, "a"), (1, "b")]
    assert _kinds(response) == [
        (1, 0, "started"),
        (1, 1, "completed"),
        (1, 1, "started"),
        (1, 2, "completed"),
    ]


def test_the_rest_of_a_character_is_a_delta(stub: HarmonyServiceStub) -> None:
    """An incomplete character at the end of a message is a delta before the completion."""
    response = batch(
        stub, _request((1, 200008), open_=[1]), _request((1, 4103)), _request((1, 200007))
    )[2]
    assert _deltas(response) == [(1, "\ufffd")]
    assert _kinds(response) == [(1, 1, "completed")]


def test_deltas_are_in_the_order_of_the_request(stub: HarmonyServiceStub) -> None:
    """A sequence whose token completes a character, or a message, keeps its place."""
    begun = _request(*((number, 200008) for number in (1, 2, 3, 4)), open_=[1, 2, 3, 4])
    half, other_half = encode("🫡")[:2], encode("🫡")[2]
    first = _request((2, half[0]), (3, 87))
    second = _request((2, half[1]), (3, 87))
    response = batch(
        stub, begun, first, second, _request((1, 87), (2, other_half), (3, 200007), (4, 87))
    )[3]
    assert _deltas(response) == [(1, "x"), (2, "🫡"), (4, "x")]
    assert _kinds(response) == [(3, 2, "completed")]


def test_a_long_run_is_one_delta(stub: HarmonyServiceStub) -> None:
    """However many tokens a request has for a sequence, their text is one delta, once."""
    run = [200008, *[87] * 100_000]
    pairs = [(1, token) for token in (*run, 200007, 87)]
    _, response = batch(stub, _request(open_=[1]), _request(*pairs))[:2]
    assert _deltas(response) == [(1, "x" * 100_000)]
    assert _kinds(response) == [(1, 0, "started"), (1, 1, "completed"), (1, 1, "error")]


def test_the_half_close_closes_every_sequence(stub: HarmonyServiceStub) -> None:
    """Sequences open at the half-close are completed, or fail, in the last response."""
    opened = pb.ParseBatchRequest(open=[pb.OpenSequence(sequence_id=3)])
    last = batch(stub, opened, _request((1, 200008), open_=[1, 2]))[-1]
    assert {(event.sequence_id, event.WhichOneof("event")) for event in last.events} == {
        (1, "completed"),
        (2, "error"),
    }
    ((_, failure),) = _errors(last)
    assert failure.reason == "PARSE_FAILED"
    assert failure.metadata == {"token": "", "offset": "0", "state": "Header", "cut_off": "true"}


def test_a_closed_id_can_be_used_again(stub: HarmonyServiceStub) -> None:
    """The id of a closed sequence can be opened again, and starts a new sequence."""
    responses = batch(
        stub,
        _request((1, 200008), (1, 87), open_=[1], close=[1]),
        _request((1, 200008), (1, 88), open_=[1], close=[1]),
    )
    assert _events_of(responses[:1], 1)[0][-1] == completed("x", (0, 0), (1, 2))
    assert _events_of(responses[1:], 1)[0][-1] == completed("y", (0, 0), (1, 2))


def test_the_largest_sequence_id(stub: HarmonyServiceStub) -> None:
    """The caller may choose any id that fits into 32 bits."""
    sequence_id = 2**32 - 1
    responses = batch(stub, _request((sequence_id, 200008), (sequence_id, 87), open_=[sequence_id]))
    assert _events_of(responses, sequence_id)[0][:2] == [started(), delta("x")]


def test_100_000_tokens_in_a_request(stub: HarmonyServiceStub) -> None:
    """A request with very many tokens of one message makes one delta."""
    pairs = [(1, 200008), *[(1, 87)] * 100_000]
    response = batch(stub, _request(*pairs, open_=[1]))[0]
    assert _deltas(response) == [(1, "x" * 100_000)]


def test_many_sequences_at_once(stub: HarmonyServiceStub) -> None:
    """A step with a thousand sequences gives a thousand deltas, in the order of the tokens."""
    ids = range(1000)
    responses = batch(
        stub,
        _request(*[(sequence_id, 200008) for sequence_id in ids], open_=ids),
        _request(*[(sequence_id, 87) for sequence_id in ids]),
    )
    assert _deltas(responses[1]) == [(sequence_id, "x") for sequence_id in ids]
    assert len(responses[2].events) == 1000


# Errors of one sequence


@pytest.mark.parametrize("again", [1, 2])
def test_an_unknown_id_is_an_error_of_that_sequence(stub: HarmonyServiceStub, again: int) -> None:
    """Tokens for an unopened sequence give one error; the other sequences go on."""
    step = _request((1, 200008), *[(9, 87)] * again, (1, 87), open_=[1])
    responses = batch(stub, step, _request((1, 88)))
    ((sequence_id, failure),) = _errors(responses[0])
    assert sequence_id == 9
    assert (failure.code, failure.reason, failure.domain) == (
        _INVALID,
        "SEQUENCE_UNKNOWN",
        "harmony.v1",
    )
    (field,) = failure.fields
    assert field.startswith("sequence_ids")
    assert _events_of(responses, 1)[0] == [
        started(),
        delta("x"),
        delta("y"),
        completed("xy", (0, 0), (1, 3)),
    ]


def test_a_sequence_that_was_never_opened_cannot_be_closed(stub: HarmonyServiceStub) -> None:
    """Closing an unknown id gives an error for that id."""
    response = batch(stub, _request(close=[4]))[0]
    ((sequence_id, failure),) = _errors(response)
    assert (sequence_id, failure.reason) == (4, "SEQUENCE_UNKNOWN")
    (field,) = failure.fields
    assert field.startswith("close")


def test_a_closed_sequence_is_unknown(stub: HarmonyServiceStub) -> None:
    """A closed sequence takes no more tokens and cannot be closed again."""
    responses = batch(
        stub,
        _request((1, 200008), open_=[1], close=[1]),
        _request((1, 87)),
        _request(close=[1]),
    )
    for response in responses[1:3]:
        ((sequence_id, failure),) = _errors(response)
        assert (sequence_id, failure.reason) == (1, "SEQUENCE_UNKNOWN")


def test_an_open_sequence_cannot_be_opened_again(stub: HarmonyServiceStub) -> None:
    """Opening an open id ends that sequence with an error, and no other."""
    responses = batch(
        stub,
        _request((1, 200008), (2, 200008), open_=[1, 2]),
        _request((1, 87), (2, 88), open_=[1]),
        _request((1, 87), (2, 89)),
    )
    ((sequence_id, failure),) = _errors(responses[1])
    assert (sequence_id, failure.code, failure.reason) == (1, _INVALID, "SEQUENCE_OPEN")
    assert failure.fields == ("open[0]",)
    assert _deltas(responses[1]) == [(2, "y")]
    ((sequence_id, failure),) = _errors(responses[2])
    assert (sequence_id, failure.reason) == (1, "SEQUENCE_UNKNOWN")
    assert _deltas(responses[2]) == [(2, "z")]


def test_an_id_opened_twice_in_a_request(stub: HarmonyServiceStub) -> None:
    """The second opening fails, and the error's field names it."""
    response = batch(stub, _request((1, 200008), open_=[1, 1]))[0]
    ((sequence_id, failure),) = _errors(response)
    assert (sequence_id, failure.reason, failure.fields) == (1, "SEQUENCE_OPEN", ("open[1]",))
    assert _kinds(response) == [(1, 0, "error")]


def test_an_invalid_config_fails_its_sequence_alone(stub: HarmonyServiceStub) -> None:
    """An invalid config is an error of its sequence; the others are opened."""
    bad = pb.ParseConfig(options=pb.ParseOptions(max_header_tokens=0))
    opened = pb.ParseBatchRequest(
        open=[
            pb.OpenSequence(sequence_id=1, config=ASSISTANT),
            pb.OpenSequence(sequence_id=2, config=bad),
        ],
        sequence_ids=[1, 2],
        tokens=[200008, 200008],
    )
    response = batch(stub, opened)[0]
    ((sequence_id, failure),) = _errors(response)
    assert (sequence_id, failure.reason) == (2, "INVALID_FIELD")
    assert failure.fields == ("open[1].config.options.max_header_tokens",)
    assert _events_of([response], 1) == ([started()], None)


def test_malformed_output_ends_one_sequence(stub: HarmonyServiceStub) -> None:
    """Malformed output ends its sequence with Parse's status; the other sequences go on."""
    responses = batch(
        stub,
        _request((1, 200008), (2, 200008), open_=[1, 2]),
        _request((1, 200007), (2, 87)),
        _request((1, 87), (2, 88)),
        _request((1, 87), (2, 89)),
    )
    ((sequence_id, failure),) = _errors(responses[2])
    assert sequence_id == 1
    assert (failure.code, failure.reason, failure.domain) == (
        _INVALID,
        "PARSE_FAILED",
        "harmony.v1",
    )
    assert failure.metadata == {"token": "87", "offset": "2", "state": "ExpectStart"}
    ((sequence_id, failure),) = _errors(responses[3])
    assert (sequence_id, failure.reason) == (1, "SEQUENCE_UNKNOWN")
    assert [_deltas(response) for response in responses[1:4]] == [
        [(2, "x")],
        [(2, "y")],
        [(2, "z")],
    ]


def test_later_tokens_of_a_failed_sequence_are_ignored(stub: HarmonyServiceStub) -> None:
    """After a sequence fails, the rest of its tokens in the request give no second error."""
    pairs = [(1, token) for token in (200008, 87, 200007, 65, 65, 200006)]
    response = batch(stub, _request(*pairs, (2, 200008), open_=[1, 2], close=[1]))[0]
    assert _kinds(response) == [
        (1, 0, "started"),
        (1, 1, "completed"),
        (1, 1, "error"),
        (2, 1, "started"),
    ]


# Prefills, and the offsets of deltas


def _opening(
    sequence_id: int, prefill: str = "", *, delta_offsets: bool = False
) -> pb.OpenSequence:
    config = pb.ParseConfig(
        role=chat.ROLE_ASSISTANT,
        options=pb.ParseOptions(delta_offsets=delta_offsets),
        prefill=tokens_of(prefill),
    )
    return pb.OpenSequence(sequence_id=sequence_id, config=config)


def test_a_prefilled_sequence_starts_with_its_first_token(stub: HarmonyServiceStub) -> None:
    """A message that the prefill opens is reported with the first token, whatever that is."""
    opened = pb.ParseBatchRequest(
        open=[_opening(1, "<|channel|>final<|message|>"), _opening(2, "<|message|>x")],
    )
    responses = batch(stub, opened, _request(), _request((1, 87), (2, 200007)), _request((1, 88)))
    assert responses[:2] == [pb.ParseBatchResponse()] * 2
    assert _kinds(responses[2]) == [(1, 0, "started"), (2, 1, "started"), (2, 1, "completed")]
    assert _deltas(responses[2]) == [(1, "x")]
    assert responses[2].events[0].started.channel == "final"
    assert responses[2].events[2].completed == (
        completed("", (0, 0), (0, 0), stop_token=200007).completed
    )
    assert (_deltas(responses[3]), _kinds(responses[3])) == ([(1, "y")], [])
    assert responses[4].events[0].completed == (
        completed("xy", (0, 0), (0, 2), channel="final").completed
    )


def test_a_malformed_prefill_fails_its_sequence(stub: HarmonyServiceStub) -> None:
    """The error names the token; the other sequences go on."""
    opened = pb.ParseBatchRequest(open=[_opening(1), _opening(2, "<|message|>x<|end|>y")])
    first, second, _ = batch(stub, opened, _request((1, 200008)))
    ((sequence_id, failure),) = _errors(first)
    assert (sequence_id, failure.reason) == (2, "INVALID_FIELD")
    assert failure.fields == ("open[1].config.prefill[3]",)
    assert _kinds(second) == [(1, 0, "started")]


def test_the_offsets_of_deltas_are_columns(stub: HarmonyServiceStub) -> None:
    """They are parallel to the deltas, 0 for who did not ask, and empty if nobody did."""
    salute = tokens_of("🫡")
    opened = pb.ParseBatchRequest(
        open=[_opening(1), _opening(2, delta_offsets=True)],
        sequence_ids=[1, 2],
        tokens=[200008, 200008],
    )
    steps = [
        _request((1, 87), (2, 88)),
        _request((1, 87), (2, salute[0])),
        _request((1, 87), (2, salute[1])),
        _request((1, 87), (2, salute[2])),
        _request((2, 87), (2, 88), (1, 87)),
        _request((2, 87), (1, 87)),
    ]
    columns = [
        (_deltas(response), list(response.delta_begins), list(response.delta_ends))
        for response in batch(stub, opened, *steps)[1:-1]
    ]
    assert columns == [
        ([(1, "x"), (2, "y")], [0, 1], [0, 2]),
        ([(1, "x")], [], []),
        ([(1, "x")], [], []),
        ([(1, "x"), (2, "🫡")], [0, 2], [0, 5]),
        ([(2, "xy"), (1, "x")], [5, 0], [7, 0]),
        ([(2, "x"), (1, "x")], [7, 0], [8, 0]),
    ]


# Errors of the stream


@pytest.mark.parametrize(
    ("sequence_ids", "tokens"), [([1], []), ([], [87]), ([1, 1], [87]), ([1], [87, 88])]
)
def test_columns_of_different_length_end_the_stream(
    stub: HarmonyServiceStub, sequence_ids: list[int], tokens: list[int]
) -> None:
    """`sequence_ids` and `tokens` of different length end the stream without a response."""
    bad = pb.ParseBatchRequest(sequence_ids=sequence_ids, tokens=tokens)
    responses, failure = batch_failing(stub, _request(open_=[1]), bad, _request())
    assert responses == [pb.ParseBatchResponse()]
    assert (failure.code, failure.reason, failure.domain, failure.fields) == (
        _INVALID,
        "INVALID_FIELD",
        "harmony.v1",
        ("tokens",),
    )


# The same results as Parse


_CONFIGS = st.builds(
    lambda options, asks, prefill: pb.ParseConfig(
        role=chat.ROLE_ASSISTANT,
        options=pb.ParseOptions(delta_offsets=asks, **options),
        prefill=tokens_of(prefill),
    ),
    st.sampled_from([{"strict": True}, {"strict": False}, {"recover": True}]),
    st.booleans(),
    st.sampled_from(["", "", "<|channel|>final<|message|>Yes", "<|channel|>commentary to=f"]),
)


@settings(max_examples=100, deadline=None)
@given(
    sequences=st.lists(st.tuples(streams(), _CONFIGS), min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=8),
)
def test_every_sequence_is_parsed_as_alone(
    stub: HarmonyServiceStub,
    sequences: list[tuple[list[int], pb.ParseConfig]],
    sizes: Sequence[int],
) -> None:
    """Each sequence of a batch has the events of its own Parse, however its tokens are split."""
    opening = pb.ParseBatchRequest(
        open=[
            pb.OpenSequence(sequence_id=sequence_id, config=config)
            for sequence_id, (_, config) in enumerate(sequences)
        ]
    )
    runs = [tokens for tokens, _ in sequences]
    steps = _cut(runs, sizes)
    responses = batch(stub, opening, *[_request(*step) for step in steps])
    assert len(responses) == len(steps) + 2
    for sequence_id, (_, config) in enumerate(sequences):
        has_offsets = config.options.delta_offsets
        events, failure = _events_of(responses, sequence_id, has_offsets=has_offsets)
        chunks = [
            [token for one, token in step if one == sequence_id]
            for step in steps
            if any(one == sequence_id for one, _ in step)
        ]
        alone, failure_alone = parse_either_way(stub, config, chunks)
        assert with_deltas_joined(events) == with_deltas_joined(alone)
        assert failure == failure_alone


def _cut(sequences: list[list[int]], sizes: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Splits the tokens into steps, each with some tokens of every sequence."""
    offsets = [0] * len(sequences)
    steps: list[list[tuple[int, int]]] = []
    while any(offset < len(run) for offset, run in zip(offsets, sequences, strict=True)):
        size = sizes[len(steps) % len(sizes)]
        step: list[tuple[int, int]] = []
        for sequence_id, run in enumerate(sequences):
            taken = run[offsets[sequence_id] : offsets[sequence_id] + size]
            offsets[sequence_id] += len(taken)
            step += [(sequence_id, token) for token in taken]
        steps.append(step)
    return steps


def test_a_sequence_opened_three_times_fails_once(stub: HarmonyServiceStub) -> None:
    """After a sequence fails, the rest of the request about it is ignored, openings included."""
    opened, last = batch(stub, _request(open_=[1, 1, 1]))
    assert [event.WhichOneof("event") for event in opened.events] == ["error"]
    assert last == pb.ParseBatchResponse()


def test_open_sequences_are_bounded(stub: HarmonyServiceStub) -> None:
    """One sequence too many fails with RESOURCE_EXHAUSTED; the open ones go on."""
    opened, begun, _ = batch(stub, _request(open_=range(16_385)), _request((0, 200008)))
    [event] = opened.events
    assert event.sequence_id == 16_384
    assert failure_of_status(event.error) == Failure(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "open[16384]: exceeds max_sequences, 16384",
        "LIMIT_EXCEEDED",
        "harmony.v1",
        {"limit": "max_sequences", "maximum": "16384"},
        ("open[16384]",),
    )
    assert _kinds(begun) == [(0, 0, "started")]
