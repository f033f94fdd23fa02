"""GetEncoding and GetRenderCacheStatistics."""

import hashlib

from harmony_client.v1 import service_pb2 as pb

from .calls import Calls
from .vector import Vector

# From the encoding's description; the reference does not expose them.
_N_CTX = 1_048_576
_MAX_MESSAGE_TOKENS = 524_288
_DEFAULT_CACHE_BYTES = 32 * 1024 * 1024


def get_encoding_vectors(calls: Calls) -> list[Vector]:
    """Returns the vector of GetEncoding, which ignores the server's version."""
    reference = calls.reference
    response = pb.GetEncodingResponse(
        name=reference.name,
        tokenizer_name="o200k_harmony",
        n_ctx=_N_CTX,
        max_message_tokens=_MAX_MESSAGE_TOKENS,
        stop_tokens=sorted(reference.stop_tokens),
        stop_tokens_for_assistant_actions=reference.assistant_stop_tokens,
        special_tokens=reference.special_tokens(),
        end_of_text_token=reference.special_tokens()["<|endoftext|>"],
        vocabulary_sha256=hashlib.sha256(reference.vocabulary).hexdigest(),
    )
    return [
        Vector(
            "get_encoding/whole",
            [pb.GetEncodingRequest()],
            [response],
            ignore=("serverVersion",),
        )
    ]


def get_render_cache_statistics_vectors(_: Calls) -> list[Vector]:
    """Returns the vector of the cache's limit; its other statistics depend on earlier calls."""
    return [
        Vector(
            "get_render_cache_statistics/default-bound",
            [pb.GetRenderCacheStatisticsRequest()],
            [pb.GetRenderCacheStatisticsResponse(max_bytes=_DEFAULT_CACHE_BYTES)],
            ignore=("hits", "misses", "entries", "bytes"),
        )
    ]
