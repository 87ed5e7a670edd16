"""What answers of the API share."""

from __future__ import annotations

from fastapi.responses import Response

FRESH = {"cache-control": "no-store"}
MOST_PHOTOS = 10_000  # of one call


def jpeg(data: bytes, headers: dict[str, str] | None = None) -> Response:
    """A picture that is another one the next time."""
    return Response(data, media_type="image/jpeg", headers=FRESH | (headers or {}))
