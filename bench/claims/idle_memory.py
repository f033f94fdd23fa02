"""The memory of a server without load."""

from ..memory import mebibytes
from ..results import Row
from ..servers import floor_server, harmony_server


def measure() -> list[Row]:
    """Reads the resident memory of a new server and of a new no-op server."""
    with harmony_server() as ours, floor_server(answer_bytes=0) as floor:
        our_bytes, floor_bytes = ours.resident_bytes(), floor.resident_bytes()
    return [
        Row(
            "resident memory of an idle server",
            mebibytes(our_bytes),
            f"no-op server {mebibytes(floor_bytes)}",
            f"{our_bytes / floor_bytes:.2f} times",
        )
    ]
