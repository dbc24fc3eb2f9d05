"""The page over HTTP: its files, its panels as JSON and CSV, and one message for each commit of the store.

Reads the store, and writes nothing. Everything that is served comes from here: no request goes to another host.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sf_police.errors import SfPoliceError, UsageError
from sf_police.page.assets import Assets
from sf_police.page.cache import PanelCache
from sf_police.page.describe import described
from sf_police.page.over_time import Choice
from sf_police.page.panels import PANELS
from sf_police.page.summary import BEGINNING, END_OF_TIME
from sf_police.page.watch import Snapshot, Watcher
from sf_police.question import Question
from sf_police.view.terminal import to_csv, to_json

_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    b"content-security-policy": _POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
}
# So that what is between the server and the page does not end the connection, and a page knows that it is up to date.
_SECONDS_BETWEEN_SIGNS: Final = 15.0
_LONGEST_TEXT: Final = 2_000


class Guard:
    """Refuses foreign Host headers, which a page elsewhere could send (DNS rebinding), and adds the headers."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS.items()]
            await send(message)

        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] if ":" in host else host
        if self._hosts and name not in self._hosts:
            refusal = PlainTextResponse("this host is not served: open the address that the dashboard printed\n", 421)
            await refusal(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)


class Page:
    """The page's routes."""

    def __init__(self, watcher: Watcher, question: Question, assets: Assets) -> None:
        self._watcher, self._question, self._assets = watcher, question, assets
        self._cache = PanelCache()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._is_over = False

    def app(self, hosts: tuple[str, ...]) -> Starlette:
        """Return the application; `hosts` are the names that may be asked for, all if there is none."""
        routes = [
            Route("/", self.index),
            Route("/assets/{name}", self.asset),
            Route("/data/state.json", self.state),
            Route("/data/{panel}.{form}", self.panel),
            Route("/events", self.events),
        ]
        middleware = [Middleware(Guard, hosts=hosts), Middleware(GZipMiddleware, minimum_size=1_000)]
        return Starlette(routes=routes, middleware=middleware, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:  # noqa: ARG002 # Starlette's
        self._loop = asyncio.get_running_loop()
        yield

    def wake(self) -> None:
        """Tell everyone who looks on that there is a new snapshot; from any thread."""
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def end(self) -> None:
        """End the connections of those who look on, so that the server can end."""
        self._is_over = True
        self.wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def index(self, request: Request) -> Response:  # noqa: ARG002 # Starlette's
        """Return the page."""
        return Response(self._assets.read("index.html"), media_type="text/html", headers={"cache-control": "no-cache"})

    def asset(self, request: Request) -> Response:
        """Return one of the page's files."""
        name = request.path_params["name"]
        if name not in self._assets.names:
            raise HTTPException(404, "no such file")
        media = {"js": "text/javascript", "css": "text/css", "json": "application/json", "svg": "image/svg+xml"}
        content, tag = self._assets.read(name), self._assets.tag(name)
        headers = {"cache-control": "no-cache", "etag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media[name.rpartition(".")[2]], headers=headers)

    def state(self, request: Request) -> Response:  # noqa: ARG002 # Starlette's
        """Return the state of things."""
        return self._json(described(self._watcher.snapshot, self._question))

    def panel(self, request: Request) -> Response:
        """Return a panel's rows as JSON or CSV."""
        panel, form = request.path_params["panel"], request.path_params["form"]
        if panel not in PANELS or form not in ("json", "csv"):
            raise HTTPException(404, f"no such panel: it is one of {', '.join(PANELS)}, as .json or .csv")
        snapshot = self._watcher.snapshot
        try:
            found = self._cache.read(snapshot, panel, choice_of(request.query_params, snapshot))
        except SfPoliceError as error:
            return PlainTextResponse(f"{error}\n", 503)
        headers = {"cache-control": "no-cache"}
        if form == "csv":
            headers["content-disposition"] = f'attachment; filename="{panel}.csv"'
            return Response(to_csv(found.rows), media_type="text/csv", headers=headers)
        return self._json({"is_newest": found.version == snapshot.version, "rows": found.rows}, headers)

    @staticmethod
    def _json(document: object, headers: Mapping[str, str] | None = None) -> Response:
        return Response(to_json(document, indent=None), media_type="application/json", headers=headers)

    async def events(self, request: Request) -> Response:  # noqa: ARG002 # Starlette's
        """Send the state of things, now and after every change; whoever was away gets the newest."""
        return StreamingResponse(
            self._messages(), media_type="text/event-stream", headers={"cache-control": "no-cache"}
        )

    async def _messages(self) -> AsyncIterator[str]:
        seen = -1
        while not self._is_over:
            changed, snapshot = self._changed, self._watcher.snapshot
            if snapshot.version != seen:
                seen = snapshot.version
                yield f"data: {to_json(described(snapshot, self._question), indent=None)}\n\n"
                continue
            try:
                await asyncio.wait_for(changed.wait(), _SECONDS_BETWEEN_SIGNS)
            except TimeoutError:
                yield ": nothing new\n\n"


def choice_of(given: Mapping[str, str], snapshot: Snapshot) -> Choice:
    """Return the choice that an address names, cut to what there is. Raises HTTPException for what is no choice."""
    length = timedelta(seconds=snapshot.length_s or 0)
    first, last = snapshot.first or BEGINNING, snapshot.last or BEGINNING
    since, until = _time(given, "from") or first, _time(given, "to") or END_OF_TIME
    # To what there is, so that a long span is known as one; and every address of the same view is one query.
    since, until = max(since, first), min(until, last + length) if snapshot.last else until
    return Choice(since, max(since, until), _text(given, "kind"), _time(given, "window"))


def _time(given: Mapping[str, str], name: str) -> datetime | None:
    text = given.get(name, "")
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        time = None
    if text and (time is None or time.tzinfo is not None):
        raise HTTPException(400, f"{name}={text[:40]}: expected a time such as 2018-12-31T23:30")
    return time


def _text(given: Mapping[str, str], name: str) -> str:
    text = given.get(name, "")
    if len(text) > _LONGEST_TEXT:
        raise HTTPException(400, f"{name}: it is too long")
    return text


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises UsageError if the port or the address cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except OSError as error:
        raise UsageError(
            f"DASHBOARD_PORT={port}: cannot listen on {host}: {error.strerror or error}", remedy="choose another port"
        ) from None
    return made


class Server:
    """Serves an application in a thread, until it is stopped."""

    def __init__(self, app: Starlette, listener: socket.socket) -> None:
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2, lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="server")

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    def is_running_after(self, seconds: float) -> bool:
        """Wait; return whether the server has not ended by itself meanwhile."""
        self._thread.join(seconds)
        return self._thread.is_alive()
