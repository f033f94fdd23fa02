"""Malformed outputs whose meaning is plain, from cases.json: every way to parse gives it."""

import json
import random
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from harmony_server.core import ParseOptions, Role
from harmony_server.core.events import Event
from tests.support.encodings import encoding, tokens_of
from tests.support.streams import batch, parse_either_way

from .meaning import Meaning, Said, is_meant, meaning_of, meaning_of_said


class Case(NamedTuple):
    """An output and its meaning."""

    text: str
    role: str | None
    meant: Meaning

    @property
    def tokens(self) -> list[int]:
        """The tokens of the output."""
        return tokens_of(self.text)

    @property
    def config(self) -> parse_pb2.ParseConfig:
        """The configuration of a sequence."""
        options = parse_pb2.ParseOptions(recover=True)
        role = f"ROLE_{self.role.upper()}" if self.role else None
        return parse_pb2.ParseConfig(role=role, options=options)

    def cuts(self) -> list[list[list[int]]]:
        """Returns the tokens whole, one by one, and cut at random."""
        tokens = self.tokens
        drawn = random.Random(self.text)
        cuts = [[tokens], [[token] for token in tokens]]
        for _ in range(3):
            sizes = [drawn.randint(1, 5) for _ in tokens]
            edges = [0, *(edge for edge in accumulate(sizes) if edge < len(tokens)), len(tokens)]
            cuts.append([tokens[begin:end] for begin, end in pairwise(edges)])
        return cuts


CASES = [
    Case(
        case["text"],
        case["role"],
        Meaning(case["reasoning"], case["content"], case["calls"], case.get("loose", [])),
    )
    for case in json.loads((Path(__file__).parent / "cases.json").read_text())
]
each_case = pytest.mark.parametrize("case", CASES, ids=[case.text for case in CASES])


def _meaning(
    messages: Iterable[chat_pb2.Message], repairs: Iterable[parse_pb2.Recovered]
) -> Meaning:
    """Returns the meaning of the messages of the contract."""
    said = [
        Said(
            message.author.role == chat_pb2.ROLE_ASSISTANT,
            message.channel if message.HasField("channel") else None,
            message.recipient if message.HasField("recipient") else None,
            "".join(content.text.text for content in message.content),
        )
        for message in messages
    ]
    loose = [repair.text for repair in repairs if not repair.HasField("message_index")]
    return meaning_of_said(said, filter(None, loose))


def _meaning_of_stream(
    events: Sequence[parse_pb2.ParseEvent] | Sequence[parse_pb2.SequenceEvent],
) -> Meaning:
    return _meaning(
        [event.completed.message for event in events if event.HasField("completed")],
        [event.recovered for event in events if event.HasField("recovered")],
    )


@each_case
def test_the_core_finds_the_meaning(case: Case) -> None:
    """Whole, token by token and cut at random, each output gives what was meant."""
    for chunks in case.cuts():
        role = Role(case.role) if case.role else None
        parser = encoding().new_parser(role, ParseOptions(recover=True))
        events: list[Event] = []
        for chunk in chunks:
            parser.feed(chunk, events)
        parser.finish(events)
        assert is_meant(meaning_of(events), case.meant), meaning_of(events)


@each_case
def test_parse_messages_finds_the_meaning(case: Case, stub: HarmonyServiceStub) -> None:
    """ParseMessages gives what was meant."""
    options = case.config.options
    role = case.config.role if case.role else None
    request = service_pb2.ParseMessagesRequest(tokens=case.tokens, role=role, options=options)
    response = stub.ParseMessages(request)
    meaning = _meaning(response.messages, response.recovered)
    assert is_meant(meaning, case.meant), meaning


@each_case
def test_parse_finds_the_meaning(case: Case, stub: HarmonyServiceStub) -> None:
    """Parse gives what was meant, however the tokens are cut into requests."""
    for chunks in case.cuts():
        events, failure = parse_either_way(stub, case.config, chunks)
        assert failure is None
        meaning = _meaning_of_stream(events)
        assert is_meant(meaning, case.meant), meaning


@each_case
def test_parse_batch_finds_the_meaning(case: Case, stub: HarmonyServiceStub) -> None:
    """ParseBatch gives what was meant for sequences side by side, however they are cut."""
    cuts = case.cuts()
    requests = [
        parse_pb2.ParseBatchRequest(
            open=[
                parse_pb2.OpenSequence(sequence_id=index, config=case.config)
                for index in range(len(cuts))
            ]
        )
    ]
    # The sequences take turns: in each request, every one of them gets its next chunk.
    for turn in range(max(map(len, cuts))):
        fed = [(index, chunks[turn]) for index, chunks in enumerate(cuts) if turn < len(chunks)]
        ids = [index for index, chunk in fed for _ in chunk]
        tokens = [token for _, chunk in fed for token in chunk]
        requests.append(parse_pb2.ParseBatchRequest(sequence_ids=ids, tokens=tokens))
    events = [event for response in batch(stub, *requests) for event in response.events]
    for index in range(len(cuts)):
        meaning = _meaning_of_stream([event for event in events if event.sequence_id == index])
        assert is_meant(meaning, case.meant), meaning
