"""Any output of a model: random tokens and mutated well-formed completions."""

from hypothesis import strategies as st

from harmony_server.core.tokenizer import VOCABULARY_SIZE
from tests.support.encodings import SPELLINGS, encode, encoding

WORDS = [
    "assistant", "user", "tool", "functions.f", " to=functions.f", " to=", "to=assistant",
    "analysis", "commentary", "final", " json", " \n", "Hello  there", '{"a": 1}', "\u00e9", "<|",
]  # fmt: skip
# Parts of a character, bytes that are never UTF-8, and unknown ids.
ODD_TOKENS = [*encoding().encode("\U0001f9ff"), 255, 128, VOCABULARY_SIZE, 2**32 - 1]

# Prefixes of this may still turn out to be a header without its start token.
LONG_ROLE = encode("assistant to=functions.get_the_weather_in_some_city_please_a_b_c_d_e_f_g")
fragments = st.one_of(
    st.integers(1, len(LONG_ROLE)).map(lambda length: LONG_ROLE[:length]),
    st.sampled_from(SPELLINGS).map(encode),
    st.sampled_from(WORDS).map(encode),
    st.sampled_from(ODD_TOKENS).map(lambda token: [token]),
    st.integers(0, VOCABULARY_SIZE).map(lambda token: [token]),
)
sequences = st.lists(fragments, max_size=24).map(lambda parts: [t for part in parts for t in part])
WELL_FORMED = encode(
    "<|channel|>analysis<|message|>Let me see. \U0001f9ff<|end|>"
    "<|start|>assistant to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}<|call|>"
    "<|start|>functions.f to=assistant<|channel|>commentary<|message|>4<|end|>"
    "<|start|>assistant<|channel|>final<|message|>It is 4.<|return|>"
)


@st.composite
def mutations(draw: st.DrawFn) -> list[int]:
    """Draws a well-formed completion with tokens deleted, inserted and repeated."""
    tokens = list(WELL_FORMED)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(tokens)))
        match draw(st.sampled_from(["delete", "insert", "repeat", "cut"])):
            case "delete":
                del tokens[place : place + draw(st.integers(1, 3))]
            case "insert":
                tokens[place:place] = draw(fragments)
            case "repeat":
                tokens[place:place] = tokens[max(place - 2, 0) : place]
            case "cut":
                del tokens[place:]
    return tokens


outputs = st.one_of(sequences, mutations())
