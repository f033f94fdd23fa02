"""The options of `serve` and `config`, one for each setting of the server."""

import os
import types
import typing
from collections.abc import Callable
from typing import Any

import annotated_types
import click
from pydantic.fields import FieldInfo

from ..settings import Settings
from ..settings_sources import CONFIG_VARIABLE, LoadedSettings, SettingsError, flag, load, variable
from .errors import InputError

_METAVARS = {
    "listen": "ADDRESS",
    "metrics_listen": "ADDRESS",
    "socket_mode": "MODE",
    "tls_certificate": "FILE",
    "tls_key": "FILE",
    "tls_client_ca": "FILE",
    "auth_token_file": "FILE",
    "log_format": "FORMAT",
    "log_level": "LEVEL",
}


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command an option for each setting, and `--config`."""
    for name, field in reversed(Settings.model_fields.items()):
        command = _option(name, field)(command)
    return click.option(
        "--config",
        metavar="FILE",
        help=f"TOML file with settings. Flags and variables override it. [{CONFIG_VARIABLE}]",
    )(command)


def load_settings(config: str | None, options: dict[str, Any]) -> LoadedSettings:
    """Returns the settings from the options, the environment and the configuration file.

    Raises:
        InputError: A setting is invalid.
    """
    flags = {name: value for name, value in options.items() if value not in (None, ())}
    try:
        return load(flags, os.environ, config)
    except SettingsError as error:
        raise InputError(str(error).replace("\n", "; ")) from None


def describe_bounds(field: FieldInfo) -> str | None:
    """Returns the bounds of a numeric setting, such as "1 to 1,024"; None: it has none."""
    bounds = {type(bound): bound for bound in field.metadata}
    least, most = bounds.get(annotated_types.Ge), bounds.get(annotated_types.Le)
    return f"{least.ge:,} to {most.le:,}" if least and most else None


def _option(name: str, field: FieldInfo) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    default = field.default
    help_text = f"{field.description} [{variable(name)}"
    if default is not None:
        help_text += f"; default: {_written(default)}"
    if bounds := describe_bounds(field):
        help_text += f"; {bounds}"
    help_text += "]"
    if bool in _types(field.annotation):
        switch = f"{flag(name)}/{flag(f'no_{name}')}"
        return click.option(switch, name, default=None, help=help_text)
    return click.option(
        flag(name),
        name,
        metavar=_METAVARS.get(name, "NUMBER"),
        multiple=isinstance(default, tuple),
        help=help_text,
    )


def _types(annotation: Any) -> tuple[Any, ...]:
    if isinstance(annotation, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _written(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)
