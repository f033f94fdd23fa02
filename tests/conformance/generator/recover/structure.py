"""Extra and missing start, stop and message tokens, and text outside messages."""

from harmony_client.v1 import chat_pb2 as chat

from ..calls import Calls
from ..vector import Vector
from . import reasons
from .written import RECOVER_NO_ROLE, Written, after_thought, parse_messages_vector


def parse_messages_vectors(calls: Calls) -> list[Vector]:
    """Returns one vector for each kind of malformed output."""
    return [*_starts_and_stops(calls), *_outside(calls)]


def _starts_and_stops(calls: Calls) -> list[Vector]:
    final = "assistant<|channel|>final"
    vectors = []

    w, thought = after_thought(
        calls, "<|start|>", "<|start|>", final, "<|message|>", "hi", "<|return|>"
    )
    answer = w.message(
        "hi", (6, 7), (8, 9), "<|return|>", channel="final", repairs=[reasons.EXTRA_START]
    )
    repair = w.repair(reasons.EXTRA_START, (5, 6), header=final, message_index=1)
    vectors.append(parse_messages_vector("start/twice", w, [thought, answer], [repair]))

    w = Written(calls, "<|start|>", final, "<|message|>", "hi", "<|return|>")
    answer = w.message(
        "hi", (1, 2), (3, 4), "<|return|>", channel="final", repairs=[reasons.EXTRA_START]
    )
    repair = w.repair(reasons.EXTRA_START, (0, 1), header=final, message_index=0)
    vectors.append(parse_messages_vector("start/though-the-role-is-preset", w, [answer], [repair]))

    w = Written(calls, "<|start|>", "<|start|>" * 4, final, "<|message|>", "hi")
    answer = w.message("hi", (2, 3), (4, 5), None, channel="final", repairs=[reasons.EXTRA_START])
    repair = w.repair(reasons.EXTRA_START, (1, 2), header=final, message_index=0)
    vectors.append(
        parse_messages_vector("start/many-are-one-repair", w, [answer], [repair], RECOVER_NO_ROLE)
    )

    w, thought = after_thought(calls, "<|channel|>final", "<|message|>", "hi", "<|return|>")
    answer = w.message(
        "hi", (4, 5), (6, 7), "<|return|>", channel="final", repairs=[reasons.MISSING_START]
    )
    repair = w.repair(reasons.MISSING_START, (4, 4), header="<|channel|>final", message_index=1)
    vectors.append(parse_messages_vector("start/missing", w, [thought, answer], [repair]))

    header = "user<|channel|>final"
    w, thought = after_thought(calls, header, "<|message|>", "hi", "<|end|>")
    answer = w.message(
        *("hi", (4, 5), (6, 7), "<|end|>"),
        role=chat.ROLE_USER,
        channel="final",
        repairs=[reasons.MISSING_START],
    )
    repair = w.repair(reasons.MISSING_START, (4, 4), header=header, message_index=1)
    vectors.append(
        parse_messages_vector("start/missing-before-a-role", w, [thought, answer], [repair])
    )

    w = Written(
        *(calls, "<|channel|>analysis", "<|message|>", "hm"),
        *("<|start|>", final, "<|message|>", "hi"),
    )
    first = w.message(
        "hm", (0, 1), (2, 3), None, channel="analysis", repairs=[reasons.MISSING_STOP]
    )
    second = w.message("hi", (4, 5), (6, 7), None, channel="final")
    repair = w.repair(reasons.MISSING_STOP, (3, 3), message_index=0)
    vectors.append(parse_messages_vector("stop/missing-before-start", w, [first, second], [repair]))

    w = Written(
        *(calls, "<|channel|>analysis", "<|message|>", "hm"),
        *("<|channel|>final", "<|message|>", "hi", "<|return|>"),
    )
    first = w.message(
        "hm", (0, 1), (2, 3), None, channel="analysis", repairs=[reasons.MISSING_STOP]
    )
    second = w.message(
        "hi", (3, 4), (5, 6), "<|return|>", channel="final", repairs=[reasons.MISSING_START]
    )
    repairs = [
        w.repair(reasons.MISSING_STOP, (3, 3), message_index=0),
        w.repair(reasons.MISSING_START, (3, 3), header="<|channel|>final", message_index=1),
    ]
    vectors.append(
        parse_messages_vector("stop/missing-before-channel", w, [first, second], repairs)
    )

    w = Written(calls, "<|channel|>final", "<|message|>", "Answer", "<|end|>", "<|return|>")
    answer = w.message("Answer", (0, 1), (2, 3), "<|end|>", channel="final")
    repairs = [w.repair(reasons.EXTRA_STOP, (4, 5))]
    vectors.append(parse_messages_vector("stop/twice", w, [answer], repairs))

    w = Written(calls, "<|end|><|return|><|call|>")
    repairs = [w.repair(reasons.EXTRA_STOP, (0, 1))]
    vectors.append(parse_messages_vector("stop/nothing-else", w, [], repairs))

    w = Written(calls, "<|channel|>final", "<|message|>", "<|message|>", "hi", "<|return|>")
    answer = w.message(
        "hi", (0, 1), (2, 4), "<|return|>", channel="final", repairs=[reasons.EXTRA_MESSAGE]
    )
    repairs = [w.repair(reasons.EXTRA_MESSAGE, (2, 3), message_index=0)]
    vectors.append(parse_messages_vector("message-token/twice", w, [answer], repairs))

    w = Written(calls, "<|message|>", "a", "<|message|>" * 3, "b", "<|message|>", "<|end|>")
    answer = w.message("ab", (0, 0), (1, 5), "<|end|>", repairs=[reasons.EXTRA_MESSAGE])
    repairs = [
        w.repair(reasons.EXTRA_MESSAGE, (2, 3), message_index=0),
        w.repair(reasons.EXTRA_MESSAGE, (4, 5), message_index=0),
    ]
    vectors.append(parse_messages_vector("message-token/inside-content", w, [answer], repairs))
    return vectors


