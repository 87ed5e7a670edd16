"""Serves the page on this machine, and on its network only if asked to."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from typing import Any

import psutil

from deepfuse.errors import DeepfuseError
from deepfuse.serving.guard import NAMES, Guard
from deepfuse.web.app import create_app
from deepfuse.web.studio import Studio

LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"
TOKEN = "DEEPFUSE_WEB_TOKEN"
END_S = 5  # for answers under way when the server ends


def serve(studio: Studio, *, port: int, network: bool, say: Callable[[list[str]], None]) -> None:
    """Serve until interrupted.

    Args:
        studio: what is open.
        port: where to listen; 0 for one that is free.
        network: whether other machines of the network may speak to it.
        say: is told the addresses to open, each with the token that lets in.

    Raises:
        DeepfuseError: the port is taken.
    """
    import uvicorn

    listening = _listen(EVERYWHERE if network else LOOPBACK, port)
    port = listening.getsockname()[1]
    names = (*NAMES, *(_addresses() if network else ()))
    token = os.environ.get(TOKEN) or secrets.token_urlsafe(24)
    app = create_app(studio, port)
    guard = Guard(app, port, token=token, names=names)
    config = uvicorn.Config(_with(guard), log_level="warning", server_header=False, timeout_graceful_shutdown=END_S)
    server = uvicorn.Server(config)
    app.state.ending = lambda: server.should_exit
    say([f"http://{name}:{port}/?token={token}" for name in names if name != "localhost"])
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()


def _with(guard: Guard) -> Any:
    """The guard as a function, which is what tells the server that it is an application of this version of ASGI."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await guard(scope, receive, send)

    return app


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)  # who opens the address before the server is there waits for it
    except OSError as error:
        listening.close()
        raise DeepfuseError(f"port {port}: cannot be listened to: {error.strerror}; --port names another") from error
    return listening


def _addresses() -> tuple[str, ...]:
    """Of this machine in its networks."""
    found = (one for ones in psutil.net_if_addrs().values() for one in ones if one.family == socket.AF_INET)
    return tuple(one.address for one in found if not one.address.startswith("127."))
