"""Where settings come from: flags, then the environment, then a file, then the defaults."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pydantic

from .settings import Settings

ENVIRONMENT_PREFIX = "HARMONY_"
CONFIG_VARIABLE = f"{ENVIRONMENT_PREFIX}CONFIG"

# Kubernetes sets such variables in every pod for a service named `harmony` or `harmony-…`.
_SERVICE_LINK = re.compile(r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$")


class SettingsError(ValueError):
    """Settings that cannot be used; the message has a line for each problem, with its source."""


class LoadedSettings(NamedTuple):
    """Settings, and where each that is not a default comes from.

    Attributes:
        settings: What is in force.
        sources: By the name of a setting: `--flag`, `HARMONY_VARIABLE` or `FILE: key`.
    """

    settings: Settings
    sources: Mapping[str, str]


def flag(name: str) -> str:
    """Returns the flag of a setting."""
    return f"--{name.replace('_', '-')}"


def variable(name: str) -> str:
    """Returns the environment variable of a setting."""
    return f"{ENVIRONMENT_PREFIX}{name.upper()}"


def load(
    flags: Mapping[str, object], environment: Mapping[str, str], config: str | None = None
) -> LoadedSettings:
    """Puts the settings together.

    Args:
        flags: The settings given as flags, by name.
        environment: The process's environment.
        config: A TOML file; None: the one that HARMONY_CONFIG names, if any.

    Raises:
        SettingsError: A setting is unknown, out of bounds or contradicts another one, or the file
            cannot be read.
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
        problems = [_problem(detail["loc"], detail["msg"], sources) for detail in error.errors()]
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
    return values


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


def _problem(place: tuple[int | str, ...], message: str, sources: Mapping[str, str]) -> str:
    """Returns a line for a problem: the source, and what is wrong, in small letters."""
    text = message.removeprefix("Value error, ").removeprefix("Input ")
    if not place:
        return text
    return f"{sources[str(place[0])]}: {text}"
