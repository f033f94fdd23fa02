"""The type of options that take an address."""

import click

from ..addresses import Address, AddressError


def address(value: str) -> str:
    """Returns an address as it was given.

    Raises:
        click.BadParameter: It is neither `host:port` nor `unix:///path`.
    """
    try:
        return Address.parse(value).text
    except AddressError as error:
        raise click.BadParameter(str(error)) from None
