import re
import shutil
from pathlib import Path

import pytest
from support.projects import set_params

from deepfuse.errors import ParamsError
from deepfuse.params import read_params

DEFAULTS = Path(__file__).parents[1] / "params.yaml"


def changed(tmp_path: Path, section: str, **values: object) -> Path:
    shutil.copy(DEFAULTS, tmp_path)
    set_params(tmp_path, {section: values})
    return tmp_path / "params.yaml"


def test_defaults_are_valid() -> None:
    assert read_params(DEFAULTS).model.arch == "pyramid"


def test_a_whole_number_serves_as_float(tmp_path: Path) -> None:
    assert read_params(changed(tmp_path, "train", luminance_weight=1)).train.luminance_weight == 1.0


def test_small_numbers_are_numbers_as_dvc_writes_them(tmp_path: Path) -> None:
    path = changed(tmp_path, "train")
    path.write_text(re.sub("learning_rate: [0-9.]+", "learning_rate: 1e-05", path.read_text()))
    assert read_params(path).train.learning_rate == 1e-5


@pytest.mark.parametrize(
    ("section", "values", "named"),
    [
        ("train", {"epoch": 3}, "train.epoch"),
        ("train", {"epochs": "3"}, "train.epochs"),
        ("train", {"epochs": 2.5}, "train.epochs"),
        ("train", {"epochs": 0}, "train.epochs"),
        ("split", {"test": 1.5}, "split.test"),
        ("model", {"arch": 3}, "model.arch"),
        ("ingest", {"radiance_stops": [0]}, "ingest.radiance_stops"),
        ("promote", {"max_worse": {"halo": -1}}, "promote.max_worse.halo"),
    ],
)
def test_bad_values_are_named(tmp_path: Path, section: str, values: dict[str, object], named: str) -> None:
    with pytest.raises(ParamsError, match=named):
        read_params(changed(tmp_path, section, **values))


def test_a_missing_section_or_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(re.sub(r"^align:.*?(?=^\w)", "", DEFAULTS.read_text(), flags=re.DOTALL | re.MULTILINE))
    with pytest.raises(ParamsError, match="align"):
        read_params(path)
    with pytest.raises(ParamsError, match=r"absent\.yaml"):
        read_params(tmp_path / "absent.yaml")


def test_an_undeclared_upgrade_is_refused(tmp_path: Path) -> None:
    params = read_params(changed(tmp_path, "libraries", rawpy="0.1"))
    with pytest.raises(ParamsError, match=r"libraries\.rawpy: expected 0\.1"):
        params.libraries.installed("rawpy")
