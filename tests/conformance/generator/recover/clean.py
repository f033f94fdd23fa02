"""Well-formed output, which needs no repairs."""

from harmony_client.v1 import chat_pb2 as chat

from ..calls import Calls
from ..vector import Vector
from .written import JSON, RECOVER_NO_ROLE, Written, after_thought, parse_messages_vector


def parse_messages_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of messages of every kind without repairs."""
    call = f"assistant<|channel|>commentary to=functions.f {JSON}"
    w, thought = after_thought(
        calls,
        *("<|start|>", call, "<|message|>", "{}", "<|call|>"),
        *("<|start|>", "assistant<|channel|>final", "<|message|>", "It is 4. ☔", "<|return|>"),
    )
    called = w.message(
        *("{}", (5, 6), (7, 8), "<|call|>"),
        channel="commentary",
        recipient="functions.f",
        content_type=JSON,
    )
    answer = w.message("It is 4. ☔", (10, 11), (12, 13), "<|return|>", channel="final")
    cut = Written(calls, f"<|channel|>commentary to=functions.w {JSON}", "<|message|>", '{"loc')
    partial = cut.message(
        *('{"loc', (0, 1), (2, 3), None),
        channel="commentary",
        recipient="functions.w",
        content_type=JSON,
    )
    tool = Written(
        calls, "<|start|>", "functions.f to=assistant<|channel|>commentary", "<|message|>", "4"
    )
    result = tool.message(
        *("4", (1, 2), (3, 4), None),
        role=chat.ROLE_TOOL,
        name="functions.f",
        recipient="assistant",
        channel="commentary",
    )
    return [
        parse_messages_vector("clean/three-messages", w, [thought, called, answer]),
        parse_messages_vector("clean/nothing", Written(calls), []),
        parse_messages_vector(
            "clean/nothing-without-role", Written(calls), [], (), RECOVER_NO_ROLE
        ),
        parse_messages_vector("clean/call-cut-off-by-the-end", cut, [partial]),
        parse_messages_vector("clean/tool", tool, [result], (), RECOVER_NO_ROLE),
    ]
