"""Parse and ParseBatch in recover mode, with expectations written by hand."""

from collections.abc import Iterable

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse

from ..calls import ASSISTANT, Calls
from ..contract import run, token_range
from ..vector import Vector
from . import reasons
from .written import RECOVER, Written

_FINAL = "assistant<|channel|>final"
_ONLY_RECOVER = parse.ParseConfig(options=parse.ParseOptions(recover=True))
Event = parse.ParseEvent


def _delta(text: str, offsets: tuple[int, int] | None = None) -> Event:
    tokens = None if offsets is None else token_range(*offsets)
    return Event(delta=parse.ContentDelta(text=text, offsets=tokens))


def _started(completed: parse.MessageCompleted) -> Event:
    message = completed.message
    started = parse.MessageStarted(author=message.author)
    if message.HasField("recipient"):
        started.recipient = message.recipient
    if message.HasField("channel"):
        started.channel = message.channel
    if message.HasField("content_type"):
        started.content_type = message.content_type
    return Event(started=started)


def _completed(completed: parse.MessageCompleted) -> Event:
    return Event(completed=completed)


def _recovered(repair: parse.Recovered) -> Event:
    return Event(recovered=repair)


def _stream(
    name: str,
    written: Written,
    answers: Iterable[tuple[int, int, list[Event]]],
    end: Iterable[Event] = (),
    config: parse.ParseConfig = RECOVER,
) -> Vector:
    """Returns the vector of a stream.

    Args:
        name: The end of the vector's name.
        written: The pieces of the completion.
        answers: For each request, its first piece, the piece after its last, and its events.
        end: The events of the last response.
        config: The config of the stream.
    """
    requests = [parse.ParseRequest(config=config)]
    responses = [parse.ParseResponse()]
    for begin, stop, events in answers:
        requests.append(run(written.tokens(begin, stop)))
        responses.append(parse.ParseResponse(events=events))
    responses.append(parse.ParseResponse(events=end))
    return Vector(f"parse/recover/{name}", requests, responses)


