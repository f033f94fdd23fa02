"""ParseBatch streams: sequences parsed by the reference, in responses as the protos specify.

The sequences of one step come in a response in the order in which the request first names them.
"""

from collections.abc import Iterable

from harmony_client._google import status_pb2
from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse

from .calls import ASSISTANT
from .contract import RESOURCE_EXHAUSTED, failure, invalid_field
from .reference import Reference
from .sequence import Sequence
from .vector import Vector

# The default of the server's setting.
MAX_SEQUENCES = 16_384
_MAX_HEADER_TOKENS = 4096
_MAX_NAMES = 1024


class Batch:
    """Collects the requests and expected responses of a stream."""

    def __init__(self, reference: Reference, name: str) -> None:
        self._reference = reference
        self._name = name
        self._open: dict[int, Sequence] = {}
        self._requests: list[parse.ParseBatchRequest] = []
        self._responses: list[parse.ParseBatchResponse] = []

    def step(
        self,
        *pairs: tuple[int, int],
        open_: Iterable[int | parse.OpenSequence] = (),
        close: Iterable[int] = (),
    ) -> "Batch":
        """Adds a request that opens sequences, feeds tokens and closes sequences.

        Args:
            pairs: Sequence ids, each with a token.
            open_: Sequences to open, or their ids if the role is the assistant's.
            close: Ids of the sequences to close.
        """
        request = parse.ParseBatchRequest(
            open=[
                parse.OpenSequence(sequence_id=opened, config=ASSISTANT)
                if isinstance(opened, int)
                else opened
                for opened in open_
            ],
            sequence_ids=[sequence_id for sequence_id, _ in pairs],
            tokens=[token for _, token in pairs],
            close=close,
        )
        step = _Step(self._reference, self._open)
        for index, opened in enumerate(request.open):
            step.open(opened, f"open[{index}]")
        step.feed(pairs)
        for index, sequence_id in enumerate(request.close):
            step.close(sequence_id, f"close[{index}]")
        step.end()
        self._requests.append(request)
        self._responses.append(step.response)
        return self

    def half_close(self) -> Vector:
        """Returns the vector of a stream that closes here, ending every open sequence in order."""
        step = _Step(self._reference, self._open)
        for sequence_id in list(self._open):
            step.close(sequence_id, "")
        step.end()
        return Vector(
            f"parse_batch/{self._name}", self._requests, [*self._responses, step.response]
        )

    def fail(self, request: parse.ParseBatchRequest, error: status_pb2.Status) -> Vector:
        """Returns the vector of a stream that a last request ends with an error."""
        requests = [*self._requests, request]
        return Vector(f"parse_batch/{self._name}", requests, self._responses, error)


class _Step:
    def __init__(self, reference: Reference, open_: dict[int, Sequence]) -> None:
        self._reference = reference
        self._open = open_
        self._failed: set[int] = set()
        self.response = parse.ParseBatchResponse()

    def open(self, opened: parse.OpenSequence, path: str) -> None:
        sequence_id = opened.sequence_id
        if sequence_id in self._failed:
            return
        if sequence_id in self._open:
            error: status_pb2.Status | None = failure("SEQUENCE_OPEN", field=path)
        elif len(self._open) >= MAX_SEQUENCES:
            metadata = {"limit": "max_sequences", "maximum": str(MAX_SEQUENCES)}
            error = failure(
                "LIMIT_EXCEEDED", field=path, metadata=metadata, code=RESOURCE_EXHAUSTED
            )
        else:
            error = _config_error(opened.config, f"{path}.config")
        if error is not None:
            self._fail(sequence_id, error)
            return
        sequence = Sequence(self._reference, opened.config)
        if sequence.refused is not None:
            self._fail(sequence_id, invalid_field(f"{path}.config.prefill[{sequence.refused}]"))
        else:
            self._open[sequence_id] = sequence

    def feed(self, pairs: Iterable[tuple[int, int]]) -> None:
        runs: dict[int, tuple[int, list[int]]] = {}
        for index, (sequence_id, token) in enumerate(pairs):
            runs.setdefault(sequence_id, (index, []))[1].append(token)
        for sequence_id, (index, tokens) in runs.items():
            sequence = self._open.get(sequence_id)
            if sequence is None:
                self._fail_unknown(sequence_id, f"sequence_ids[{index}]")
            else:
                self._add_events(sequence_id, sequence.feed(tokens))
                if sequence.error is not None:
                    self._fail(sequence_id, sequence.error)

    def close(self, sequence_id: int, path: str) -> None:
        sequence = self._open.pop(sequence_id, None)
        if sequence is None:
            self._fail_unknown(sequence_id, path)
            return
        self._add_events(sequence_id, sequence.finish())
        if sequence.error is not None:
            self._fail(sequence_id, sequence.error)

    def end(self) -> None:
        """Leaves out the ranges of the deltas if all are 0."""
        if not any(self.response.delta_ends):
            self.response.ClearField("delta_begins")
            self.response.ClearField("delta_ends")

    def _add_events(self, sequence_id: int, events: Iterable[parse.ParseEvent]) -> None:
        for event in events:
            if event.HasField("delta"):
                self.response.sequence_ids.append(sequence_id)
                self.response.deltas.append(event.delta.text)
                self.response.delta_begins.append(event.delta.offsets.begin)
                self.response.delta_ends.append(event.delta.offsets.end)
            elif event.HasField("started"):
                self._event(sequence_id).started.CopyFrom(event.started)
            else:
                self._event(sequence_id).completed.CopyFrom(event.completed)

    def _fail_unknown(self, sequence_id: int, path: str) -> None:
        # The rest of a request is dropped for a sequence that failed in it.
        if sequence_id not in self._failed:
            self._fail(sequence_id, failure("SEQUENCE_UNKNOWN", field=path))

    def _fail(self, sequence_id: int, error: status_pb2.Status) -> None:
        self._open.pop(sequence_id, None)
        self._failed.add(sequence_id)
        self._event(sequence_id).error.CopyFrom(error)

    def _event(self, sequence_id: int) -> parse.SequenceEvent:
        return self.response.events.add(
            sequence_id=sequence_id, delta_index=len(self.response.deltas)
        )


def _config_error(config: parse.ParseConfig, path: str) -> status_pb2.Status | None:
    options = config.options
    if config.HasField("role") and config.role == chat.ROLE_UNSPECIFIED:
        return invalid_field(f"{path}.role")
    if options.HasField("max_header_tokens") and not (
        1 <= options.max_header_tokens <= _MAX_HEADER_TOKENS
    ):
        return invalid_field(f"{path}.options.max_header_tokens")
    if options.strict and options.recover:
        return invalid_field(f"{path}.options.recover")
    for field in ("callable_names", "channels"):
        names: list[str] = list(getattr(options, field))
        if len(names) > _MAX_NAMES:
            return invalid_field(f"{path}.options.{field}")
        if "" in names:
            return invalid_field(f"{path}.options.{field}[{names.index('')}]")
    return None
