"""What a server counts, for Prometheus, where `DEEPFUSE_METRICS_PORT` names a port for it.

MLflow's server has no place for a page of a model's own, so it is on a port of its own, of this machine alone.
"""

from __future__ import annotations

import logging
import os
import threading
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

from deepfuse.errors import DeepfuseError, NotInstalledError
from deepfuse.job.record import UsedModel
from deepfuse.monitoring.records import Row

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

VARIABLE = "DEEPFUSE_METRICS_PORT"
CLIENT_S = 10  # for one that says nothing
_log = logging.getLogger(__name__)


class Meter:
    """Counts rows; several threads may. `registry` has what it counts."""

    def __init__(self, model: UsedModel) -> None:
        from prometheus_client import CollectorRegistry, Counter, Info, Summary

        self.registry = registry = CollectorRegistry()  # the default one is the whole process's
        served = Info("deepfuse_model", "The model that is served.", registry=registry)
        served.info({"model": model.name, "sha256": model.sha256})
        counted = "Brackets that were fused, and requests that were refused."
        self._brackets = Counter("deepfuse_brackets", counted, ["status"], registry=registry)
        self._warned = Counter("deepfuse_warned", "Pictures with a warning.", registry=registry)
        self._megapixels = Counter("deepfuse_megapixels", "Megapixels of pictures.", registry=registry)
        self._seconds = Summary("deepfuse_seconds", "Seconds that a picture took.", registry=registry)
        measured = "Measures of pictures at most 512 pixels wide, without truth."
        self._measures = Summary("deepfuse_measure", measured, ["name"], registry=registry)
        for status in ("done", "refused"):
            self._brackets.labels(status)  # shown from the start, at 0

    def count(self, row: Row) -> None:
        """Add a picture or a refusal."""
        self._brackets.labels(row.status).inc()
        if row.status != "done":
            return
        self._warned.inc(row.warnings > 0)
        self._megapixels.inc(row.width_px * row.height_px / 1e6)
        self._seconds.observe(row.seconds or 0)
        for name, value in row.measures.items():
            self._measures.labels(name).observe(value)


def started_meter(model: UsedModel) -> Meter | None:
    """A meter that answers `http://127.0.0.1:PORT/metrics`, where the environment names a port; else `None`.

    Another process of the same server that has the port leaves this one without a meter, with a line in the log.

    Raises:
        DeepfuseError: what it names is no port.
        NotInstalledError: Prometheus' client comes with the loop alone.
    """
    port = os.environ.get(VARIABLE)
    if not port:
        return None
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise DeepfuseError(f"{VARIABLE}: expected a port, got '{port}'")
    try:
        meter = Meter(model)
    except ModuleNotFoundError as error:
        install = "expected prometheus-client to be installed, got none: pip install 'deepfuse[loop]'"
        raise NotInstalledError(f"{VARIABLE}: {install}") from error
    try:
        server = _server(meter.registry, int(port))
    except OSError as error:
        _log.warning("port %s of %s cannot be had, nothing is counted: %s", port, VARIABLE, error.strerror)
        return None
    threading.Thread(target=server.serve_forever, daemon=True, name="metrics").start()
    return meter


def _server(registry: CollectorRegistry, port: int) -> ThreadingHTTPServer:
    """As `prometheus_client.start_http_server`, but at one path, and no client can hold a thread for ever."""
    from prometheus_client import MetricsHandler

    class Handler(MetricsHandler):
        timeout = CLIENT_S

        def do_GET(self) -> None:  # noqa: N802 # as http.server calls it
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            super().do_GET()

    Handler.registry = registry
    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
