"""The command `config`."""

import json
from typing import Any

import click

from ..settings import Settings
from .settings_options import load_settings, settings_options


@click.command(
    epilog="\b\nExample:\n  harmony-server config --config harmony.toml --max-streams 64\n",
)
@settings_options
def config(config: str | None, **options: Any) -> None:
    """Print the settings that serve would use, as a configuration file.

    Each line says where its value comes from. The output contains no secrets: settings only name
    the files that hold them.
    """
    settings, sources = load_settings(config, options)
    for name in Settings.model_fields:
        value = getattr(settings, name)
        source = sources.get(name, "default")
        if value is None:
            click.echo(f"# {name} is unset")
        else:
            click.echo(f"{name} = {json.dumps(value)}  # {source}")
