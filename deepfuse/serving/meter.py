"""What a server counts, as text that Prometheus reads, where `DEEPFUSE_METRICS_PORT` names a port for it.

MLflow's server has no place for a page of a model's own, so it is on a port of its own, of this machine alone.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deepfuse.errors import DeepfuseError
from deepfuse.job.record import UsedModel
from deepfuse.monitoring.records import Row

VARIABLE = "DEEPFUSE_METRICS_PORT"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text format
HELP = {
    "deepfuse_model_info": ("gauge", "The model that is served."),
    "deepfuse_brackets_total": ("counter", "Brackets that were fused, and requests that were refused."),
    "deepfuse_warned_total": ("counter", "Pictures with a warning."),
    "deepfuse_megapixels_total": ("counter", "Megapixels of pictures."),
    "deepfuse_seconds": ("summary", "Seconds that a picture took."),
    "deepfuse_measure": ("summary", "Measures of pictures at most 512 pixels wide, without truth."),
}
_log = logging.getLogger(__name__)


class Meter:
    """Counts rows; several threads may."""

    def __init__(self, model: UsedModel) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._sums: Counter[str] = Counter({_brackets(status): 0 for status in ("done", "refused")})

    def count(self, row: Row) -> None:
        """Add a picture or a refusal."""
        added: dict[str, float] = {_brackets(row.status): 1}
        if row.status == "done":
            added |= {"deepfuse_warned_total": row.warnings > 0}
            added |= {"deepfuse_megapixels_total": row.width_px * row.height_px / 1e6}
            added |= {"deepfuse_seconds_sum": row.seconds or 0, "deepfuse_seconds_count": 1}
            for name, value in row.measures.items():
                added |= {
                    f'deepfuse_measure_sum{{name="{name}"}}': value,
                    f'deepfuse_measure_count{{name="{name}"}}': 1,
                }
        with self._lock:
            self._sums.update(added)

    def text(self) -> str:
        """All of it in Prometheus' text format."""
        with self._lock:
            sums = dict(self._sums)
        labels = f'model="{_escaped(self._model.name)}",sha256="{self._model.sha256}"'
        samples = {f"deepfuse_model_info{{{labels}}}": 1.0, **sums}
        lines = []
        for family, (kind, said) in HELP.items():
            lines += [f"# HELP {family} {said}", f"# TYPE {family} {kind}"]
            names = {family} if kind != "summary" else {f"{family}_sum", f"{family}_count"}
            lines += [
                f"{name} {float(value)!r}" for name, value in sorted(samples.items()) if name.partition("{")[0] in names
            ]
        return "\n".join(lines) + "\n"


def started_meter(model: UsedModel) -> Meter | None:
    """A meter that answers `http://127.0.0.1:PORT/metrics`, where the environment names a port; else `None`.

    Another process of the same server that has the port leaves this one without a meter, with a line in the log.

    Raises:
        DeepfuseError: what it names is no port.
    """
    port = os.environ.get(VARIABLE)
    if not port:
        return None
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise DeepfuseError(f"{VARIABLE}: expected a port, got '{port}'")
    meter = Meter(model)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", int(port)), _handler(meter))
    except OSError as error:
        _log.warning("port %s of %s cannot be had, nothing is counted: %s", port, VARIABLE, error.strerror)
        return None
    threading.Thread(target=server.serve_forever, daemon=True, name="metrics").start()
    return meter


def _handler(meter: Meter) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds for a client that says nothing

        def do_GET(self) -> None:  # as http.server calls it
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = meter.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A scrape is no news."""

    return Handler


def _brackets(status: str) -> str:
    return f'deepfuse_brackets_total{{status="{status}"}}'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
