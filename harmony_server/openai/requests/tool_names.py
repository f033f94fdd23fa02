"""Names of tools: as the client writes them, and as they stand in the prompt."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from ..render_policy import NamespaceTools
from .bounds import MAX_NAME_CHARACTERS
from .fields import Field

FUNCTIONS: Final = "functions"
# Namespaces that the models know otherwise.
_RESERVED: Final = (FUNCTIONS, "browser", "python", "container")
_PREFIX: Final = f"{FUNCTIONS}."
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_.-]")
# Without a dot, the first one of a recipient ends its namespace.
_NOT_IN_NAMESPACES: Final = re.compile(r"[^A-Za-z0-9_-]")


class ClientName(NamedTuple):
    """A tool's name to the client, without a prefix `functions.`, and its namespace or None."""

    namespace: str | None
    name: str


class RenderedName(NamedTuple):
    """A tool's namespace and name in the prompt."""

    namespace: str
    name: str

    @property
    def recipient(self) -> str:
        """The recipient of the tool's calls, and the author of its results."""
        return f"{self.namespace}.{self.name}"


def read_name(field: Field) -> str:
    """Returns the name of a tool, a prefix `functions.` taken off."""
    return _bounded(field, field.text().removeprefix(_PREFIX))


def read_namespace(field: Field) -> str:
    """Returns the name of a namespace."""
    return _bounded(field, field.text())


def read_optional_namespace(field: Field) -> str | None:
    """Returns the name of a namespace, or None where it is missing."""
    return None if field.is_missing else read_namespace(field)


def _bounded(field: Field, name: str) -> str:
    if not name:
        raise field.invalid("must not be empty")
    if len(name) > MAX_NAME_CHARACTERS:
        raise field.too_large("MAX_NAME_CHARACTERS", MAX_NAME_CHARACTERS, "string_above_max_length")
    return name


class ToolNames:
    """Maps each name of a client to one of the prompt, and no two to the same.

    Characters that a header cannot have become `_`; of names that are equal then, the later ones
    get `_2`, `_3` and so on. Names that need no change never get one, if they are declared.

    Args:
        declared: The names of the request's tools, all different.
        namespace_tools: How names in namespaces are rendered.
    """

    def __init__(self, declared: Iterable[ClientName], namespace_tools: NamespaceTools) -> None:
        self._flattens = namespace_tools is NamespaceTools.FLATTEN
        self._rendered: dict[ClientName, RenderedName] = {}
        self._namespaces: dict[str, str] = {}
        self._taken: set[RenderedName] = {RenderedName("", name) for name in _RESERVED}
        self._last_number: dict[RenderedName, int] = {}
        names = list(declared)
        names.sort(key=_needs_change)
        for name in names:
            self._rendered[name] = self._allocate(name)
        if self._flattens:
            # A client may send back a name as the model wrote it.
            for name in names:
                if name.namespace is not None:
                    flat = ClientName(None, _flatten(name))
                    self._rendered.setdefault(flat, self._rendered[name])

    def rendered(self, name: ClientName) -> RenderedName:
        """Returns the name in the prompt, of a tool of the request or of an earlier one."""
        found = self._rendered.get(name)
        if found is None:
            found = self._rendered[name] = self._allocate(name)
        return found

    def _allocate(self, name: ClientName) -> RenderedName:
        if name.namespace is None:
            return self._take(FUNCTIONS, name.name)
        if self._flattens:
            return self._take(FUNCTIONS, _flatten(name))
        namespace = self._namespaces.get(name.namespace)
        if namespace is None:
            # Namespaces are names too, in no namespace.
            namespace = self._take("", _NOT_IN_NAMESPACES.sub("_", name.namespace)).name
            self._namespaces[name.namespace] = namespace
        return self._take(namespace, name.name)

    def _take(self, namespace: str, name: str) -> RenderedName:
        plain = taken = RenderedName(namespace, _NOT_IN_NAMES.sub("_", name))
        number = self._last_number.get(plain, 1)
        while taken in self._taken:
            number += 1
            taken = RenderedName(namespace, f"{plain.name}_{number}")
        self._last_number[plain] = number
        self._taken.add(taken)
        return taken


def _needs_change(name: ClientName) -> bool:
    return _NOT_IN_NAMES.search(f"{name.namespace or ''}{name.name}") is not None


def _flatten(name: ClientName) -> str:
    return f"{name.namespace}__{name.name}"


def flattened(name: ClientName) -> ClientName:
    """Returns the name in no namespace that a name in a namespace is flattened to."""
    return name if name.namespace is None else ClientName(None, _flatten(name))
