"""Programs written for the reference library; none of them mentions this package."""

# The usage example of the reference's documentation. It parses a prompt, which is not a completion,
# so both packages raise the same error.
USAGE_EXAMPLE = """
from openai_harmony import (
    Conversation,
    HarmonyEncodingName,
    HarmonyError,
    Message,
    Role,
    SystemContent,
    load_harmony_encoding,
)

convo = Conversation.from_messages(
    [
        Message.from_role_and_content(Role.SYSTEM, SystemContent.new()),
        Message.from_role_and_content(Role.USER, "What is 2 + 2?"),
    ]
)
enc = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)
tokens = enc.render_conversation_for_completion(convo, Role.ASSISTANT)
print(tokens)
print(enc.decode_utf8(tokens))
try:
    enc.parse_messages_from_completion_tokens(tokens, Role.ASSISTANT)
except HarmonyError as error:
    print(error)
completion = "<|channel|>analysis<|message|>Sum.<|end|>"
completion += "<|start|>assistant<|channel|>final<|message|>2 + 2 = 4<|return|>"
for message in enc.parse_messages_from_completion_tokens(
    enc.encode(completion, allowed_special="all"), Role.ASSISTANT
):
    print(repr(message))
    print(message.to_json())
"""

TOOLS = """
import openai_harmony

encoding = openai_harmony.load_harmony_encoding("HarmonyGptOss")
system = (
    openai_harmony.SystemContent.new()
    .with_reasoning_effort(openai_harmony.ReasoningEffort.HIGH)
    .with_conversation_start_date("2025-06-28")
    .with_browser_tool()
    .with_python_tool()
)
weather = openai_harmony.ToolDescription.new(
    "get_weather",
    "Gets the weather.",
    parameters={
        "type": "object",
        "properties": {
            "place": {"type": "string", "description": "The city", "examples": ["Bonn"]},
            "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
            "days": {"type": "array", "items": {"type": "integer"}, "nullable": True},
        },
        "required": ["place"],
    },
)
developer = (
    openai_harmony.DeveloperContent.new()
    .with_instructions("Be brief.")
    .with_function_tools([weather, openai_harmony.ToolDescription.new("now", "The time")])
)
author = openai_harmony.Author.new(openai_harmony.Role.TOOL, "functions.get_weather")
messages = [
    openai_harmony.Message.from_role_and_content(openai_harmony.Role.SYSTEM, system),
    openai_harmony.Message.from_role_and_content(openai_harmony.Role.DEVELOPER, developer),
    openai_harmony.Message.from_role_and_content(openai_harmony.Role.USER, "Rain?"),
    openai_harmony.Message.from_role_and_content(openai_harmony.Role.ASSISTANT, "Look it up.")
    .with_channel("analysis"),
    openai_harmony.Message.from_role_and_content(openai_harmony.Role.ASSISTANT, '{"place": "Bonn"}')
    .with_channel("commentary")
    .with_recipient("functions.get_weather")
    .with_content_type("<|constrain|>json"),
    openai_harmony.Message.from_author_and_content(author, '{"rain": false}')
    .with_channel("commentary")
    .with_recipient("assistant"),
    openai_harmony.Message.from_role_and_content(openai_harmony.Role.ASSISTANT, "No.")
    .with_channel("final"),
]
conversation = openai_harmony.Conversation.from_messages(messages)
again = openai_harmony.Conversation.from_json(conversation.to_json())
print(again == conversation, [message.author.role.value for message in again])
config = openai_harmony.RenderConversationConfig(auto_drop_analysis=False)
print(encoding.decode(encoding.render_conversation(conversation, config)))
print(encoding.render_conversation_for_training(conversation))
print(sorted(encoding.stop_tokens()), sorted(encoding.stop_tokens_for_assistant_actions()))
print(encoding.name, len(encoding.special_tokens_set), encoding.is_special_token(200006))
"""

STREAMING = """
from openai_harmony import HarmonyError, Role, StreamableParser, StreamState, load_harmony_encoding

encoding = load_harmony_encoding("HarmonyGptOss")
text = "<|channel|>commentary to=functions.f<|constrain|>json<|message|>{} \\U0001fae1<|call|>"
text += "<|start|>assistant<|channel|>final<|message|>Done"
parser = StreamableParser(encoding, role=Role.ASSISTANT)
for token in encoding.encode(text, allowed_special="all"):
    parser.process(token)
    print(token, parser.state is StreamState.CONTENT, parser.state_data)
    print(parser.current_role, parser.current_channel, parser.current_recipient)
    print(parser.current_content_type, repr(parser.current_content), parser.last_content_delta)
parser.process_eos()
print(parser.messages)
print(len(parser.tokens))
try:
    parser.process(87)
except HarmonyError as error:
    print(isinstance(error, RuntimeError), error)
lenient = StreamableParser(encoding, role=Role.ASSISTANT, strict=False)
for token in encoding.encode("<|channel|>final Hi there<|return|>", allowed_special="all"):
    lenient.process(token)
print(lenient.messages)
"""
