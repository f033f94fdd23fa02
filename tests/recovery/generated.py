"""Outputs built from a meaning and then spoilt: an independent statement of what was meant."""

import random
from dataclasses import dataclass, field
from itertools import pairwise

from .meaning import Meaning

_SAYINGS = ["Four.", "It is 4, I think.", '{"answer": 1}', "世界 is the world.", "Yes — done!"]
_ARGUMENTS = ['{"a": 1}', "{}", '{"q": "x y"}', "[1, 2]"]
NAMES = ["functions.find_bus", "functions.get_weather", "web.search"]
_STRAYS = ["well", "so", "then", "maybe", "we", "might", "look", "here", "again", "please"]
_NARRATIONS = [
    "Sure.",
    "Okay,",
    "Hello",
    "Let me see what there is today.",
    "I will use the final analysis tool now:",
    "We talk to the user in code.",
    "The Node.js docs, e.g. these, say so.",
    "(x=1) — world 世界!",
    "assistant to the rescue",
]
# Reserved ids, of which 200018 is `<|endofprompt|>` in other encodings of this vocabulary.
_FOREIGN = ["<|reserved_200018|>", "<|reserved_200000|>", "<|reserved_201088|>", "<|startoftext|>"]
_FOREIGN_IN_HEADER = [*_FOREIGN, "<|endoftext|>"]
_OTHERS_TEXT = "made up"


@dataclass
class Spoilt:
    """An output and its meaning.

    Attributes:
        text: The output, special tokens spelled out.
        meant: Its meaning.
        others: Texts that are not the assistant's.
        faults: The kinds of fault in it.
    """

    text: str = ""
    meant: Meaning = field(default_factory=lambda: Meaning([], [], [], []))
    others: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def spoil(seed: int) -> Spoilt:
    """Returns the output of a seed: one to three thoughts, answers and calls, spoilt."""
    return _Spoiler(random.Random(seed)).spoil()


