"""Matchers of four engines behind one interface: the oracles of the printers."""

from __future__ import annotations

import base64
import ctypes
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import llguidance
import llguidance.numpy
import numpy

from harmony_server.core import HarmonyEncoding, vocabulary
from harmony_server.core.constraints import ConstraintFormat, SamplingConstraint, TokenAutomaton
from harmony_server.core.tokenizer import CALL, RETURN, SPECIAL_TOKENS

STOP_TOKENS = (RETURN, CALL)
END_OF_TEXT = SPECIAL_TOKENS["<|endoftext|>"]
FIRST_SPECIAL = vocabulary.TOKEN_COUNT
# The named tokens of the published tokenizer; engines pad the vocabulary to 201,088.
NAMED_TOKENS = 200_019
PADDED_SIZE = 201_088


class Matcher(Protocol):
    """Follows one turn."""

    def allowed(self) -> Sequence[int]:
        """Returns the tokens that are allowed next, stop tokens included."""

    def allowed_among(self, tokens: Sequence[int]) -> list[int]:
        """Returns those of some tokens that are allowed next."""

    def accept(self, token: int) -> bool:
        """Accepts a token that is allowed; returns whether the matcher does."""


class Engine(Protocol):
    """Starts matchers.

    Attributes:
        name: Its name.
        format: The format that it reads.
        tells_markers: Whether text in ordinary tokens may spell a special token.
        stop_tokens: The tokens that end a turn for it.
    """

    name: str
    format: ConstraintFormat
    tells_markers: bool
    stop_tokens: tuple[int, ...]

    def start(self, constraint: SamplingConstraint) -> Matcher:
        """Returns a matcher.

        Raises:
            ValueError: The engine refuses the constraint.
        """


class RefusedError(ValueError):
    """An engine refuses a grammar."""


def named_vocabulary() -> list[bytes]:
    """Returns the bytes of the named tokens."""
    by_id = {token: spelling.encode() for spelling, token in SPECIAL_TOKENS.items()}
    return [
        *vocabulary.token_bytes(),
        *(by_id[token] for token in range(FIRST_SPECIAL, NAMED_TOKENS)),
    ]


class _MaskMatcher:
    def bits(self) -> numpy.ndarray[Any, Any]:
        """Returns whether each token is allowed."""
        raise NotImplementedError

    def allowed(self) -> Sequence[int]:
        return [int(token) for token in numpy.flatnonzero(self.bits())]

    def allowed_among(self, tokens: Sequence[int]) -> list[int]:
        bits = self.bits()
        return [token for token in tokens if token < len(bits) and bits[token]]


# llguidance


class Llguidance:
    """The package llguidance, in this process."""

    name = "llguidance"
    format = ConstraintFormat.LLGUIDANCE_LARK
    tells_markers = True
    stop_tokens: tuple[int, ...] = STOP_TOKENS

    def __init__(self, encoding: HarmonyEncoding, *, knows_stop_tokens: bool = True) -> None:
        class Wrapped:
            eos_token_id = RETURN
            bos_token_id = None
            tokens = named_vocabulary()
            special_token_ids = range(FIRST_SPECIAL, NAMED_TOKENS)

            def __call__(self, text: str | bytes) -> list[int]:
                written = text if isinstance(text, str) else text.decode(errors="replace")
                return encoding.encode_ordinary(written)

        # A token that no grammar of ours mentions ends the turn where harmony's do not.
        stops = list(STOP_TOKENS) if knows_stop_tokens else [END_OF_TEXT]
        self._tokenizer = llguidance.LLTokenizer(
            llguidance.TokenizerWrapper(Wrapped()), n_vocab=PADDED_SIZE, eos_token=stops
        )

    def start(self, constraint: SamplingConstraint) -> Matcher:
        """Returns a matcher."""
        assert constraint.grammar is not None
        matcher = llguidance.LLMatcher(self._tokenizer, constraint.grammar, log_level=0)
        if matcher.is_error():
            raise RefusedError(matcher.get_error())
        return _LlguidanceMatcher(matcher, self._tokenizer.vocab_size)


class _LlguidanceMatcher(_MaskMatcher):
    def __init__(self, matcher: llguidance.LLMatcher, size: int) -> None:
        self._matcher = matcher
        self._mask = llguidance.numpy.allocate_token_bitmask(1, size)

    def bits(self) -> numpy.ndarray[Any, Any]:
        if self._matcher.is_error():
            raise RefusedError(self._matcher.get_error())
        llguidance.numpy.fill_next_token_bitmask(self._matcher, self._mask)
        return numpy.unpackbits(self._mask.view(numpy.uint8), bitorder="little")

    def accept(self, token: int) -> bool:
        return self._matcher.consume_token(token)


