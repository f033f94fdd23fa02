"""The arguments of `encode` that allow or disallow special tokens."""

from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.texts import SPECIAL_SPELLINGS

_ABSENT: Final = "absent"


@dataclass(frozen=True)
class SpecialRules:
    """Keyword arguments for `encode`."""

    arguments: tuple[tuple[str, Any], ...]

    def as_keywords(self) -> dict[str, Any]:
        """Returns the arguments for a call."""
        return dict(self.arguments)


def _sets() -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(SPECIAL_SPELLINGS), max_size=4)


def special_rules() -> st.SearchStrategy[SpecialRules]:
    """Rules: missing, `all`, and sets and other collections, some without special tokens."""
    allowed = st.one_of(
        st.just(_ABSENT), st.just("all"), _sets(), _sets().map(sorted), st.just("abc")
    )
    disallowed = st.one_of(
        st.just(_ABSENT),
        st.just("all"),
        st.just(()),
        st.just(()),
        _sets(),
        _sets().map(sorted),
        st.just("x"),
        st.none(),
    )
    return st.tuples(allowed, disallowed).map(
        lambda rules: SpecialRules(
            tuple(
                (name, rule)
                for name, rule in zip(("allowed_special", "disallowed_special"), rules, strict=True)
                if rule != _ABSENT
            )
        )
    )
