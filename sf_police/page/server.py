"""The page over HTTP: its files, its panels as JSON and CSV, and one message for each commit of the store.

Reads the store, and writes nothing. Everything that is served comes from here: no request goes to another host.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
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
from starlette.types import ASGIApp

from sf_police.errors import SfPoliceError, UsageError
from sf_police.page.assets import Assets
from sf_police.page.cache import PanelCache
from sf_police.page.describe import described
from sf_police.page.guard import Guard
from sf_police.page.health import PageHealth, health_response
from sf_police.page.metrics import StoreMetrics
from sf_police.page.metrics import response as metrics_response
from sf_police.page.metrics_server import PATH as METRICS_PATH
from sf_police.page.over_time import Choice
from sf_police.page.panels import PANELS
from sf_police.page.summary import BEGINNING, END_OF_TIME
from sf_police.page.tracing import Tracing
from sf_police.page.watch import Snapshot, Watcher
from sf_police.question import Question
from sf_police.view.terminal import printable, to_csv, to_json

_FRESH: Final = {"cache-control": "no-cache"}
_MEDIA: Final = {
    "html": "text/html", "js": "text/javascript", "css": "text/css", "json": "application/json", "svg": "image/svg+xml",
}  # fmt: skip
# So that what is between the server and the page does not end the connection, and a page knows that it is up to date.
_SECONDS_BETWEEN_SIGNS: Final = 15.0
# A page whose connection has ended asks again after that time.
_RETRY_MS: Final = 1_000
_LONGEST_TEXT: Final = 2_000


class Page:
    """The page's routes."""

    def __init__(
        self, watcher: Watcher, question: Question, assets: Assets, metrics: StoreMetrics, tracing: Tracing
    ) -> None:
        self._watcher, self._question, self._assets, self._metrics = watcher, question, assets, metrics
        self._cache, self._probes = PanelCache(), PageHealth(watcher).probes
        self._tracing = tracing
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._is_over = False

    def app(self, hosts: tuple[str, ...]) -> ASGIApp:
        """Return the application; `hosts` are the names that may be asked for, all if there is none."""
        routes = [
            Route("/", self.index),
            Route("/assets/{name}", self.asset),
            Route("/data/state.json", self.state),
            Route("/data/trace.json", self._tracing.answer),
            Route("/data/{panel}.{form}", self.panel),
            Route("/events", self.events),
            Route(METRICS_PATH, self.metrics),
            *(Route(path, self.probe) for path in self._probes),
        ]
        middleware = [Middleware(GZipMiddleware, minimum_size=1_000)]
        app = Starlette(routes=routes, middleware=middleware, lifespan=self._lifespan)
        app.router.redirect_slashes = False
        # Around all of it, as Starlette's own answer to an error passes by its middleware.
        return Guard(app, hosts)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:  # noqa: ARG002 # Starlette's
        self._loop = asyncio.get_running_loop()
        yield

    def wake(self) -> None:
        """Tell everyone who looks on that there is a new snapshot; from any thread."""
        if self._loop:
            with suppress(RuntimeError):  # the server has ended, and its loop with it
                self._loop.call_soon_threadsafe(self._wake)

    def end(self) -> None:
        """End the connections of those who look on, so that the server can end."""
        self._is_over = True
        self.wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def index(self, request: Request) -> Response:
        """Return the page."""
        return self._file("index.html", request)

    def asset(self, request: Request) -> Response:
        """Return one of the page's files."""
        return self._file(request.path_params["name"], request)

    def _file(self, name: str, request: Request) -> Response:
        if name not in self._assets.names:
            raise HTTPException(404, "no such file")
        tag = self._assets.tag(name)
        headers = {**_FRESH, "etag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(self._assets.read(name), media_type=_MEDIA[name.rpartition(".")[2]], headers=headers)

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
        if form == "csv":
            headers = {**_FRESH, "content-disposition": f'attachment; filename="{panel}.csv"'}
            return Response(to_csv(found.rows), media_type="text/csv", headers=headers)
        return self._json({"is_newest": found.version >= snapshot.version, "rows": found.rows})

    @staticmethod
    def _json(document: object) -> Response:
        return Response(to_json(document, indent=None), media_type=_MEDIA["json"], headers=_FRESH)

    def metrics(self, request: Request) -> Response:
        """Return the metrics, as Prometheus reads them."""
        answer = metrics_response(self._metrics, request.headers.get("accept", ""))
        return Response(answer.body, answer.status, headers={**_FRESH, "content-type": answer.content_type})

    def probe(self, request: Request) -> Response:
        """Answer a probe."""
        answer = health_response(self._probes[request.url.path]())
        return Response(answer.body, answer.status, headers={**_FRESH, "content-type": answer.content_type})

    async def events(self, request: Request) -> Response:
        """Send the state of things, now and after every change; whoever was away gets the newest."""
        media = "text/event-stream"
        if request.method == "HEAD":  # has no body to wait for
            return Response(media_type=media, headers=_FRESH)
        return StreamingResponse(self._messages(), media_type=media, headers=_FRESH)

    async def _messages(self) -> AsyncIterator[str]:
        seen = -1
        while not self._is_over:
            changed, snapshot = self._changed, self._watcher.snapshot
            if snapshot.version != seen:
                seen = snapshot.version
                state = to_json(described(snapshot, self._question), indent=None)
                yield f"data: {state}\nretry: {_RETRY_MS}\n\n"
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
        raise HTTPException(400, f"{name}={printable(text[:40])}: expected a time such as 2018-12-31T23:30")
    return time


def _text(given: Mapping[str, str], name: str) -> str:
    text = given.get(name, "")
    if len(text) > _LONGEST_TEXT:
        raise HTTPException(400, f"{name}: it is too long")
    return text


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises UsageError if the port or the address cannot be had."""
    try:
        with ExitStack() as opened:
            made = opened.enter_context(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((host, port))
            made.listen(128)
            opened.pop_all()
            return made
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            what = f"DASHBOARD_PORT={port}: cannot listen on {host}: {reason}"
            raise UsageError(what, remedy="choose another port") from None
        what = f"DASHBOARD_HOST={host}: cannot listen there: {reason}"
        raise UsageError(what, remedy="name an address of this machine") from None


class Server:
    """Serves an application in a thread, until it is stopped."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
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
