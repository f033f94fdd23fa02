"""RenderContinuation: which sampled tokens stay, and what follows them."""

from collections.abc import Sequence
from typing import Final

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import service_pb2 as pb

from .attributed import LEVELS
from .attribution import find_messages, runs_of
from .calls import Calls
from .contract import assistant, conversation, invalid_field, message, system, user
from .vector import Vector

_RPC: Final = "render_continuation"
_RESULT = message(
    chat.ROLE_TOOL, "yes", name="functions.w", recipient="assistant", channel="commentary"
)
_HEADER = "<|start|>assistant"
_THOUGHT = f"<|channel|>analysis<|message|>Ask.<|end|>{_HEADER}"
# As models write it, which is not as the renderer does.
_CALL = "<|channel|>commentary to=functions.w <|constrain|>json<|message|>{}<|call|>"
_FINAL = "<|channel|>final<|message|>Yes."
# Name: the sampled tokens that stay, those that do not, whether `<|end|>` follows, new messages.
_ENDS: Final = {
    "call": (_THOUGHT + _CALL, "", False, (_RESULT,)),
    "call-without-a-result": (_CALL, "", False, ()),
    "end": (_FINAL + "<|end|>", "", False, (user("More?"),)),
    "return": (_FINAL, "<|return|>", True, (user("More?"),)),
    "cut-off": (_FINAL, "", True, (user("More?"),)),
    "cut-off-before-the-content": ("<|channel|>final<|message|>", "", True, (user("More?"),)),
    "cut-off-behind-special-tokens": (
        "<|channel|>final<|message|>a<|channel|>b",
        "",
        True,
        (user("More?"),),
    ),
    "analysis-stays": (_FINAL, "<|return|>", True, (assistant("1", "analysis"), user("More?"))),
    "answer-among-the-new": (
        _CALL,
        "",
        False,
        (_RESULT, assistant("1", "analysis"), assistant("2", "final")),
    ),
    "long-and-cut-off": (
        f"<|channel|>final<|message|>{'It rains. ' * 400}",
        "",
        True,
        (user("More?"),),
    ),
}
_ROLES: Final = {
    "user": chat.ROLE_USER,
    "system": chat.ROLE_SYSTEM,
    "developer": chat.ROLE_DEVELOPER,
    "tool": chat.ROLE_TOOL,
}
_QUESTION = "<|start|>user<|message|>Rain?<|end|>"
_ANALYSIS = f"{_HEADER}<|channel|>analysis<|message|>Ask.<|end|>"
_ANSWER = f"{_HEADER}<|channel|>final<|message|>Yes."
# Name: pieces of the sampled tokens with whether each is left out, whether `<|return|>` is behind
# them, whether `<|end|>` follows, new messages.
_CUTS: Final = {
    "next-turn": (
        ((_QUESTION, False), (_ANALYSIS, True), (_ANSWER, False)),
        True,
        True,
        (user("More?"),),
    ),
    "same-turn": (
        (
            (f"{_QUESTION}{_ANALYSIS}", False),
            (f"{_HEADER} to=functions.w<|channel|>commentary<|message|>{{}}<|call|>", False),
        ),
        False,
        False,
        (_RESULT,),
    ),
    "two-ranges": (
        (
            (_QUESTION, False),
            (_ANALYSIS, True),
            (f"{_HEADER} to=functions.w<|channel|>commentary<|message|>{{}}<|call|>", False),
            (_ANALYSIS, True),
            (f"{_ANSWER}<|end|>", False),
        ),
        False,
        False,
        (user("More?"),),
    ),
    "no-answer-yet": (
        ((f"{_QUESTION}{_ANALYSIS}", False),),
        False,
        False,
        (user("More?"),),
    ),
    "answer-among-the-new": (
        ((_QUESTION, False), (_ANALYSIS, True)),
        False,
        False,
        (assistant("Yes.", "final"), user("More?")),
    ),
    "cut-off-and-left-out": (
        ((_QUESTION, False), (f"{_HEADER}<|channel|>analysis<|message|>As", True)),
        False,
        False,
        (assistant("Yes.", "final"), user("More?")),
    ),
}


