"""The harmony encoding in Python, usable in-process.

Names and signatures are those of the package `openai_harmony`, so that
`import harmony_server.core as openai_harmony` runs a program written for it.
"""

from .chat import (
    Author,
    ChannelConfig,
    Content,
    Conversation,
    DeveloperContent,
    Message,
    ReasoningEffort,
    Role,
    SystemContent,
    TextContent,
    ToolDescription,
    ToolNamespaceConfig,
)
from .encoding import HarmonyEncoding, RenderConversationConfig, RenderOptions
from .errors import HarmonyError, ParseError, RenderError
from .parser import ParseMode, ParseOptions, StreamState
from .registry import HarmonyEncodingName, load_harmony_encoding
from .streaming import StreamableParser

__all__ = [
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
    "ReasoningEffort",
    "RenderConversationConfig",
    "RenderError",
    "RenderOptions",
    "Role",
    "StreamState",
    "StreamableParser",
    "SystemContent",
    "TextContent",
    "ToolDescription",
    "ToolNamespaceConfig",
    "load_harmony_encoding",
]
