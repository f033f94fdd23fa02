"""The StreamAnswerBatch stream: turns the tokens of many requests into frames."""

from collections.abc import Iterable

from harmony_client.openai.v1 import openai_pb2 as pb

from .. import bounds
from ..contract import openai_from_proto, openai_to_proto
from ..contract.methods import METHODS
from ..contract.requests import read_request
from ..contract.statuses import to_status
from ..openai.answers import BatchStepResult, EndReason, SequenceEnd
from ..operations.abandonment import stop_if_abandoned
from ..operations.answers import OpenAnswers
from ..operations.errors import Reason, RequestError, invalid_field
from ..operations.operations import Operations

_DOMAIN = METHODS["StreamAnswerBatch"].domain


class AnswerBatchStream:
    """Answers the requests of one StreamAnswerBatch stream. Call `close` at the end.

    Args:
        operations: Gives the encoding, limits and counters.

    Attributes:
        failure: Always None, because a failed answer is an entry of `ended`.
    """

    failure: RequestError | None = None

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._answers = OpenAnswers(operations)
        # Sequences of answers that have ended, the newest last. An engine that sends ahead of the
        # responses may still send tokens for them.
        self._ended_sequences: dict[int, None] = {}

    def is_light(self, _data: bytes) -> bool:
        """Returns False: malformed tokens are much work."""
        return False

    def answer(self, data: bytes) -> bytes:
        """Returns the serialized response to a serialized request.

        Raises:
            RequestError: The request is malformed or too large, its columns do not fit together, or
                too many answers failed. The stream must end.
            AbandonedError: The caller has gone.
        """
        request = read_request(pb.StreamAnswerBatchRequest, data)
        sequence_ids = request.sequence_ids[:]
        tokens = request.tokens[:]
        if len(sequence_ids) != len(tokens):
            raise invalid_field("tokens", "must be as many as sequence_ids")
        limits = self._operations.limits
        limits.check_tokens(len(tokens), "tokens")
        limits.check_tokens(len(request.open), "open")
        limits.check_tokens(len(request.ends), "ends")
        limits.check_tokens(len(request.cached), "cached")
        logprobs = None
        if request.HasField("logprobs"):
            logprobs = openai_from_proto.convert_logprobs(request.logprobs, "logprobs", len(tokens))
        ends = [
            openai_from_proto.convert_end(end, f"ends[{index}]")
            for index, end in enumerate(request.ends)
        ]
        failures = _Failures(self._operations)
        for index, opening in enumerate(request.open):
            stop_if_abandoned()
            self._open(opening, f"open[{index}]", failures)
        for answer_id in failures.errors:
            # Only if its id was opened a second time.
            if self._answers.is_open(answer_id):
                ends += [
                    SequenceEnd(sequence_id, EndReason.CANCELLED)
                    for sequence_id in self._answers.sequences(answer_id)
                ]
        cached = {cached.answer_id: cached.tokens for cached in request.cached}
        result = self._answers.step(sequence_ids, tokens, logprobs, ends, cached)
        if result.unknown_sequence_ids:
            self._check_known(result.unknown_sequence_ids, sequence_ids, ends, failures)
        return self._write(result, failures)

    def finish(self) -> bytes:
        """Cancels every open sequence and returns the serialized response to the half-close."""
        return self._write(self._answers.finish(), _Failures(self._operations))

    def close(self) -> None:
        """Drops the answers that are still open, so that they no longer count as open."""
        self._answers.close()

    def _open(self, opening: pb.OpenBatchAnswer, path: str, failures: "_Failures") -> None:
        answer_id, sequence_ids = opening.answer_id, opening.sequence_ids[:]
        if answer_id in failures.errors:
            return
        try:
            context = openai_from_proto.convert_context(opening.context, f"{path}.context")
            framing = openai_from_proto.convert_framing(opening.framing, f"{path}.framing")
            self._answers.open(answer_id, sequence_ids, context, framing, path)
        except RequestError as error:
            failures.add(answer_id, error, "open")
            self._remember_ended([*sequence_ids, answer_id])
        else:
            for sequence_id in sequence_ids or [answer_id]:
                self._ended_sequences.pop(sequence_id, None)

    def _check_known(
        self,
        unknown: Iterable[int],
        sequence_ids: list[int],
        ends: list[SequenceEnd],
        failures: "_Failures",
    ) -> None:
        fields: dict[int, str] = {}
        for index, sequence_id in enumerate(sequence_ids):
            fields.setdefault(sequence_id, f"sequence_ids[{index}]")
        for index, end in enumerate(ends):
            fields.setdefault(end.sequence, f"ends[{index}].sequence")
        for sequence_id in unknown:
            if sequence_id in self._ended_sequences or sequence_id in failures.errors:
                continue
            field = fields[sequence_id]
            error = RequestError(Reason.UNKNOWN_SEQUENCE, "the sequence is not open", field=field)
            if self._answers.is_open(sequence_id):
                # An entry of `ended` would name that answer.
                raise error
            failures.add(sequence_id, error, field)

    def _write(self, result: BatchStepResult, failures: "_Failures") -> bytes:
        response = pb.StreamAnswerBatchResponse(
            answer_ids=result.answer_ids,
            frames=result.frames,
            stop_sequence_ids=result.stop_sequence_ids,
            continue_sequence_ids=result.continue_sequence_ids,
        )
        for answer_id, error in failures.errors.items():
            response.ended.add(answer_id=answer_id).error.CopyFrom(to_status(error, _DOMAIN))
        for answer_id, answer in result.ended:
            self._remember_ended(outcome.sequence for outcome in answer.outcomes)
            if answer_id not in failures.errors:
                openai_to_proto.fill_result(response.ended.add(answer_id=answer_id).result, answer)
        return response.SerializeToString()

    def _remember_ended(self, sequence_ids: Iterable[int]) -> None:
        ended = self._ended_sequences
        for sequence_id in sequence_ids:
            ended.pop(sequence_id, None)
            ended[sequence_id] = None
        while len(ended) > bounds.MAX_REMEMBERED_ENDED_SEQUENCES:
            del ended[next(iter(ended))]


class _Failures:
    """The errors of single answers in one request.

    Attributes:
        errors: The errors, by the id of the answer.
    """

    def __init__(self, operations: Operations) -> None:
        self._counters = operations.counters
        self.errors: dict[int, RequestError] = {}

    def add(self, answer_id: int, error: RequestError, field: str) -> None:
        """Notes an error that an entry of the request's `field` caused."""
        if len(self.errors) >= bounds.MAX_SEQUENCE_FAILURES:
            raise invalid_field(field, f"more than {bounds.MAX_SEQUENCE_FAILURES} answers failed")
        self._counters.count_sequence_error(error.reason)
        self.errors[answer_id] = error