def render_continuation_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of how sampled tokens end, of dropped analysis, of runs, and of errors."""
    return [
        *[
            _continued(calls, f"end/{name}", stays, dropped, closed, new)
            for name, (stays, dropped, closed, new) in _ENDS.items()
        ],
        _continued(calls, "keep-return", f"{_FINAL}<|return|>", "", False, (), keep_return=True),
        _continued(calls, "keep-return/end", f"{_FINAL}<|end|>", "", False, (), keep_return=True),
        _continued(calls, "without-a-role", f"{_QUESTION}{_ANSWER}", "", True, (), role=None),
        *[
            _continued(calls, f"next/{name}", _CALL, "", False, (_RESULT,), next_role=role)
            for name, role in _ROLES.items()
        ],
        _continued(calls, "function-tools", _CALL, "", False, (system(),), with_tools=True),
        *[
            _continued(calls, f"{level}/{name}", *_ENDS[name], attribution=attribution)
            for level, attribution in LEVELS.items()
            for name in ("call", "return", "call-without-a-result", "analysis-stays")
        ],
        *[_cut(calls, name, *arguments) for name, arguments in _CUTS.items()],
        *_errors(calls),
    ]


def _continued(
    calls: Calls,
    name: str,
    stays: str,
    dropped: str,
    closed: bool,
    new: Sequence[chat.Message],
    *,
    role: chat.Role | None = chat.ROLE_ASSISTANT,
    next_role: chat.Role = chat.ROLE_ASSISTANT,
    keep_return: bool = False,
    with_tools: bool = False,
    attribution: pb.Attribution = pb.ATTRIBUTION_UNSPECIFIED,
) -> Vector:
    kept = calls.tokens(stays)
    request = pb.RenderContinuationRequest(
        sampled=[*kept, *calls.tokens(dropped)],
        role=role,
        messages=new,
        next_turn_role=next_role,
        keep_return=keep_return,
        attribution=attribution,
    )
    if with_tools:
        request.options.conversation_has_function_tools = True
    tokens = _render_new(calls, new, next_role, with_tools=with_tools)
    response = pb.RenderContinuationResponse(
        tokens=[*(calls.tokens("<|end|>") if closed else []), *tokens],
        kept=len(kept),
        closed=closed,
    )
    if attribution:
        found = find_messages(calls.reference, new, tokens)
        response.runs.CopyFrom(runs_of(attribution, found))
    return Vector(f"{_RPC}/{name}", [request], [response])


def _cut(
    calls: Calls,
    name: str,
    pieces: Sequence[tuple[str, bool]],
    returned: bool,
    closed: bool,
    new: Sequence[chat.Message],
) -> Vector:
    sampled: list[int] = []
    response = pb.RenderContinuationResponse(closed=closed)
    for text, is_left_out in pieces:
        begin = len(sampled)
        sampled += calls.tokens(text)
        if is_left_out:
            response.cut_begins.append(begin)
            response.cut_ends.append(len(sampled))
    response.kept = len(sampled)
    if closed:
        response.tokens.extend(calls.tokens("<|end|>"))
    response.tokens.extend(_render_new(calls, new, chat.ROLE_ASSISTANT, with_tools=False))
    request = pb.RenderContinuationRequest(
        sampled=[*sampled, *calls.tokens("<|return|>")] if returned else sampled,
        messages=new,
        next_turn_role=chat.ROLE_ASSISTANT,
        drop_analysis=True,
    )
    return Vector(f"{_RPC}/drop-analysis/{name}", [request], [response])


def _render_new(
    calls: Calls, new: Sequence[chat.Message], next_role: chat.Role, *, with_tools: bool
) -> list[int]:
    """Returns the reference's tokens of the new messages and the end of the prompt."""
    rendered = [calls.reference.render(item, with_function_tools=with_tools) for item in new]
    turn_start = calls.reference.render_for_completion(
        conversation(), next_role, auto_drop_analysis=False
    )
    return [token for tokens in [*rendered, turn_start] for token in tokens]


def _errors(calls: Calls) -> list[Vector]:
    def refused(name: str, field: str, sampled: str = _CALL, **fields: object) -> Vector:
        arguments: dict[str, object] = {
            "role": chat.ROLE_ASSISTANT,
            "next_turn_role": chat.ROLE_ASSISTANT,
            **fields,
        }
        request = pb.RenderContinuationRequest(sampled=calls.tokens(sampled), **arguments)  # type: ignore[arg-type]
        return Vector(f"{_RPC}/error/{name}", [request], error=invalid_field(field))

    nameless = message(chat.ROLE_TOOL, "x")
    return [
        refused("nothing-sampled", "sampled", ""),
        refused("nothing-sampled-without-a-role", "sampled", "", role=None),
        refused("inside-a-header", "sampled", f"{_THOUGHT}<|channel|>final"),
        refused("inside-the-first-header", "sampled", "<|channel|>final"),
        refused("behind-start", "sampled", f"{_FINAL}<|end|><|start|>"),
        refused("outside-any-message", "sampled", f"{_FINAL}<|end|>more"),
        refused("no-next-role", "next_turn_role", next_turn_role=chat.ROLE_UNSPECIFIED),
        refused("unspecified-role", "role", role=chat.ROLE_UNSPECIFIED),
        refused("tool-without-a-name", "messages[1].author.name", messages=[_RESULT, nameless]),
        refused("drop-analysis-and-role", "drop_analysis", drop_analysis=True),
        refused(
            "drop-analysis-and-keep-return",
            "drop_analysis",
            drop_analysis=True,
            role=None,
            keep_return=True,
        ),
        refused(
            "drop-analysis-of-malformed-tokens",
            "sampled",
            f"oops<|message|>{_ANALYSIS}",
            drop_analysis=True,
            role=None,
        ),
    ]
