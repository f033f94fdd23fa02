"""The Parse stream, step by step in the contract's order."""

import functools

import grpc
import pytest
from hypothesis import given, settings

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as pb
from harmony_client.v1 import service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.strategies.token_streams import chunked_streams
from tests.support.encodings import tokens_of
from tests.support.failures import Failure, failure_of
from tests.support.streams import (
    ASSISTANT,
    LockStep,
    completed,
    config,
    delta,
    parse,
    parse_either_way,
    parse_failing,
    started,
    tokens,
    with_deltas_joined,
)

_INVALID = grpc.StatusCode.INVALID_ARGUMENT


def _assert_parse_failed(
    failure: Failure, token: str, offset: str, state: str, **further: str
) -> None:
    assert (failure.code, failure.reason, failure.domain) == (
        _INVALID,
        "PARSE_FAILED",
        "harmony.v1",
    )
    assert failure.metadata == {"token": token, "offset": offset, "state": state, **further}


# The protocol


def test_a_completion_in_lock_step(stub: HarmonyServiceStub) -> None:
    """Each request is answered by one response before the next is written; so is the half-close."""
    stream = LockStep[pb.ParseRequest, pb.ParseResponse](stub.Parse)
    assert list(stream.ask(config(ASSISTANT)).events) == []
    steps = [
        list(stream.ask(tokens([token])).events)
        for token in tokens_of("<|channel|>final<|message|>Hello, world!<|return|>")
    ]
    assert steps == [
        [],
        [],
        [started(channel="final")],
        [delta("Hello")],
        [delta(",")],
        [delta(" world")],
        [delta("!")],
        [completed("Hello, world!", (0, 2), (3, 7), channel="final", stop_token=200002)],
    ]
    assert stream.half_close() == [pb.ParseResponse()]


def test_requests_may_be_written_ahead(stub: HarmonyServiceStub) -> None:
    """A client that does not wait still gets one response per request and one at the end."""
    requests = [tokens([token]) for token in tokens_of("<|message|>Hello, world!")]
    assert parse(stub, config(ASSISTANT), *requests) == [
        *([], [started()]),
        *([delta("Hello")], [delta(",")], [delta(" world")], [delta("!")]),
        [completed("Hello, world!", (0, 0), (1, 5))],
    ]


def test_a_text_of_any_length_is_one_delta(stub: HarmonyServiceStub) -> None:
    """All text that one request adds to a message is one delta, however long."""
    responses = parse(
        stub, config(ASSISTANT), tokens([200008, *[87] * 70_000, 200007]), tokens([])
    )[:3]
    opened, read, _ = responses
    assert opened == []
    kinds = [event.WhichOneof("event") for event in read]
    assert kinds == ["started", "delta", "completed"]
    assert read[1].delta.text == "x" * 70_000


def test_an_empty_stream(stub: HarmonyServiceStub) -> None:
    """A stream that is half-closed before any request gets one empty response and OK."""
    assert parse(stub) == [[]]


def test_a_config_alone(stub: HarmonyServiceStub) -> None:
    """A stream without a role may end before the first message."""
    assert parse(stub, config()) == [[], []]


def test_without_a_role_the_sequence_begins_with_a_start(stub: HarmonyServiceStub) -> None:
    """Without a role, a message begins with `<|start|>` and its role."""
    steps = parse(stub, config(), tokens(tokens_of("<|start|>user<|message|>x<|end|>")))
    user = chat.ROLE_USER
    assert steps == [
        [],
        [started(user), delta("x"), completed("x", (1, 2), (3, 4), role=user, stop_token=200007)],
        [],
    ]


def test_every_field_of_a_started_message(stub: HarmonyServiceStub) -> None:
    """A started message has its author, name, recipient, channel and content type."""
    header = "<|start|>functions.f to=assistant<|channel|>commentary <|constrain|>json<|message|>"
    _, (event,), (end,) = parse(stub, config(), tokens(tokens_of(header)))
    author = chat.Author(role=chat.ROLE_TOOL, name="functions.f")
    assert event.started == pb.MessageStarted(
        author=author,
        recipient="assistant",
        channel="commentary",
        content_type="<|constrain|>json",
    )
    assert end.completed.message == chat.Message(
        author=author,
        recipient="assistant",
        channel="commentary",
        content_type="<|constrain|>json",
        content=[chat.Content(text=chat.TextContent())],
    )


def test_requests_without_tokens(stub: HarmonyServiceStub) -> None:
    """A request without tokens is answered with an empty response."""
    steps = parse(
        stub, config(ASSISTANT), tokens([]), tokens([200008]), tokens([]), tokens([87]), tokens([])
    )
    assert steps == [
        *([], [], [started()], [], [delta("x")], []),
        [completed("x", (0, 0), (1, 2))],
    ]


