"""Everything of a request that is neither a message nor a tool."""

import json
from typing import Any

import pytest

from harmony_server.core import ReasoningEffort
from harmony_server.openai.answer_context import AnswerHeader, Api, ReasoningField
from harmony_server.openai.notices import NoticeReason
from harmony_server.openai.prompt import Prompt, Sampling
from harmony_server.openai.render_policy import RenderPolicy, Unsupported
from harmony_server.openai.request_errors import BodyErrorReason
from harmony_server.openai.requests import render_chat_completion

from .rendering import (
    ENCODING,
    HEADER,
    USER,
    chat,
    chat_body,
    notices,
    refusal,
    respond,
    response_body,
    text,
    to_bytes,
)


def test_the_defaults_of_a_chat_completion() -> None:
    """What is absent stays absent."""
    prompt = chat()
    assert prompt.sampling == Sampling()
    assert (prompt.choices, prompt.stream, prompt.prefilled) == (1, False, 0)
    assert (prompt.stop_tokens, prompt.pause_tokens) == ((200002, 200012), ())
    assert prompt.notices == ()
    assert prompt.input_items_json is None
    context = prompt.context
    assert context.api is Api.CHAT_COMPLETIONS
    assert context.header == AnswerHeader(HEADER.id, HEADER.created, "gpt-oss")
    assert context.prompt_tokens == len(prompt.prompt_tokens)
    assert not context.include_usage
    assert not context.logprobs
    assert context.reasoning_field is ReasoningField.BOTH
    assert context.echo_json == ""


def test_the_model_is_the_headers_if_it_names_one() -> None:
    """Otherwise the request's."""
    header = AnswerHeader("x", 1, model="served", system_fingerprint="fp")
    body = to_bytes({"model": "asked", "messages": [USER]})
    prompt = render_chat_completion(ENCODING, body, header)
    assert prompt.context.header == header


@pytest.mark.parametrize("model", [None, 5, []])
def test_a_model_is_required(model: object) -> None:
    """In both APIs."""
    assert refusal(chat, model=model).field == "model"
    assert refusal(respond, model=model).field == "model"


# The system message


def test_the_policy_is_the_platforms() -> None:
    """Identity, cutoff and date come from it alone; the server never reads the clock."""
    policy = RenderPolicy(
        model_identity="You are Ada.",
        conversation_start_date="2025-06-28",
        knowledge_cutoff="2025-01",
        default_reasoning_effort=ReasoningEffort.HIGH,
    )
    for prompt in (chat(policy), respond(policy)):
        assert text(prompt).startswith(
            "<|start|>system<|message|>You are Ada.\nKnowledge cutoff: 2025-01\n"
            "Current date: 2025-06-28\n\nReasoning: high\n\n"
        )


@pytest.mark.parametrize(
    ("members", "rendered", "changed"),
    [
        ({"reasoning_effort": "low"}, "low", None),
        ({"reasoning_effort": "high", "reasoning": {"effort": "low"}}, "high", None),
        ({"reasoning": {"effort": "high"}}, "high", None),
        ({"reasoning": {"effort": None}}, "medium", None),
        ({"chat_template_kwargs": {"reasoning_effort": "low"}}, "low", None),
        (
            {
                "reasoning": {"effort": "high"},
                "chat_template_kwargs": {"reasoning_effort": "low"},
            },
            "high",
            None,
        ),
        ({"reasoning_effort": "none"}, "low", "reasoning_effort"),
        ({"reasoning_effort": "minimal"}, "low", "reasoning_effort"),
        ({"reasoning": {"effort": "xhigh"}}, "high", "reasoning.effort"),
        ({"reasoning": {"effort": "max"}}, "high", "reasoning.effort"),
    ],
)
def test_the_effort(members: dict[str, Any], rendered: str, changed: str | None) -> None:
    """The first that is there counts; what harmony does not have becomes the nearest."""
    for prompt in (chat(**members), respond(**members)):
        assert f"\n\nReasoning: {rendered}\n\n" in text(prompt)
        places = [(NoticeReason.EFFORT_CHANGED, changed)] if changed else []
        assert notices(prompt) == places


def test_other_efforts() -> None:
    """Unknown ones are refused; the policy may refuse the known ones too."""
    assert refusal(chat, reasoning_effort="a lot").field == "reasoning_effort"
    policy = RenderPolicy(unsupported_effort=Unsupported.REJECT)
    error = refusal(respond, policy=policy, reasoning={"effort": "none"})
    assert (error.field, error.code) == ("reasoning.effort", "unsupported_value")
    assert refusal(chat, reasoning_effort=3).field == "reasoning_effort"