def parse_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of repairs, each reported at the request that makes it certain."""
    return [
        *_headers(calls),
        *_outside(calls),
        *_contents(calls),
        *_ranges(calls),
        _stream("nothing", Written(calls), []),
        _stream("nothing-without-role", Written(calls), [(0, 0, [])], (), _ONLY_RECOVER),
    ]


def _headers(calls: Calls) -> list[Vector]:
    header = "<|channel|>commentary to=f to=g"
    w = Written(calls, header, "<|message|>", "{", "}", "<|call|>")
    call = w.message(
        *("{}", (0, 1), (2, 4), "<|call|>"),
        channel="commentary",
        recipient="f",
        repairs=[reasons.REPEATED_RECIPIENT],
    )
    repair = w.repair(reasons.REPEATED_RECIPIENT, (0, 1), "to=g", header=header, message_index=0)
    begun = [_recovered(repair), _started(call)]
    step_by_step = [
        (0, 1, []),
        (1, 2, begun),
        (2, 3, [_delta("{")]),
        (3, 4, [_delta("}")]),
        (4, 5, [_completed(call)]),
    ]
    whole = [(0, 5, [*begun, _delta("{}"), _completed(call)])]

    u = Written(calls, "<|channel|>final", " hi", "  there", "<|return|>")
    text = u.message(
        *("hi  there", (0, 1), (1, 3), "<|return|>"),
        channel="final",
        repairs=[reasons.MISSING_MESSAGE],
    )
    header = "<|channel|>final"
    repair = u.repair(reasons.MISSING_MESSAGE, (0, 1), header=header, message_index=0)
    repaired = [_recovered(repair), _started(text), _delta("hi  there"), _completed(text)]

    t = Written(calls, "<|channel|>analysis")
    cut = t.message("", (0, 1), (1, 1), None, channel="analysis", repairs=[reasons.TRUNCATED])
    repair = t.repair(reasons.TRUNCATED, (0, 1), header="<|channel|>analysis", message_index=0)
    truncated = [_recovered(repair), _started(cut), _completed(cut)]

    few = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(recover=True, max_header_tokens=2)
    )
    v = Written(calls, "<|channel|>final", " one", " two", "<|return|>")
    long = v.message(
        *(" one two", (0, 1), (1, 3), "<|return|>"), channel="final", repairs=[reasons.TOO_LONG]
    )
    repair = v.repair(reasons.TOO_LONG, (0, 1), header="<|channel|>final", message_index=0)
    limited = [
        (0, 1, []),
        (1, 2, [_recovered(repair), _started(long), _delta(" one")]),
        (2, 3, [_delta(" two")]),
        (3, 4, [_completed(long)]),
    ]
    return [
        _stream("header/step-by-step", w, step_by_step),
        _stream("header/at-once", w, whole),
        _stream("header/without-its-end", u, [(0, 1, []), (1, 3, []), (3, 4, repaired)]),
        _stream("header/cut-off", t, [(0, 1, [])], truncated),
        _stream("header/too-long", v, limited, (), few),
    ]


def _outside(calls: Calls) -> list[Vector]:
    w = Written(
        *(calls, "<|message|>", "a", "<|end|>", "364", " more", "<|end|>", "<|start|>"),
        *("<|start|>", _FINAL, "<|message|>", "hi"),
    )
    first = w.message("a", (0, 0), (1, 2), "<|end|>")
    second = w.message("hi", (8, 9), (10, 11), None, channel="final", repairs=[reasons.EXTRA_START])
    extra_start = w.repair(reasons.EXTRA_START, (7, 8), header=_FINAL, message_index=1)
    step_by_step = [
        (0, 1, [_started(first)]),
        (1, 2, [_delta("a")]),
        (2, 3, [_completed(first)]),
        (3, 4, [_recovered(w.repair(reasons.TEXT_OUTSIDE, (3, 4), "364"))]),
        (4, 5, [_recovered(w.repair(reasons.TEXT_OUTSIDE, (4, 5), " more"))]),
        (5, 6, [_recovered(w.repair(reasons.EXTRA_STOP, (5, 6)))]),
        (6, 9, []),
        (9, 11, [_recovered(extra_start), _started(second), _delta("hi")]),
    ]
    u = Written(
        *(calls, "<|message|>", "a", "<|end|>", "assistant", " to=f"),
        *("<|channel|>commentary", "<|message|>", "{}"),
    )
    first = u.message("a", (0, 0), (1, 2), "<|end|>")
    call = u.message(
        *("{}", (3, 6), (7, 8), None),
        channel="commentary",
        recipient="f",
        repairs=[reasons.MISSING_START],
    )
    header = "assistant to=f<|channel|>commentary"
    missing_start = u.repair(reasons.MISSING_START, (3, 3), header=header, message_index=1)
    held_back = [
        (0, 3, [_started(first), _delta("a"), _completed(first)]),
        (3, 4, []),
        (4, 6, []),
        (6, 8, [_recovered(missing_start), _started(call), _delta("{}")]),
    ]
    v = Written(calls, "<|message|>", "<|end|>", "user", " said so")
    empty = v.message("", (0, 0), (1, 1), "<|end|>")
    let_go = [
        (0, 2, [_started(empty), _completed(empty)]),
        (2, 3, []),
        (3, 4, [_recovered(v.repair(reasons.TEXT_OUTSIDE, (2, 4), "user said so"))]),
    ]
    return [
        _stream("outside/text-and-stop-tokens", w, step_by_step, [_completed(second)]),
        _stream("outside/a-role-is-held-back", u, held_back, [_completed(call)]),
        _stream("outside/no-role-is-let-go", v, let_go),
    ]


def _contents(calls: Calls) -> list[Vector]:
    w = Written(
        *(calls, "<|message|>", "hm", "<|start|>", _FINAL, "<|message|>", "hi"),
        *("<|message|>", "<|return|>"),
    )
    first = w.message("hm", (0, 0), (1, 2), None, repairs=[reasons.MISSING_STOP])
    second = w.message(
        "hi", (3, 4), (5, 7), "<|return|>", channel="final", repairs=[reasons.EXTRA_MESSAGE]
    )
    missing_stop = w.repair(reasons.MISSING_STOP, (2, 2), message_index=0)
    extra_message = w.repair(reasons.EXTRA_MESSAGE, (6, 7), message_index=1)
    structure = [
        (0, 2, [_started(first), _delta("hm")]),
        (2, 3, [_recovered(missing_stop), _completed(first)]),
        (3, 5, [_started(second)]),
        (5, 6, [_delta("hi")]),
        (6, 7, [_recovered(extra_message)]),
        (7, 8, [_completed(second)]),
    ]
    u = Written(calls, "<|message|>", "a", [300_000], "b")
    odd = u.message("a\ufffdb", (0, 0), (1, 4), None, repairs=[reasons.INVALID_TOKEN])
    invalid = u.repair(reasons.INVALID_TOKEN, (2, 3), message_index=0)
    unknown = [
        (0, 2, [_started(odd), _delta("a")]),
        (2, 3, [_recovered(invalid), _delta("\ufffd")]),
        (3, 4, [_delta("b")]),
    ]
    return [
        _stream("content/ended-by-a-start", w, structure),
        _stream("content/unknown-id", u, unknown, [_completed(odd)]),
    ]


def _ranges(calls: Calls) -> list[Vector]:
    """Returns vectors of deltas with their ranges, which count tokens."""
    config = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(recover=True, delta_offsets=True)
    )
    w = Written(calls, "<|message|>", "a", "<|message|>", "b", "<|message|>", "<|return|>")
    message = w.message("ab", (0, 0), (1, 5), "<|return|>", repairs=[reasons.EXTRA_MESSAGE])
    first = w.repair(reasons.EXTRA_MESSAGE, (2, 3), message_index=0)
    second = w.repair(reasons.EXTRA_MESSAGE, (4, 5), message_index=0)
    left_out = [
        (0, 2, [_started(message), _delta("a", (1, 2))]),
        (2, 3, [_recovered(first)]),
        (3, 4, [_delta("b", (2, 4))]),
        (4, 5, [_recovered(second)]),
        (5, 6, [_completed(message)]),
    ]
    u = Written(calls, "<|channel|>final", " ", "4", " to", " it", "<|return|>")
    text = u.message(
        *("4 to it", (0, 2), (2, 5), "<|return|>"),
        channel="final",
        repairs=[reasons.MISSING_MESSAGE],
    )
    repair = u.repair(
        *(reasons.MISSING_MESSAGE, (0, 2)), header="<|channel|>final ", message_index=0
    )
    held_back = [
        (0, 3, []),
        (3, 4, [_recovered(repair), _started(text), _delta("4", (3, 4))]),
        (4, 5, []),
        (5, 6, [_delta(" to it", (4, 6)), _completed(text)]),
    ]
    return [
        _stream("delta-offsets/tokens-left-out", w, left_out, (), config),
        _stream("delta-offsets/words-held-back", u, held_back, (), config),
    ]


def parse_batch_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of a sequence in recover mode, alone and beside one in strict mode."""
    w = Written(calls, "<|message|>", "a", "<|end|>", "364", "<|end|>")
    message = w.message("a", (0, 0), (1, 2), "<|end|>")
    outside = w.repair(reasons.TEXT_OUTSIDE, (3, 4), "364")
    extra_stop = w.repair(reasons.EXTRA_STOP, (4, 5))
    request = parse.ParseBatchRequest(
        open=[parse.OpenSequence(sequence_id=4, config=RECOVER)],
        sequence_ids=[4] * len(w.tokens()),
        tokens=w.tokens(),
        close=[4],
    )
    response = parse.ParseBatchResponse(
        sequence_ids=[4],
        deltas=["a"],
        events=[
            parse.SequenceEvent(sequence_id=4, started=_started(message).started),
            parse.SequenceEvent(sequence_id=4, delta_index=1, completed=message),
            parse.SequenceEvent(sequence_id=4, delta_index=1, recovered=outside),
            parse.SequenceEvent(sequence_id=4, delta_index=1, recovered=extra_stop),
        ],
    )
    at_once = Vector(
        "parse_batch/recover/in-one-request", [request], [response, parse.ParseBatchResponse()]
    )
    return [at_once, _beside_a_strict_one(calls)]


