"""The options of the connection to a server: TLS, client certificates and tokens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from devtools.certificates import Authority
from devtools.server_process import running_server
from harmony_server.cli.parse import parse
from harmony_server.cli.render import render
from harmony_server.cli.text import encode

from .conftest import Run
from .test_command import execute

CONVERSATION = '{"messages": [{"role": "user", "content": "Hi"}]}'
COMPLETION = "200005 17196 200008 12194 200002"
COMMANDS = [
    (["render"], CONVERSATION),
    (["parse"], COMPLETION),
    (["inspect"], COMPLETION),
    (["encode"], "Hi"),
    (["decode"], COMPLETION),
]


@dataclass(frozen=True)
class SecureServer:
    """A server with TLS for `localhost` and `harmony.example`, and the files to connect to it."""

    address: str
    ca: str
    certificate: str
    key: str
    token: str

    @property
    def target(self) -> list[str]:
        """The option that names the server."""
        return ["--target", self.address]

    @property
    def client_certificate(self) -> list[str]:
        """The options that identify the client."""
        return ["--tls-certificate", self.certificate, "--tls-key", self.key]

    @property
    def options(self) -> list[str]:
        """The options that a connection needs, without the token."""
        return [*self.target, "--tls-ca", self.ca, *self.client_certificate]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureServer]:
    """A server that requires a client certificate and a token."""
    folder = tmp_path_factory.mktemp("secrets")
    authority, client_authority = Authority(), Authority("clients")
    certificate, key = authority.issue("harmony.example").write(folder, "server")
    client_certificate, client_key = client_authority.issue("client").write(folder, "client")
    ca, client_ca, token = folder / "ca.pem", folder / "client-ca.pem", folder / "token"
    ca.write_bytes(authority.certificate)
    client_ca.write_bytes(client_authority.certificate)
    token.write_text("a-token\nanother-token\n")
    tls = ["--tls-certificate", certificate, "--tls-key", key, "--tls-client-ca", str(client_ca)]
    arguments = ["--listen", "127.0.0.1:0", "--auth-token-file", str(token), *tls]
    with running_server(*arguments) as (_, address):
        yield SecureServer(address, str(ca), client_certificate, client_key, str(token))


@pytest.mark.parametrize(("command", "text"), COMMANDS)
def test_every_command_works_through_it(
    run: Run, server: SecureServer, command: list[str], text: str
) -> None:
    """With the right files a command gives the same output as in this process."""
    there = run(*command, *server.options, "--token-file", server.token, stdin=text)
    assert (there.exit_code, there.stderr) == (0, "")
    assert there.stdout == run(*command, stdin=text).stdout


@pytest.mark.parametrize(("command", "text"), COMMANDS)
def test_without_a_token(run: Run, server: SecureServer, command: list[str], text: str) -> None:
    """A command without the token is refused, in one line."""
    result = run(*command, *server.options, stdin=text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{server.address}: UNAUTHENTICATED: ")
    assert result.stderr.count("\n") == 1


def test_health_needs_no_token(run: Run, server: SecureServer) -> None:
    """The command health takes the TLS options, and no token."""
    assert run("health", *server.options).stdout == "SERVING\n"
    refused = run("health", *server.options, "--token-file", server.token)
    assert refused.exit_code == 2
    assert "No such option '--token-file'" in refused.stderr


def test_health_that_is_not_serving(run: Run, server: SecureServer) -> None:
    """The command health without the client certificate is one line and exit code 1."""
    result = run("health", *server.target, "--tls-ca", server.ca)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{server.address}: UNAVAILABLE: ")


@pytest.mark.parametrize("command", ["encode", "health"])
def test_the_server_name(run: Run, server: SecureServer, command: str) -> None:
    """The server's certificate must have the name that --tls-server-name gives."""
    token = [] if command == "health" else ["--token-file", server.token]
    options = [*server.options, *token, "--tls-server-name"]
    assert run(command, *options, "harmony.example").exit_code == 0
    assert run(command, *options, "other.example").exit_code != 0