def test_arguments_of_chat_templates() -> None:
    """Two are read, the rest is noticed."""
    prompt = chat(
        chat_template_kwargs={
            "model_identity": "You are Ada.",
            "reasoning_effort": "low",
            "enable_thinking": True,
        }
    )
    assert text(prompt).startswith("<|start|>system<|message|>You are Ada.\n")
    assert notices(prompt) == [
        (NoticeReason.PARAMETER_IGNORED, "chat_template_kwargs.enable_thinking")
    ]


# Hints for the engine


def test_sampling_is_passed_on() -> None:
    """As asked, whatever the engine can."""
    prompt = chat(
        max_completion_tokens=7,
        max_tokens=9,
        temperature=5,
        top_p=0.5,
        presence_penalty=-3.5,
        frequency_penalty=1e2,
        seed=-(2**63),
        logit_bias={"5": -100, "200012": 1.5},
        logprobs=True,
        top_logprobs=20,
    )
    assert prompt.sampling == Sampling(
        max_tokens=7,
        temperature=5.0,
        top_p=0.5,
        presence_penalty=-3.5,
        frequency_penalty=100.0,
        seed=-(2**63),
        logit_bias={5: -100.0, 200012: 1.5},
        top_logprobs=20,
    )
    assert prompt.context.logprobs
    prompt = respond(max_output_tokens=7, temperature=0, top_p=1.0)
    assert prompt.sampling == Sampling(max_tokens=7, temperature=0.0, top_p=1.0)


def test_the_older_limit() -> None:
    """`max_tokens` counts where the newer name is missing."""
    assert chat(max_tokens=9, max_completion_tokens=None).sampling.max_tokens == 9


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", -1),
        ("max_tokens", 2**32),
        ("max_tokens", 5.5),
        ("max_tokens", "5"),
        ("max_completion_tokens", True),
        ("temperature", "hot"),
        ("temperature", True),
        ("temperature", {}),
        ("seed", 2**63),
        ("seed", 10**40),
        ("seed", 10**4000),
        ("seed", 1.0),
        ("logit_bias", []),
        ("logit_bias", {"x": 1}),
        ("logit_bias", {"-5": 1}),
        ("logit_bias", {"٣": 1}),
        ("logit_bias", {"4294967296": 1}),
        ("logit_bias", {"5": None}),
        ("logprobs", 1),
        ("top_logprobs", 21),
        ("top_logprobs", 5),
        ("n", 0),
        ("n", "1"),
        ("stream", 1),
        ("stream_options", []),
        ("parallel_tool_calls", "no"),
        ("stop", 5),
        ("stop", ""),
        ("modalities", "text"),
        ("chat_template_kwargs", []),
        ("reasoning", "high"),
        ("include_reasoning", 0),
    ],
)
def test_values_of_another_type_are_refused(name: str, value: object) -> None:
    """With the place."""
    error = refusal(chat, **{name: value})
    assert (error.field, error.reason) == (name, BodyErrorReason.INVALID_FIELD)


def test_numbers_out_of_range() -> None:
    """A number that no double holds is refused where one is read."""
    body = f'{{"model":"m","messages":[{json.dumps(USER)}],"temperature":1e999}}'
    assert refusal(chat_body, body=body).field == "temperature"
    body = body.replace("1e999", "9" * 5000)
    assert refusal(chat_body, body=body).field == "temperature"


def test_log_probabilities_of_a_response() -> None:
    """`include` asks for them; the number alone is only a hint."""
    asked = "message.output_text.logprobs"
    prompt = respond(include=[asked, "reasoning.encrypted_content"], top_logprobs=3)
    assert (prompt.context.logprobs, prompt.sampling.top_logprobs) == (True, 3)
    assert prompt.notices == ()
    prompt = respond(include=[asked])
    assert (prompt.context.logprobs, prompt.sampling.top_logprobs) == (True, 0)
    prompt = respond(top_logprobs=3)
    assert (prompt.context.logprobs, prompt.sampling.top_logprobs) == (False, 3)
    assert notices(prompt) == [(NoticeReason.PARAMETER_IGNORED, "top_logprobs")]


