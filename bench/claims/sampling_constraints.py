"""A sampling constraint of 200 tools is built in 30 ms, and looked up in a twentieth of that."""

import functools
import json
import statistics

from harmony_client.v1 import chat_pb2, constraint_pb2, service_pb2
from harmony_server import core
from harmony_server.core.constraints import ConstraintFormat, build_sampling_constraint
from harmony_server.core.errors import ConstraintLimitError
from harmony_server.operations.limits import Limits
from harmony_server.operations.operations import Operations
from harmony_server.service.unary import TOKEN_PACKING, HarmonyService
from harmony_server.settings import Settings

from ..compare import alternate, cpu_seconds, milliseconds
from ..results import Goal, Row, costing

_TOOLS = 200
_ROUNDS = 11
_HOSTILE_PARTS = 200_000


def measure() -> list[Row]:
    """Builds each format, repeats a request to the service, and refuses a hostile schema."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    conversation = _conversation()
    rows = []
    for value in ConstraintFormat:
        build = functools.partial(build_sampling_constraint, conversation, value, encoding=encoding)
        cost = statistics.median(cpu_seconds(build) for _ in range(_ROUNDS))
        grammar = build().grammar
        size = "" if grammar is None else f", {len(grammar) / _TOOLS / 1024:.2f} KiB a tool"
        rows.append(_absolute(f"build {value.value} for {_TOOLS} tools{size}", cost, 0.030))
    rows.append(_repeated(encoding))
    hostile: dict[str, object] = {"enum": [0] * _HOSTILE_PARTS}
    cost = cpu_seconds(lambda: _refuse(encoding, hostile))
    rows.append(_absolute(f"refuse a schema of {_HOSTILE_PARTS:,} parts", cost, 0.2))
    return rows


def _absolute(what: str, seconds: float, bound: float) -> Row:
    goal = Goal("at most", bound * 1000, "ms")
    return Row(what, milliseconds(seconds), "", "", str(goal), goal.is_met(seconds * 1000))


def _schema(number: int) -> dict[str, object]:
    """Returns the parameters of a tool: five properties, one nested."""
    return {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The name of a city."},
            "count": {"type": "integer"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit", f"unit {number}"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "place": {
                "type": "object",
                "properties": {"lat": {"type": "number"}, "long": {"type": "number"}},
                "required": ["lat", "long"],
            },
        },
        "required": ["city", "place"],
    }


def _conversation() -> core.Conversation:
    tools = [
        core.ToolDescription.new(f"tool_{number}", "Does it.", _schema(number))
        for number in range(_TOOLS)
    ]
    content = core.DeveloperContent.new().with_function_tools(tools)
    message = core.Message.from_role_and_content(core.Role.DEVELOPER, content)
    return core.Conversation.from_messages([message])


def _repeated(encoding: core.HarmonyEncoding) -> Row:
    """Compares a request that was answered before with one that was not."""

    def request(seed: int) -> bytes:
        tools = [
            chat_pb2.ToolDescription(
                name=f"tool_{seed}_{number}", parameters_json=json.dumps(_schema(number))
            )
            for number in range(_TOOLS)
        ]
        namespace = chat_pb2.ToolNamespaceConfig(name="functions", tools=tools)
        content = chat_pb2.Content(developer=chat_pb2.DeveloperContent(tools=[namespace]))
        author = chat_pb2.Author(role=chat_pb2.ROLE_DEVELOPER)
        return service_pb2.BuildSamplingConstraintRequest(
            conversation=chat_pb2.Conversation(
                messages=[chat_pb2.Message(author=author, content=[content])]
            ),
            format=constraint_pb2.CONSTRAINT_FORMAT_XGRAMMAR_EBNF,
        ).SerializeToString()

    limits = Limits.from_settings(Settings.model_validate({}))
    service = HarmonyService(Operations(encoding, limits, TOKEN_PACKING, render_cache_bytes=0))
    requests = [request(seed) for seed in range(_ROUNDS + 1)]
    repeated = request(-1)
    service.build_sampling_constraint(repeated).do()
    comparison = alternate(
        lambda _number: cpu_seconds(lambda: service.build_sampling_constraint(repeated).do()),
        lambda number: cpu_seconds(
            lambda: service.build_sampling_constraint(requests[number]).do()
        ),
        _ROUNDS,
    )
    return costing(
        f"BuildSamplingConstraint for {_TOOLS} tools, seen before",
        milliseconds(comparison.ours),
        f"new {milliseconds(comparison.other)}",
        comparison,
        Goal("at most", 0.05),
    )


def _refuse(encoding: core.HarmonyEncoding, schema: dict[str, object]) -> None:
    tool = core.ToolDescription.new("f", "Does it.", schema)
    content = core.DeveloperContent.new().with_function_tools([tool])
    message = core.Message.from_role_and_content(core.Role.DEVELOPER, content)
    try:
        build_sampling_constraint(
            core.Conversation.from_messages([message]),
            ConstraintFormat.LLGUIDANCE_LARK,
            encoding=encoding,
        )
    except ConstraintLimitError:
        return
    raise RuntimeError("a hostile schema was not refused")
