"""The API of pictures that were made: what their records say, one by one, and all of them in one file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response, StreamingResponse

from deepfuse.batch.record import read_details
from deepfuse.bracket import printable
from deepfuse.web import pages
from deepfuse.web.answers import FRESH, jpeg
from deepfuse.web.studio import NotFoundError, Studio


def add_pictures(app: FastAPI, studio: Studio) -> None:
    """Add its calls."""

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
        return jpeg(studio.thumbnail(_made(studio, scene)))

    @app.get("/api/pictures.zip")
    def pictures() -> StreamingResponse:
        """All pictures that were made, in one file."""
        paths = [path for one in studio.sets.all() if (path := studio.job(one.scene).output).is_file()]
        headers = {"content-disposition": 'attachment; filename="pictures.zip"'}
        return StreamingResponse(_zipped(paths, studio.output), media_type="application/zip", headers=headers)


def _made(studio: Studio, scene: str) -> Path:
    path = studio.job(scene).output
    if not path.is_file():
        raise NotFoundError(f"{printable(scene)}: no picture was made yet")
    return path


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


def _zipped(paths: list[Path], folder: Path) -> Iterator[bytes]:
    """The files as they are and lie below a folder, for pictures are packed already; one is read at a time."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for path in paths:
            archive.write(path, path.relative_to(folder))
            yield pipe.taken()
    yield pipe.taken()
