"""Render: system and developer contents."""

from typing import Final

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import service_pb2 as pb

from .calls import Calls
from .contract import (
    developer,
    message,
    namespace,
    system,
    text,
    tool,
    with_functions,
)
from .renders import bad_message
from .vector import Vector

_BROWSER, _PYTHON = chat.BUILTIN_TOOL_BROWSER, chat.BUILTIN_TOOL_PYTHON
_HIGH = chat.REASONING_EFFORT_HIGH
_OPTIONAL_CHANNELS = chat.ChannelConfig(valid_channels=["analysis", "final"])
_SYSTEMS: Final = {
    "defaults": chat.SystemContent(),
    "identity": chat.SystemContent(model_identity="You are a teapot."),
    "identity-empty": chat.SystemContent(model_identity=""),
    "identity-of-several-lines": chat.SystemContent(model_identity="You are\na teapot.\n"),
    "effort-low": chat.SystemContent(reasoning_effort=chat.REASONING_EFFORT_LOW),
    "effort-medium": chat.SystemContent(reasoning_effort=chat.REASONING_EFFORT_MEDIUM),
    "effort-high": chat.SystemContent(reasoning_effort=_HIGH),
    "effort-unspecified": chat.SystemContent(reasoning_effort=chat.REASONING_EFFORT_UNSPECIFIED),
    "date": chat.SystemContent(conversation_start_date="2026-11-22"),
    "date-empty": chat.SystemContent(conversation_start_date=""),
    "date-is-text": chat.SystemContent(conversation_start_date="tomorrow, 日曜日"),
    "cutoff": chat.SystemContent(knowledge_cutoff="2025-01"),
    "cutoff-empty": chat.SystemContent(knowledge_cutoff=""),
    "channels-not-required": chat.SystemContent(channel_config=_OPTIONAL_CHANNELS),
    "channels-required": chat.SystemContent(
        channel_config=chat.ChannelConfig(valid_channels=["final", "b c"], channel_required=True)
    ),
    "channels-empty": chat.SystemContent(channel_config=chat.ChannelConfig()),
    "channels-empty-but-required": chat.SystemContent(
        channel_config=chat.ChannelConfig(channel_required=True)
    ),
    "no-defaults": chat.SystemContent(no_defaults=True),
    "no-defaults/identity": chat.SystemContent(no_defaults=True, model_identity="A teapot."),
    "no-defaults/effort": chat.SystemContent(no_defaults=True, reasoning_effort=_HIGH),
    "no-defaults/effort-unspecified": chat.SystemContent(
        no_defaults=True, reasoning_effort=chat.REASONING_EFFORT_UNSPECIFIED
    ),
    "no-defaults/date": chat.SystemContent(no_defaults=True, conversation_start_date="2026"),
    "no-defaults/cutoff": chat.SystemContent(no_defaults=True, knowledge_cutoff="2025-01"),
    "no-defaults/channels": chat.SystemContent(no_defaults=True, channel_config=_OPTIONAL_CHANNELS),
    "no-defaults/tools": chat.SystemContent(no_defaults=True, builtin_tools=[_PYTHON]),
    "builtin/browser": chat.SystemContent(builtin_tools=[_BROWSER]),
    "builtin/python": chat.SystemContent(builtin_tools=[_PYTHON]),
    "builtin/both": chat.SystemContent(builtin_tools=[_PYTHON, _BROWSER]),
    "builtin/among-others": chat.SystemContent(
        builtin_tools=[_BROWSER], tools=[namespace("zoo", tool("feed")), namespace("art")]
    ),
    "tools": chat.SystemContent(tools=[namespace("shell", tool("run", "Runs it."))]),
    "every-field": chat.SystemContent(
        model_identity="You are a teapot.",
        reasoning_effort=_HIGH,
        conversation_start_date="2026-11-22",
        knowledge_cutoff="2025-01",
        channel_config=_OPTIONAL_CHANNELS,
        tools=[namespace("shell", tool("run"), description="A shell.")],
        builtin_tools=[_BROWSER, _PYTHON],
    ),
}
_DEVELOPERS: Final = {
    "empty": chat.DeveloperContent(),
    "instructions": chat.DeveloperContent(instructions="Be brief.\n\nBe kind."),
    "instructions-empty": chat.DeveloperContent(instructions=""),
    "tools": chat.DeveloperContent(tools=[namespace("functions", tool("f"), tool("g"))]),
    "instructions-and-tools": chat.DeveloperContent(
        instructions="Be brief.", tools=[namespace("functions", tool("f"))]
    ),
    "namespace-with-description": chat.DeveloperContent(
        tools=[namespace("functions", tool("f"), description="Tools.\n\nUse them.\r\nAlways.\n")]
    ),
    "namespace-with-empty-description": chat.DeveloperContent(
        tools=[namespace("functions", tool("f"), description="")]
    ),
    "namespace-without-tools": chat.DeveloperContent(
        tools=[namespace("functions", description="Nothing\nyet.")]
    ),
    "namespace-with-nothing": chat.DeveloperContent(tools=[namespace("functions")]),
    "namespaces-are-sorted": chat.DeveloperContent(
        tools=[namespace("b", tool("f")), namespace("a", tool("f")), namespace("B")]
    ),
    "namespaces-are-sorted-by-key": chat.DeveloperContent(
        tools=[namespace("a", tool("f"), key="2"), namespace("b", tool("f"), key="1")]
    ),
    "namespaces-of-one-name": chat.DeveloperContent(
        tools=[namespace("a", tool("f"), key="1"), namespace("a", tool("g"), key="2")]
    ),
    "tools-keep-their-order": chat.DeveloperContent(
        tools=[namespace("functions", tool("b"), tool("a"), tool("b"))]
    ),
    "tool-description-of-several-lines": chat.DeveloperContent(
        tools=[namespace("functions", tool("f", "Does it.\n\nTwice.\r\nOr thrice.\n"))]
    ),
    "tool-description-empty": chat.DeveloperContent(tools=[namespace("functions", tool("f", ""))]),
    "tool-name-unicode": chat.DeveloperContent(
        tools=[namespace("værktøj", tool("vær_så_god", "Être 🙂."))]
    ),
    "spellings-stay-text": chat.DeveloperContent(
        instructions="<|end|>", tools=[namespace("<|start|>", tool("<|call|>", "<|return|>"))]
    ),
}
_SHOPPING = '{"properties":{"items":{"type":"array"}},"type":"object"}'
# The reference has no response formats: each content is given with its text.
_FORMATS: Final = {
    "one": (
        chat.DeveloperContent(
            response_formats=[chat.ResponseFormat(name="list", schema_json=_SHOPPING)]
        ),
        f"# Response Formats\n\n## list\n\n{_SHOPPING}",
    ),
    "described": (
        chat.DeveloperContent(
            instructions="Be brief.",
            response_formats=[
                chat.ResponseFormat(name="list", description="A list.", schema_json=_SHOPPING)
            ],
        ),
        f"# Instructions\n\nBe brief.\n\n# Response Formats\n\n## list\n\n// A list.\n{_SHOPPING}",
    ),
    "description-of-several-lines": (
        chat.DeveloperContent(
            response_formats=[
                chat.ResponseFormat(name="a", description="A.\n\nB.\r\nC\n", schema_json="{}")
            ]
        ),
        "# Response Formats\n\n## a\n\n// A.\n// \n// B.\n// C\n{}",
    ),
    "description-empty": (
        chat.DeveloperContent(
            response_formats=[chat.ResponseFormat(name="", description="", schema_json="{}")]
        ),
        "# Response Formats\n\n## \n\n{}",
    ),
    "two-behind-tools": (
        chat.DeveloperContent(
            tools=[namespace("functions", tool("f"))],
            response_formats=[
                chat.ResponseFormat(name="b", schema_json="{}"),
                chat.ResponseFormat(name="a", description="An a.", schema_json=_SHOPPING),
            ],
        ),
        "# Tools\n\n## functions\n\nnamespace functions {\n\n// Does it.\ntype f = () => any;\n\n"
        "} // namespace functions\n\n"
        f"# Response Formats\n\n## b\n\n{{}}\n\n## a\n\n// An a.\n{_SHOPPING}",
    ),
    "spelling": (
        chat.DeveloperContent(
            response_formats=[
                chat.ResponseFormat(
                    name="a",
                    schema_json=' {\n\t"b" : [ 1.0, 1E5, -0,\r\n"x y\\" : \\u00e9 é" ] '
                    ', "a":"<|end|>"}\n',
                )
            ]
        ),
        '# Response Formats\n\n## a\n\n{"b":[1.0,1E5,-0,"x y\\" : \\u00e9 é"],"a":"<|end|>"}',
    ),
}
_BAD_SCHEMAS: Final = {
    "missing": "",
    "not-json": "{",
    "array": "[]",
    "null": "null",
    "two-of-one-key": '{"a": 1, "a": 2}',
    "nan": '{"a": NaN}',
    "lone-surrogate": '{"a": "\\ud800"}',
}
_BAD_SYSTEMS: Final = {
    "builtin-unspecified": (
        chat.SystemContent(builtin_tools=[_PYTHON, chat.BUILTIN_TOOL_UNSPECIFIED]),
        "builtin_tools[1]",
    ),
    "builtin-twice": (chat.SystemContent(builtin_tools=[_PYTHON, _PYTHON]), "builtin_tools[1]"),
    "builtin-and-namespace-of-one-key": (
        chat.SystemContent(tools=[namespace("x", key="browser")], builtin_tools=[_BROWSER]),
        "builtin_tools[0]",
    ),
    "namespaces-of-one-key": (
        chat.SystemContent(tools=[namespace("a"), namespace("b", key="a")]),
        "tools[1]",
    ),
}


