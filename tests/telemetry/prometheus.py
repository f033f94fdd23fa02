"""A real Prometheus, as Debian packages it."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.tools import tool
from tests.support.waiting import eventually

_TIMEOUT_SECONDS = 30.0
_LISTENING = re.compile(r'msg="Listening on" address=(\S+)')
_READY = "Server is ready to receive web requests"


class QueryError(Exception):
    """Prometheus refused a query; the message says why."""


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus.

    Attributes:
        address: The address of its API.
    """

    address: str

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Returns the labels and the current value of each series of an expression.

        Raises:
            QueryError: The expression cannot be evaluated.
        """
        result = self.get("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def get(self, path: str, **parameters: str) -> Any:
        """Returns the API's answer.

        Raises:
            QueryError: The API answers with an error.
        """
        arguments = urllib.parse.urlencode(parameters)
        url = f"http://{self.address}/api/v1/{path}?{arguments}"
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise QueryError(f"{path} {arguments}: {json.load(error)['error']}") from None


@contextlib.contextmanager
def running_prometheus(configuration: Mapping[str, Any]) -> Iterator[Prometheus]:
    """Runs Prometheus on a free port, with its data in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="harmony-prometheus-") as folder:
        file = Path(folder) / "prometheus.yml"
        file.write_text(yaml.safe_dump(dict(configuration)), encoding="utf-8")
        command = [
            tool("prometheus"),
            f"--config.file={file}",
            f"--storage.tsdb.path={folder}/data",
            "--web.listen-address=127.0.0.1:0",
        ]
        log = Path(folder) / "log"
        with (
            log.open("w", encoding="utf-8") as errors,
            subprocess.Popen(command, stderr=errors) as process,
        ):
            try:
                eventually(lambda: _READY in log.read_text("utf-8") or process.poll() is not None)
                listening = _LISTENING.search(log.read_text("utf-8"))
                assert listening, log.read_text("utf-8")
                yield Prometheus(listening[1])
            finally:
                process.terminate()
                process.wait(_TIMEOUT_SECONDS)
