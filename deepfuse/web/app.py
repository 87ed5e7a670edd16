"""The page and the API as one ASGI application; OpenAPI describes the latter under /openapi.json."""

from __future__ import annotations

import asyncio
import json
import secrets
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Form, Query, Request, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Info, generate_latest
from pydantic import BaseModel, Field

from deepfuse import __version__
from deepfuse.bracket import printable
from deepfuse.errors import DeepfuseError
from deepfuse.fusion.controls import RANGES
from deepfuse.serving.guard import HEALTH, cookie_name
from deepfuse.web import pages
from deepfuse.web.gallery import read_details
from deepfuse.web.studio import NotFoundError, Studio

PAGE = Path(__file__).with_name("page")
EVENT_S = 0.5
MOST_PHOTOS = 10_000  # of one call


class Move(BaseModel):
    """Photos to be moved: to a set, to "" (none), or to a new set if `to` is null."""

    photos: list[str] = Field(max_length=MOST_PHOTOS)
    to: str | None = None


class Choice(BaseModel):
    """How sets are made: `look`, controls, `reference`, `crop`, `quality` and the like, as in looks.toml."""

    sets: list[str] = Field(max_length=MOST_PHOTOS)
    choice: dict[str, Any]


class Paths(BaseModel):
    """A bracket of photos in the open folder."""

    paths: list[str] = Field(max_length=MOST_PHOTOS)
    name: str = "bracket"
    choice: dict[str, Any] = {}


class Making(BaseModel):
    """Sets whose pictures are to be made; all of them if null."""

    sets: list[str] | None = None


def choice_of(request: Request) -> dict[str, Any]:
    """What the query of a look chooses."""
    known = {"look": str, "quality": str, "reference": str, "crop": str, "if_unaligned": str, "white_balance": str}
    query = request.query_params
    values: dict[str, Any] = {name: query[name] for name in known if name in query}
    values |= {name: float(query[name]) for name in RANGES if name in query}
    if "deghost" in query:
        values["deghost"] = query["deghost"] == "true"
    return values


Chosen = Annotated[dict[str, Any], Depends(choice_of)]
Whole = Annotated[bool, Query(description="the whole size of the frames, rather than what a screen shows")]


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
    async def metrics() -> Response:
        return Response(_prometheus(studio), media_type=CONTENT_TYPE_LATEST)

    _add_sets(app, studio)
    _add_looks(app, studio)
    _add_brackets(app, studio)
    _add_work(app, studio)
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    return app


SAFE = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def _add_sets(app: FastAPI, studio: Studio) -> None:
    @app.get("/api/overview")
    def overview() -> dict[str, Any]:
        """The folder, its sets, what is in none, the work and the model."""
        return pages.overview(studio)

    @app.get("/api/controls")
    def controls() -> dict[str, Any]:
        """The looks and controls there are."""
        return pages.controls()

    @app.post("/api/scan", status_code=202)
    def scan() -> dict[str, str]:
        """Look through the folder anew."""
        studio.scan()
        return {"status": "scanning"}

    @app.post("/api/move")
    def move(moved: Move) -> dict[str, str]:
        """Move photos between sets."""
        try:
            return {"set": studio.sets.move(moved.photos, moved.to)}
        except KeyError as error:
            raise NotFoundError(f"{error.args[0]}: there is no such photo or set") from None

    @app.get("/api/photos/{photo}/thumbnail")
    def thumbnail(photo: str) -> Response:
        """A photo as a small JPEG, upright."""
        return _jpeg(studio.thumbnail(studio.photo(photo)))

    @app.put("/api/dropped/{folder}/{name}", status_code=201)
    async def drop(folder: str, name: str, request: Request) -> dict[str, str]:
        """One photo, as the body of its own request; `folder` is any name, the same for the photos of one drop."""
        path = await studio.receive(folder, name, request.stream())
        return {"name": printable(path.name)}

    @app.post("/api/dropped/{folder}")
    def dropped(folder: str) -> dict[str, list[str]]:
        """Find the sets among the photos of a drop."""
        return {"sets": studio.receive_all(folder)}


def _add_looks(app: FastAPI, studio: Studio) -> None:
    @app.get("/api/sets/{scene}/look")
    def look(scene: str, choice: Chosen, whole: Whole = False) -> Response:
        """The picture as it would be made, as JPEG; its record in JSON as the header X-Record."""
        picture, record = studio.look(scene, choice, whole=whole)
        return _jpeg(picture, {"x-record": json.dumps(record)})

    @app.get("/api/sets/{scene}/frames/{index}")
    def frame(scene: str, index: int, choice: Chosen, whole: Whole = False) -> Response:
        """One exposure, laid and cropped as the picture, as JPEG; `index` from 0 on."""
        return _jpeg(studio.exposure(scene, choice, index, whole=whole))

    @app.get("/api/sets/{scene}/moved")
    def moved(scene: str, choice: Chosen, whole: Whole = False) -> Response:
        """What moved: a PNG, white where some frame shows another one's content."""
        return Response(studio.moved(scene, choice, whole=whole), media_type="image/png", headers=FRESH)

    @app.post("/api/choices")
    def choose(wanted: Choice) -> dict[str, Any]:
        """Choose how sets are made; it is kept in looks.toml of the output folder."""
        for scene in wanted.sets:
            studio.set_of(scene)
        studio.choose(wanted.sets, wanted.choice)
        return wanted.choice


