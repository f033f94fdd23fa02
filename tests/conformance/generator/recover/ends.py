"""Truncated and overlong headers, unknown ids, and partial characters."""

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse

from ..calls import Calls
from ..vector import Vector
from . import reasons
from .written import Written, after_thought, parse_messages_vector


def parse_messages_vectors(calls: Calls) -> list[Vector]:
    """Returns one vector for each kind of malformed output."""
    return [*_ends(calls), *_odd_tokens(calls), *_prefilled(calls)]


def _ends(calls: Calls) -> list[Vector]:
    vectors = []
    w = Written(calls, "<|channel|>analysis")
    answer = w.message("", (0, 1), (1, 1), None, channel="analysis", repairs=[reasons.TRUNCATED])
    repair = w.repair(reasons.TRUNCATED, (0, 1), header="<|channel|>analysis", message_index=0)
    vectors.append(parse_messages_vector("end/behind-a-channel", w, [answer], [repair]))

    w = Written(calls, "<|channel|>final", " The answer is")
    answer = w.message(
        "The answer is", (0, 1), (1, 2), None, channel="final", repairs=[reasons.MISSING_MESSAGE]
    )
    repair = w.repair(reasons.MISSING_MESSAGE, (0, 1), header="<|channel|>final", message_index=0)
    vectors.append(parse_messages_vector("end/behind-text", w, [answer], [repair]))

    w, thought = after_thought(calls, "<|start|>", "assistant")
    repair = w.repair(reasons.TRUNCATED, (5, 6), "assistant", header="assistant")
    vectors.append(parse_messages_vector("end/behind-a-role", w, [thought], [repair]))

    w, thought = after_thought(calls, "<|start|>")
    repair = w.repair(reasons.TRUNCATED, (5, 5))
    vectors.append(parse_messages_vector("end/behind-a-start", w, [thought], [repair]))

    w, thought = after_thought(calls, "<|start|>", "<|start|>", "<|end|>")
    repairs = [w.repair(reasons.EXTRA_START, (5, 6)), w.repair(reasons.EXTRA_STOP, (6, 7))]
    vectors.append(parse_messages_vector("end/starts-and-a-stop", w, [thought], repairs))

    few = parse.ParseConfig(
        role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(recover=True, max_header_tokens=4)
    )
    w = Written(calls, "<|channel|>final", " assistant user", " one", "<|return|>")
    answer = w.message(
        *("assistant user one", (0, 1), (1, 3), "<|return|>"),
        channel="final",
        repairs=[reasons.TOO_LONG],
    )
    repair = w.repair(reasons.TOO_LONG, (0, 1), header="<|channel|>final", message_index=0)
    vectors.append(parse_messages_vector("limit/header-too-long", w, [answer], [repair], few))

    w = Written(
        calls, "<|channel|>", "final", "<|constrain|>", "json", "<|message|>", "x", "<|end|>"
    )
    answer = w.message(
        *("x", (0, 4), (5, 6), "<|end|>"),
        channel="final",
        content_type="<|constrain|>json",
        repairs=[reasons.MISPLACED_TYPE],
    )
    header = "<|channel|>final<|constrain|>json"
    repair = w.repair(reasons.MISPLACED_TYPE, (0, 4), header=header, message_index=0)
    vectors.append(
        parse_messages_vector("limit/header-of-the-largest-length", w, [answer], [repair], few)
    )
    return vectors


