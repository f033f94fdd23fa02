"""Arguments for the models' constructors: valid, missing, unknown and of wrong types."""

from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.contents import channel_configs
from tests.strategies.messages import ROLES
from tests.strategies.schemas import schemas
from tests.strategies.texts import texts
from tests.strategies.tools import namespaces, tools, toolsets

_Fields = dict[str, st.SearchStrategy[Any]]

_optional_texts = st.one_of(st.none(), texts())
_authors = st.fixed_dictionaries(
    {"role": st.sampled_from(ROLES)}, optional={"name": _optional_texts}
)
_efforts = st.sampled_from([None, "Low", "Medium", "High"])
_toolsets = st.one_of(st.none(), toolsets())

_FIELDS: Final[dict[str, _Fields]] = {
    "Author": {"role": st.sampled_from(ROLES), "name": _optional_texts},
    "TextContent": {"text": texts()},
    "ToolDescription": {
        "name": texts(),
        "description": texts(),
        "parameters": st.one_of(st.none(), schemas()),
    },
    "ChannelConfig": {
        "valid_channels": st.lists(texts(), max_size=3),
        "channel_required": st.booleans(),
    },
    "ToolNamespaceConfig": {
        "name": texts(),
        "description": _optional_texts,
        "tools": st.lists(tools(), max_size=2),
    },
    "SystemContent": {
        "model_identity": _optional_texts,
        "reasoning_effort": _efforts,
        "conversation_start_date": _optional_texts,
        "knowledge_cutoff": _optional_texts,
        "channel_config": st.one_of(st.none(), channel_configs()),
        "tools": _toolsets,
    },
    "DeveloperContent": {"instructions": _optional_texts, "tools": _toolsets},
    "Message": {
        "author": _authors,
        "content": st.just([]),
        "channel": _optional_texts,
        "recipient": _optional_texts,
        "content_type": _optional_texts,
    },
    "Conversation": {"messages": st.lists(st.fixed_dictionaries({"author": _authors}), max_size=2)},
    "RenderConversationConfig": {"auto_drop_analysis": st.booleans()},
    "RenderOptions": {"conversation_has_function_tools": st.booleans()},
}
MODELS: Final = tuple(sorted(_FIELDS))
_WRONG: Final[tuple[Any, ...]] = (
    None,
    0,
    1,
    2,
    1.5,
    True,
    "",
    "x",
    "low",
    "Low",
    "user",
    "bot",
    "true",
    "off",
    b"x",
    [],
    ["x"],
    [1],
    [None],
    {},
    {"x": 1},
    {"name": 1},
    ("x",),
)
_wrong_values = st.one_of(st.sampled_from(_WRONG), namespaces(), tools())


@dataclass(frozen=True)
class ModelArguments:
    """The name of a model and the keyword arguments for its constructor."""

    model: str
    arguments: dict[str, Any]


@st.composite
def model_arguments(draw: st.DrawFn) -> ModelArguments:
    """Arguments, half of them without wrong or unknown ones."""
    model = draw(st.sampled_from(MODELS))
    fields = _FIELDS[model]
    arguments = {name: draw(values) for name, values in fields.items()}
    if draw(st.booleans()):
        for name in draw(st.lists(st.sampled_from([*fields, "unknown"]), unique=True, max_size=2)):
            arguments[name] = draw(_wrong_values)
    for name in draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=1)):
        if draw(st.booleans()):
            del arguments[name]
    return ModelArguments(model, arguments)
