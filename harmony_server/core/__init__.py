"""The harmony encoding as an in-process Python library.

Names and signatures match the package `openai_harmony`: to run a program written for it, change its
import to `import harmony_server.core as openai_harmony`.
"""

try:
    from .chat import (
        Author,
        ChannelConfig,
        Content,
        Conversation,
        DeveloperContent,
        Message,
        ReasoningEffort,
        ResponseFormat,
        Role,
        SystemContent,
        TextContent,
        ToolDescription,
        ToolNamespaceConfig,
    )
    from .conversation_rules import AnalysisRule
    from .encoding import HarmonyEncoding, RenderConversationConfig, RenderOptions
    from .errors import (
        HarmonyError,
        ParseError,
        PrefillError,
        RenderError,
        raise_disallowed_special_token,
    )
    from .parse_options import ParseMode, ParseOptions
    from .parser import StreamState
    from .registry import HarmonyEncodingName, load_harmony_encoding
    from .streaming import StreamableParser
except ModuleNotFoundError as error:
    if error.name not in ("pydantic", "tiktoken"):
        raise
    raise ImportError(
        f"{__name__} needs {error.name}, which the extra core installs: "
        "pip install 'harmony-sidecar[core]'"
    ) from error

__all__ = [
    "AnalysisRule",
    "Author",
    "ChannelConfig",
    "Content",
    "Conversation",
    "DeveloperContent",
    "HarmonyEncoding",
    "HarmonyEncodingName",
    "HarmonyError",
    "Message",
    "ParseError",
    "ParseMode",
    "ParseOptions",
    "PrefillError",
    "ReasoningEffort",
    "RenderConversationConfig",
    "RenderError",
    "RenderOptions",
    "ResponseFormat",
    "Role",
    "StreamState",
    "StreamableParser",
    "SystemContent",
    "TextContent",
    "ToolDescription",
    "ToolNamespaceConfig",
    "load_harmony_encoding",
    "raise_disallowed_special_token",
]
