"""Who may speak to a server: what a browser or a program sends, and what comes of it."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from deepfuse.serving.guard import Guard

LOGIN = "deepfuse:secret"
OWN = {"host": "127.0.0.1:5000"}


def basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def ask(
    headers: dict[str, str],
    path: str = "/api",
    kind: str = "http",
    login: str | None = LOGIN,
    token: str | None = None,
    query: str = "",
) -> Any:
    """The status of the answer, or the type of the first message."""
    sent: list[Any] = []

    async def server(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    pairs = [(n.encode(), v.encode()) for n, v in headers.items()]
    scope = {"type": kind, "path": path, "query_string": query.encode(), "headers": pairs}
    asyncio.run(Guard(server, 5000, login, token)(scope, None, send))
    return sent[0].get("status", sent[0]["type"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:5000"}, 200),
        ({"host": "rebound.example:5000"}, 421),
        ({"host": "127.0.0.1:5001"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"host": "127.0.0.1:5000.example.org"}, 421),
        ({"origin": "http://127.0.0.1:5000"}, 200),
        ({"origin": "https://example.org"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec-fetch-site": "same-origin", "sec-fetch-dest": "empty"}, 200),
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}, 200),
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-dest": "image"}, 403),
        ({"origin": "http://localhost:5000", "sec-fetch-site": "cross-site", "sec-fetch-dest": "empty"}, 200),
        ({"origin": "https://example.org", "sec-fetch-site": "same-origin", "sec-fetch-dest": "empty"}, 403),
        ({"authorization": basic("deepfuse:other")}, 401),
        ({"authorization": basic("deepfuse:secret ")}, 401),
        ({"authorization": "Bearer secret"}, 401),
        ({"authorization": "Basic é"}, 401),
        ({"authorization": ""}, 401),
    ],
)
def test_only_what_is_meant_for_the_server_reaches_it(headers: dict[str, str], status: int) -> None:
    assert ask({**OWN, "authorization": basic(LOGIN), **headers}) == status


def test_who_has_no_password_gets_the_health_alone() -> None:
    assert ask(OWN) == 401
    assert ask(OWN, path="/health") == 200
    assert ask(OWN, path="/health/") == 401
    assert ask({"host": "rebound.example"}, path="/health") == 421
    assert ask({}) == 421
    assert ask(OWN, login=None) == 200


def test_a_socket_is_guarded_too() -> None:
    assert ask({**OWN, "origin": "https://example.org"}, kind="websocket") == "websocket.close"
    assert ask(OWN, path="/health", kind="websocket") == "websocket.close"
    assert ask({**OWN, "authorization": basic(LOGIN)}, kind="websocket") == 200


def test_the_answer_asks_a_browser_for_the_password() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/", "headers": [(b"host", b"127.0.0.1:5000")]}
    asyncio.run(Guard(pytest.fail, 5000, LOGIN)(scope, None, send))
    assert any(name == b"www-authenticate" for name, _ in sent[0]["headers"])
    assert LOGIN not in str(sent)


@pytest.mark.parametrize(
    ("headers", "path", "query", "status"),
    [
        ({}, "/api", "", 401),
        ({}, "/", "token=secret", 200),
        ({}, "/", "token=other", 401),
        ({}, "/api", "token=secret", 401),  # an address in a log lets nobody in but to the first page
        ({"cookie": "a=b; deepfuse-5000=secret"}, "/api", "", 200),
        ({"cookie": "deepfuse-5001=secret"}, "/api", "", 401),
        ({"authorization": "Bearer secret"}, "/api", "", 200),
        ({"authorization": "Bearer "}, "/api", "", 401),
        ({"authorization": "Basic secret"}, "/api", "", 401),
        ({"cookie": "deepfuse-5000=secret", "origin": "https://example.org"}, "/api", "", 403),
        ({"cookie": "deepfuse-5000=secret", "host": "rebound.example:5000"}, "/api", "", 421),
        ({}, "/health", "", 200),
    ],
)
def test_a_page_is_let_in_by_its_token(headers: dict[str, str], path: str, query: str, status: int) -> None:
    assert ask({**OWN, **headers}, path=path, login=None, token="secret", query=query) == status
