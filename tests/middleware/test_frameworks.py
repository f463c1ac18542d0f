"""Each framework on a real server: one trace per request, failures, streams, websockets, requests at the same time."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import httpx
import pytest

from raceway import RacewayClient, get_context
from raceway.model.events import Event
from tests.client.collecting import Captured, before
from tests.conftest import ROOT, clean_environ

TRACE = "0c9d2f3e-54a8-4b7c-8a3f-2f1f6f7f9b01"
PARENT = {"traceparent": f"00-{TRACE.replace('-', '')}-a1b2c3d4e5f60718-01", "raceway-clock": "v1;rubbish"}
MODULES = ["asgi", "fastapi", "flask", "django", "aiohttp"]


@pytest.mark.parametrize("module", [*(f"middleware.{name}" for name in MODULES), "celery", "debug"])
def test_a_module_imports_without_any_framework(module: str) -> None:
    program = f"""
import sys
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("flask", "starlette", "fastapi", "django", "aiohttp", "celery", "asgiref"):
            raise ImportError(name)
sys.meta_path.insert(0, Refusing())
import raceway.{module}
import raceway.middleware as all_of_them
for name in all_of_them.__all__:
    getattr(all_of_them, name)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, cwd=ROOT, env=clean_environ())


@contextmanager
def wsgi(app: Any) -> Iterator[str]:
    """A WSGI application on a server with a thread per request."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def asgi(app: Any) -> Iterator[str]:
    """An ASGI application on uvicorn."""
    import uvicorn

    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set()

    server = Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(30)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def pieces(client: RacewayClient) -> Iterator[str]:
    """What is streamed: each piece is told while it is made."""
    for piece in ("one", "two"):
        client.track_state_change("piece", None, piece, "Write")
        yield piece


def fetch(address: str, **options: Any) -> httpx.Response:
    """The answer, also of a machine that is busy."""
    return httpx.get(address, timeout=60, **options)


def of_trace(captured: Captured, trace_id: str) -> list[Event]:
    return [event for event in captured if event.trace_id == trace_id]


def check(captured: Captured, address: str, fails: bool = True) -> None:
    """The requests that every application here answers: /ok/N, /fail, /stream."""
    assert fetch(f"{address}/ok/1?secret=3", headers=PARENT).text == "1"
    kinds = [event.kind.name for event in of_trace(captured, TRACE)]
    assert kinds == ["HttpRequest", "StateChange", "HttpResponse"]
    request, change, response = of_trace(captured, TRACE)
    assert request.kind.HttpRequest is not None
    assert (request.kind.HttpRequest.method, request.kind.HttpRequest.url) == ("GET", "/ok/1?secret=[REDACTED]")
    assert response.kind.HttpResponse is not None
    assert response.kind.HttpResponse.status == 200
    assert response.metadata.duration_ns is not None
    assert before(request, change)
    assert before(change, response)
    assert request.metadata.distributed_span_id == "a1b2c3d4e5f60718"

    seen = len(captured)
    assert fetch(f"{address}/fail").status_code == 500
    told = [event.kind for event in captured[seen:]]
    assert [kind.name for kind in told] == ["HttpRequest", "Error", "HttpResponse"]
    assert told[1].Error is not None
    assert (told[1].Error.error_type, told[1].Error.message) == ("ValueError", "broken")
    assert told[2].HttpResponse is not None
    assert told[2].HttpResponse.status == 500

    seen = len(captured)
    assert fetch(f"{address}/stream").text == "onetwo"
    told = [event.kind for event in captured[seen:]]
    assert sorted(kind.name for kind in told) == ["HttpRequest", "HttpResponse", "StateChange", "StateChange"]
    assert len({event.trace_id for event in captured[seen:]}) == 1

    seen = len(captured)
    failures: list[BaseException] = []

    def get(number: int) -> None:
        try:
            assert fetch(f"{address}/ok/{number}").text == str(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=get, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    traces: dict[str, list[str]] = {}
    for event in captured[seen:]:
        traces.setdefault(event.trace_id, []).append(event.kind.name)
    assert list(traces.values()) == [["HttpRequest", "StateChange", "HttpResponse"]] * 6
    assert get_context() is None


def test_flask(client: RacewayClient, captured: Captured) -> None:
    from flask import Flask

    from raceway.middleware import flask_middleware

    app = Flask(__name__)
    middleware = flask_middleware(client)
    app.before_request(middleware.before_request)
    app.after_request(middleware.after_request)

    @app.get("/ok/<number>")
    def ok(number: str) -> str:
        client.track_state_change("a", None, number, "Write")
        return number

    @app.get("/fail")
    def fail() -> str:
        raise ValueError("broken")

    @app.get("/stream")
    def stream() -> Any:
        return app.response_class(pieces(client))

    begun, go_on = threading.Event(), threading.Event()

    @app.get("/late")
    def late() -> str:
        begun.set()
        assert go_on.wait(60)
        return "late"

    app.logger.disabled = True
    with wsgi(app) as address:
        check(captured, address)
        thread = threading.Thread(target=fetch, args=(f"{address}/late",), kwargs={"headers": PARENT})
        seen = len(of_trace(captured, TRACE))
        thread.start()
        assert begun.wait(60)
        fetch(f"{address}/ok/1")  # another request's end is not this one's
        go_on.set()
        thread.join()
    request, response = of_trace(captured, TRACE)[seen:]
    assert response.kind.HttpResponse is not None
    assert response.kind.HttpResponse.status == 200
    assert before(request, response)
    middleware.before_request()  # outside of any request


def fastapi_app(client: RacewayClient) -> Any:
    from fastapi import FastAPI, WebSocket
    from fastapi.responses import PlainTextResponse, StreamingResponse

    from raceway.middleware.fastapi import FastAPIMiddleware

    app = FastAPI()
    app.add_middleware(FastAPIMiddleware, client=client)

    async def ok(number: str) -> Any:
        await asyncio.sleep(0)
        client.track_state_change("a", None, number, "Write")
        return PlainTextResponse(number)

    async def fail() -> None:
        raise ValueError("broken")

    async def stream() -> Any:
        return StreamingResponse(pieces(client))

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        client.track_state_change("ws", None, await websocket.receive_text(), "Write")
        await websocket.send_text("done")
        await websocket.close()

    for path, endpoint in (("/ok/{number}", ok), ("/fail", fail), ("/stream", stream)):
        app.get(path)(endpoint)
    echo.__annotations__["websocket"] = WebSocket
    app.websocket("/ws")(echo)
    return app


def test_fastapi(client: RacewayClient, captured: Captured) -> None:
    with asgi(fastapi_app(client)) as address:
        check(captured, address)


def test_websockets(client: RacewayClient, captured: Captured) -> None:
    from websockets.sync.client import connect

    with asgi(fastapi_app(client)) as address, connect(address.replace("http", "ws") + "/ws") as socket:
        socket.send("x")
        assert socket.recv() == "done"
    assert captured.kinds() == ["HttpRequest", "HttpResponse", "StateChange"]
    assert len({event.trace_id for event in captured}) == 1
    assert captured[1].kind.HttpResponse.status == 101


def test_a_websocket_that_is_refused(client: RacewayClient, captured: Captured) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    from raceway.middleware.fastapi import FastAPIMiddleware

    async def refuse(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"no"})

    app = FastAPIMiddleware(refuse, client=client)
    with asgi(app) as address, pytest.raises(InvalidStatus), connect(address.replace("http", "ws") + "/ws"):
        pass
    assert [event.kind.HttpResponse.status for event in captured if event.kind.HttpResponse] == [401]


def django_app() -> tuple[Any, Any]:
    """The WSGI and the ASGI application of one project, whose views use the default client."""
    import django
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application

    if not settings.configured:
        settings.configure(
            ROOT_URLCONF="tests.middleware.django_urls", ALLOWED_HOSTS=["*"], SECRET_KEY="x", LOGGING_CONFIG=None,
            MIDDLEWARE=["raceway.middleware.django.RacewayMiddleware"],
        )  # fmt: skip
        django.setup()
    importlib.import_module("tests.middleware.django_urls")
    return get_wsgi_application(), get_asgi_application()


@pytest.mark.parametrize("server", [wsgi, asgi])
def test_django(client: RacewayClient, captured: Captured, server: Callable[[Any], Any]) -> None:
    import logging

    logging.getLogger("django").disabled = True
    logging.getLogger("django.request").disabled = True
    with server(django_app()[server is asgi]) as address:
        check(captured, address)


def test_django_makes_the_client_of_its_settings_when_it_starts() -> None:
    program = """
