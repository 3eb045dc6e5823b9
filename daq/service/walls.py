"""What every request passes before anything looks at it: whose host, whose page, whose token, how much, how often."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from daq.clock import wall_monotonic
from daq.service.tokens import Tokens

log = logging.getLogger(__name__)
MOST_BYTES = 2**20  # of a body
BODY_S = 10.0
PER_S, AT_ONCE = 200.0, 400.0  # requests, of all clients together
OPEN_PATHS = frozenset({"/", "/v1/openapi.json"})  # the page itself holds nothing secret
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message


class Walls:
    """ASGI, around the application. Whatever is refused is answered with one sentence and changes nothing."""

    def __init__(self, app: App, tokens: Tokens, port: int) -> None:
        self._app = app
        self._tokens = tokens
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._left, self._counted_s = AT_ONCE, wall_monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        try:
            self._check_rate()
            self._check_origin(headers)
            self._check_right(scope, headers)
            body = await _body(headers, receive)
        except Refused as refused:
            return await _answer(send, refused)
        asked = "" if scope["method"] in ("GET", "HEAD") else f"{scope['method']} {scope['path']!r}"
        await self._app(scope, _again(body, receive), _with_headers(send, asked))

    def _check_rate(self) -> None:
        now_s = wall_monotonic()
        self._left = min(AT_ONCE, self._left + (now_s - self._counted_s) * PER_S)
        self._counted_s = now_s
        if self._left < 1:
            raise Refused(429, "too many requests; ask more slowly")
        self._left -= 1

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        """A page from elsewhere can't work the bench, not even under a name that leads to this computer."""
        if headers.get("host", "") not in self._hosts:
            raise Refused(403, "this service answers only to its own address on this computer")
        if headers.get("origin", next(iter(self._origins))) not in self._origins:
            raise Refused(403, "this service answers only to its own page")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise Refused(403, "this service answers only to its own page")

    def _check_right(self, scope: Scope, headers: Mapping[str, str]) -> None:
        if scope["path"] in OPEN_PATHS and scope["method"] in ("GET", "HEAD"):
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        right = self._tokens.right_of(given.strip()) if kind.lower() == "bearer" else "none"
        if right == "none":
            raise Refused(401, "a token is needed: Authorization: Bearer, with the service's token")
        if right == "read" and scope["method"] not in ("GET", "HEAD"):
            raise Refused(403, "this token may only look")


async def _body(headers: Mapping[str, str], receive: Receive) -> bytes:
    told = headers.get("content-length", "0")
    if not told.isdigit() or int(told) > MOST_BYTES:
        raise Refused(413, f"a body of {told[:20]} bytes is too long; at most {MOST_BYTES}")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Refused(400, "the request broke off")
                body += message.get("body", b"")
                if len(body) > MOST_BYTES:
                    raise Refused(413, f"the body is too long; at most {MOST_BYTES} bytes")
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        raise Refused(408, f"the body did not come within {BODY_S:.0f} s") from None


def _again(body: bytes, receive: Receive) -> Receive:
    """The body, for the application to read once more; after it, whatever comes."""
    given = False

    async def once() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


def _with_headers(send: Send, asked: str) -> Send:
    """`asked` is what was asked to be done, told with its answer; empty for somebody who only looks."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *_HEADERS]
            if asked:
                log.info("%s: %s", asked, message["status"])
        await send(message)

    return sent


async def _answer(send: Send, refused: Refused) -> None:
    body = json.dumps({"error": {"kind": "Refused", "message": refused.message}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    if refused.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if refused.status in (408, 413):  # the rest of the body is not read
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
