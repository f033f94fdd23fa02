"""Malformed output seen in practice, and its repairs in recover mode."""

import pytest

from harmony_server.core import ParseOptions, Role
from harmony_server.core.events import MessageCompleted, Recovered
from tests.support.encodings import encoding, tokens_of

THOUGHT = "<|channel|>analysis<|message|>think<|end|>"
THOUGHT_PARSED = "analysis:think"


def parse(text: str, role: Role | None = Role.ASSISTANT) -> tuple[list[str], list[str]]:
    """Returns the messages and the repairs in short form.

    A message is `[role] [name] [to=recipient] [content type] [channel]:text`, followed by
    `(no stop token)` if it has none, and without the role if that is assistant. A repair is
    `reason[@message][:text]`.
    """
    messages, repairs = [], []
    for event in encoding().parse_events(tokens_of(text), role, ParseOptions(recover=True)):
        if isinstance(event, MessageCompleted):
            header = event.header
            fields = [
                "" if header.role is Role.ASSISTANT else header.role.value,
                header.name or "",
                "" if header.recipient is None else f"to={header.recipient}",
                header.content_type or "",
                f"{header.channel or ''}:{event.text}",
                "" if event.stop_token else "(no stop token)",
            ]
            messages.append(" ".join(filter(None, fields)))
        elif isinstance(event, Recovered):
            text_part = f":{event.text}" if event.text else ""
            where = "" if event.message_index is None else f"@{event.message_index}"
            repairs.append(f"{event.reason.value}{where}{text_part}")
    return messages, repairs


