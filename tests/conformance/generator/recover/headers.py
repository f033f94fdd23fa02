"""Malformed channels, roles, recipients and content types, and unexpected words."""

from typing import Any

from harmony_client.v1 import chat_pb2 as chat

from ..calls import Calls
from ..vector import Vector
from . import reasons
from .written import JSON, RECOVER_NO_ROLE, Written, after_thought, parse_messages_vector


def parse_messages_vectors(calls: Calls) -> list[Vector]:
    """Returns one vector for each kind of malformed output."""
    return [*_channels(calls), *_roles_and_words(calls), *_without_message_token(calls)]


def _channels(calls: Calls) -> list[Vector]:
    vectors = []
    for name, header, channel in (
        ("empty", "<|channel|>", None),
        ("behind-a-blank", "<|channel|> final", "final"),
        ("without-its-marker", "final", "final"),
        ("unknown", "<|channel|>finalx", "finalx"),
    ):
        w = Written(calls, header, "<|message|>", "hi", "<|return|>")
        answer = w.message(
            *("hi", (0, 1), (2, 3), "<|return|>"),
            channel=channel,
            repairs=[reasons.MALFORMED_CHANNEL],
        )
        repair = w.repair(reasons.MALFORMED_CHANNEL, (0, 1), header=header, message_index=0)
        vectors.append(parse_messages_vector(f"channel/{name}", w, [answer], [repair]))

    header = "<|channel|>commentary to=functions.q<|channel|>analysis"
    w = Written(calls, header, "<|message|>", "{}", "<|call|>")
    answer = w.message(
        *("{}", (0, 1), (2, 3), "<|call|>"),
        channel="analysis",
        recipient="functions.q",
        repairs=[reasons.REPEATED_CHANNEL],
    )
    repair = w.repair(
        reasons.REPEATED_CHANNEL, (0, 1), "commentary", header=header, message_index=0
    )
    vectors.append(parse_messages_vector("channel/twice", w, [answer], [repair]))
    return vectors


def _roles_and_words(calls: Calls) -> list[Vector]:
    vectors = []
    recipient = "functions.w"
    for name, header, reason, text in (
        (
            "recipient/twice",
            "to=functions.w to=functions.w",
            reasons.REPEATED_RECIPIENT,
            "to=functions.w",
        ),
        ("recipient/thrice", "to=functions.w to=g to=h", reasons.REPEATED_RECIPIENT, "to=g to=h"),
        (
            "words/keep-their-white-space",
            "to=functions.w code  and more",
            reasons.UNEXPECTED_TEXT,
            "code  and more",
        ),
    ):
        header = f"<|channel|>commentary {header}"
        w = Written(calls, header, "<|message|>", "{}", "<|call|>")
        answer = w.message(
            *("{}", (0, 1), (2, 3), "<|call|>"),
            channel="commentary",
            recipient=recipient,
            repairs=[reason],
        )
        repair = w.repair(reason, (0, 1), text, header=header, message_index=0)
        vectors.append(parse_messages_vector(name, w, [answer], [repair]))

    header = "<|channel|>commentary json to=functions.w"
    w = Written(calls, header, "<|message|>", "{}", "<|call|>")
    answer = w.message(
        *("{}", (0, 1), (2, 3), "<|call|>"),
        channel="commentary",
        recipient=recipient,
        content_type="json",
        repairs=[reasons.MISPLACED_TYPE],
    )
    repair = w.repair(reasons.MISPLACED_TYPE, (0, 1), header=header, message_index=0)
    vectors.append(
        parse_messages_vector("content-type/bare-before-the-recipient", w, [answer], [repair])
    )

    for name, header, role, text in (
        ("twice", "assistantassistant<|channel|>final", chat.ROLE_ASSISTANT, "assistant"),
        ("glued-to-the-channel", "assistantfinal", chat.ROLE_ASSISTANT, ""),
        ("missing", "<|channel|>final", chat.ROLE_ASSISTANT, ""),
        ("two-roles", "userassistant<|channel|>final", chat.ROLE_USER, "assistant"),
    ):
        w, thought = after_thought(calls, "<|start|>", header, "<|message|>", "hi", "<|return|>")
        answer = w.message(
            *("hi", (5, 6), (7, 8), "<|return|>"),
            role=role,
            channel="final",
            repairs=[reasons.MALFORMED_ROLE],
        )
        repair = w.repair(reasons.MALFORMED_ROLE, (5, 6), text, header=header, message_index=1)
        vectors.append(parse_messages_vector(f"role/{name}", w, [thought, answer], [repair]))

    header = f"<|channel|>final {JSON}"
    w = Written(calls, header, "<|message|>", "{}", "<|return|>")
    answer = w.message(
        *("{}", (0, 1), (2, 3), "<|return|>"),
        channel="final",
        content_type=JSON,
        repairs=[reasons.MISPLACED_TYPE],
    )
    repair = w.repair(reasons.MISPLACED_TYPE, (0, 1), header=header, message_index=0)
    vectors.append(parse_messages_vector("content-type/without-a-recipient", w, [answer], [repair]))

    header = f"<|channel|>commentary {JSON} to=functions.f"
    w = Written(calls, header, "<|message|>", "{}", "<|call|>")
    answer = w.message(
        *("{}", (0, 1), (2, 3), "<|call|>"),
        channel="commentary",
        recipient="functions.f",
        content_type=JSON,
        repairs=[reasons.MISPLACED_TYPE],
    )
    repair = w.repair(reasons.MISPLACED_TYPE, (0, 1), header=header, message_index=0)
    vectors.append(
        parse_messages_vector("content-type/before-the-recipient", w, [answer], [repair])
    )

    header = "functions.f to=assistant to=assistant<|channel|>commentary"
    w = Written(calls, "<|start|>", header, "<|message|>", "4", "<|end|>")
    result = w.message(
        *("4", (1, 2), (3, 4), "<|end|>"),
        role=chat.ROLE_TOOL,
        name="functions.f",
        recipient="assistant",
        channel="commentary",
        repairs=[reasons.REPEATED_RECIPIENT],
    )
    repair = w.repair(
        reasons.REPEATED_RECIPIENT, (1, 2), "to=assistant", header=header, message_index=0
    )
    vectors.append(
        parse_messages_vector("recipient/twice-of-a-tool", w, [result], [repair], RECOVER_NO_ROLE)
    )
    return vectors


