"""The features of a server in production, each as a configuration, to measure their cost."""

import contextlib
import secrets
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from devtools.certificates import Authority
from devtools.server_process import listens_on, module_command

from .servers import Configuration, ServerProcess

# Metrics are usually read and exported one to four times a minute.
METRICS_SECONDS = 1.0
_STOP_SECONDS = 10.0


class Features:
    """One configuration per feature.

    Attributes:
        tls: TLS, with a certificate from a new authority.
        tokens: Bearer tokens.
        metrics: Metrics for Prometheus.
        tracing: OpenTelemetry: metrics, and traces of one RPC in a hundred.
        logs: JSON logs at level info, in a file.
        all_logs: JSON logs with a line for each RPC.

    Args:
        folder: The folder for certificate, key, tokens and log.
        collector: The address that traces and metrics are exported to.
    """

    def __init__(self, folder: Path, collector: str) -> None:
        authority = Authority()
        certificate, key = authority.issue().write(folder, "server")
        token_file = folder / "tokens"
        token = secrets.token_urlsafe(32)
        token_file.write_text(f"{secrets.token_urlsafe(32)}\n{token}\n")
        self.tls = Configuration(
            ("--tls-certificate", certificate, "--tls-key", key),
            root_certificates=authority.certificate,
        )
        self.tokens = Configuration(
            ("--auth-token-file", str(token_file)),
            metadata=(("authorization", f"Bearer {token}"),),
        )
        self.metrics = Configuration(("--metrics-listen", "127.0.0.1:0"))
        self.tracing = Configuration(
            ("--opentelemetry",),
            variables={
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector}",
                "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": "0.01",
                "OTEL_METRIC_EXPORT_INTERVAL": f"{METRICS_SECONDS * 1000:.0f}",
            },
        )
        self.logs = Configuration(("--log-format", "json"), log=folder / "log")
        self.all_logs = self.logs | Configuration(("--log-level", "debug"))

    @property
    def everything(self) -> Configuration:
        """All features together, logging at level info."""
        return self.tls | self.tokens | self.metrics | self.tracing | self.logs


@contextlib.contextmanager
def features() -> Iterator[Features]:
    """Writes the features' files, and runs the collector until the block ends.

    Raises:
        RuntimeError: The collector received no span, so tracing was not measured.
    """
    command = module_command("bench.collector")
    with (
        tempfile.TemporaryDirectory(prefix="harmony-bench-") as folder,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as collector,
    ):
        yield Features(Path(folder), listens_on(collector))
        spans, _ = collector.communicate(timeout=_STOP_SECONDS)
        if spans.startswith("0 "):
            raise RuntimeError("no span was exported")


@contextlib.contextmanager
def scraped(server: ServerProcess) -> Iterator[None]:
    """Scrapes the server's metrics, if it has any, until the block ends."""
    if server.metrics is None:
        yield
        return
    url = f"http://{server.metrics}/metrics"
    stop = threading.Event()

    def scrape() -> None:
        while not stop.wait(METRICS_SECONDS):
            with urllib.request.urlopen(url) as answer:
                answer.read()

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
