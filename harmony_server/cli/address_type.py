"""The type of the options that take an address."""

import click

from ..addresses import Address, AddressError


def address(value: str) -> str:
    """Checks an address and returns it unchanged.

    Raises:
        click.BadParameter: The value is neither `host:port` nor `unix:///path`.
    """
    try:
        return Address.parse(value).text
    except AddressError as error:
        raise click.BadParameter(str(error)) from None