def _without_message_token(calls: Calls) -> list[Vector]:
    vectors = []
    forms: tuple[tuple[str, str, str, str, dict[str, Any], str], ...] = (
        (
            "blank-behind-the-channel",
            "<|channel|>final",
            ' {"answer": 1}',
            "<|return|>",
            {"channel": "final"},
            '{"answer": 1}',
        ),
        (
            "text-behind-the-channel",
            "<|channel|>analysis",
            "Hello  world\n",
            "<|end|>",
            {"channel": "analysis"},
            "Hello  world\n",
        ),
        (
            "text-behind-the-content-type",
            f"<|channel|>commentary to=functions.f{JSON}",
            '{"a": 1}',
            "<|call|>",
            {"channel": "commentary", "recipient": "functions.f", "content_type": JSON},
            '{"a": 1}',
        ),
        ("no-header", "", "Hello there!  Bye.", "<|return|>", {}, "Hello there!  Bye."),
        ("nothing-but-a-channel", "<|channel|>final", "", "<|return|>", {"channel": "final"}, ""),
    )
    for name, header, rest, stop, fields, text in forms:
        w = Written(calls, header, rest, stop)
        answer = w.message(text, (0, 1), (1, 2), stop, **fields, repairs=[reasons.MISSING_MESSAGE])
        repair = w.repair(reasons.MISSING_MESSAGE, (0, 1), header=header, message_index=0)
        vectors.append(parse_messages_vector(f"no-message-token/{name}", w, [answer], [repair]))

    header = "<|channel|>final"
    w = Written(
        *(calls, header, " hi", "<|start|>", "assistant<|channel|>final", "<|message|>"),
        *("there", "<|return|>"),
    )
    first = w.message(
        "hi", (0, 1), (1, 2), None, channel="final", repairs=[reasons.MISSING_MESSAGE]
    )
    second = w.message("there", (3, 4), (5, 6), "<|return|>", channel="final")
    repair = w.repair(reasons.MISSING_MESSAGE, (0, 1), header=header, message_index=0)
    vectors.append(
        parse_messages_vector("no-message-token/before-a-start", w, [first, second], [repair])
    )
    return vectors