def _prefilled(calls: Calls) -> list[Vector]:
    """Returns vectors of repairs in, behind and across the end of a prefill."""
    vectors = []
    w = Written(calls, "<|channel|>commentary to=f", ".g", "<|message|>", "{}", prefilled=1)
    call = w.message("{}", (1, 2), (3, 4), None, channel="commentary", recipient="f.g")
    vectors.append(parse_messages_vector("prefill/part-of-a-header", w, [call]))

    header = ("<|channel|>analysis", "<|channel|>final")
    w = Written(calls, *header, "<|message|>", "hi", "<|return|>", prefilled=1)
    answer = w.message(
        *("hi", (0, 2), (3, 4), "<|return|>"), channel="final", repairs=[reasons.REPEATED_CHANNEL]
    )
    repair = w.repair(
        *(reasons.REPEATED_CHANNEL, (0, 2), "analysis"), header="".join(header), message_index=0
    )
    vectors.append(parse_messages_vector("prefill/repair-across-its-end", w, [answer], [repair]))

    w = Written(calls, *header, "<|message|>", "<|message|>", "hi", "<|message|>", prefilled=4)
    answer = w.message(
        *("hi", (0, 2), (3, 6), None), channel="final", repairs=[reasons.EXTRA_MESSAGE]
    )
    repair = w.repair(reasons.EXTRA_MESSAGE, (5, 6), message_index=0)
    vectors.append(parse_messages_vector("prefill/repairs-inside-it", w, [answer], [repair]))

    w = Written(calls, "<|channel|>commentary", prefilled=1)
    cut = w.message("", (0, 1), (1, 1), None, channel="commentary", repairs=[reasons.TRUNCATED])
    repair = w.repair(reasons.TRUNCATED, (0, 1), header="<|channel|>commentary", message_index=0)
    vectors.append(parse_messages_vector("prefill/cut-off-at-once", w, [cut], [repair]))
    return vectors


def _odd_tokens(calls: Calls) -> list[Vector]:
    """Returns vectors of unknown ids and partial characters."""
    salute = calls.tokens("🫡")
    vectors = []
    w = Written(calls, "<|message|>", "a", [300_000, 201_089], "b", [2**32 - 1], "<|end|>")
    answer = w.message(
        "a\ufffd\ufffdb\ufffd", (0, 0), (1, 5), "<|end|>", repairs=[reasons.INVALID_TOKEN]
    )
    repairs = [
        w.repair(reasons.INVALID_TOKEN, (2, 3), message_index=0),
        w.repair(reasons.INVALID_TOKEN, (4, 5), message_index=0),
    ]
    vectors.append(parse_messages_vector("unknown-id/in-content", w, [answer], repairs))

    w = Written(calls, "<|channel|>final", [300_000], "<|message|>", "hi", "<|end|>")
    header = "<|channel|>final\ufffd"
    answer = w.message(
        "hi",
        (0, 2),
        (3, 4),
        "<|end|>",
        channel="final",
        repairs=[reasons.INVALID_TOKEN, reasons.MALFORMED_CHANNEL, reasons.UNEXPECTED_TEXT],
    )
    repairs = [
        w.repair(reasons.INVALID_TOKEN, (0, 2), header=header, message_index=0),
        w.repair(reasons.MALFORMED_CHANNEL, (0, 2), header=header, message_index=0),
        w.repair(reasons.UNEXPECTED_TEXT, (0, 2), "\ufffd", header=header, message_index=0),
    ]
    vectors.append(parse_messages_vector("unknown-id/in-a-header", w, [answer], repairs))

    w, thought = after_thought(calls, "a", [300_000])
    repairs = [
        w.repair(reasons.TEXT_OUTSIDE, (4, 5), "a"),
        w.repair(reasons.INVALID_TOKEN, (5, 6)),
        w.repair(reasons.TEXT_OUTSIDE, (5, 6), "\ufffd"),
    ]
    vectors.append(parse_messages_vector("unknown-id/outside", w, [thought], repairs))

    w = Written(calls, "<|channel|>final", salute[:1], "<|message|>", "hi", "<|end|>")
    answer = w.message(
        "hi",
        (0, 2),
        (3, 4),
        "<|end|>",
        channel="final",
        repairs=[reasons.INVALID_UTF8, reasons.MALFORMED_CHANNEL, reasons.UNEXPECTED_TEXT],
    )
    repairs = [
        w.repair(reasons.INVALID_UTF8, (0, 2), header=header, message_index=0),
        w.repair(reasons.MALFORMED_CHANNEL, (0, 2), header=header, message_index=0),
        w.repair(reasons.UNEXPECTED_TEXT, (0, 2), "\ufffd", header=header, message_index=0),
    ]
    vectors.append(parse_messages_vector("utf8/in-a-header", w, [answer], repairs))

    w = Written(calls, "<|channel|>final", "<|message|>", "x", salute[:1], "<|end|>")
    answer = w.message("x\ufffd", (0, 1), (2, 4), "<|end|>", channel="final")
    vectors.append(parse_messages_vector("utf8/in-content-is-no-repair", w, [answer]))
    return vectors
