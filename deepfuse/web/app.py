"""The page and the API as one ASGI application; OpenAPI describes the latter under /openapi.json."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Info, generate_latest

from deepfuse import __version__
from deepfuse.bracket import printable
from deepfuse.errors import DeepfuseError
from deepfuse.serving.guard import HEALTH, cookie_name
from deepfuse.web.api_batch import add_batch
from deepfuse.web.api_brackets import add_brackets
from deepfuse.web.api_looks import add_looks
from deepfuse.web.api_pictures import add_pictures
from deepfuse.web.api_sets import add_sets
from deepfuse.web.studio import NotFoundError, Studio

PAGE = Path(__file__).with_name("page")


def create_app(studio: Studio, port: int) -> FastAPI:
    """The application; who may speak to it is the guard's matter."""
    app = FastAPI(title="deepfuse", version=__version__, docs_url=None, redoc_url=None)
    app.state.ending = lambda: False  # the server says so: who listens for news would keep it for ever

    @app.exception_handler(DeepfuseError)
    async def refused(request: Request, error: DeepfuseError) -> JSONResponse:
        status = 404 if isinstance(error, NotFoundError) else 422
        return JSONResponse({"detail": printable(str(error))}, status)

    @app.exception_handler(ValueError)
    async def wrong(request: Request, error: ValueError) -> JSONResponse:
        return JSONResponse({"detail": printable(str(error))}, 422)

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        if token := request.query_params.get("token"):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(cookie_name(port), token, httponly=True, samesite="strict")
            return answer
        return HTMLResponse((PAGE / "index.html").read_text(encoding="utf-8"), headers=SAFE)

    @app.get(HEALTH)
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(_prometheus(studio), media_type=CONTENT_TYPE_LATEST)

    add_sets(app, studio)
    add_looks(app, studio)
    add_brackets(app, studio)
    add_batch(app, studio)
    add_pictures(app, studio)
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    return app


SAFE = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def _prometheus(studio: Studio) -> bytes:
    progress, current = studio.work.progress(), studio.model.current()
    failed = sum(outcome.status == "failed" for outcome in progress.ended.values())
    registry = CollectorRegistry()
    model = Info("deepfuse_model", "The model that counts.", registry=registry)
    model.info({"model": current.name, "sha256": current.sha256})
    sets = Gauge("deepfuse_sets", "Sets since the start, by what became of them.", ["state"], registry=registry)
    counts = {"waiting": len(progress.waiting), "making": len(progress.making), "failed": failed}
    for state, count in (counts | {"done": len(progress.ended) - failed}).items():
        sets.labels(state).set(count)
    return generate_latest(registry)
