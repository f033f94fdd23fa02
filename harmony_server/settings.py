"""Every setting of the server: default, unit, bounds and description.

You can set `foo_bar` with the flag `--foo-bar`, the environment variable `HARMONY_FOO_BAR` or the
key `foo_bar` of a configuration file; `settings_sources` merges the three.
"""

import ipaddress
import os
from typing import Annotated, Literal, Self

import pydantic
from pydantic import Field

from .addresses import Address, AddressError

_MIB = 1024 * 1024


def _split_text(value: object) -> object:
    """Splits a list written as comma-separated text, as in an environment variable."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _existing_file(path: str) -> str:
    if not os.path.isfile(path):  # noqa: PTH113  # the path stays text, as the operator wrote it
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
# gRPC counts the milliseconds of a connection's age in 32 bits.
_AgeSeconds = Annotated[float, Field(ge=0, le=2_147_483, allow_inf_nan=False)]
_Seconds = Annotated[float, Field(ge=0, le=86_400 * 365, allow_inf_nan=False)]


class ConflictError(ValueError):
    """Settings that are valid each, but not together.

    Attributes:
        settings: The names of the settings involved.
    """

    def __init__(self, message: str, *settings: str) -> None:
        super().__init__(message)
        self.settings = settings


class Settings(pydantic.BaseModel):
    """The settings of one server. `settings_sources.load` reads them for a real one.

    Raises:
        pydantic.ValidationError: A value is out of bounds, or two settings conflict.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    listen: _Addresses = Field(
        ("127.0.0.1:50051",),
        description="Addresses to listen on: host:port (port 0: any free port) or unix:///path. "
        "Repeat the flag for several.",
    )
    workers: int = Field(
        1,
        ge=1,
        le=256,
        description="Server processes. With more than one, each has its own Unix socket.",
    )

    allow_plaintext: bool = Field(
        False, description="Listen without TLS on addresses that other machines can reach."
    )
    socket_mode: Annotated[str, Field(pattern="^0?[0-7]{3}$")] = Field(
        "0660", description="File mode of Unix sockets, in octal."
    )
    tls_certificate: _File | None = Field(
        None,
        description="Certificate chain, PEM file. Turns on TLS for every TCP address. Reloaded "
        "when it changes.",
    )
    tls_key: _File | None = Field(
        None, description="Private key of tls_certificate, PEM file. Reloaded when it changes."
    )
    tls_client_ca: _File | None = Field(
        None,
        description="Certificate authorities, PEM file. Clients must present a certificate that "
        "one of them signed. Reloaded when it changes.",
    )
    auth_token_file: _File | None = Field(
        None,
        description="Bearer tokens, one per line. Every RPC except health must send one. Reloaded "
        "when it changes.",
    )
    reflection: bool | None = Field(
        None, description="Serve gRPC reflection. Unset: yes, unless auth_token_file is set."
    )

    openai: bool = Field(
        False,
        description="Serve harmony.openai.v1.OpenAIService too, which turns bodies of OpenAI "
        "requests into prompts and sampled tokens into their answers.",
    )

    max_request_bytes: int = Field(
        5 * _MIB,
        ge=1024,
        le=1024 * _MIB,
        description="Largest request, in bytes.",
    )
    max_request_tokens: int = Field(
        1_048_576,
        ge=1,
        le=256 * _MIB,
        description="Most tokens in one request, and most sequences or answers that a request of a "
        "batch may open or end.",
    )
    max_header_tokens: int = Field(
        4096,
        ge=1,
        le=65_536,
        description="Most tokens in one message header of a completion.",
    )
    max_constraint_bytes: int = Field(
        4 * _MIB,
        ge=1024,
        le=64 * _MIB,
        description="Largest sampling constraint, in bytes.",
    )
    max_connections: int = Field(
        512,
        ge=1,
        le=1_000_000,
        description="Most open connections per address. Further ones are closed at once.",
    )
    max_health_watches: int = Field(
        512, ge=1, le=1_000_000, description="Most open health watches."
    )
    max_streams: int = Field(
        1024,
        ge=1,
        le=1_000_000,
        description="Most open streams: Parse, ParseBatch, StreamAnswer, StreamAnswerBatch and "
        "reflection.",
    )
    max_sequences: int = Field(
        16_384,
        ge=1,
        le=10_000_000,
        description="Most open sequences in all ParseBatch, StreamAnswer and StreamAnswerBatch "
        "streams together.",
    )
    max_concurrent_large_requests: int = Field(
        16,
        ge=1,
        le=4096,
        description="Most large unary requests in progress or waiting for a thread. Small ones do "
        "not count.",
    )
    max_text_bytes: int = Field(
        6 * _MIB,
        ge=1024,
        le=1024 * _MIB,
        description="Most text that the tokens of one request, or of one open message, become, in "
        "bytes.",
    )
    max_open_text_mib: int = Field(
        48,
        ge=1,
        le=65_536,
        description="Memory for all open messages of Parse and ParseBatch together, in MiB.",
    )
    max_unread_mib: int = Field(
        48,
        ge=1,
        le=65_536,
        description="Memory for responses that clients have not read yet, in MiB. Those of up to "
        "16 KiB do not count.",
    )
    render_cache_mib: int = Field(
        32,
        ge=0,
        le=65_536,
        description="Memory for cached rendered messages, in MiB. 0: no cache.",
    )
    stream_idle_timeout_seconds: _Seconds = Field(
        600.0, description="Seconds without a request until a stream is closed. 0: never."
    )
    max_connection_age_seconds: _AgeSeconds = Field(
        0.0,
        description="Seconds until a connection is asked to reconnect, so that a load balancer can "
        "move it. 0: never.",
    )
    max_connection_age_grace_seconds: _AgeSeconds = Field(
        60.0, description="Seconds that RPCs on such a connection may continue."
    )

    drain_seconds: _Seconds = Field(
        0.2,
        description="Seconds to keep serving after reporting NOT_SERVING, so that load balancers "
        "notice.",
    )
    grace_seconds: _Seconds = Field(
        5.0, description="Seconds that running RPCs may continue after the drain."
    )

    metrics_listen: Annotated[str, pydantic.AfterValidator(_tcp_address)] | None = Field(
        None, description="host:port for Prometheus metrics, at /metrics. Unset: no metrics."
    )
    metrics_token_file: _File | None = Field(
        None,
        description="Bearer tokens for the metrics, one per line. A scraper must send one. "
        "Reloaded when it changes.",
    )
    opentelemetry: bool = Field(
        False,
        description="Export traces and metrics with OpenTelemetry, configured by the OTEL_… "
        "variables. Needs the extra otel.",
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="console: for people. json: one object per line."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level to log: debug, info, warning or error."
    )

    @property
    def addresses(self) -> list[Address]:
        """The addresses in `listen`, parsed."""
        return [Address.parse(text) for text in self.listen]

    @property
    def serves_reflection(self) -> bool:
        """Whether to serve reflection; unset means only without bearer tokens."""
        return self.auth_token_file is None if self.reflection is None else self.reflection

    @pydantic.model_validator(mode="after")
    def _check_together(self) -> Self:
        tls = self.tls_certificate is not None
        if tls != (self.tls_key is not None):
            raise ConflictError(
                "tls_certificate and tls_key must be set together", "tls_certificate", "tls_key"
            )
        if self.tls_client_ca is not None and not tls:
            raise ConflictError("tls_client_ca needs tls_certificate and tls_key", "tls_client_ca")
        if tls and self.allow_plaintext:
            raise ConflictError(
                "allow_plaintext contradicts tls_certificate", "allow_plaintext", "tls_certificate"
            )
        if not tls and not self.allow_plaintext:
            for address in self.addresses:
                if not _is_local(address):
                    raise ConflictError(
                        f"{address.text} can be reached from other machines: set tls_certificate "
                        "and tls_key, or allow_plaintext to serve it without TLS",
                        "listen",
                        "allow_plaintext",
                    )
        if self.metrics_token_file is not None and self.metrics_listen is None:
            raise ConflictError(
                "metrics_token_file needs metrics_listen", "metrics_token_file", "metrics_listen"
            )
        fixed = [text for text in self.listen if not text.endswith(":0")]
        if len(set(fixed)) != len(fixed):
            raise ConflictError("listen contains an address twice", "listen")
        return self


def _is_local(address: Address) -> bool:
    if address.socket_path is not None:
        return True
    host = address.host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