import django
from django.conf import settings
settings.configure(
    ROOT_URLCONF=__name__, SECRET_KEY="x", MIDDLEWARE=["raceway.middleware.django.RacewayMiddleware"],
    RACEWAY={"service_name": "shop", "spool": ""},
)
django.setup()
urlpatterns = []
from django.core.wsgi import get_wsgi_application
get_wsgi_application()
from raceway.client.default import get_client
assert get_client().config.service_name == "shop"
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, cwd=ROOT, env=clean_environ())


def test_aiohttp(client: RacewayClient, captured: Captured) -> None:
    from aiohttp import ClientResponseError, web

    from raceway.middleware import aiohttp_middleware

    async def ok(request: Any) -> Any:
        await asyncio.sleep(0)
        client.track_state_change("a", None, request.match_info["number"], "Write")
        return web.Response(text=request.match_info["number"])

    async def fail(_request: Any) -> Any:
        raise ValueError("broken")

    async def stream(request: Any) -> Any:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces(client):
            await response.write(piece.encode())
        return response

    async def missing(_request: Any) -> Any:
        raise web.HTTPNotFound

    async def passed_on(_request: Any) -> Any:
        raise ClientResponseError(cast(Any, None), (), status=404, message="over there")

    async def nothing(_request: Any) -> Any:
        return None

    app = web.Application(middlewares=[aiohttp_middleware(client)])
    app.router.add_get("/ok/{number}", ok)
    app.router.add_get("/fail", fail)
    app.router.add_get("/stream", stream)
    app.router.add_get("/missing", missing)
    app.router.add_get("/passed-on", passed_on)
    app.router.add_get("/nothing", nothing)
    ready, loop = threading.Event(), asyncio.new_event_loop()
    address: list[str] = []
    stopping = asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        ready.set()
        await stopping.wait()
        await runner.cleanup()

    def run() -> None:
        import logging

        logging.getLogger("aiohttp.server").disabled = True
        loop.run_until_complete(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(30)
        check(captured, address[0])
        seen = len(captured)
        assert fetch(f"{address[0]}/missing").status_code == 404
        assert [event.kind.name for event in captured[seen:]] == ["HttpRequest", "HttpResponse"]
        seen = len(captured)
        assert fetch(f"{address[0]}/passed-on").status_code == 500
        assert [event.kind.name for event in captured[seen:]] == ["HttpRequest", "Error", "HttpResponse"]
        assert captured[seen + 1].kind.Error.error_type == "ClientResponseError"
        seen = len(captured)
        assert fetch(f"{address[0]}/nothing").status_code == 500
        assert [event.kind.name for event in captured[seen:]] == ["HttpRequest", "HttpResponse"]
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()
