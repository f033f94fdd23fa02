"""Runs xgrammar in an environment of its own; one request and one answer per line, in JSON.

Started with the file of the vocabulary, a JSON list of the tokens' bytes in Latin-1, and with the
stop tokens, a JSON list.
"""

import base64
import json
import sys
import time
from pathlib import Path
from typing import Any

# Before the stand-ins: it looks for the real torch.
import tvm_ffi  # type: ignore[import-not-found]  # noqa: F401

sys.path.insert(0, str(Path(__file__).parent / "xgrammar_stand_ins"))

import numpy
import xgrammar  # type: ignore[import-not-found]

VOCABULARY_SIZE = 201_088


class Worker:
    """Answers requests."""

    def __init__(self, vocabulary: list[bytes], stop_tokens: list[int]) -> None:
        info = xgrammar.TokenizerInfo(
            vocabulary,
            vocab_type=xgrammar.VocabType.RAW,
            vocab_size=VOCABULARY_SIZE,
            stop_token_ids=stop_tokens,
        )
        self.compiler = xgrammar.GrammarCompiler(info, max_threads=2)
        self.mask = numpy.zeros((1, VOCABULARY_SIZE // 32), dtype=numpy.int32)
        self.compiled: dict[str, Any] = {}
        self.matcher: Any = None

    def start(self, kind: str, text: str) -> dict[str, Any]:
        """Compiles a grammar, a structural tag or a JSON Schema, and starts a matcher."""
        begin = time.perf_counter()
        if text not in self.compiled:
            try:
                if kind == "tag":
                    compiled = self.compiler.compile_structural_tag(text)
                elif kind == "schema":
                    compiled = self.compiler.compile_json_schema(text)
                else:
                    compiled = self.compiler.compile_grammar(text)
            except Exception as error:
                return {"error": str(error)}
            self.compiled = {text: compiled}
        self.matcher = xgrammar.GrammarMatcher(self.compiled[text])
        return {"seconds": time.perf_counter() - begin}

    def builtin(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Returns xgrammar's own structural tag for harmony."""
        tag = xgrammar.get_model_structural_tag("harmony", **arguments)
        return {"tag": tag.model_dump_json()}

    def fill(self) -> dict[str, Any]:
        """Returns the mask."""
        begin = time.perf_counter()
        if not self.matcher.is_terminated():
            self.matcher.fill_next_token_bitmask(self.mask)
        else:
            self.mask.fill(0)
        seconds = time.perf_counter() - begin
        return {"mask": base64.b64encode(self.mask.tobytes()).decode(), "seconds": seconds}

    def accept(self, token: int) -> dict[str, Any]:
        """Accepts a token, or says that it cannot."""
        return {"accepted": not self.matcher.is_terminated() and self.matcher.accept_token(token)}


def main() -> None:
    """Answers the lines of standard input."""
    texts = json.loads(Path(sys.argv[1]).read_text())
    worker = Worker([text.encode("latin-1") for text in texts], json.loads(sys.argv[2]))
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(getattr(worker, request[0])(*request[1:])), flush=True)


if __name__ == "__main__":
    main()