# xgrammar


class Xgrammar:
    """xgrammar, in a process of its own.

    Args:
        python: The interpreter of an environment that has it.
        folder: Takes the vocabulary.
        name: Its name.
        stop_tokens: The stop tokens that its matcher is told.
    """

    format = ConstraintFormat.XGRAMMAR_EBNF
    tells_markers = True

    def __init__(
        self, python: Path, folder: Path, name: str, stop_tokens: tuple[int, ...] = STOP_TOKENS
    ) -> None:
        self.python = python
        self.name = name
        self.stop_tokens = stop_tokens
        path = folder / "vocabulary.json"
        path.write_text(json.dumps([token.decode("latin-1") for token in named_vocabulary()]))
        worker = Path(__file__).with_name("xgrammar_worker.py")
        self._process = subprocess.Popen(
            [python, worker, path, json.dumps(stop_tokens)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()

    def ask(self, *request: object) -> dict[str, Any]:
        """Returns the answer to a request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("xgrammar's process has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def start(self, constraint: SamplingConstraint) -> Matcher:
        """Returns a matcher; it ends the one before."""
        assert constraint.grammar is not None
        kind = "tag" if constraint.grammar.startswith("{") else "grammar"
        return self.start_text(kind, constraint.grammar)

    def start_text(self, kind: str, text: str) -> Matcher:
        """Returns a matcher for a text of xgrammar's: a `grammar`, a `tag` or a `schema`."""
        answer = self.ask("start", kind, text)
        if "error" in answer:
            raise RefusedError(answer["error"])
        return _XgrammarMatcher(self)


class _XgrammarMatcher(_MaskMatcher):
    def __init__(self, engine: Xgrammar) -> None:
        self._engine = engine

    def bits(self) -> numpy.ndarray[Any, Any]:
        mask = base64.b64decode(self._engine.ask("fill")["mask"])
        return numpy.unpackbits(numpy.frombuffer(mask, numpy.uint8), bitorder="little")

    def accept(self, token: int) -> bool:
        accepted: bool = self._engine.ask("accept", token)["accepted"]
        return accepted


# llama.cpp


class _Parameters(ctypes.Structure):
    # llama_model_params is passed by value; larger than any version of it.
    _fields_ = [("data", ctypes.c_ubyte * 256)]


class _Candidate(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int32), ("logit", ctypes.c_float), ("p", ctypes.c_float)]


class _Candidates(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.POINTER(_Candidate)),
        ("size", ctypes.c_size_t),
        ("selected", ctypes.c_int64),
        ("sorted", ctypes.c_bool),
    ]


# In llama_model_params of the pinned version.
_VOCAB_ONLY_OFFSET = 72


