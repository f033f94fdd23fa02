"""Each deliberate deviation from the reference; docs/parity.md lists them."""

import pathlib
import subprocess
import sys
import time
from types import ModuleType
from typing import Any

import pytest

from harmony_server import core
from harmony_server.core.events import ContentDelta, Event
from tests.core.parses import parse_error
from tests.core.prompts import type_text
from tests.support.encodings import encoding

_ASSISTANT = core.Role.ASSISTANT


def test_nothing_is_downloaded(tmp_path: pathlib.Path) -> None:
    """Loading the encoding needs neither a cache nor a network: the package has the vocabulary."""
    program = """
import socket
def refuse(*_, **__):
    raise OSError("no network")
socket.socket = socket.create_connection = socket.getaddrinfo = refuse
import harmony_server.core as core
print(core.load_harmony_encoding("HarmonyGptOss").encode("Hello"))
"""
    environment = {"PYTHONPATH": ":".join(sys.path), "TIKTOKEN_CACHE_DIR": str(tmp_path)}
    output = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    ).stdout
    assert output == "[13225]\n"
    assert list(tmp_path.iterdir()) == []


def test_a_named_folder_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """A vocabulary folder without the right file is an error, not a silent fallback."""
    monkeypatch.setenv("TIKTOKEN_ENCODINGS_BASE", str(tmp_path))
    with pytest.raises(core.HarmonyError, match="cannot read vocabulary"):
        core.HarmonyEncoding("HarmonyGptOss")


def test_an_invalid_token_in_content_is_one_replacement_character(
    reference: ModuleType, reference_encoding: Any
) -> None:
    """An unknown id becomes one U+FFFD; the reference also loses the text after it."""
    tokens = [200008, 87, 300000, 88, 200007]
    (ours,) = encoding().parse_messages_from_completion_tokens(tokens, _ASSISTANT)
    (theirs,) = reference_encoding.parse_messages_from_completion_tokens(
        tokens, reference.Role.ASSISTANT
    )
    assert ours.content == [core.TextContent(text="x\ufffdy")]
    assert theirs.content[0].text == "x\ufffd"


def test_an_invalid_token_is_a_delta_of_the_streaming_parser() -> None:
    """The incremental parser reports the replacement character and the text after it."""
    parser = core.StreamableParser(encoding(), _ASSISTANT)
    deltas = [parser.process(token).last_content_delta for token in (200008, 87, 300000, 88)]
    assert deltas == [None, "x", "\ufffd", "y"]
    assert parser.current_content == "x\ufffdy"


def test_the_flush_at_the_end_of_a_message_is_a_delta(
    reference: ModuleType, reference_encoding: Any
) -> None:
    """An incomplete character at the end is reported as a delta; the reference omits the delta."""
    parser = encoding().new_parser(_ASSISTANT, core.ParseOptions())
    events: list[Event] = []
    parser.feed([200008, 87, 4103], events)
    parser.feed([200007], events)
    deltas = [event.text for event in events if isinstance(event, ContentDelta)]
    assert deltas == ["x", "\ufffd"]
    theirs = reference.StreamableParser(reference_encoding, reference.Role.ASSISTANT)
    seen = [theirs.process(token).last_content_delta for token in (200008, 87, 4103, 200007)]
    assert seen == [None, "x", None, None]
    assert theirs.messages[0].content[0].text == "x\ufffd"


@pytest.mark.parametrize("strict", [True, False])
def test_the_length_of_a_header_is_bounded(strict: bool) -> None:
    """A header of more than 4,096 tokens is an error at token 4,097, strict or lenient."""
    error = parse_error([87] * 5000, _ASSISTANT, strict=strict)
    assert str(error) == "message header longer than 4096 tokens"
    assert (error.token, error.offset, error.state) == (87, 4096, "Header")


def test_a_header_of_the_largest_length_is_read(
    reference: ModuleType, reference_encoding: Any
) -> None:
    """A header of 4,096 tokens is parsed; the reference accepts any length."""
    tokens = [*[87] * 4096, 200008]
    (message,) = encoding().parse_messages_from_completion_tokens(tokens, _ASSISTANT)
    assert message.recipient == "x" * 4096
    (theirs,) = reference_encoding.parse_messages_from_completion_tokens(
        [87, *tokens], reference.Role.ASSISTANT
    )
    assert theirs.recipient == "x" * 4097