@pytest.mark.parametrize(
    ("output", "messages", "repairs"),
    [
        pytest.param(
            THOUGHT + "<|start|><|start|>assistant<|channel|>final<|message|>hi<|return|>",
            [THOUGHT_PARSED, "final:hi"],
            ["extra_start@1"],
            id="1: an extra start is skipped",
        ),
        pytest.param(
            THOUGHT + "364<|start|>assistant<|channel|>final<|message|>hi<|return|>",
            [THOUGHT_PARSED, "final:hi"],
            ["text_outside_message:364"],
            id="2: text between messages",
        ),
        pytest.param(
            "<|channel|><|message|>hi<|return|>",
            [":hi"],
            ["malformed_channel@0"],
            id="3: an empty channel",
        ),
        pytest.param(
            THOUGHT + '<|start|>assistant<|channel|>final {"answer": 1}<|return|>',
            [THOUGHT_PARSED, 'final:{"answer": 1}'],
            ["missing_message@1"],
            id="4: no message token",
        ),
        pytest.param(
            "<|channel|>finalx<|message|>hi<|return|>",
            ["finalx:hi"],
            ["malformed_channel@0"],
            id="5: an unknown channel stays as written",
        ),
        pytest.param(
            "<|channel|>final<|message|>Answer<|end|><|return|>",
            ["final:Answer"],
            ["extra_stop"],
            id="6: a second stop token is skipped",
        ),
        pytest.param(
            '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a":1}<|call|>'
            "commentary"
            '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"b":1}<|call|>',
            [
                'to=functions.f <|constrain|>json commentary:{"a":1}',
                'to=functions.f <|constrain|>json commentary:{"b":1}',
            ],
            ["text_outside_message:commentary", "missing_start@1"],
            id="7: two calls with a filler word between them",
        ),
        pytest.param(
            "<|channel|>commentary to=functions.w to=functions.w<|message|>{}<|call|>",
            ["to=functions.w commentary:{}"],
            ["repeated_recipient@0:to=functions.w"],
            id="8: a recipient twice",
        ),
        pytest.param(
            "<|channel|>commentary to=functions.q<|channel|>commentary<|message|>{}<|call|>",
            ["to=functions.q commentary:{}"],
            ["repeated_channel@0:commentary"],
            id="9: a channel twice",
        ),
        pytest.param(
            THOUGHT + "<|start|>assistantassistant<|channel|>final<|message|>hi<|return|>",
            [THOUGHT_PARSED, "final:hi"],
            ["malformed_role@1:assistant"],
            id="10: a role twice",
        ),
        pytest.param(
            "<|channel|>final <|constrain|>json<|message|>{}<|return|>",
            ["<|constrain|>json final:{}"],
            ["misplaced_content_type@0"],
            id="12: a content type without a recipient",
        ),
        pytest.param(
            THOUGHT + "<|channel|>final<|message|>hi<|return|>",
            [THOUGHT_PARSED, "final:hi"],
            ["missing_start@1"],
            id="16: no start",
        ),
        pytest.param(
            '<|channel|>commentary to=functions.w <|constrain|>json<|message|>{"loc',
            ['to=functions.w <|constrain|>json commentary:{"loc (no stop token)'],
            [],
            id="20: the stream ends in a call",
        ),
        pytest.param(
            "<|start|>assistant<|channel|>final<|message|>hi<|return|>",
            ["final:hi"],
            ["extra_start@0"],
            id="22: a start despite a preset role",
        ),
        pytest.param(
            "<|channel|>analysis<|message|>hm<|start|>assistant<|channel|>final<|message|>hi",
            ["analysis:hm (no stop token)", "final:hi (no stop token)"],
            ["missing_stop@0"],
            id="a start ends the message before it",
        ),
        pytest.param(
            "<|channel|>analysis<|message|>hm<|channel|>final<|message|>hi<|return|>",
            ["analysis:hm (no stop token)", "final:hi"],
            ["missing_stop@0", "missing_start@1"],
            id="a channel ends the message before it",
        ),
        pytest.param(
            "<|channel|>final<|message|><|message|>hi<|return|>",
            ["final:hi"],
            ["extra_message@0"],
            id="a second message token is skipped",
        ),
        pytest.param(
            THOUGHT + "assistant to=functions.f<|channel|>commentary json<|message|>{}<|call|>",
            [THOUGHT_PARSED, "to=functions.f json commentary:{}"],
            ["missing_start@1"],
            id="a role without a start",
        ),
        pytest.param(
            THOUGHT + "<|start|>assistantfinal<|message|>hi<|end|>",
            [THOUGHT_PARSED, "final:hi"],
            ["malformed_role@1"],
            id="a channel joined to the role",
        ),
        pytest.param(
            "assistantfinal<|message|>hi<|end|>",
            ["final:hi"],
            ["malformed_role@0"],
            id="a channel joined to the preset role",
        ),
        pytest.param(
            "final<|message|>hi<|end|>",
            ["final:hi"],
            ["malformed_channel@0"],
            id="a channel without its marker",
        ),
        pytest.param(
            "<|channel|> final<|message|>hi<|end|>",
            ["final:hi"],
            ["malformed_channel@0"],
            id="a space before the channel",
        ),
        pytest.param(
            "<|channel|>commentary to=functions.w code  and more<|message|>{}<|call|>",
            ["to=functions.w commentary:{}"],
            ["unexpected_header_text@0:code  and more"],
            id="unexpected words keep their white space",
        ),
        pytest.param(
            '<|channel|>commentary to=functions.f<|constrain|>json{"a": 1}<|call|>',
            ['to=functions.f <|constrain|>json commentary:{"a": 1}'],
            ["missing_message@0"],
            id="arguments directly after the content type",
        ),
        pytest.param(
            "<|channel|>analysisHello  world\n<|end|>",
            ["analysis:Hello  world\n"],
            ["missing_message@0"],
            id="text directly after the channel",
        ),
        pytest.param(
            "Hello there!  I forgot my header.<|return|>",
            [":Hello there!  I forgot my header."],
            ["missing_message@0"],
            id="no header at all",
        ),
        pytest.param(
            "<|channel|>analysis",
            ["analysis: (no stop token)"],
            ["truncated_header@0"],
            id="the stream ends in a header",
        ),
        pytest.param(
            THOUGHT + "<|start|>assistant",
            [THOUGHT_PARSED],
            ["truncated_header:assistant"],
            id="the stream ends after a role",
        ),
        pytest.param(
            THOUGHT + "assistant to=functions.get_the_weather_in_some_city_please_now_a_b_c_d_e_f_g"
            "<|channel|>commentary<|message|>{}<|call|>",
            [
                THOUGHT_PARSED,
                "to=functions.get_the_weather_in_some_city_please_now_a_b_c_d_e_f_g commentary:{}",
            ],
            ["missing_start@1"],
            id="a long role without a start",
        ),
        pytest.param(
            THOUGHT + "364<|end|>user<|channel|>final<|message|>hi<|return|>",
            [THOUGHT_PARSED, "user final:hi"],
            ["text_outside_message:364", "extra_stop", "missing_start@1"],
            id="a role after a stop token",
        ),
        pytest.param(
            THOUGHT + "<|start|><|start|><|end|>",
            [THOUGHT_PARSED],
            ["extra_start", "extra_stop"],
            id="starts and nothing else",
        ),
        pytest.param(
            "<|channel|>commentary to=f to=g to=h<|message|>{}<|call|>",
            ["to=f commentary:{}"],
            ["repeated_recipient@0:to=g to=h"],
            id="one repair for each reason",
        ),
        pytest.param(
            "<|channel|>commentary web.search code<|message|>{}<|call|>",
            ["to=web.search code commentary:{}"],
            [],
            id="a name and a content type",
        ),
        pytest.param(
            "<|start|>assistant web.search code<|channel|>commentary<|message|>{}<|call|>",
            ["to=web.search code commentary:{}"],
            ["extra_start@0"],
            id="a name and a content type before the channel",
        ),
        pytest.param(
            "<|channel|>commentary so we look here to=functions.f<|call|>",
            ["commentary:so we look here  (no stop token)", "to=functions.f commentary:"],
            ["missing_message@0", "missing_stop@0", "missing_start@1", "missing_message@1"],
            id="a call without arguments behind stray words",
        ),
        pytest.param(
            "<|channel|>commentary so we look here to=functions.f<|endoftext|> json<|message|>{}",
            [
                "commentary:so we look here  (no stop token)",
                "to=functions.f json commentary:{} (no stop token)",
            ],
            ["missing_message@0", "missing_stop@0", "missing_start@1", "invalid_token@1"],
            id="an end of text in the header of a call behind stray words",
        ),
        pytest.param(
            "<|channel|>final We write here to=functions.f<|endoftext|>",
            ["final:We write here to=functions.f (no stop token)"],
            ["missing_message@0", "missing_stop@0"],
            id="an end of text behind the mention of a call",
        ),
        pytest.param(
            "<|channel|>commentary to=functions.f" + " word" * 254 + "<|message|>{}<|call|>",
            ["to=functions.f commentary:{}"],
            ["unexpected_header_text@0:" + "word " * 253 + "word"],
            id="as many words as a header may have",
        ),
        pytest.param(
            "<|channel|>commentary to=functions.f" + " word" * 300 + "<|message|>{}<|call|>",
            ["to=functions.f commentary:" + "word " * 45 + "word{}"],
            [
                "missing_message@0",
                "unexpected_header_text@0:" + "word " * 253 + "word",
                "extra_message@0",
            ],
            id="more words than a header may have",
        ),
        pytest.param(
            "<|channel|>" * 16 + "final<|message|>hi<|return|>",
            ["final:hi"],
            ["malformed_channel@0"],
            id="as many markers as a header may have",
        ),
        pytest.param(
            "<|channel|>" * 20 + "final<|message|>hi<|return|>",
            [": (no stop token)", "final:hi"],
            [
                "missing_message@0",
                "malformed_channel@0",
                "missing_stop@0",
                "missing_start@1",
                "malformed_channel@1",
            ],
            id="more markers than a header may have",
        ),
        pytest.param(
            "<|channel|>final" + " to" * 16 + "<|message|>hi<|return|>",
            ["final:hi"],
            ["unexpected_header_text@0:" + "to " * 15 + "to"],
            id="as many words as may each be a field",
        ),
        pytest.param(
            "<|channel|>final" + " to" * 20 + "<|message|>hi<|return|>",
            ["final:" + "to " * 16 + " (no stop token)", "final:hi"],
            [
                "missing_message@0",
                "missing_stop@0",
                "missing_start@1",
                "unexpected_header_text@1:to to to to",
            ],
            id="more words than may each be a field",
        ),
        pytest.param("<|end|><|return|>", [], ["extra_stop"], id="nothing but stop tokens"),
        pytest.param("", [], [], id="nothing"),
    ],
)
def test_malformed_output_is_repaired(output: str, messages: list[str], repairs: list[str]) -> None:
    """Each kind of malformed output gives these messages and repairs."""
    assert parse(output) == (messages, repairs)


def test_a_tool_name_stays_the_author_before_a_role() -> None:
    """A role glued to the recipient of a tool's result is reported, and does not get lost."""
    output = "<|start|>lookup to=assistant=assistant<|channel|>commentary<|message|>4<|end|>"
    assert parse(output, role=None) == (
        ["tool lookup to=assistant commentary:4"],
        ["unexpected_header_text@0:=", "malformed_role@0:assistant"],
    )


def test_a_tool_name_stays_the_author_without_a_message_token() -> None:
    """The result of a tool keeps its author if text follows its header directly."""
    output = "<|start|>lookup to=assistant<|channel|>4<|end|>"
    assert parse(output, role=None) == (
        ["tool lookup to=assistant :4"],
        ["missing_message@0", "malformed_channel@0"],
    )


def test_unknown_word_before_a_recipient_is_a_tool() -> None:
    """As in strict mode, an unknown first word before a recipient is a tool's name."""
    output = (
        "<|start|>functions.f to=assistant to=assistant<|channel|>commentary<|message|>4<|end|>"
    )
    assert parse(output, role=None) == (
        ["tool functions.f to=assistant commentary:4"],
        ["repeated_recipient@0:to=assistant"],
    )
