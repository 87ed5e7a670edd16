"""The API of looks at a set before its picture is made, and of what is chosen for it."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from deepfuse.fusion.controls import RANGES
from deepfuse.web.answers import FRESH, MOST_PHOTOS, jpeg
from deepfuse.web.studio import Studio


class Choice(BaseModel):
    """How sets are made: `look`, controls, `reference`, `crop`, `quality` and the like, as in looks.toml."""

    sets: list[str] = Field(max_length=MOST_PHOTOS)
    choice: dict[str, Any]


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


def add_looks(app: FastAPI, studio: Studio) -> None:
    """Add its calls."""

    @app.get("/api/sets/{scene}/look")
    def look(scene: str, choice: Chosen, whole: Whole = False) -> Response:
        """The picture as it would be made, as JPEG; its record in JSON as the header X-Record."""
        picture, record = studio.look(scene, choice, whole=whole)
        return jpeg(picture, {"x-record": json.dumps(record)})

    @app.get("/api/sets/{scene}/frames/{index}")
    def frame(scene: str, index: int, choice: Chosen, whole: Whole = False) -> Response:
        """One exposure, laid and cropped as the picture, as JPEG; `index` from 0 on."""
        return jpeg(studio.exposure(scene, choice, index, whole=whole))

    @app.get("/api/sets/{scene}/moved")
    def moved(scene: str, choice: Chosen, whole: Whole = False) -> Response:
        """What moved: a PNG, white where some frame shows another one's content."""
        return Response(studio.moved(scene, choice, whole=whole), media_type="image/png", headers=FRESH)

    @app.post("/api/choices")
    def choose(wanted: Choice) -> dict[str, Any]:
        """Choose how sets are made; it is kept in looks.toml of the output folder."""
        for scene in wanted.sets:
            studio.set_of(scene)
        studio.jobs.choose(wanted.sets, wanted.choice)
        return wanted.choice
