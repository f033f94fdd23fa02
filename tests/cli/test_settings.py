"""Settings from flags, the environment and files, as the command `config` prints them."""

import tomllib
from pathlib import Path

import pydantic
import pytest

from harmony_server.cli.settings_options import describe_bounds
from harmony_server.process import transport
from harmony_server.process.secret_files import SecretFiles
from harmony_server.settings import Settings
from harmony_server.settings_sources import variable

from .conftest import Run

_PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_default_settings(run: Run) -> None:
    """Settings that are not set have their defaults, and the output says so."""
    lines = run("config").stdout.splitlines()
    assert 'listen = ["127.0.0.1:50051"]  # default' in lines
    assert "# tls_certificate is unset" in lines
    assert len(lines) == len(Settings.model_fields)


def test_what_config_prints_is_a_configuration_file(run: Run, tmp_path: Path) -> None:
    """The output, used as a configuration file, gives the same settings."""
    arguments = ["--listen", "127.0.0.1:0", "--max-streams", "7", "--no-reflection"]
    printed = run("config", *arguments).stdout
    file = tmp_path / "harmony.toml"
    file.write_text(printed)
    again = run("config", "--config", str(file)).stdout
    assert tomllib.loads(again) == tomllib.loads(printed)


def test_flags_come_before_the_environment_before_a_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flags override variables, and variables override a file; each line names the source."""
    file = tmp_path / "harmony.toml"
    file.write_text("max_streams = 1\nmax_sequences = 1\nworkers = 3\n")
    monkeypatch.setenv("HARMONY_CONFIG", str(file))
    monkeypatch.setenv("HARMONY_MAX_STREAMS", "2")
    monkeypatch.setenv("HARMONY_MAX_SEQUENCES", "2")
    monkeypatch.setenv("HARMONY_LISTEN", "127.0.0.1:1, unix:///run/h.sock")
    lines = run("config", "--max-sequences", "3").stdout.splitlines()
    assert f"workers = 3  # {file}: workers" in lines
    assert "max_streams = 2  # HARMONY_MAX_STREAMS" in lines
    assert "max_sequences = 3  # --max-sequences" in lines
    assert 'listen = ["127.0.0.1:1", "unix:///run/h.sock"]  # HARMONY_LISTEN' in lines


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("HARMONY_LISTENS", "x", "HARMONY_LISTENS: no such setting"),
        ("HARMONY_LISTEN", "x", "HARMONY_LISTEN: x: must be host:port or unix:///path"),
        ("HARMONY_LISTEN", "", "HARMONY_LISTEN: "),
        ("HARMONY_WORKERS", "two", "HARMONY_WORKERS: should be a valid integer"),
        ("HARMONY_SOCKET_MODE", "rw", "HARMONY_SOCKET_MODE: "),
        ("HARMONY_TLS_KEY", "/absent.pem", "HARMONY_TLS_KEY: /absent.pem: no such file"),
        ("HARMONY_LOG_FORMAT", "xml", "HARMONY_LOG_FORMAT: should be 'console' or 'json'"),
        ("HARMONY_GRACE_SECONDS", "inf", "HARMONY_GRACE_SECONDS: should be a finite number"),
        ("HARMONY_METRICS_LISTEN", "unix:///x", "HARMONY_METRICS_LISTEN: unix:///x: must be"),
        ("HARMONY_CONFIG", "/absent.toml", "/absent.toml: No such file or directory"),
    ],
)
def test_a_wrong_variable(
    run: Run, monkeypatch: pytest.MonkeyPatch, key: str, value: str, problem: str
) -> None:
    """An unknown or invalid variable gives exit code 2 and one line that names it."""
    monkeypatch.setenv(key, value)
    result = run("config")
    assert result.exit_code == 2
    assert result.stderr.startswith(problem)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("max_stream = 1", "max_stream: no such setting"),
        ("max_streams = 0", "max_streams: should be greater than or equal to 1"),
        ("max_streams =", "Invalid value (at end of document)"),
        ("[limits]\nmax_streams = 1", "limits: no such setting"),
    ],
)
def test_a_wrong_file(run: Run, tmp_path: Path, text: str, problem: str) -> None:
    """An error in a file gives exit code 2 and one line that names the file."""
    file = tmp_path / "harmony.toml"
    file.write_text(text)
    result = run("config", "--config", str(file))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"{file}: {problem}")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["--tls-certificate", "FILE"],
            "--tls-certificate: tls_certificate and tls_key must be set together",
        ),
        (
            ["--tls-client-ca", "FILE"],
            "--tls-client-ca: tls_client_ca needs tls_certificate and tls_key",
        ),
        (
            ["--tls-certificate", "FILE", "--tls-key", "FILE", "--allow-plaintext"],
            "--allow-plaintext, --tls-certificate: allow_plaintext contradicts tls_certificate",
        ),
        (
            ["--listen", "127.0.0.1:1", "--listen", "127.0.0.1:1"],
            "--listen: listen contains an address twice",
        ),
    ],
)
def test_settings_that_contradict(
    run: Run, tmp_path: Path, arguments: list[str], problem: str
) -> None:
    """Settings that are valid each, but not together, are an error that names all their sources."""
    file = tmp_path / "some.pem"
    file.touch()
    result = run("config", *(str(file) if word == "FILE" else word for word in arguments))
    assert (result.exit_code, result.stderr) == (2, f"{problem}\n")


def test_contradictory_settings_from_different_sources(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable of one and the file of the other."""
    pem = tmp_path / "some.pem"
    pem.touch()
    file = tmp_path / "harmony.toml"
    file.write_text(f"tls_certificate = '{pem}'\ntls_key = '{pem}'\n")
    monkeypatch.setenv("HARMONY_ALLOW_PLAINTEXT", "true")
    result = run("config", "--config", str(file))
    sources = f"HARMONY_ALLOW_PLAINTEXT, {file}: tls_certificate"
    assert (result.exit_code, result.stderr) == (
        2,
        f"{sources}: allow_plaintext contradicts tls_certificate\n",
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1", "example.org"])
def test_plaintext_that_others_can_reach_must_be_asked_for(run: Run, host: str) -> None:
    """Plaintext on an address that other machines can reach needs --allow-plaintext."""
    refused = run("config", "--listen", f"{host}:1")
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"--listen: {host}:1 can be reached from other machines: ")
    assert run("config", "--listen", f"{host}:1", "--allow-plaintext").exit_code == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "[::1]", "localhost"])
