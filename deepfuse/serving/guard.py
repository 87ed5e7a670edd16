"""What stands before a server of this machine: who may speak to it. Bound to loopback is not enough.

Every web page that a browser on this machine shows can send requests to 127.0.0.1, under a name of its own that it lets
point there (DNS rebinding), and so can every other user of the machine. MLflow has no password without a database of
users, and lets pages of all ports of this machine in; Prefect does not look at the Host.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

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
        port: where it listens.
        login: `user:password` to ask for, as HTTP's basic authentication; `None` where the server asks by itself.
        token: what a program sends as a bearer's token; a page brings it in its address once, and then as a cookie.
        names: of this machine under which it may be spoken to.
    """

    app: App
    port: int
    login: str | None = None
    token: str | None = None
    names: tuple[str, ...] = NAMES

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """Pass a request on, or refuse it before the server sees it."""
        refusal = None if scope["type"] == "lifespan" else self.refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            await _answer(send, *refusal, SIGN_IN if self.login and refusal[0] == 401 else ())

    def refusal(self, scope: Mapping[str, Any]) -> tuple[int, str] | None:
        """The status and the reason to refuse a request for; `None` lets it pass."""
        headers = _headers(scope["headers"])
        hosts = [f"{name}:{self.port}" for name in self.names]
        if (host := headers.get("host", [])) not in [[known] for known in hosts]:
            return 421, f"expected one of the hosts {', '.join(hosts)}, got {', '.join(host) or 'none'}"
        origins, own = headers.get("origin", []), [f"http://{known}" for known in hosts]
        # A page under one name that asks the other is of another site by the browser's word, and ours by its origin.
        if any(origin not in own for origin in origins) or (not origins and _from_another_page(headers)):
            return 403, "expected a request of this server's own pages, got another page's"
        if (self.login is None and self.token is None) or (scope["type"] == "http" and scope["path"] == HEALTH):
            return None
        if self.token is not None and not _brings(self.token, self.port, scope, headers):
            return 401, "expected the token of the address that `deepfuse web` printed"
        if self.login is not None and not any(_is(login, self.login) for login in headers.get("authorization", [])):
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


def cookie_name(port: int) -> str:
    """Of the cookie with the token: browsers keep one jar for all ports of a machine."""
    return f"deepfuse-{port}"


def _brings(token: str, port: int, scope: Mapping[str, Any], headers: Mapping[str, list[str]]) -> bool:
    """Whether a request has the token: in its header, its cookies, or the address of the first page."""
    cookies = (pair.strip().partition("=") for line in headers.get("cookie", []) for pair in line.split(";"))
    found = [value for name, _, value in cookies if name == cookie_name(port)]
    found += [line.partition(" ")[2].strip() for line in headers.get("authorization", []) if line[:7] == "Bearer "]
    if scope.get("path") == "/":
        found += parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
    return any(hmac.compare_digest(value.encode(), token.encode()) for value in found)


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


async def _answer(send: Send, status: int, reason: str, challenge: Sequence[tuple[bytes, bytes]]) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *challenge]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode()})
