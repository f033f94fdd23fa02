"""The four renders: whose each token is, and which tokens carry loss."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import service_pb2 as pb

from .attribution import find_messages, parts_of, runs_of
from .calls import Calls
from .contract import (
    assistant,
    conversation,
    invalid_field,
    message,
    system,
    tool,
    user,
    with_functions,
)
from .vector import Vector

LEVELS: Final = {"messages": pb.ATTRIBUTION_MESSAGES, "parts": pb.ATTRIBUTION_PARTS}
_CURRENT_TURN = pb.RenderConversationConfig(analysis=pb.ANALYSIS_RULE_CURRENT_TURN)
_KEEP = pb.RenderConversationConfig(analysis=pb.ANALYSIS_RULE_KEEP)
_JSON = "<|constrain|>json"
_CALL = assistant("{}", "commentary", "functions.w", _JSON)
_RESULT = message(
    chat.ROLE_TOOL, "yes", name="functions.w", recipient="assistant", channel="commentary"
)
_TWO_TURNS: Final = (
    user("2+2?"),
    assistant("Add.", "analysis"),
    assistant("4.", "final"),
    user("Rain?"),
    assistant("Ask.", "analysis"),
    _CALL,
    _RESULT,
    assistant("So.", "analysis"),
    assistant("Yes.", "final"),
)
_MESSAGES: Final = {
    "user": user("Rain?"),
    "call": _CALL,
    "result": _RESULT,
    "name": message(chat.ROLE_USER, "Hi", name="alice"),
    "empty-name": message(chat.ROLE_USER, "Hi", name=""),
    "recipient-all": assistant("Hi", recipient="all"),
    "empty-channel": assistant("Hi", ""),
    "plain-content-type": assistant("print(1)", "analysis", "python", "code"),
    "no-content": message(chat.ROLE_USER),
    "empty-content": user(""),
    "three-contents": message(chat.ROLE_USER, "a", "", "b"),
    "every-part": message(
        chat.ROLE_ASSISTANT,
        "{",
        "}",
        name="helper",
        recipient="functions.w",
        channel="commentary",
        content_type=_JSON,
    ),
    "system": system(),
    "developer": message(
        chat.ROLE_DEVELOPER,
        "First.",
        chat.Content(developer=chat.DeveloperContent(instructions="Be brief.")),
    ),
}
_CONVERSATIONS: Final = {
    "empty": (),
    "two-turns": _TWO_TURNS,
    "function-tools": (system(), with_functions(tool("w")), user("Rain?")),
    "nothing-left": (assistant("1", "analysis"), assistant("2", "final")),
}
# The loss of `_TWO_TURNS` under CURRENT_TURN, in brackets.
_BEGIN = "<|start|>user<|message|>2+2?<|end|>"
_FIRST = "<|start|>assistant<|channel|>final<|message|>4."
_QUESTION = "<|start|>user<|message|>Rain?<|end|>"
_THOUGHT = "<|channel|>analysis<|message|>Ask.<|end|>"
_TO_CALL = " to=functions.w<|channel|>commentary <|constrain|>json<|message|>"
_ANSWERED = "<|start|>functions.w to=assistant<|channel|>commentary<|message|>yes<|end|>"
_SECOND_THOUGHT = "<|channel|>analysis<|message|>So.<|end|>"
_SECOND = "<|channel|>final<|message|>Yes.<|return|>"
_ASSISTANT = "<|start|>assistant"
_HISTORY = f"{_BEGIN}{_FIRST}<|end|>{_QUESTION}"
_LAST_TURN = (
    f"{_ASSISTANT}[{_THOUGHT}{_ASSISTANT}{_TO_CALL}{{}}<|call|>]{_ANSWERED}"
    f"{_ASSISTANT}[{_SECOND_THOUGHT}{_ASSISTANT}{_SECOND}]"
)
_NO_LOSS = _LAST_TURN.replace("[", "").replace("]", "")
_POLICIES: Final = {
    "default": (pb.LossPolicy(), _HISTORY + _LAST_TURN),
    "last-turn": (
        pb.LossPolicy(messages=pb.TRAINED_MESSAGES_LAST_TURN, tokens=pb.TRAINED_TOKENS_SAMPLED),
        _HISTORY + _LAST_TURN,
    ),
    "last-sample": (
        pb.LossPolicy(messages=pb.TRAINED_MESSAGES_LAST_SAMPLE),
        f"{_HISTORY}{_ASSISTANT}{_THOUGHT}{_ASSISTANT}{_TO_CALL}{{}}<|call|>{_ANSWERED}"
        f"{_ASSISTANT}[{_SECOND_THOUGHT}{_ASSISTANT}{_SECOND}]",
    ),
    "all": (
        pb.LossPolicy(messages=pb.TRAINED_MESSAGES_ALL),
        f"{_BEGIN}{_ASSISTANT}[<|channel|>final<|message|>4.]<|end|>{_QUESTION}{_LAST_TURN}",
    ),
    "none": (pb.LossPolicy(messages=pb.TRAINED_MESSAGES_NONE), _HISTORY + _NO_LOSS),
    "chosen": (
        pb.LossPolicy(messages=pb.TRAINED_MESSAGES_CHOSEN, chosen=[2, 5]),
        f"{_BEGIN}{_ASSISTANT}[<|channel|>final<|message|>4.]<|end|>{_QUESTION}"
        f"{_ASSISTANT}{_THOUGHT}[{_ASSISTANT}{_TO_CALL}{{}}<|call|>]{_ANSWERED}"
        f"{_ASSISTANT}{_SECOND_THOUGHT}{_ASSISTANT}{_SECOND}",
    ),
    "chosen-but-left-out": (
        pb.LossPolicy(messages=pb.TRAINED_MESSAGES_CHOSEN, chosen=[1]),
        _HISTORY + _NO_LOSS,
    ),
    "contents": (
        pb.LossPolicy(tokens=pb.TRAINED_TOKENS_CONTENT),
        f"{_HISTORY}{_ASSISTANT}<|channel|>analysis<|message|>[Ask.<|end|>]"
        f"{_ASSISTANT}{_TO_CALL}[{{}}<|call|>]{_ANSWERED}"
        f"{_ASSISTANT}<|channel|>analysis<|message|>[So.<|end|>]"
        f"{_ASSISTANT}<|channel|>final<|message|>[Yes.<|return|>]",
    ),
    "contents-of-all": (
        pb.LossPolicy(messages=pb.TRAINED_MESSAGES_ALL, tokens=pb.TRAINED_TOKENS_CONTENT),
        f"{_BEGIN}{_ASSISTANT}<|channel|>final<|message|>[4.]<|end|>{_QUESTION}"
        f"{_ASSISTANT}<|channel|>analysis<|message|>[Ask.<|end|>]"
        f"{_ASSISTANT}{_TO_CALL}[{{}}<|call|>]{_ANSWERED}"
        f"{_ASSISTANT}<|channel|>analysis<|message|>[So.<|end|>]"
        f"{_ASSISTANT}<|channel|>final<|message|>[Yes.<|return|>]",
    ),
    "whole-messages": (
        pb.LossPolicy(messages=pb.TRAINED_MESSAGES_ALL, tokens=pb.TRAINED_TOKENS_MESSAGE),
        f"{_BEGIN}[{_FIRST}<|end|>]{_QUESTION}"
        f"[{_ASSISTANT}{_THOUGHT}{_ASSISTANT}{_TO_CALL}{{}}<|call|>]{_ANSWERED}"
        f"[{_ASSISTANT}{_SECOND_THOUGHT}{_ASSISTANT}{_SECOND}]",
    ),
    "one-channel": (
        pb.LossPolicy(channels=["final"]),
        f"{_HISTORY}{_ASSISTANT}{_THOUGHT}{_ASSISTANT}{_TO_CALL}{{}}<|call|>{_ANSWERED}"
        f"{_ASSISTANT}{_SECOND_THOUGHT}[{_ASSISTANT}{_SECOND}]",
    ),
    "two-channels": (
        pb.LossPolicy(channels=["analysis", "final"]),
        f"{_HISTORY}{_ASSISTANT}[{_THOUGHT}]{_ASSISTANT}{_TO_CALL}{{}}<|call|>{_ANSWERED}"
        f"{_ASSISTANT}[{_SECOND_THOUGHT}{_ASSISTANT}{_SECOND}]",
    ),
    "without-calls": (
        pb.LossPolicy(leave_out_calls=True),
        f"{_HISTORY}{_ASSISTANT}[{_THOUGHT}]{_ASSISTANT}{_TO_CALL}{{}}<|call|>{_ANSWERED}"
        f"{_ASSISTANT}[{_SECOND_THOUGHT}{_ASSISTANT}{_SECOND}]",
    ),
}
# What is sampled, for each the index of the first message and that behind the last.
_SAMPLES: Final = {
    "an-answer": ((user("a"), assistant("b", "final")), [(1, 2)]),
    "two-answers": (
        (user("a"), assistant("1", "final"), assistant("b", "analysis"), assistant("2", "final")),
        [(1, 2), (2, 4)],
    ),
    "cut-short": ((user("a"), assistant("b", "analysis")), [(1, 2)]),
    "preamble": (
        (user("a"), assistant("I look.", "commentary"), _CALL, _RESULT, assistant("b", "final")),
        [(1, 3), (4, 5)],
    ),
    "call-to-all": (
        (user("a"), assistant("b", "analysis", "all"), assistant("c", "final")),
        [(1, 2), (2, 3)],
    ),
    "answer-to-a-recipient": (
        (user("a"), assistant("b", "final", "functions.w"), _RESULT, assistant("c")),
        [(1, 2), (3, 4)],
    ),
    "result-behind-an-answer": ((user("a"), assistant("b", "final"), _RESULT), [(1, 2)]),
    "earlier-turn": (
        (user("a"), assistant("1", "final"), user("b"), assistant("2", "final")),
        [(3, 4)],
    ),
    "user-last": ((user("a"), assistant("b", "final"), user("c")), []),
    "no-user": ((system(), assistant("b", "analysis"), assistant("c", "final")), [(1, 3)]),
    "no-channel": ((user("a"), assistant("b"), assistant("c")), [(1, 3)]),
}
_BAD_CHOICES: Final = {
    "not-ascending": (pb.TRAINED_MESSAGES_CHOSEN, [5, 4]),
    "twice": (pb.TRAINED_MESSAGES_CHOSEN, [4, 4]),
    "out-of-range": (pb.TRAINED_MESSAGES_CHOSEN, [9]),
    "of-a-user": (pb.TRAINED_MESSAGES_CHOSEN, [3]),
    "of-a-tool": (pb.TRAINED_MESSAGES_CHOSEN, [6]),
    "without-saying-so": (pb.TRAINED_MESSAGES_ALL, [2]),
    "with-the-default": (pb.TRAINED_MESSAGES_UNSPECIFIED, [2]),
}


def render_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of the runs of one message."""
    with_tools = pb.RenderOptions(conversation_has_function_tools=True)
    return [
        *[
            _attributed_message(calls, f"{level}/{name}", item, attribution)
            for level, attribution in LEVELS.items()
            for name, item in _MESSAGES.items()
        ],
        _attributed_message(
            calls, "parts/function-tools", system(), pb.ATTRIBUTION_PARTS, with_tools
        ),
    ]