@pytest.mark.parametrize("limit", [1, 3])
def test_the_bound_of_a_header_can_be_set(limit: int) -> None:
    """The parse option `max_header_tokens` sets the limit."""
    options = core.ParseOptions(max_header_tokens=limit)
    tokens = [*[87] * limit, 200008]
    (message,) = encoding().parse_messages_from_completion_tokens(
        tokens, _ASSISTANT, options=options
    )
    assert message.recipient == "x" * limit
    with pytest.raises(core.ParseError, match=f"longer than {limit} tokens") as caught:
        encoding().parse_messages_from_completion_tokens([87, *tokens], _ASSISTANT, options=options)
    assert caught.value.offset == limit


def test_long_runs_are_encoded_in_linear_time() -> None:
    """Ten times the text takes far less than the 100 times that quadratic growth would take."""
    assert encoding().encode("!" * 200_000) == [132688] * 12_500
    # The least CPU time of several runs hardly depends on other load.
    assert _cpu_seconds("!" * 200_000) < 40 * _cpu_seconds("!" * 20_000)


def _cpu_seconds(text: str) -> float:
    """Returns the least CPU time of five runs that encode a text."""
    seconds = []
    for _ in range(5):
        started = time.thread_time()
        encoding().encode(text)
        seconds.append(time.thread_time() - started)
    return min(seconds)


def test_parameters_nest_as_deep_in_a_conversation_as_alone(
    reference: ModuleType, reference_encoding: Any
) -> None:
    """Parameters may nest 120 levels deep; the reference allows only 118 in a conversation."""

    def render(package: ModuleType, package_encoding: Any, depth: int) -> None:
        parameters: dict[str, object] = {}
        for _ in range(depth - 1):
            parameters = {"a": parameters}
        tool = package.ToolDescription.new("t", "", parameters=parameters)
        content = package.DeveloperContent.new().with_function_tools([tool])
        message = package.Message.from_role_and_content(package.Role.DEVELOPER, content)
        package_encoding.render(message)
        package_encoding.render_conversation(package.Conversation.from_messages([message]))

    render(reference, reference_encoding, 118)
    for depth in (118, 119, 120):
        render(core, encoding(), depth)
    with pytest.raises(ValueError, match="invalid conversation JSON: recursion limit exceeded"):
        render(reference, reference_encoding, 119)
    with pytest.raises(ValueError, match="recursion limit exceeded"):
        render(core, encoding(), 121)


def test_deep_nesting_is_never_a_recursion_error() -> None:
    """Parameters nested too deep are a ValueError; the reference hits Python's recursion limit."""
    value: dict[str, object] = {}
    for _ in range(5000):
        value = {"a": value}
    with pytest.raises(ValueError, match="recursion limit exceeded"):
        type_text({"default": value})


def test_the_length_of_a_type_is_bounded() -> None:
    """Parameters that become a type of more than 1,048,576 characters are an error."""
    schema = {"type": "object", "properties": {"p": {"description": ""}}}
    room = 1_048_576 - len(type_text(schema))
    schema["properties"]["p"]["description"] = "d" * room  # type: ignore[index]
    assert len(type_text(schema)) == 1_048_576
    schema["properties"]["p"]["description"] += "d"  # type: ignore[index]
    with pytest.raises(core.RenderError, match="more than 1048576 characters") as caught:
        type_text(schema)
    assert caught.value.field == "content[0].developer.tools[0].tools[0].parameters_json"


def test_response_formats_are_rendered() -> None:
    """Developer content has response formats, which the reference ignores."""
    content = {"response_formats": [{"name": "a", "json_schema": "{}"}]}
    message = core.Message.from_role_and_content(
        core.Role.DEVELOPER, core.DeveloperContent.from_dict(content)
    )
    assert encoding().decode(encoding().render(message)) == (
        "<|start|>developer<|message|># Response Formats\n\n## a\n\n{}<|end|>"
    )
    with pytest.raises(ValueError, match="response_formats"):
        core.DeveloperContent.from_dict({"response_formats": 1})


def test_errors_are_subclasses(reference: ModuleType, reference_encoding: Any) -> None:
    """Our errors are subclasses of those that the reference raises."""
    message = core.Message.from_role_and_content(core.Role.TOOL, "x")
    with pytest.raises(core.RenderError, match="Tools should have a name!") as ours:
        encoding().render(message)
    theirs = reference.Message.from_role_and_content(reference.Role.TOOL, "x")
    with pytest.raises(RuntimeError, match="Tools should have a name!") as caught:
        reference_encoding.render(theirs)
    assert caught.type is RuntimeError
    assert isinstance(ours.value, RuntimeError)
