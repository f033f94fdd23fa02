"""Outputs built from a meaning and then spoilt: an independent statement of what was meant."""

import random
from dataclasses import dataclass

from .meaning import Meaning

_STRAYS = ["well", "so", "then", "maybe", "we", "might", "look", "here", "again", "please"]
_SAYINGS = ["Four.", "It is 4, I think.", '{"answer": 1}', "世界 is the world.", "Yes — done!"]
_NAMES = ["functions.find_bus", "functions.get_weather", "web.search"]


@dataclass
class Spoilt:
    """An output and its meaning.

    Attributes:
        text: The output, special tokens spelled out.
        meant: Its meaning.
        faults: The kinds of fault in it.
    """

    text: str
    meant: Meaning
    faults: list[str]


def spoil(seed: int) -> Spoilt:
    """Returns the output of a seed: a thought, an answer or a call, with a spoilt header."""
    drawn = random.Random(seed)
    kind = drawn.choice(["reasoning", "content", "call", "call"])
    meant = Meaning([], [], [], [])
    saying, recipient = drawn.choice(_SAYINGS), None
    if kind == "call":
        recipient, saying = drawn.choice(_NAMES), drawn.choice(['{"a": 1}', "{}", '{"q": "x y"}'])
        meant.calls.append([recipient, saying])
        channel = "commentary"
    else:
        channel = "analysis" if kind == "reasoning" else drawn.choice(["final", "commentary"])
        (meant.reasoning if kind == "reasoning" else meant.content).append(saying)
    faults: list[str] = []
    fields = _fields(drawn, channel, recipient, faults)
    has_message = drawn.random() < 0.75
    if not has_message:
        faults.append("no message token")
    head = ""
    for field in fields:
        head += _gap(drawn, faults, sparse=not has_message) + field
    if has_message:
        head += _gap(drawn, faults, sparse=False) + "<|message|>"
    elif not head.endswith(" "):
        head += " "
    stop = "<|call|>" if recipient else drawn.choice(["<|end|>", "<|return|>"])
    start = drawn.choice(["", "", "<|start|>assistant", "<|start|>"])
    before = ""
    if start:
        before = drawn.choice(["<|channel|>analysis<|message|>Hm.<|end|>", ""])
    return Spoilt(before + start + head + saying + stop, meant, faults)


def _fields(
    drawn: random.Random, channel: str, recipient: str | None, faults: list[str]
) -> list[str]:
    marked = f"<|channel|>{channel}"
    match drawn.choice(["", "", "case", "blank", "sign", "twice", "other first"]):
        case "case":
            marked = f"<|channel|>{drawn.choice([channel.upper(), channel.capitalize()])}"
            faults.append("case of the channel")
        case "blank":
            marked = f"<|channel|> {channel}"
            faults.append("blank before the channel")
        case "sign":
            marked += drawn.choice([",", ":", ".", ";"])
            faults.append("sign behind the channel")
        case "twice":
            marked += marked
            faults.append("channel twice")
        case "other first":
            marked = f"<|channel|>{drawn.choice(['analysis', 'final'])}{marked}"
            faults.append("another channel first")
    fields = [marked]
    if recipient is not None:
        glue = drawn.choice(["", " ", " ", " "])
        written = drawn.choice(
            [
                f"{glue}to={recipient}",
                f"{glue}to={recipient}",
                f" to= {recipient}",
                f" to = {recipient}",
                f" to ={recipient}",
                f" To={recipient}",
                f" to={recipient},",
                f" to={recipient} to={recipient}",
            ]
        )
        faults.append(f"recipient as {written.replace(recipient, 'NAME')!r}")
        fields.append(written)
        if drawn.random() < 0.5:
            fields.append(drawn.choice([" <|constrain|>json", "<|constrain|>json", " json"]))
        if drawn.random() < 0.3:
            drawn.shuffle(fields)
            faults.append("another order")
    return fields


def _gap(drawn: random.Random, faults: list[str], *, sparse: bool) -> str:
    """Returns stray words; few if nothing else tells them from the text."""
    if sparse or drawn.random() < 0.6:
        return ""
    count = drawn.choice([1, 2, 3, 5, 12, 50])
    faults.append("stray words")
    return " " + " ".join(drawn.choice(_STRAYS) for _ in range(count)) + " "
