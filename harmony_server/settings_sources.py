"""Merges the settings from flags, the environment and a file, in this order of precedence."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pydantic
from pydantic_core import ErrorDetails

from .settings import ConflictError, Settings

ENVIRONMENT_PREFIX = "HARMONY_"
CONFIG_VARIABLE = f"{ENVIRONMENT_PREFIX}CONFIG"

# For a service named `harmony` or `harmony-…`, Kubernetes sets such variables in every pod.
_SERVICE_LINK = re.compile(r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$")


class SettingsError(ValueError):
    """Unusable settings. The message has one line per problem, which begins with its sources."""


class LoadedSettings(NamedTuple):
    """The settings in force and their sources.

    Attributes:
        settings: The settings in force.
        sources: By setting, `--flag`, `HARMONY_VARIABLE` or `FILE: key`; defaults have none.
    """

    settings: Settings
    sources: Mapping[str, str]


def flag(name: str) -> str:
    """Returns the command-line flag of a setting."""
    return f"--{name.replace('_', '-')}"


def variable(name: str) -> str:
    """Returns the environment variable of a setting."""
    return f"{ENVIRONMENT_PREFIX}{name.upper()}"


def load(
    flags: Mapping[str, object], environment: Mapping[str, str], config: str | None = None
) -> LoadedSettings:
    """Merges the settings from all sources and checks them.

    Args:
        flags: The values of the flags that were given, by setting.
        environment: Environment variables, by name.
        config: Path of a TOML file; None: the file in HARMONY_CONFIG, if set.

    Raises:
        SettingsError: A setting is unknown, out of bounds or conflicts with another one, or the
            file cannot be read.
    """
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    config = config or environment.get(CONFIG_VARIABLE) or None
    if config is not None:
        for name, value in _read_file(config).items():
            values[name], sources[name] = value, f"{config}: {name}"
    for name, value in _read_environment(environment).items():
        values[name], sources[name] = value, variable(name)
    for name, value in flags.items():
        values[name], sources[name] = value, flag(name)
    try:
        return LoadedSettings(Settings.model_validate(values), sources)
    except pydantic.ValidationError as error:
        problems = [_describe_problem(detail, sources) for detail in error.errors()]
        raise SettingsError("\n".join(problems)) from None


def _read_file(path: str) -> dict[str, object]:
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    unknown = [f"{path}: {name}: no such setting" for name in values if not _is_setting(name)]
    if unknown:
        raise SettingsError("\n".join(unknown))
    wrong = [
        f"{path}: {name}: should be {kind}"
        for name, value in values.items()
        if (kind := _wrong_kind(name, value)) is not None
    ]
    if wrong:
        raise SettingsError("\n".join(wrong))
    return values


def _wrong_kind(name: str, value: object) -> str | None:
    """Returns the kind that a value in a file should have; None: it has that kind.

    TOML has kinds, so that `max_streams = true` and `reflection = "yes"` are mistakes.
    """
    annotation = Settings.model_fields[name].annotation
    if annotation in (bool, bool | None):
        return None if isinstance(value, bool) else "true or false"
    if annotation in (int, float):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if is_number else "a number"
    return None


def _read_environment(environment: Mapping[str, str]) -> dict[str, str]:
    values = {}
    for key, value in environment.items():
        name = key.removeprefix(ENVIRONMENT_PREFIX).lower()
        if not key.startswith(ENVIRONMENT_PREFIX) or key == CONFIG_VARIABLE:
            continue
        if _is_setting(name):
            values[name] = value
        elif not _SERVICE_LINK.search(key):
            raise SettingsError(f"{key}: no such setting")
    return values


def _is_setting(name: str) -> bool:
    return name in Settings.model_fields


def _describe_problem(detail: ErrorDetails, sources: Mapping[str, str]) -> str:
    """Returns a line with the sources of the settings involved, then what is wrong with them."""
    conflict = detail.get("ctx", {}).get("error")
    names = conflict.settings if isinstance(conflict, ConflictError) else detail["loc"][:1]
    involved = ", ".join(sources[name] for name in map(str, names) if name in sources)
    text = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{involved}: {text}"
