"""`make deps`: write into dvc.yaml the code and the libraries that each stage depends on."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from deepfuse.files import write_text
from deepfuse.imports import PACKAGE, closure, libraries_of, stage_file

FILE = PACKAGE.with_name("dvc.yaml")


def main() -> None:
    """Renew the lists; other dependencies and parameters stay as they are."""
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    pipeline = yaml.load(FILE.read_text(encoding="utf-8"))
    for name, stage in pipeline["stages"].items():
        data = [dep for dep in stage["deps"] if not dep.startswith(f"{PACKAGE.name}/")]
        stage["deps"] = [*data, *code_deps(name)]
        sections = [section for section in stage["params"] if not section.startswith("libraries.")]
        stage["params"] = CommentedSeq([*sections, *(f"libraries.{library}" for library in libraries_of(name))])
        stage["params"].fa.set_flow_style()
    text = StringIO()
    yaml.dump(pipeline, text)
    write_text(FILE, re.sub(" +$", "", text.getvalue(), flags=re.MULTILINE))


def code_deps(stage: str) -> list[str]:
    """The code of a stage as DVC is told it: a folder where the stage imports all that is in it, else each file."""
    files = set(closure(stage_file(stage)))

    def home(file: Path) -> Path:
        folders = [folder for folder in file.parents if PACKAGE in folder.parents]
        whole = [folder for folder in folders if _content(folder) <= files]
        return whole[-1] if whole else file

    return sorted(path.relative_to(PACKAGE.parent).as_posix() for path in {home(file) for file in files})


def _content(folder: Path) -> set[Path]:
    """The files below a folder as DVC sees them: .dvcignore has no bytecode in it."""
    return {path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__"}


if __name__ == "__main__":
    main()