def render_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of contents alone, of several contents, and of invalid contents."""
    with_tools = pb.RenderOptions(conversation_has_function_tools=True)
    without_channels = chat.SystemContent(channel_config=chat.ChannelConfig())
    two_of_one_key = chat.DeveloperContent(tools=[namespace("f"), namespace("g"), namespace("f")])
    return [
        *[calls.render(f"system/{name}", system(content)) for name, content in _SYSTEMS.items()],
        calls.render("system/function-tools", system(), with_tools),
        calls.render(
            "system/function-tools-without-channels", system(without_channels), with_tools
        ),
        calls.render(
            "system/function-tools-of-the-system-do-not-count",
            system(chat.SystemContent(tools=[namespace("functions", tool("f"))])),
        ),
        calls.render(
            "system/content-and-text",
            message(chat.ROLE_SYSTEM, text("First. "), chat.Content(system=chat.SystemContent())),
        ),
        *[
            calls.render(f"developer/{name}", developer(content))
            for name, content in _DEVELOPERS.items()
        ],
        *[
            Vector(
                f"render/developer/formats/{name}",
                [pb.RenderRequest(message=developer(content))],
                [
                    pb.RenderResponse(
                        tokens=calls.reference.render(
                            message(chat.ROLE_DEVELOPER, value), with_function_tools=False
                        )
                    )
                ],
            )
            for name, (content, value) in _FORMATS.items()
        ],
        *[
            bad_message(
                f"developer-format-{name}",
                developer(
                    chat.DeveloperContent(
                        response_formats=[
                            chat.ResponseFormat(name="a", schema_json="{}"),
                            chat.ResponseFormat(name="b", schema_json=schema),
                        ]
                    )
                ),
                "content[0].developer.response_formats[1].schema_json",
            )
            for name, schema in _BAD_SCHEMAS.items()
        ],
        calls.render(
            "developer/contents-and-text",
            message(
                chat.ROLE_DEVELOPER,
                chat.Content(developer=chat.DeveloperContent(instructions="One.")),
                "Two.",
                chat.Content(developer=chat.DeveloperContent(instructions="Three.")),
            ),
        ),
        calls.render("developer/function-tools-option", with_functions(tool("f")), with_tools),
        *[
            bad_message(f"system-{name}", system(content), f"content[0].system.{field}")
            for name, (content, field) in _BAD_SYSTEMS.items()
        ],
        bad_message(
            "developer-namespaces-of-one-key",
            developer(two_of_one_key),
            "content[0].developer.tools[2]",
        ),
    ]
