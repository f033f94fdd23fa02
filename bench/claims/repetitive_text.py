"""A long run of one character, a tokeniser's worst case, encodes at least 100 times faster."""

from harmony_server import core

from .. import reference
from ..compare import alternate, cpu_seconds, milliseconds
from ..results import Goal, Row, faster

_TEXT = "!" * 200_000


def measure() -> list[Row]:
    """Encodes once on each side, because the reference takes about 20 seconds."""
    ours = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    theirs = reference.encoding()
    comparison = alternate(
        lambda _number: cpu_seconds(lambda: ours.encode(_TEXT)),
        lambda _number: cpu_seconds(lambda: theirs.encode(_TEXT)),
        rounds=1,
        warm_up=False,
    )
    return [
        faster(
            f'encode `"!" * {len(_TEXT)}`, once',
            milliseconds(comparison.ours),
            f"reference {milliseconds(comparison.other)}",
            comparison,
            Goal("at least", 100),
        )
    ]