def test_plaintext_on_loopback(run: Run, host: str) -> None:
    """Plaintext on loopback does not need --allow-plaintext."""
    assert run("config", "--listen", f"{host}:1").exit_code == 0


@pytest.mark.parametrize("name", ["HARMONY", "HARMONY_SIDECAR"])
def test_the_variables_of_a_kubernetes_service(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Variables that Kubernetes sets for a service of that name are ignored."""
    for suffix in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_GRPC", "PORT"):
        monkeypatch.setenv(f"{name}_{suffix}", "1")
    for suffix in ("", "_PROTO", "_PORT", "_ADDR"):
        monkeypatch.setenv(f"{name}_PORT_50051_TCP{suffix}", "1")
    assert run("config").exit_code == 0


def test_every_setting_is_documented() -> None:
    """docs/configuration.md lists each setting with its default, bounds and description."""
    rows = [line for line in _PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    expected = [
        f"| `{name}` | {_default(field.default)} | {describe_bounds(field) or '–'} "
        f"| {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    assert rows == expected


@pytest.mark.parametrize("name", ["workers", "max_request_bytes", "grace_seconds"])
def test_bounds_are_those_that_are_enforced(name: str) -> None:
    """Both bounds of a setting are accepted, and one beyond either is not."""
    bounds = describe_bounds(Settings.model_fields[name])
    assert bounds is not None
    least, most = (int(number.replace(",", "")) for number in bounds.split(" to "))
    for value in (least, most):
        Settings.model_validate({name: value})
    for value in (least - 1, most + 1):
        with pytest.raises(pydantic.ValidationError):
            Settings.model_validate({name: value})


def test_help_has_the_bounds_of_every_number(run: Run) -> None:
    """`--help` prints the bounds of each numeric setting."""
    printed = " ".join(run("config", "--help").stdout.split())
    described = {name: describe_bounds(field) for name, field in Settings.model_fields.items()}
    for name, bounds in described.items():
        option = printed.partition(f"[{variable(name)}")[2].partition("]")[0]
        assert bounds is None or option.endswith(f"; {bounds}"), name


def _default(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        value = ",".join(value)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("max_streams = true", "max_streams: should be a number"),
        ("drain_seconds = false", "drain_seconds: should be a number"),
        ("max_streams = '7'", "max_streams: should be a number"),
        ("allow_plaintext = 'yes'", "allow_plaintext: should be true or false"),
        ("reflection = 1", "reflection: should be true or false"),
    ],
)
def test_values_of_the_wrong_kind_in_a_file(
    run: Run, tmp_path: Path, text: str, problem: str
) -> None:
    """TOML has kinds of values: text or a truth value is no number."""
    file = tmp_path / "harmony.toml"
    file.write_text(text)
    result = run("config", "--config", str(file))
    assert (result.exit_code, result.stderr) == (2, f"{file}: {problem}\n")


@pytest.mark.parametrize("bound", ["minimum", "maximum"])
async def test_a_server_can_be_created_at_every_bound(bound: str) -> None:
    """GRPC takes the options of every setting's smallest and largest value."""
    schemas = Settings.model_json_schema()["properties"]
    values = {name: schema[bound] for name, schema in schemas.items() if bound in schema}
    assert len(values) > 10
    settings = Settings.model_validate(values)
    server = transport.create(settings, SecretFiles(None, None), [], shares_ports=False)
    assert server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await server.stop(None)
