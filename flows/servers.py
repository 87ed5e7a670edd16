"""`python -m flows.servers prefect|mlflow --port PORT`: a server of this machine, behind its guard."""

from __future__ import annotations

import argparse

from deepfuse.serving.guard import App, Guard
from flows.background import HOST
from flows.login import read_login


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m flows.servers", description=__doc__)
    parser.add_argument("name", choices=APPS)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    import uvicorn

    app = APPS[arguments.name](arguments.port)
    uvicorn.run(app, host=HOST, port=arguments.port, log_level="warning", server_header=False)


def _prefect(port: int) -> App:
    """Prefect asks for the password itself: its page, which anybody may load, has a form for it."""
    from prefect.server.api.server import create_app

    return Guard(create_app(final=True), port)


def _mlflow(port: int) -> App:
    from deepfuse.registry.server import server_app

    return Guard(server_app(), port, read_login())


APPS = {"prefect": _prefect, "mlflow": _mlflow}

if __name__ == "__main__":
    main()
