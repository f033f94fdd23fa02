"""What an operator can set: every setting with its default, unit and bounds, in one place.

A setting `foo_bar` is the flag `--foo-bar`, the environment variable `HARMONY_FOO_BAR` and the key
`foo_bar` of a configuration file; `settings_sources` puts the three together.
"""

import ipaddress
import os
from typing import Annotated, Literal, Self

import pydantic
from pydantic import Field

from .addresses import Address, AddressError

_MIB = 1024 * 1024


def _split_text(value: object) -> object:
    """Takes a list written as one text, which is all that an environment variable can hold."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _existing_file(path: str) -> str:
    if not os.path.isfile(path):  # noqa: PTH113  # the path stays a text, as the operator wrote it
        raise ValueError(f"{path}: no such file")
    return path


def _listen_address(text: str) -> str:
    try:
        return Address.parse(text).text
    except AddressError as error:
        raise ValueError(str(error)) from None


def _tcp_address(text: str) -> str:
    if Address.parse(_listen_address(text)).socket_path is not None:
        raise ValueError(f"{text}: must be host:port")
    return text


_File = Annotated[str, pydantic.AfterValidator(_existing_file)]
_Addresses = Annotated[
    tuple[Annotated[str, pydantic.AfterValidator(_listen_address)], ...],
    pydantic.BeforeValidator(_split_text),
    Field(min_length=1),
]
_Seconds = Annotated[float, Field(ge=0, le=86_400 * 365, allow_inf_nan=False)]


class Settings(pydantic.BaseModel):
    """The settings of a server; those of a real one come from `settings_sources.load`.

    Raises:
        pydantic.ValidationError: A value is out of bounds, or two contradict each other.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    listen: _Addresses = Field(
        ("127.0.0.1:50051",),
        description="Addresses to listen on: host:port (port 0: any free one) or unix:///path.",
    )
    workers: int = Field(
        1,
        ge=1,
        le=256,
        description="Processes that serve. With more than one, each has its own Unix socket.",
    )

    allow_plaintext: bool = Field(
        False,
        description="Listen without encryption where others than this machine can connect.",
    )
    socket_mode: Annotated[str, Field(pattern="^0?[0-7]{3}$")] = Field(
        "0660", description="File mode of Unix sockets, octal."
    )
    tls_certificate: _File | None = Field(
        None,
        description="Certificate chain, PEM. With it every TCP address is TLS. Read again when it "
        "changes.",
    )
    tls_key: _File | None = Field(None, description="Private key of the certificate, PEM.")
    tls_client_ca: _File | None = Field(
        None,
        description="Certificate authorities, PEM. With it a client must present a certificate "
        "that one of them signed.",
    )
    auth_token_file: _File | None = Field(
        None,
        description="Bearer tokens, one a line. With it every RPC but health needs one. Read again "
        "when it changes.",
    )
    reflection: bool | None = Field(
        None,
        description="Serve gRPC reflection. Unset: unless auth_token_file is set.",
    )

    max_request_bytes: int = Field(
        5 * _MIB, ge=1024, le=1024 * _MIB, description="Size of one request, bytes."
    )
    max_request_tokens: int = Field(
        1_048_576, ge=1, le=256 * _MIB, description="Tokens in one request."
    )
    max_header_tokens: int = Field(
        4096, ge=1, le=65_536, description="Tokens in one message header of a completion."
    )
    max_connections: int = Field(
        512,
        ge=1,
        le=1_000_000,
        description="Open connections of each address. One more is closed at once.",
    )
    max_health_watches: int = Field(
        512, ge=1, le=1_000_000, description="Open watches of the health."
    )
    max_streams: int = Field(
        1024, ge=1, le=1_000_000, description="Open streams of Parse, ParseBatch and reflection."
    )
    max_sequences: int = Field(
        16_384, ge=1, le=10_000_000, description="Open sequences of all ParseBatch streams."
    )
    max_concurrent_large_requests: int = Field(
        16,
        ge=1,
        le=4096,
        description="Large unary requests at work or waiting for a thread. Small ones do not "
        "count.",
    )
    render_cache_mib: int = Field(
        32,
        ge=0,
        le=65_536,
        description="Memory for rendered messages, MiB. 0: none are remembered.",
    )
    stream_idle_timeout_seconds: _Seconds = Field(
        600.0, description="A stream without a request for so long is ended, seconds. 0: never."
    )
    max_connection_age_seconds: _Seconds = Field(
        0.0,
        description="A connection as old as this is asked to reconnect, seconds, so that a "
        "balancer can move it. 0: never.",
    )
    max_connection_age_grace_seconds: _Seconds = Field(
        60.0, description="How long the RPCs of such a connection may go on, seconds."
    )

    drain_seconds: _Seconds = Field(
        0.2,
        description="Between saying NOT_SERVING and refusing RPCs, seconds: what balancers need to "
        "notice.",
    )
    grace_seconds: _Seconds = Field(
        5.0, description="How long running RPCs may go on after that, seconds."
    )

    metrics_listen: Annotated[str, pydantic.AfterValidator(_tcp_address)] | None = Field(
        None, description="host:port of the Prometheus metrics, path /metrics. Unset: none."
    )
    opentelemetry: bool = Field(
        False,
        description="Export traces and metrics with OpenTelemetry, as the OTEL_… variables say. "
        "Needs the extra otel.",
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="console: for people. json: an object a line."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="The least severe of what is logged: debug, info, warning, error.",
    )

    @property
    def addresses(self) -> list[Address]:
        """What `listen` says, parsed."""
        return [Address.parse(text) for text in self.listen]

    @property
    def serves_reflection(self) -> bool:
        """Whether reflection is served."""
        return self.auth_token_file is None if self.reflection is None else self.reflection

    @pydantic.model_validator(mode="after")
    def _check_together(self) -> Self:
        tls = self.tls_certificate is not None
        if tls != (self.tls_key is not None):
            raise ValueError("tls_certificate and tls_key need each other")
        if self.tls_client_ca is not None and not tls:
            raise ValueError("tls_client_ca needs tls_certificate and tls_key")
        if tls and self.allow_plaintext:
            raise ValueError("allow_plaintext contradicts tls_certificate")
        if not tls and not self.allow_plaintext:
            for address in self.addresses:
                if not _is_local(address):
                    raise ValueError(
                        f"{address.text} can be reached from other machines: set tls_certificate "
                        "and tls_key, or allow_plaintext to go without encryption"
                    )
        fixed = [text for text in self.listen if not text.endswith(":0")]
        if len(set(fixed)) != len(fixed):
            raise ValueError("listen has an address twice")
        return self


def _is_local(address: Address) -> bool:
    if address.socket_path is not None:
        return True
    host = address.host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