class _Spoiler:
    """Writes one output; most decisions are drawn, so that every fault meets every other."""

    def __init__(self, drawn: random.Random) -> None:
        self._drawn = drawn
        self._spoilt = Spoilt()
        self._recipient: str | None = None
        self._is_bare = False
        self._channel = ""
        # Whether strict mode could read everything before, so that a header may lack its beginning.
        self._is_first = True

    def spoil(self) -> Spoilt:
        for _ in range(self._drawn.choice([1, 1, 1, 2, 3])):
            self._spoilt.text += self._message()
            self._is_first = False
        return self._spoilt

    def _may(self, share: float, fault: str) -> bool:
        """Draws whether there is a fault, and notes it."""
        is_drawn = self._drawn.random() < share
        if is_drawn:
            self._spoilt.faults.append(fault)
        return is_drawn

    def _draw(self, *choices: str) -> str:
        """Draws one of these kinds of fault, or none; the empty string is none."""
        chosen = self._drawn.choice(choices)
        if chosen:
            self._spoilt.faults.append(chosen)
        return chosen

    # Messages

    def _message(self) -> str:
        drawn, meant = self._drawn, self._spoilt.meant
        kind = drawn.choice(["reasoning", "content", "call", "call"])
        saying = drawn.choice(_ARGUMENTS if kind == "call" else _SAYINGS)
        self._recipient = drawn.choice(NAMES) if kind == "call" else None
        # A name without `to=` is one only if nothing else in the header is in doubt.
        self._is_bare = kind == "call" and self._may(0.1, "recipient without to=")
        self._channel = {"reasoning": "analysis", "call": "commentary"}.get(kind, "")
        self._channel = self._channel or drawn.choice(["final", "commentary"])
        has_message = self._is_bare or not self._may(0.25, "no message token")
        header = self._start() + self._header(has_message=has_message)
        if self._recipient is not None:
            meant.calls.append([self._recipient, saying])
        else:
            (meant.reasoning if kind == "reasoning" else meant.content).append(saying)
        if has_message and self._may(0.1, "special token in the text"):
            place = drawn.randrange(len(saying) + 1)
            saying = saying[:place] + drawn.choice(_FOREIGN) + saying[place:]
        return header + saying + self._stop()

    def _start(self) -> str:
        before = self._draw("", "", "", "narration", "special token outside", "an extra stop")
        if before == "narration" and not self._is_bare:
            text = self._drawn.choice(_NARRATIONS)
        elif before == "special token outside":
            text = self._drawn.choice(_FOREIGN_IN_HEADER)
        else:
            text = "<|end|>" if before else ""
        if self._is_bare:
            return text + "<|start|>assistant"
        starts = ["<|start|>assistant", "<|start|>", "<|start|><|start|>assistant"]
        if self._may(0.1, "role twice"):
            return f"{text}<|start|>assistant{self._drawn.choice(['', ' '])}assistant"
        return text + self._drawn.choice(["", "", *starts])

    def _stop(self) -> str:
        stop = "<|call|>" if self._recipient else self._drawn.choice(["<|end|>", "<|return|>"])
        if self._may(0.05, "endoftext for a stop"):
            return "<|endoftext|>"
        if self._may(0.1, "another's message"):
            self._spoilt.others.append(_OTHERS_TEXT)
            return stop + self._others_message()
        return stop

    def _others_message(self) -> str:
        names = [name for name, _ in self._spoilt.meant.calls]
        starts = ["user:bob", "user", "functions.find_bus to=assistant"]
        starts += [*names, *[f"{name} to=assistant" for name in names]]
        start = self._drawn.choice(starts)
        channel = "" if start.startswith("user") else "<|channel|>commentary"
        return f"<|start|>{start}{channel}<|message|>{_OTHERS_TEXT}<|end|>"

    # Headers

    def _header(self, *, has_message: bool) -> str:
        fields = [self._marked_channel(has_message=has_message)]
        if self._recipient is not None:
            fields.append(self._written_recipient(self._recipient))
        fields.append(self._content_type(has_message=has_message))
        fields = list(filter(None, fields))
        if has_message and not self._is_bare and self._may(0.3, "another order"):
            self._drawn.shuffle(fields)
        header = ""
        for previous, part in pairwise(["", *fields]):
            gap = self._gap(is_likely=has_message)
            # A bare word needs white space to be one.
            is_bare = part[0].isalpha() and (previous[-1:].isalnum() or not previous)
            header += gap or " " * is_bare
            header += part
            if self._may(0.05, "special token in the header"):
                header += self._drawn.choice(_FOREIGN_IN_HEADER)
        if has_message:
            return header + self._gap(is_likely=True) + "<|message|>"
        return header + ("" if header.endswith(" ") else " ")

    def _marked_channel(self, *, has_message: bool) -> str:
        channel, drawn = self._channel, self._drawn
        marked = f"<|channel|>{channel}"
        kinds = ["", "", "", "case", "blank before", "sign behind", "sign before", "channel twice"]
        kinds += ["another channel first", "empty channel first"]
        if channel != "analysis" and has_message:
            kinds += ["unknown channel", "no channel", "no channel", "no channel marker"]
        match self._draw(*kinds) if not self._is_bare else "":
            case "case":
                return f"<|channel|>{drawn.choice([channel.upper(), channel.capitalize()])}"
            case "blank before":
                return f"<|channel|>{drawn.choice([' ', '  ', chr(10)])}{channel}"
            case "sign behind":
                return marked + drawn.choice([",", ":", ".", ";", "..."])
            case "sign before":
                return f"<|channel|>{drawn.choice([':', '–', '*', '='])}{channel}"
            case "channel twice":
                return marked + drawn.choice(["", " "]) + marked
            case "another channel first":
                return f"<|channel|>{drawn.choice(['analysis', 'final', 'foo'])}{marked}"
            case "empty channel first":
                return f"<|channel|>{marked}"
            case "unknown channel":
                return f"<|channel|>{drawn.choice(['thoughts', 'answer_1', 'Sure', 'comment'])}"
            case "no channel marker":
                return channel
            case "no channel":
                return ""
        return marked

    def _written_recipient(self, name: str) -> str:
        if self._is_bare:
            return f" {name}"
        glue = self._draw("", "", "", "recipient glued")
        forms = ["to={}", "to={}", "to= {}", "to = {}", "to ={}", "To={}", "to={},", "to='{}'"]
        forms += ["to={0} to={0}", "to=assistant to={}", "<|constrain|>{}"]
        form = self._draw(*forms)
        return ("" if glue else " ") + form.format(name)

    def _content_type(self, *, has_message: bool) -> str:
        if self._recipient is None and (not has_message or self._drawn.random() < 0.7):
            return ""
        forms = ["", " <|constrain|>json", "<|constrain|>json", " <|constrain|> json", " json"]
        forms += [" code", "<|constrain|>", "<|constrain|>json<|constrain|>json"]
        return self._draw(*forms)

    def _gap(self, *, is_likely: bool) -> str:
        """Returns stray words; few if nothing else tells them from the text."""
        if not is_likely or self._is_bare or not self._may(0.25, "stray words"):
            return ""
        count = self._drawn.choice([1, 2, 3, 4, 5, 6, 8, 10, 12, 50])
        return " " + " ".join(self._drawn.choice(_STRAYS) for _ in range(count)) + " "
