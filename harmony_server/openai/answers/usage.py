"""How many tokens an answer took, as each API writes it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Usage:
    """Numbers of tokens.

    Attributes:
        prompt: Of the whole prompt, its prefill included; once, however many choices.
        cached: Those of the prompt that came from a cache.
        completion: Every token that was read, over all choices: headers and stop tokens too.
        reasoning: Those in messages that are shown as reasoning.
    """

    prompt: int
    cached: int
    completion: int
    reasoning: int

    def chat(self) -> dict[str, Any]:
        """Returns the usage of a chat completion."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        }

    def response(self) -> dict[str, Any]:
        """Returns the usage of a Response object."""
        return {
            "input_tokens": self.prompt,
            "input_tokens_details": {"cached_tokens": self.cached, "cache_write_tokens": 0},
            "output_tokens": self.completion,
            "output_tokens_details": {"reasoning_tokens": self.reasoning},
            "total_tokens": self.prompt + self.completion,
        }