@pytest.mark.parametrize("count", [1, 100_000])
def test_a_request_of_any_number_of_tokens(stub: HarmonyServiceStub, count: int) -> None:
    """A request with one token or very many makes one delta per message."""
    steps = parse(stub, config(ASSISTANT), tokens([200008, *[87] * count, 200007]))
    text = "x" * count
    assert steps == [
        [],
        [
            started(),
            delta(text),
            completed(text, (0, 0), (1, count + 1), stop_token=200007),
        ],
        [],
    ]


def test_one_delta_for_each_message_of_a_request(stub: HarmonyServiceStub) -> None:
    """A request that adds to two messages makes one delta for each."""
    completion = "<|message|>Hello, world!<|end|><|start|>assistant<|message|>a b"
    _, events, end = parse(stub, config(ASSISTANT), tokens(tokens_of(completion)))
    assert [event.delta.text for event in events if event.HasField("delta")] == [
        "Hello, world!",
        "a b",
    ]
    assert end == [completed("a b", (7, 8), (9, 11))]


def test_a_delta_is_whole_characters(stub: HarmonyServiceStub) -> None:
    """An incomplete character makes no delta until its last byte has come."""
    steps = parse(stub, config(ASSISTANT), *[tokens([token]) for token in (200008, 4103, 104, 94)])
    assert steps == [
        *([], [started()], [], [], [delta("🫡")]),
        [completed("🫡", (0, 0), (1, 4))],
    ]


def test_an_incomplete_character_at_the_end_is_a_delta(stub: HarmonyServiceStub) -> None:
    """At the half-close an incomplete character is a delta before the message's completion."""
    steps = parse(stub, config(ASSISTANT), tokens([200008, 87]), tokens([4103]))
    assert steps == [
        [],
        [started(), delta("x")],
        [],
        [delta("\ufffd"), completed("x\ufffd", (0, 0), (1, 3))],
    ]


def test_a_lenient_stream(stub: HarmonyServiceStub) -> None:
    """In lenient mode a stop token may end a header."""
    item = pb.ParseConfig(role=chat.ROLE_ASSISTANT, options=pb.ParseOptions(strict=False))
    steps = parse(stub, config(item), tokens(tokens_of("<|channel|>final Hello<|end|>")))
    assert steps == [
        [],
        [
            started(channel="final"),
            delta("Hello"),
            completed("Hello", (0, 3), (3, 3), channel="final", stop_token=200007),
        ],
        [],
    ]


# Requests out of order


@pytest.mark.parametrize(
    ("requests", "answered"),
    [
        ([tokens([200008])], 0),
        ([tokens([])], 0),
        ([pb.ParseRequest()], 0),
        ([config(ASSISTANT), config(ASSISTANT)], 1),
        ([config(ASSISTANT), tokens([200008]), config(ASSISTANT)], 2),
        ([config(ASSISTANT), pb.ParseRequest()], 1),
    ],
    ids=[
        "tokens first",
        "no tokens first",
        "nothing first",
        "config twice",
        "config late",
        "nothing later",
    ],
)
def test_requests_out_of_order(
    stub: HarmonyServiceStub, requests: list[pb.ParseRequest], answered: int
) -> None:
    """A missing, repeated or late config ends the stream; earlier requests are answered."""
    steps, failure = parse_failing(stub, *requests)
    assert len(steps) == answered
    assert (failure.code, failure.reason, failure.domain) == (
        _INVALID,
        "OUT_OF_ORDER",
        "harmony.v1",
    )
    assert failure.fields == ("request",)


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (pb.ParseConfig(role=chat.ROLE_UNSPECIFIED), "config.role"),
        (
            pb.ParseConfig(options=pb.ParseOptions(max_header_tokens=4097)),
            "config.options.max_header_tokens",
        ),
        (
            pb.ParseConfig(options=pb.ParseOptions(strict=True, recover=True)),
            "config.options.recover",
        ),
        (pb.ParseConfig(prefill=[200006, 87, 200008]), "config.prefill[2]"),
    ],
    ids=["unset role", "long header", "strict and recover", "malformed prefill"],
)
def test_an_invalid_config(stub: HarmonyServiceStub, item: pb.ParseConfig, field: str) -> None:
    """An invalid config ends the stream at once, and the error names its field."""
    steps, failure = parse_failing(stub, config(item), tokens([200008]))
    assert steps == []
    assert (failure.code, failure.reason, failure.fields) == (_INVALID, "INVALID_FIELD", (field,))


def test_a_prefilled_stream(stub: HarmonyServiceStub) -> None:
    """The message of the prefill starts with the first token; offsets begin there."""
    prefill = tokens_of("<|channel|>final<|message|>It is")
    item = pb.ParseConfig(role=chat.ROLE_ASSISTANT, prefill=prefill)
    steps = parse(stub, config(item), tokens([]), tokens([87]), tokens([88, 200002]))
    assert steps == [
        [],
        [],
        [started(channel="final"), delta("x")],
        [delta("y"), completed("xy", (0, 0), (0, 2), channel="final", stop_token=200002)],
        [],
    ]