def test_other_includes_are_noticed() -> None:
    """The answer has nothing else to include."""
    prompt = respond(include=["file_search_call.results"])
    assert notices(prompt) == [(NoticeReason.PARAMETER_IGNORED, "include[0]")]
    assert refusal(respond, include=[5]).field == "include[0]"


@pytest.mark.parametrize(("choices", "rendered"), [(None, 1), (1, 1), (128, 128)])
def test_choices(choices: int | None, rendered: int) -> None:
    """Up to 128."""
    prompt = chat(n=choices)
    assert (prompt.choices, prompt.context.choices) == (rendered, rendered)


def test_too_many_choices() -> None:
    """The error names the limit."""
    error = refusal(chat, n=129)
    assert (error.field, error.reason) == ("n", BodyErrorReason.LIMIT_EXCEEDED)
    assert (error.limit, error.maximum) == ("MAX_CHOICES", 128)


@pytest.mark.parametrize(
    ("stop", "rendered"),
    [(None, ()), ("END", ("END",)), ([], ()), (["a", "é\n"], ("a", "é\n"))],
)
def test_stop_strings(stop: object, rendered: tuple[str, ...]) -> None:
    """They are for the answer, not for the engine."""
    prompt = chat(stop=stop)
    assert prompt.context.stop == rendered
    assert prompt.sampling == Sampling()


@pytest.mark.parametrize(
    ("stop", "field", "limit"),
    [
        (["x"] * 17, "stop", "MAX_STOP_STRINGS"),
        ("x" * 257, "stop", "MAX_STOP_STRING_BYTES"),
        (["x", "é" * 129], "stop[1]", "MAX_STOP_STRING_BYTES"),
    ],
)
def test_too_many_stop_strings(stop: object, field: str, limit: str) -> None:
    """In number and in bytes of UTF-8."""
    chat(stop=["é" * 128] * 16)
    error = refusal(chat, stop=stop)
    assert (error.field, error.limit) == (field, limit)


def test_streams() -> None:
    """Also whether they end with the usage."""
    prompt = chat(stream=True, stream_options={"include_usage": True, "include_obfuscation": True})
    assert prompt.stream
    assert prompt.context.stream
    assert prompt.context.include_usage
    assert prompt.notices == ()
    prompt = respond(stream=True, stream_options={"include_obfuscation": False})
    assert prompt.stream
    assert prompt.context.stream


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({}, ReasoningField.REASONING),
        ({"include_reasoning": True}, ReasoningField.REASONING),
        ({"include_reasoning": False}, ReasoningField.NONE),
        ({"reasoning": {"exclude": True}}, ReasoningField.NONE),
        ({"reasoning": {"exclude": False}}, ReasoningField.REASONING),
    ],
)
def test_the_request_may_exclude_reasoning(members: dict[str, Any], field: ReasoningField) -> None:
    """Otherwise the policy says which field has it."""
    policy = RenderPolicy(reasoning_field=ReasoningField.REASONING)
    assert chat(policy, **members).context.reasoning_field is field


@pytest.mark.parametrize("packed", [True, False])
def test_encrypted_reasoning_is_the_policys(packed: bool) -> None:
    """For the items of a response."""
    policy = RenderPolicy(encrypted_reasoning=packed)
    assert respond(policy).context.encrypted_reasoning is packed


# What has no effect, and what is refused


@pytest.mark.parametrize(
    "name",
    [
        "metadata",
        "prediction",
        "prompt_cache_key",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
        "verbosity",
    ],
)
def test_parameters_of_the_platform_have_no_effect(name: str) -> None:
    """They concern neither the prompt nor the engine."""
    members: dict[str, Any] = {name: "x"}
    assert chat(**members) == chat()


def test_parameters_of_the_platform_have_no_effect_on_responses() -> None:
    """Either."""
    names = ["prompt_cache_key", "safety_identifier", "service_tier", "stream_options", "user"]
    members: dict[str, Any] = dict.fromkeys(names, "x")
    assert respond(**members) == respond()


def test_other_members_are_passed_on_verbatim() -> None:
    """An engine may know them."""
    extra = '"top_k":40,"min_p":0.050,"x":{"b":1e5,"a":[null]},"big":123456789012345678901'
    question = json.dumps(USER)
    for prompt in (
        chat_body(f'{{"model":"m",{extra},"messages":[{question}]}}'),
        response_body(f'{{"model":"m",{extra},"input":[{question}]}}'),
    ):
        assert prompt.sampling.extra_json == f"{{{extra}}}"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"continue_final_message": True}, "continue_final_message"),
        ({"add_generation_prompt": False}, "add_generation_prompt"),
        ({"modalities": ["text", "audio"]}, "modalities[1]"),
        ({"audio": {"voice": "x"}}, "audio"),
    ],
)
def test_what_would_need_another_answer_is_refused(members: dict[str, Any], field: str) -> None:
    """A new turn begins behind the messages, and the answer is text."""
    assert refusal(chat, **members).field == field


