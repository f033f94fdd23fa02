"""The command `config`."""

import json
from typing import Any

import click

from ..settings import Settings
from .settings_options import load_settings, settings_options


@click.command(
    epilog=("\b\nExample:\n  harmony-server config --config harmony.toml --max-streams 64\n"),
)
@settings_options
def config(config: str | None, **options: Any) -> None:
    """Print the settings that serve would run with, as a configuration file.

    Each line says where its value comes from. Secrets are never settings but files that settings
    name; what is in these is not printed.
    """
    settings, sources = load_settings(config, options)
    for name in Settings.model_fields:
        value = getattr(settings, name)
        source = sources.get(name, "default")
        if value is None:
            click.echo(f"# {name} is unset")
        else:
            click.echo(f"{name} = {json.dumps(value)}  # {source}")