def _beside_a_strict_one(calls: Calls) -> Vector:
    """Returns the vector of the same tokens in strict and recover mode."""
    w = Written(calls, "<|message|>", "a", "<|message|>", "<|end|>")
    strict = w.message("a<|message|>", (0, 0), (1, 3), "<|end|>")
    repaired = w.message("a", (0, 0), (1, 3), "<|end|>", repairs=[reasons.EXTRA_MESSAGE])
    extra_message = w.repair(reasons.EXTRA_MESSAGE, (2, 3), message_index=0)
    opened = [(1, ASSISTANT), (2, RECOVER)]
    event = parse.SequenceEvent
    return Vector(
        "parse_batch/recover/beside-a-strict-one",
        [
            parse.ParseBatchRequest(
                open=[
                    parse.OpenSequence(sequence_id=sequence_id, config=config)
                    for sequence_id, config in opened
                ]
            ),
            *[
                parse.ParseBatchRequest(sequence_ids=[1, 2], tokens=[token, token])
                for token in w.tokens()
            ],
        ],
        [
            parse.ParseBatchResponse(),
            parse.ParseBatchResponse(
                events=[
                    event(sequence_id=1, started=_started(strict).started),
                    event(sequence_id=2, started=_started(repaired).started),
                ]
            ),
            parse.ParseBatchResponse(sequence_ids=[1, 2], deltas=["a", "a"]),
            parse.ParseBatchResponse(
                sequence_ids=[1],
                deltas=["<|message|>"],
                events=[event(sequence_id=2, delta_index=1, recovered=extra_message)],
            ),
            parse.ParseBatchResponse(
                events=[
                    event(sequence_id=1, completed=strict),
                    event(sequence_id=2, completed=repaired),
                ]
            ),
            parse.ParseBatchResponse(),
        ],
    )