def _outside(calls: Calls) -> list[Vector]:
    final = "assistant<|channel|>final"
    vectors = []

    w, thought = after_thought(calls, "364", "<|start|>", final, "<|message|>", "hi")
    answer = w.message("hi", (6, 7), (8, 9), None, channel="final")
    repairs = [w.repair(reasons.TEXT_OUTSIDE, (4, 5), "364")]
    vectors.append(parse_messages_vector("outside/between", w, [thought, answer], repairs))

    w, thought = after_thought(calls, "  364 and\n more ")
    repairs = [w.repair(reasons.TEXT_OUTSIDE, (4, 5), "  364 and\n more ")]
    vectors.append(parse_messages_vector("outside/at-the-end", w, [thought], repairs))

    w = Written(calls, "Hello", "<|start|>", "user", "<|message|>", "hi")
    message = w.message("hi", (2, 3), (4, 5), None, role=chat.ROLE_USER)
    repairs = [w.repair(reasons.TEXT_OUTSIDE, (0, 1), "Hello")]
    vectors.append(
        parse_messages_vector("outside/at-the-beginning", w, [message], repairs, RECOVER_NO_ROLE)
    )

    w, thought = after_thought(calls, "commentary", "<|channel|>final", "<|message|>", "hi")
    answer = w.message("hi", (5, 6), (7, 8), None, channel="final", repairs=[reasons.MISSING_START])
    repairs = [
        w.repair(reasons.TEXT_OUTSIDE, (4, 5), "commentary"),
        w.repair(reasons.MISSING_START, (5, 5), header="<|channel|>final", message_index=1),
    ]
    vectors.append(parse_messages_vector("outside/before-a-channel", w, [thought, answer], repairs))

    w, thought = after_thought(calls, "a", "<|end|>", "b", "<|end|><|end|>", "c")
    repairs = [
        w.repair(reasons.TEXT_OUTSIDE, (4, 5), "a"),
        w.repair(reasons.EXTRA_STOP, (5, 6)),
        w.repair(reasons.TEXT_OUTSIDE, (6, 7), "b"),
        w.repair(reasons.EXTRA_STOP, (7, 8)),
        w.repair(reasons.TEXT_OUTSIDE, (8, 9), "c"),
    ]
    vectors.append(parse_messages_vector("outside/between-stop-tokens", w, [thought], repairs))

    w, thought = after_thought(calls, "🫡 世界")
    repairs = [w.repair(reasons.TEXT_OUTSIDE, (4, 5), "🫡 世界")]
    vectors.append(parse_messages_vector("outside/unicode", w, [thought], repairs))
    return vectors