@pytest.mark.parametrize("command", ["encode", "health"])
def test_the_system_authorities(
    run: Run,
    server: SecureServer,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without --tls-ca the other TLS options trust the system's authorities, file or folder."""
    token = [] if command == "health" else ["--token-file", server.token]
    options = [*server.target, *server.client_certificate, *token]
    assert run(command, *options).exit_code != 0
    monkeypatch.setenv("SSL_CERT_FILE", server.ca)
    assert run(command, *options).exit_code == 0
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    result = run(command, *options)
    assert (result.exit_code, result.stderr) == (
        2,
        "--tls-ca: needed: this system has no certificate authorities\n",
    )
    (tmp_path / "0a1b2c3d.0").write_bytes(Path(server.ca).read_bytes())
    assert run(command, *options).exit_code == 0


def test_a_refused_handshake(server: SecureServer) -> None:
    """A client that does not trust the server says so in one line: gRPC's own log is off."""
    done = execute("encode", *server.target, "--tls-ca", server.certificate, stdin=b"Hi")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(f"{server.address}: no server answers: ".encode())
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("command", ["render", "parse", "inspect", "encode", "decode"])
@pytest.mark.parametrize(
    "option", ["--tls-ca", "--tls-certificate", "--tls-key", "--tls-server-name", "--token-file"]
)
def test_options_without_a_target(run: Run, command: str, option: str) -> None:
    """The options of the connection make no sense in this process."""
    result = run(command, option, "x")
    assert (result.exit_code, result.stderr) == (
        2,
        f"harmony-server {command}: {option} needs --target "
        f"(see 'harmony-server {command} --help')\n",
    )


@pytest.mark.parametrize("command", ["encode", "health"])
@pytest.mark.parametrize("option", ["--tls-certificate", "--tls-key"])
def test_half_a_client_certificate(run: Run, command: str, option: str) -> None:
    """A certificate without its key, or the reverse, is a usage error."""
    result = run(command, "--target", "127.0.0.1:1", "--tls-ca", "ca.pem", option, "x")
    assert result.exit_code == 2
    assert "--tls-certificate and --tls-key need each other" in result.stderr


@pytest.mark.parametrize("command", ["encode", "health"])
def test_files_that_cannot_be_used(run: Run, server: SecureServer, command: str) -> None:
    """A missing or wrong file is one line that names it, and exit code 2."""
    ca = ["--tls-ca", server.ca]
    for options, error in [
        (["--tls-ca", "absent.pem"], "absent.pem: No such file or directory"),
        (["--tls-ca", server.key], f"{server.key}: not a PEM file of certificates"),
        (
            [*ca, "--tls-certificate", "absent.pem", "--tls-key", server.key],
            "absent.pem: No such file or directory",
        ),
        (
            [*ca, "--tls-certificate", server.ca, "--tls-key", server.key],
            f"{server.ca}, {server.key}: not a certificate and its private key",
        ),
    ]:
        result = run(command, *server.target, *options)
        assert (result.exit_code, result.stderr) == (2, f"{error}\n")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\n", b"a\x00b\n"])
def test_a_file_without_a_token(
    run: Run, server: SecureServer, tmp_path: Path, content: bytes
) -> None:
    """A file whose first line cannot be a token is one line that names it, but not its content."""
    file = tmp_path / "token"
    file.write_bytes(content)
    result = run("encode", *server.options, "--token-file", str(file), stdin="Hi")
    assert (result.exit_code, result.stderr) == (
        2,
        f"{file}: the first line is not a bearer token\n",
    )


def _options(command: click.Command) -> set[str]:
    return {parameter.opts[0] for parameter in command.params}


def test_every_option_is_documented() -> None:
    """docs/configuration.md lists the options that the commands share, and no other."""
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
    section = page.partition("## Connection options\n")[2].partition("```")[0]
    documented = re.findall(r"`(--[a-z-]+) [A-Z]+`", section)
    shared = _options(render) & _options(parse) & _options(encode)
    assert len(documented) == len(set(documented))
    assert set(documented) == shared


def test_the_variable_of_health(
    run: Run, server: SecureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HEALTH_TARGET names the server for health, and for no other command."""
    monkeypatch.setenv("HEALTH_TARGET", server.address)
    assert run("health", *server.options[2:]).stdout == "SERVING\n"
    assert run("encode", "Hi").stdout == "12194\n"
