"""The API of the work: begun, paused, gone on with, and news of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from deepfuse.web import pages
from deepfuse.web.answers import FRESH
from deepfuse.web.studio import Studio

EVENT_S = 0.5


class Making(BaseModel):
    """Sets whose pictures are to be made; all of them if null."""

    sets: list[str] | None = None


def add_batch(app: FastAPI, studio: Studio) -> None:
    """Add its calls."""

    @app.post("/api/sets/{scene}/save", status_code=202)
    def save(scene: str, force: bool = False) -> dict[str, str]:
        """Make a set's picture next; nothing that no batch wrote is overwritten unless `force` says so."""
        studio.save(scene, force=force)
        return {"status": "waiting"}

    @app.post("/api/batch", status_code=202)
    def make(wanted: Making) -> dict[str, int]:
        """Make the pictures of all sets, or of some, but for those that are there."""
        return {"sets": studio.save_all(wanted.sets)}

    @app.post("/api/batch/pause")
    def pause() -> dict[str, Any]:
        """Begin no other set."""
        studio.work.pause()
        return pages.work(studio.work.progress())

    @app.post("/api/batch/resume")
    def resume() -> dict[str, Any]:
        """Go on."""
        studio.work.resume()
        return pages.work(studio.work.progress())

    @app.delete("/api/batch")
    def stop() -> dict[str, Any]:
        """Forget the sets that wait."""
        studio.work.drop()
        return pages.work(studio.work.progress())

    @app.get("/api/batch")
    def work() -> dict[str, Any]:
        """Where the work is."""
        return pages.work(studio.work.progress())

    @app.get("/api/events")
    async def events(request: Request) -> StreamingResponse:
        """Where the work is, and the model, as server-sent events whenever they change."""
        return StreamingResponse(_events(studio, request), media_type="text/event-stream", headers=FRESH)


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
