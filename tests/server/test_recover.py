"""Recover mode through the RPCs: every field of a repair, and the same result from each RPC."""

import itertools
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from harmony_server.core.tokenizer import END, MESSAGE
from tests.strategies.outputs import outputs
from tests.support.encodings import encode
from tests.support.streams import batch, config, parse, parse_either_way
from tests.support.streams import tokens as request_of

ASSISTANT = chat_pb2.ROLE_ASSISTANT
RECOVER = parse_pb2.ParseOptions(recover=True)
CONFIG = parse_pb2.ParseConfig(role=ASSISTANT, options=RECOVER)


def parse_messages(
    tokens: list[int], stub: HarmonyServiceStub
) -> service_pb2.ParseMessagesResponse:
    """Parses the tokens with one unary call."""
    request = service_pb2.ParseMessagesRequest(tokens=tokens, role=ASSISTANT, options=RECOVER)
    return stub.ParseMessages(request)


def test_every_field_of_a_repair(stub: HarmonyServiceStub) -> None:
    """A repair has its reason, text, offsets, header and message; its outcome lists it."""
    tokens = encode("<|channel|>commentary to=f to=f<|message|>{}<|call|>")
    answer = parse_messages(tokens, stub)
    assert list(answer.recovered) == [
        parse_pb2.Recovered(
            reason=parse_pb2.RECOVERY_REASON_REPEATED_RECIPIENT,
            text="to=f",
            offsets=parse_pb2.TokenRange(begin=0, end=tokens.index(MESSAGE)),
            raw_header="<|channel|>commentary to=f to=f",
            message_index=0,
        )
    ]
    assert list(answer.outcomes[0].repairs) == [parse_pb2.RECOVERY_REASON_REPEATED_RECIPIENT]
    assert answer.messages[0].recipient == "f"


def test_a_flood_is_one_repair_however_long(stub: HarmonyServiceStub) -> None:
    """Adjacent repairs of one kind in a request are joined into one."""
    tokens = [MESSAGE, *[END] * 70_000]
    expected = parse_pb2.TokenRange(begin=2, end=len(tokens))
    [whole] = parse_messages(tokens, stub).recovered
    assert (whole.reason, whole.offsets) == (parse_pb2.RECOVERY_REASON_EXTRA_STOP, expected)
    read = parse(stub, config(CONFIG), request_of(tokens))[1]
    assert [event.recovered for event in read if event.HasField("recovered")] == [whole]


def test_text_outside_a_message_names_no_message(stub: HarmonyServiceStub) -> None:
    """Text outside a message is only in a repair, which has no message index and no header."""
    answer = parse_messages(encode("<|channel|>final<|message|>hi<|end|>364"), stub)
    [repair] = answer.recovered
    assert repair == parse_pb2.Recovered(
        reason=parse_pb2.RECOVERY_REASON_TEXT_OUTSIDE_MESSAGE,
        text="364",
        offsets=parse_pb2.TokenRange(begin=5, end=6),
    )
    assert not repair.HasField("message_index")
    assert [message.content[0].text.text for message in answer.messages] == ["hi"]


@settings(max_examples=60, deadline=None)
@given(tokens=outputs, cuts=st.lists(st.integers(0, 60), max_size=5))
def test_streams_repair_as_a_unary_parse_does(
    stub: HarmonyServiceStub, tokens: list[int], cuts: list[int]
) -> None:
    """Parse and ParseBatch give the messages and repairs of ParseMessages, however split."""
    whole = parse_messages(tokens, stub)
    edges = [0, *sorted(cut for cut in cuts if cut < len(tokens)), len(tokens)]
    chunks = [tokens[begin:end] for begin, end in itertools.pairwise(edges)]
    events, failure = parse_either_way(stub, CONFIG, chunks)
    assert failure is None
    completed = [event.completed for event in events if event.HasField("completed")]
    recovered = [event.recovered for event in events if event.HasField("recovered")]
    assert [event.message for event in completed] == list(whole.messages)
    marks = [list(outcome.repairs) for outcome in whole.outcomes]
    assert [list(event.repairs) for event in completed] == marks
    assert _by_reason(recovered) == _by_reason(whole.recovered)

    opening = parse_pb2.ParseBatchRequest(
        open=[parse_pb2.OpenSequence(sequence_id=7, config=CONFIG)]
    )
    steps = [
        parse_pb2.ParseBatchRequest(sequence_ids=[7] * len(chunk), tokens=chunk) for chunk in chunks
    ]
    found = [event for response in batch(stub, opening, *steps) for event in response.events]
    assert [event.completed for event in found if event.HasField("completed")] == completed
    repairs = [event.recovered for event in found if event.HasField("recovered")]
    assert _by_reason(repairs) == _by_reason(recovered)


def _by_reason(
    repairs: Iterable[parse_pb2.Recovered],
) -> dict[tuple[int, int, str], str]:
    """Joins the texts of repairs, since requests may cut a run of them."""
    texts: dict[tuple[int, int, str], str] = {}
    for repair in repairs:
        index = repair.message_index if repair.HasField("message_index") else -1
        key = (repair.reason, index, repair.raw_header)
        texts[key] = texts.get(key, "") + repair.text
    return texts