class LlamaCpp:
    """llama.cpp's library, with a model file that has a vocabulary alone.

    Args:
        libraries: The folder of the libraries.
        model: The path of the model file.
    """

    name = "llama.cpp"
    format = ConstraintFormat.LLAMA_GBNF
    tells_markers = False
    # llama.cpp ends with `<|endoftext|>` too.
    stop_tokens: tuple[int, ...] = (*STOP_TOKENS, END_OF_TEXT)

    def __init__(self, libraries: Path, model: Path) -> None:
        for name in ("libggml-base.so", "libggml.v0.5.0.so"):
            ctypes.CDLL(str(libraries / name), mode=ctypes.RTLD_GLOBAL)
        library = self._library = ctypes.CDLL(str(libraries / "libllama.v0.5.0.so"))
        pointer = ctypes.c_void_p
        log_type = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, pointer)
        self.messages: list[bytes] = []
        self._log = log_type(lambda _level, text, _data: self.messages.append(text))
        library.llama_log_set(self._log, None)
        library.llama_backend_init()
        library.llama_model_default_params.restype = _Parameters
        library.llama_model_load_from_file.restype = pointer
        library.llama_model_load_from_file.argtypes = [ctypes.c_char_p, _Parameters]
        library.llama_model_get_vocab.restype = pointer
        library.llama_model_get_vocab.argtypes = [pointer]
        library.llama_vocab_is_eog.restype = ctypes.c_bool
        library.llama_vocab_is_eog.argtypes = [pointer, ctypes.c_int32]
        library.llama_sampler_init_grammar.restype = pointer
        library.llama_sampler_init_grammar.argtypes = [pointer, ctypes.c_char_p, ctypes.c_char_p]
        library.llama_sampler_apply.argtypes = [pointer, ctypes.POINTER(_Candidates)]
        library.llama_sampler_accept.argtypes = [pointer, ctypes.c_int32]
        library.llama_sampler_free.argtypes = [pointer]
        parameters = library.llama_model_default_params()
        parameters.data[_VOCAB_ONLY_OFFSET] = 1
        loaded = library.llama_model_load_from_file(str(model).encode(), parameters)
        if not loaded:
            raise RuntimeError(b"".join(self.messages).decode())
        self._vocabulary = library.llama_model_get_vocab(loaded)

    def is_stop_token(self, token: int) -> bool:
        """Returns whether llama.cpp ends a turn with a token."""
        ends: bool = self._library.llama_vocab_is_eog(self._vocabulary, token)
        return ends

    def start(self, constraint: SamplingConstraint) -> Matcher:
        """Returns a matcher."""
        assert constraint.grammar is not None
        return self.start_text(constraint.grammar)

    def start_text(self, grammar: str) -> Matcher:
        """Returns a matcher for a text in GBNF."""
        self.messages.clear()
        sampler = self._library.llama_sampler_init_grammar(
            self._vocabulary, grammar.encode(), b"root"
        )
        if not sampler:
            raise RefusedError(b"".join(self.messages).decode())
        return _LlamaMatcher(self._library, sampler)


class _LlamaMatcher:
    def __init__(self, library: ctypes.CDLL, sampler: int) -> None:
        self._library = library
        self._sampler = sampler

    def __del__(self) -> None:
        self._library.llama_sampler_free(self._sampler)

    def allowed(self) -> Sequence[int]:
        return self.allowed_among(range(NAMED_TOKENS))

    def allowed_among(self, tokens: Sequence[int]) -> list[int]:
        data = (_Candidate * len(tokens))(*[_Candidate(token, 0, 0) for token in tokens])
        candidates = _Candidates(data, len(tokens), -1, False)
        self._library.llama_sampler_apply(self._sampler, ctypes.byref(candidates))
        return [one.id for one in data if one.logit > -1e30]

    def accept(self, token: int) -> bool:
        # The library ends the process when it is made to accept what the grammar refuses.
        if not self.allowed_among([token]):
            return False
        self._library.llama_sampler_accept(self._sampler, token)
        return True


# The token automaton


class Automaton:
    """The loop of docs/constraints.md, in Python."""

    name = "automaton"
    format = ConstraintFormat.TOKEN_AUTOMATON
    tells_markers = True
    stop_tokens: tuple[int, ...] = STOP_TOKENS

    def start(self, constraint: SamplingConstraint) -> Matcher:
        """Returns a matcher."""
        assert constraint.automaton is not None
        return _AutomatonMatcher(constraint.automaton)


class _AutomatonMatcher:
    def __init__(self, automaton: TokenAutomaton) -> None:
        self._automaton = automaton
        self._state: int | None = 0

    def _edges(self) -> dict[int, int]:
        if self._state is None:
            return {}
        automaton = self._automaton
        begin, end = automaton.edge_offsets[self._state : self._state + 2]
        return dict(
            zip(automaton.edge_tokens[begin:end], automaton.edge_targets[begin:end], strict=True)
        )

    def allowed(self) -> Sequence[int]:
        allowed = list(self._edges())
        if self._state in self._automaton.text_states:
            allowed += range(FIRST_SPECIAL)
        if self._state in self._automaton.accepting_states:
            allowed += STOP_TOKENS
        return sorted(set(allowed))

    def allowed_among(self, tokens: Sequence[int]) -> list[int]:
        edges = self._edges()
        has_text = self._state in self._automaton.text_states
        may_end = self._state in self._automaton.accepting_states
        return [
            token
            for token in tokens
            if token in edges
            or (has_text and token < FIRST_SPECIAL)
            or (may_end and token in STOP_TOKENS)
        ]

    def accept(self, token: int) -> bool:
        if not self.allowed_among([token]):
            return False
        edges = self._edges()
        if token in edges:
            self._state = edges[token]
        elif token >= FIRST_SPECIAL:
            self._state = None
        return True


def environment_python(folder: Path) -> Path:
    """Returns the interpreter of a virtual environment."""
    return folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