def _add_brackets(app: FastAPI, studio: Studio) -> None:
    @app.post("/api/brackets", status_code=202)
    async def sent(
        photos: list[UploadFile], name: Annotated[str, Form()] = "bracket", choice: Annotated[str, Form()] = "{}"
    ) -> dict[str, str]:
        """Photos of one bracket as a multipart form; its picture is made at once: ask /api/sets/SET for how it goes."""
        folder = secrets.token_hex(8)
        files = [await studio.receive(folder, photo.filename or "", _parts(photo)) for photo in photos]
        return _begun(studio, studio.as_set(name, files), json.loads(choice))

    @app.post("/api/brackets/paths", status_code=202)
    def named(bracket: Paths) -> dict[str, str]:
        """The same of photos in the open folder, by their paths below it."""
        return _begun(
            studio, studio.as_set(bracket.name, [studio.inside(path) for path in bracket.paths]), bracket.choice
        )


def _begun(studio: Studio, scene: str, choice: dict[str, Any]) -> dict[str, str]:
    studio.choose([scene], choice)
    studio.save(scene, force=False)
    return {"set": scene}


async def _parts(photo: UploadFile) -> AsyncIterator[bytes]:
    while part := await photo.read(1 << 20):
        yield part


def _add_work(app: FastAPI, studio: Studio) -> None:
    @app.post("/api/sets/{scene}/save", status_code=202)
    def save(scene: str, force: bool = False) -> dict[str, str]:
        """Make a set's picture next; nothing that no batch wrote is overwritten unless `force` says so."""
        studio.save(scene, force=force)
        return {"status": "waiting"}

    @app.post("/api/work", status_code=202)
    def make(wanted: Making) -> dict[str, int]:
        """Make the pictures of all sets, or of some, but for those that are there."""
        return {"sets": studio.save_all(wanted.sets)}

    @app.post("/api/work/pause")
    def pause() -> dict[str, Any]:
        """Begin no other set."""
        studio.work.pause()
        return pages.work(studio.work.progress())

    @app.post("/api/work/resume")
    def resume() -> dict[str, Any]:
        """Go on."""
        studio.work.resume()
        return pages.work(studio.work.progress())

    @app.delete("/api/work")
    def stop() -> dict[str, Any]:
        """Forget the sets that wait."""
        studio.work.drop()
        return pages.work(studio.work.progress())

    @app.get("/api/work")
    def work() -> dict[str, Any]:
        """Where the work is."""
        return pages.work(studio.work.progress())

    @app.get("/api/events")
    async def events(request: Request) -> StreamingResponse:
        """Where the work is, and the model, as server-sent events whenever they change."""
        return StreamingResponse(_events(studio, request), media_type="text/event-stream", headers=FRESH)

    @app.get("/api/sets/{scene}")
    def one(scene: str) -> dict[str, Any]:
        """A set, and the record of its picture."""
        progress = studio.work.progress()
        job = studio.job(scene)
        summary = pages.summary(studio, studio.set_of(scene), progress)
        return summary | {"record": read_details(job.record)}

    @app.get("/api/sets/{scene}/picture")
    def picture(scene: str) -> FileResponse:
        """The picture that was made."""
        path = _made(studio, scene)
        return FileResponse(path, filename=path.name, headers=FRESH)

    @app.get("/api/sets/{scene}/picture/thumbnail")
    def picture_thumbnail(scene: str) -> Response:
        """The picture that was made, as a small JPEG."""
        return _jpeg(studio.thumbnail(_made(studio, scene)))

    @app.get("/api/pictures.zip")
    def pictures() -> StreamingResponse:
        """All pictures that were made, in one file."""
        paths = [studio.job(one.scene).output for one in studio.sets.all()]
        headers = {"content-disposition": 'attachment; filename="pictures.zip"'}
        return StreamingResponse(_zipped([path for path in paths if path.is_file()]), media_type="application/zip",
                                 headers=headers)  # fmt: skip


FRESH = {"cache-control": "no-store"}


def _made(studio: Studio, scene: str) -> Path:
    path = studio.job(scene).output
    if not path.is_file():
        raise NotFoundError(f"{printable(scene)}: no picture was made yet")
    return path


def _jpeg(data: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(data, media_type="image/jpeg", headers=FRESH | (headers or {}))


async def _events(studio: Studio, request: Request) -> AsyncIterator[str]:
    said = ""
    while not (request.app.state.ending() or await request.is_disconnected()):
        state = {
            "work": pages.work(studio.work.progress()),
            "model": await asyncio.to_thread(pages.model, studio),
            "scanning": studio.scanning.is_alive(),
            "looked_at": studio.looked_at,
        }
        text = json.dumps(state)
        if text != said:
            said = text
            yield f"data: {text}\n\n"
        await asyncio.sleep(EVENT_S)


class _Pipe:
    """A file that cannot be sought, of which what was written is taken piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        data, self._pieces = b"".join(self._pieces), []
        return data


def _zipped(paths: list[Path]) -> Iterator[bytes]:
    """The files as they are, for pictures are packed already; one is read at a time."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for path in paths:
            archive.write(path, path.name)
            yield pipe.taken()
    yield pipe.taken()


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
