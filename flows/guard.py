"""What stands before a server of this machine: who may speak to it. Bound to loopback is not enough.

Every web page that a browser on this machine shows can send requests to 127.0.0.1, under a name of its own that it lets
point there (DNS rebinding), and so can every other user of the machine. MLflow has no password without a database of
users, and lets pages of all ports of this machine in; Prefect does not look at the Host.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Any, Send], Awaitable[None]]

HEALTH = "/health"  # says that the server lives, and no more
NAMES = ("127.0.0.1", "localhost")
SIGN_IN = [(b"www-authenticate", b'Basic realm="deepfuse", charset="UTF-8"')]


@dataclass(frozen=True)
class Guard:
    """An ASGI application that lets through what was meant for this server, by who may speak to it.

    Args:
        app: the server.
        port: where it listens, on loopback.
        login: `user:password` to ask for; `None` where the server asks by itself.
    """

    app: App
    port: int
    login: str | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """Pass a request on, or refuse it before the server sees it."""
        refusal = None if scope["type"] == "lifespan" else self.refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            await _answer(send, *refusal)

    def refusal(self, scope: Mapping[str, Any]) -> tuple[int, str] | None:
        """The status and the reason to refuse a request for; `None` lets it pass."""
        headers = _headers(scope["headers"])
        hosts = [f"{name}:{self.port}" for name in NAMES]
        if (host := headers.get("host", [])) not in [[known] for known in hosts]:
            return 421, f"expected one of the hosts {', '.join(hosts)}, got {', '.join(host) or 'none'}"
        origins, own = headers.get("origin", []), [f"http://{known}" for known in hosts]
        # A page under one name that asks the other is of another site by the browser's word, and ours by its origin.
        if any(origin not in own for origin in origins) or (not origins and _from_another_page(headers)):
            return 403, "expected a request of this server's own pages, got another page's"
        if self.login is None or (scope["type"] == "http" and scope["path"] == HEALTH):
            return None
        if not any(_is(login, self.login) for login in headers.get("authorization", [])):
            return 401, "expected the user and the password of .deepfuse/services/login"
        return None


def _from_another_page(headers: Mapping[str, list[str]]) -> bool:
    """Whether a browser says that another page asks; to follow a link, in a window of its own, is allowed."""
    site, destination = headers.get("sec-fetch-site", ["none"]), headers.get("sec-fetch-dest")
    return site not in (["none"], ["same-origin"]) and destination != ["document"]


def _is(header: str, login: str) -> bool:
    scheme, _, value = header.partition(" ")
    expected = base64.b64encode(login.encode())
    return scheme.lower() == "basic" and hmac.compare_digest(value.strip().encode(), expected)


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


async def _answer(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *(SIGN_IN if status == 401 else [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode()})
