"""The stage `ingest`, more careful than a batch: what lies beside a scene that is no photo refuses it."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from support.photographs import Card

from deepfuse.grouping import find_brackets
from deepfuse.stages.ingest import faults, refused


def test_a_damaged_copy_in_another_format_refuses_no_scene_and_a_stray_does(tmp_path: Path) -> None:
    card = Card(tmp_path / "card")
    for name in card.bracket(-2, 0, 2, mode=2):
        with Image.open(card.folder / name) as image:
            image.save(card.folder / f"{Path(name).stem}.tif", exif=image.getexif())
    (card.folder / "IMG_0002.tif").write_bytes(b"")
    found = find_brackets(tmp_path)
    assert [faults(group) for group in found.groups] == [()]
    assert refused(found) == []
    (card.folder / "Untitled.jpg").touch()
    (scene,) = refused(find_brackets(tmp_path))
    assert scene.scene == "card"
    assert scene.reason.endswith("Untitled.jpg: expected a photo, got an empty file")