def render_conversation_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of the runs of conversations."""
    return [
        _with_runs(calls, calls.render_conversation(f"attribution/{name}", item, config))
        for name, item, config in _attributed_conversations()
    ]


def render_conversation_for_completion_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of the runs of prompts."""
    return [
        _with_runs(calls, calls.render_for_completion(f"attribution/{name}", item, config=config))
        for name, item, config in _attributed_conversations()
    ]


def render_conversation_for_training_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of the runs and the loss of training examples."""
    two_turns = conversation(*_TWO_TURNS)
    both = _with_loss(calls, "loss-and-runs", *_POLICIES["default"])
    (request,), (response,) = both.requests, both.responses
    request.attribution = pb.ATTRIBUTION_MESSAGES  # type: ignore[attr-defined]
    runs = runs_of(
        pb.ATTRIBUTION_MESSAGES,
        find_messages(calls.reference, two_turns.messages, response.tokens),  # type: ignore[attr-defined]
    )
    response.runs.CopyFrom(runs)  # type: ignore[attr-defined]
    return [
        *[
            _with_runs(calls, calls.render_for_training(f"attribution/{name}", item, config))
            for name, item, config in _attributed_conversations()
        ],
        *[
            _with_loss(calls, f"loss/{name}", policy, expected)
            for name, (policy, expected) in _POLICIES.items()
        ],
        *[
            _sampled(calls, f"loss/sampled/{name}", messages, samples)
            for name, (messages, samples) in _SAMPLES.items()
        ],
        both,
        *[
            Vector(
                f"render_conversation_for_training/error/chosen-{name}",
                [
                    pb.RenderConversationForTrainingRequest(
                        conversation=two_turns,
                        loss=pb.LossPolicy(messages=trained, chosen=chosen),
                    )
                ],
                error=invalid_field("loss.chosen"),
            )
            for name, (trained, chosen) in _BAD_CHOICES.items()
        ],
    ]


def _attributed_conversations() -> Iterator[
    tuple[str, chat.Conversation, pb.RenderConversationConfig | None]
]:
    """Yields name, conversation and config; `_with_runs` reads the level in the name."""
    for level in LEVELS:
        for name, messages in _CONVERSATIONS.items():
            yield f"{level}/{name}", conversation(*messages), None
        yield f"{level}/current-turn", conversation(*_TWO_TURNS), _CURRENT_TURN


def _attributed_message(
    calls: Calls,
    name: str,
    item: chat.Message,
    attribution: pb.Attribution,
    options: pb.RenderOptions | None = None,
) -> Vector:
    vector = calls.render(f"attribution/{name}", item, options)
    (request,), (response,) = vector.requests, vector.responses
    request.attribution = attribution  # type: ignore[attr-defined]
    parts = parts_of(calls.reference, item, with_tools=options is not None)
    response.runs.CopyFrom(runs_of(attribution, [(0, parts)]))  # type: ignore[attr-defined]
    return vector


def _with_runs(calls: Calls, vector: Vector) -> Vector:
    (request,), (response,) = vector.requests, vector.responses
    attribution = LEVELS[vector.name.split("/")[2]]
    request.attribution = attribution  # type: ignore[attr-defined]
    messages = request.conversation.messages  # type: ignore[attr-defined]
    found = find_messages(calls.reference, messages, response.tokens)  # type: ignore[attr-defined]
    response.runs.CopyFrom(runs_of(attribution, found))  # type: ignore[attr-defined]
    return vector


def _with_loss(calls: Calls, name: str, policy: pb.LossPolicy, expected: str) -> Vector:
    """Returns the vector whose loss is in brackets; checks its text against the reference."""
    vector = calls.render_for_training(name, conversation(*_TWO_TURNS), _CURRENT_TURN)
    (request,), (response,) = vector.requests, vector.responses
    request.loss.CopyFrom(policy)  # type: ignore[attr-defined]
    pieces = [calls.tokens(piece) for piece in re.split(r"[\[\]]", expected)]
    assert [token for piece in pieces for token in piece] == list(response.tokens)  # type: ignore[attr-defined]
    lengths = [len(piece) for piece in pieces]
    response.loss_runs.extend(lengths if lengths[-1] else lengths[:-1])  # type: ignore[attr-defined]
    return vector


def _sampled(
    calls: Calls,
    name: str,
    messages: Sequence[chat.Message],
    samples: Sequence[tuple[int, int]],
) -> Vector:
    """Returns the vector whose loss is what the reference's prompts leave to be sampled."""
    vector = calls.render_for_training(name, conversation(*messages), _KEEP)
    (request,), (response,) = vector.requests, vector.responses
    request.loss.SetInParent()  # type: ignore[attr-defined]
    tokens = list(response.tokens)  # type: ignore[attr-defined]
    lengths = []
    end = 0
    for first, behind in samples:
        prompt = calls.reference.render_for_completion(
            conversation(*messages[:first]), chat.ROLE_ASSISTANT, auto_drop_analysis=False
        )
        assert tokens[: len(prompt)] == prompt
        sampled = calls.reference.render_conversation(
            conversation(*messages[:behind]), auto_drop_analysis=False, training=True
        )
        # The history has `<|end|>` where `<|return|>` was sampled.
        stops = [sampled[-1], tokens[len(sampled) - 1]]
        sampled_end = len(sampled) - (stops == calls.tokens("<|return|><|end|>"))
        lengths += [len(prompt) - end, sampled_end - len(prompt)]
        end = sampled_end
    if end < len(tokens):
        lengths.append(len(tokens) - end)
    response.loss_runs.extend(lengths)  # type: ignore[attr-defined]
    return vector
