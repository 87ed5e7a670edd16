"""The API of what is open: its sets, their photos, and photos that are dropped onto the page."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from deepfuse.bracket import printable
from deepfuse.web import pages
from deepfuse.web.answers import MOST_PHOTOS, jpeg
from deepfuse.web.studio import NotFoundError, Studio


class Move(BaseModel):
    """Photos to be moved: to a set, to "" (none), or to a new set if `to` is null."""

    photos: list[str] = Field(max_length=MOST_PHOTOS)
    to: str | None = None


def add_sets(app: FastAPI, studio: Studio) -> None:
    """Add its calls."""

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
        return jpeg(studio.thumbnail(studio.photo(photo)))

    @app.put("/api/dropped/{folder}/{name}", status_code=201)
    async def drop(folder: str, name: str, request: Request) -> dict[str, str]:
        """One photo, as the body of its own request; `folder` is any name, the same for the photos of one drop."""
        path = await studio.dropped.receive(folder, name, request.stream())
        return {"name": printable(path.name)}

    @app.post("/api/dropped/{folder}")
    def dropped(folder: str) -> dict[str, list[str]]:
        """Find the sets among the photos of a drop."""
        return {"sets": studio.take_in(folder)}
