"""The API for programs that send a bracket, or name one, and want its picture."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import FastAPI, Form, UploadFile
from pydantic import BaseModel, Field

from deepfuse.web.answers import MOST_PHOTOS
from deepfuse.web.studio import Studio


class Paths(BaseModel):
    """A bracket of photos in the open folder."""

    paths: list[str] = Field(max_length=MOST_PHOTOS)
    name: str = "bracket"
    choice: dict[str, Any] = {}


def add_brackets(app: FastAPI, studio: Studio) -> None:
    """Add its calls."""

    @app.post("/api/brackets", status_code=202)
    async def sent(
        photos: list[UploadFile], name: Annotated[str, Form()] = "bracket", choice: Annotated[str, Form()] = "{}"
    ) -> dict[str, str]:
        """Photos of one bracket as a multipart form; its picture is made at once: ask /api/sets/SET for how it goes."""
        folder = secrets.token_hex(8)
        files = [await studio.dropped.receive(folder, photo.filename or "", _parts(photo)) for photo in photos]
        return {"set": studio.begin(name, files, json.loads(choice))}

    @app.post("/api/brackets/paths", status_code=202)
    def named(bracket: Paths) -> dict[str, str]:
        """The same of photos in the open folder, by their paths below it."""
        files = [studio.inside(path) for path in bracket.paths]
        return {"set": studio.begin(bracket.name, files, bracket.choice)}


async def _parts(photo: UploadFile) -> AsyncIterator[bytes]:
    while part := await photo.read(1 << 20):
        yield part
