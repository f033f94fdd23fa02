"""What remains of a JSON Schema: shapes of JSON values, in which each keyword is enforced."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, eq=False, slots=True)
class AnyValue:
    """Any JSON value."""


@dataclass(frozen=True, eq=False, slots=True)
class Constants:
    """One of some JSON values, as Python values; without values, nothing fits."""

    values: tuple[object, ...]


@dataclass(frozen=True, eq=False, slots=True)
class AnyOf:
    """One of some shapes."""

    options: tuple["Shape", ...]


@dataclass(frozen=True, eq=False, slots=True)
class Reference:
    """The shape of that name in `JsonShape.definitions`."""

    name: str


@dataclass(frozen=True, eq=False, slots=True)
class Object:
    """An object whose declared properties come in order.

    Attributes:
        properties: The declared properties.
        required: The names of those that must occur.
        additional: The shape of further properties, or None if there must be none.
    """

    properties: Mapping[str, "Shape"]
    required: frozenset[str]
    additional: "Shape | None"


@dataclass(frozen=True, eq=False, slots=True)
class Array:
    """An array.

    Attributes:
        prefix: The shapes of the first items.
        items: The shape of further items, or None if there must be none.
        minimum: The fewest items.
        maximum: The most items, or None.
    """

    prefix: tuple["Shape", ...]
    items: "Shape | None"
    minimum: int
    maximum: int | None


@dataclass(frozen=True, eq=False, slots=True)
class String:
    """A string.

    Attributes:
        minimum: The fewest characters.
        maximum: The most characters, or None.
        pattern: A regular expression that must match somewhere, or None.
        format: The name of a format, or None.
    """

    minimum: int = 0
    maximum: int | None = None
    pattern: str | None = None
    format: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Number:
    """A number.

    Attributes:
        integer: Whether it must be an integer.
        bounds: The values of `minimum`, `exclusiveMaximum` and the like, and of `multipleOf`.
    """

    integer: bool
    bounds: Mapping[str, int | float] = field(default_factory=dict)

    @property
    def lowest(self) -> Fraction | None:
        """The lowest value that the bounds allow, or exclude if it is exclusive."""
        return max(self._bounds("minimum", "exclusiveMinimum"), default=None)

    @property
    def highest(self) -> Fraction | None:
        """The highest value that the bounds allow, or exclude if it is exclusive."""
        return min(self._bounds("maximum", "exclusiveMaximum"), default=None)

    def _bounds(self, *keywords: str) -> list[Fraction]:
        return [Fraction(self.bounds[keyword]) for keyword in keywords if keyword in self.bounds]


Shape = AnyValue | Constants | AnyOf | Reference | Object | Array | String | Number

ANY_VALUE = AnyValue()
NEVER = Constants(())


@dataclass(frozen=True, eq=False, slots=True)
class JsonShape:
    """A shape, and the shapes that references in it name."""

    shape: Shape
    definitions: Mapping[str, Shape]


ANY_JSON = JsonShape(ANY_VALUE, {})
ANY_OBJECT = JsonShape(Object({}, frozenset(), ANY_VALUE), {})
EMPTY_OBJECT = JsonShape(Object({}, frozenset(), None), {})
