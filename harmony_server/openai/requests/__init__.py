"""The request half: bodies of OpenAI requests to prompts."""

from .chat_completion import plan_chat_completion, render_chat_completion
from .model_response import plan_model_response, render_model_response

__all__ = [
    "plan_chat_completion",
    "plan_model_response",
    "render_chat_completion",
    "render_model_response",
]