def test_the_usual_values_of_what_is_refused() -> None:
    """They ask for nothing special."""
    prompt = chat(
        continue_final_message=False,
        add_generation_prompt=True,
        modalities=["text"],
        audio=None,
    )
    assert prompt == chat()


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"truncation": "middle"}, "truncation"),
        ({"metadata": "x"}, "metadata"),
        ({"instructions": []}, "instructions"),
        ({"text": "x"}, "text"),
        ({"conversation": {}}, "conversation.id"),
        ({"previous_response_id": 1}, "previous_response_id"),
        ({"max_tool_calls": "x"}, "max_tool_calls"),
        ({"store": "x"}, "store"),
        ({"include": "x"}, "include"),
    ],
)
def test_what_a_response_refuses(members: dict[str, Any], field: str) -> None:
    """Parameters that would need a store, and values of another type."""
    assert refusal(respond, **members).field == field


def test_what_a_response_notices() -> None:
    """Summaries are never made, and nothing is truncated."""
    prompt = respond(truncation="auto", reasoning={"summary": "auto"}, background=False)
    assert notices(prompt) == [
        (NoticeReason.PARAMETER_IGNORED, "truncation"),
        (NoticeReason.PARAMETER_IGNORED, "reasoning.summary"),
    ]


# The echo


def _echo(prompt: Prompt) -> Any:
    return json.loads(prompt.context.echo_json)


def test_the_echo_of_a_short_request() -> None:
    """Each member that repeats the request, with what stands for its absence."""
    assert _echo(respond()) == {
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": "medium", "summary": None},
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": None,
        "top_p": None,
        "truncation": "disabled",
    }


def test_the_echo_repeats_what_the_client_wrote() -> None:
    """Tools unflattened, numbers as spelled; the effort is what was rendered."""
    tools = (
        '[{"type":"namespace","name":"my mcp","tools":[{"type":"function","name":"f",'
        '"parameters":{"type":"object","minimum":1.50}}]},{"type":"web_search"}]'
    )
    prompt = response_body(
        '{"model":"m","input":"Hi.","instructions":"Be kind.","temperature":0.70,"top_p":1,'
        '"metadata":{"b":"1","a":"2"},"max_output_tokens":50,"parallel_tool_calls":false,'
        '"text":{"verbosity":"low"},"truncation":"auto","store":true,"max_tool_calls":3,'
        f'"reasoning":{{"effort":"xhigh","summary":"auto"}},"tool_choice":"auto","tools":{tools}}}'
    )
    assert prompt.context.echo_json == (
        '{"instructions":"Be kind.","max_output_tokens":50,"max_tool_calls":3,'
        '"metadata":{"b":"1","a":"2"},"parallel_tool_calls":false,"previous_response_id":null,'
        '"temperature":0.70,"text":{"format":{"type":"text"},"verbosity":"low"},'
        f'"tool_choice":"auto","tools":{tools},"top_logprobs":null,"top_p":1,'
        '"reasoning":{"effort":"high","summary":null},"store":false,"truncation":"disabled"}'
    )


@pytest.mark.parametrize(
    ("stores", "store", "echoed"),
    [
        (False, True, False),
        (False, None, False),
        (True, True, True),
        (True, False, False),
        (True, None, True),
    ],
)
def test_store_is_echoed_as_the_caller_does(stores: bool, store: bool | None, echoed: bool) -> None:
    """OpenAI stores unless asked not to."""
    assert _echo(respond(RenderPolicy(stores_answers=stores), store=store))["store"] is echoed


def test_the_echo_names_what_went_before() -> None:
    """Response or conversation."""
    echo = _echo(respond(history=[], previous_response_id="resp_1"))
    assert echo["previous_response_id"] == "resp_1"
    assert "conversation" not in echo
    for conversation in ("conv_1", {"id": "conv_1"}):
        assert _echo(respond(history=[], conversation=conversation))["conversation"] == {
            "id": "conv_1"
        }
