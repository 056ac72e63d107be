"""What stands between the page and everybody else: no answer without the secret of its address.

A page on this machine can be reached by any program and by any page that the same browser shows.  Every request, of
pages, files and sockets, therefore has to name this machine as its host (against names that somebody else makes point
here), to come from this page, and to carry the secret.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from secrets import compare_digest
from typing import Any
from urllib.parse import parse_qsl

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN_PARAMETER = "token"  # noqa: S105 - the name of it
COOKIE_NAME = "kapitza"
MAX_BODY_BYTES = 2**31  # of a request, such as a file that is dropped
_MAX_HEADER_BYTES = 2**16  # of all headers of a request
_HOST_NAMES = ("127.0.0.1", "localhost")
_METHODS = ("GET", "HEAD", "POST")
_POLICY_VIOLATION = 1008  # of a socket that is closed
_FOREIGN_HEADERS = b"access-control-"  # of an answer, which invite other origins
_CONTENT_POLICY = (
    b"default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SECURITY_HEADERS = (
    (b"content-security-policy", _CONTENT_POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """An ASGI application around another that lets through only what comes from the user of this page.

    The first visit ``/?token=...`` gets the token, the secret of the address, as a cookie.  The port of the server is
    in the name of the cookie, since cookies do not tell ports apart.
    """

    def __init__(self, app: Application, token: str, port: int = 0, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self.app = app
        self._token = token
        self._cookie = f"{COOKIE_NAME}-{port}"
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = _Headers(scope)
        fault = self._fault(scope, headers)
        if scope["type"] == "websocket" and fault:  # closed before it is open: the client sees 403
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        elif scope["type"] == "websocket":
            await self._pass_on(scope, receive, send)
        elif fault:
            await _answer(send, fault)
        elif self._is_first_visit(scope):
            # leave the secret in a cookie that no script can read, and take it out of the address
            cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            await _answer(send, HTTPStatus.SEE_OTHER, ((b"location", b"/"), (b"set-cookie", cookie.encode())))
        else:
            await self._pass_on(scope, _limit(receive, self._max_body_bytes), send)

    def _fault(self, scope: Scope, headers: _Headers) -> HTTPStatus | None:
        """Why a request is refused; None where it is not."""
        if headers.size > _MAX_HEADER_BYTES or headers.malformed:
            return HTTPStatus.BAD_REQUEST
        if not headers.host_is_local:
            return HTTPStatus.MISDIRECTED_REQUEST
        if headers.is_foreign:
            return HTTPStatus.FORBIDDEN
        first_visit = scope["type"] == "http" and self._is_first_visit(scope)
        if not first_visit and not self._knows(headers.cookie(self._cookie)):
            return HTTPStatus.FORBIDDEN
        if scope["type"] == "http" and scope["method"] not in _METHODS:
            return HTTPStatus.METHOD_NOT_ALLOWED
        if int((headers.values(b"content-length") or ["0"])[0][:20]) > self._max_body_bytes:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return None

    def _is_first_visit(self, scope: Scope) -> bool:
        query = scope.get("query_string", b"").decode("latin-1")
        given = [value for name, value in parse_qsl(query) if name == TOKEN_PARAMETER]
        return scope.get("path") == "/" and scope["method"] == "GET" and any(map(self._knows, given))

    def _knows(self, given: str) -> bool:
        return compare_digest(given.encode("utf-8", "surrogateescape"), self._token.encode())

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer; what it raises becomes a short answer and one line on the error stream."""
        started: list[bool] = []

        async def send_guarded(message: Message) -> None:
            started.append(True)
            if message["type"] == "http.response.start":
                kept = [x for x in message.get("headers", ()) if not bytes(x[0]).lower().startswith(_FOREIGN_HEADERS)]
                message = {**message, "headers": [*kept, *_SECURITY_HEADERS]}
            await send(message)

        try:
            await self.app(scope, receive, send_guarded)
        except _BodyTooLargeError:
            if not started:
                await _answer(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except Exception as err:  # noqa: BLE001 - a fault of the application must not reach the terminal as a traceback
            print(f"kapitza explore: {type(err).__name__}: {' '.join(str(err).split()):.300}", file=sys.stderr)  # noqa: T201
            if not started and scope["type"] == "http":
                await _answer(send, HTTPStatus.INTERNAL_SERVER_ERROR)


class _BodyTooLargeError(Exception):
    """A request sends more than it may."""


class _Headers:
    """Headers of a request, as far as they say who asks."""

    def __init__(self, scope: Scope) -> None:
        self._all: list[tuple[bytes, bytes]] = list(scope.get("headers", ()))
        self.size = sum(len(name) + len(value) for name, value in self._all)

    def values(self, wanted: bytes) -> list[str]:
        """Values of all headers of a name."""
        return [value.decode("latin-1").strip() for name, value in self._all if name.lower() == wanted]

    @property
    def malformed(self) -> bool:
        """Whether what may be there once is there more often, or is no number."""
        lengths = self.values(b"content-length")
        single = all(len(self.values(name)) <= 1 for name in (b"host", b"origin"))
        return not single or len(lengths) > 1 or any(not one.isdecimal() or not one.isascii() for one in lengths)

    @property
    def host_is_local(self) -> bool:
        """Whether the request names this machine; its port may be another, that of a tunnel."""
        hosts = self.values(b"host")
        name, colon, port = hosts[0].partition(":") if hosts else ("", "", "")
        return name.lower() in _HOST_NAMES and (port.isdecimal() if colon else True)

    @property
    def is_foreign(self) -> bool:
        """Whether a page of another origin asks; a browser says so in every request that could do harm."""
        own = f"http://{self.values(b'host')[0]}".lower()
        site, mode = (self.values(name) for name in (b"sec-fetch-site", b"sec-fetch-mode"))
        elsewhere = bool(site) and site[0] not in ("same-origin", "none") and mode != ["navigate"]
        return elsewhere or any(one.lower() != own for one in self.values(b"origin"))

    def cookie(self, wanted: str) -> str:
        """Value of a cookie; empty without it."""
        pairs = (part.strip().partition("=") for line in self.values(b"cookie") for part in line.split(";"))
        return next((value for name, _, value in pairs if name == wanted), "")


def _limit(receive: Receive, most: int) -> Receive:
    received = [0]

    async def receive_limited() -> Message:
        message = await receive()
        received[0] += len(message.get("body", b""))
        if received[0] > most:
            raise _BodyTooLargeError
        return message

    return receive_limited


async def _answer(send: Send, status: HTTPStatus, more: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    """Send a status and its name, nothing else."""
    body = f"{status.value} {status.phrase}\n".encode()
    plain = ((b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()))
    store = ((b"cache-control", b"no-store"),)
    headers = [*plain, *store, *more, *_SECURITY_HEADERS]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