def test_the_offsets_of_deltas(stub: HarmonyServiceStub) -> None:
    """A stream that asks gets the range of each delta, a delta of one token included."""
    item = pb.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=pb.ParseOptions(delta_offsets=True), prefill=[200008]
    )
    steps = parse(stub, config(item), tokens([87]), tokens([88]), tokens([87, 88, 4103]))
    assert steps == [
        [],
        [started(), delta("x", 0, 1)],
        [delta("y", 1, 2)],
        [delta("xy", 2, 4)],
        [delta("\ufffd", 4, 5), completed("xyxy\ufffd", (0, 0), (0, 5))],
    ]


# Malformed output


def test_an_error_comes_after_the_events_before_it(stub: HarmonyServiceStub) -> None:
    """The last response has every event before the error in the same request."""
    request = tokens(tokens_of("<|message|>x<|end|>y"))
    steps, failure = parse_failing(stub, config(ASSISTANT), request, tokens([200006]))
    assert steps == [
        [],
        [started(), delta("x"), completed("x", (0, 0), (1, 2), stop_token=200007)],
    ]
    _assert_parse_failed(failure, token="88", offset="3", state="ExpectStart")


def test_an_error_before_any_event(stub: HarmonyServiceStub) -> None:
    """The request with the error is answered even if it caused no event."""
    steps, failure = parse_failing(stub, config(), tokens([87]))
    assert steps == [[], []]
    _assert_parse_failed(failure, token="87", offset="0", state="ExpectStart")


def test_offsets_of_errors_count_over_requests(stub: HarmonyServiceStub) -> None:
    """An error's offset counts the tokens of all requests, from 0."""
    requests = [tokens([200008]), tokens([]), tokens([87, 200007]), tokens([65])]
    steps, failure = parse_failing(stub, config(ASSISTANT), *requests)
    assert len(steps) == 5
    _assert_parse_failed(failure, token="65", offset="3", state="ExpectStart")


def test_a_half_close_inside_a_header(stub: HarmonyServiceStub) -> None:
    """A half-close inside a header is answered, then the stream fails without naming a token."""
    steps, failure = parse_failing(stub, config(ASSISTANT), tokens(tokens_of("<|channel|>final")))
    assert steps == [[], [], []]
    _assert_parse_failed(failure, token="", offset="2", state="Header", cut_off="true")


def test_a_half_close_behind_a_stopped_header(stub: HarmonyServiceStub) -> None:
    """In strict mode, the end behind a stop token in a header is not said to cut it off."""
    request = tokens(tokens_of("<|channel|>final<|return|>"))
    _, failure = parse_failing(stub, config(ASSISTANT), request)
    _assert_parse_failed(failure, token="", offset="3", state="Header")


def test_an_endless_header(stub: HarmonyServiceStub) -> None:
    """The limit on header tokens counts across requests."""
    requests = [tokens([87] * 1000) for _ in range(5)]
    steps, failure = parse_failing(stub, config(ASSISTANT), *requests)
    assert steps == [[]] * 6
    _assert_parse_failed(failure, token="87", offset="4096", state="Header")


# The same results as ParseMessages


@settings(max_examples=60, deadline=None)
@given(chunks=chunked_streams())
def test_a_stream_gives_what_a_unary_parse_gives(
    stub: HarmonyServiceStub, chunks: list[list[int]]
) -> None:
    """Parse has the messages, outcomes and error of ParseMessages, however the tokens are split."""
    for strict in (True, False):
        options = pb.ParseOptions(strict=strict)
        item = pb.ParseConfig(role=chat.ROLE_ASSISTANT, options=options)
        events, failure = parse_either_way(stub, item, chunks)
        whole = [token for chunk in chunks for token in chunk]
        at_once, same_failure = parse_either_way(stub, item, [whole])
        assert with_deltas_joined(events) == with_deltas_joined(at_once)
        assert failure == same_failure
        request = service_pb2.ParseMessagesRequest(
            tokens=whole, role=chat.ROLE_ASSISTANT, options=options
        )
        if failure is not None:
            assert failure_of(functools.partial(stub.ParseMessages, request)) == failure
            continue
        answer = stub.ParseMessages(request)
        found = [event.completed for event in events if event.HasField("completed")]
        assert [event.message for event in found] == list(answer.messages)
        assert [_outcome(event) for event in found] == list(answer.outcomes)


def _outcome(event: pb.MessageCompleted) -> service_pb2.MessageOutcome:
    stop_token = event.stop_token if event.HasField("stop_token") else None
    return service_pb2.MessageOutcome(stop_token=stop_token, offsets=event.offsets)
