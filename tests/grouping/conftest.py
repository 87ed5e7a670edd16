"""A memory card to shoot on."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.photographs import Card


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path / "card")
