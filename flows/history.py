"""A commit of what made a model, on a branch of its own; the user's branch, index and files stay as they are."""

from __future__ import annotations

import os
import subprocess
import tempfile
from datetime import date
from pathlib import Path

from flows.logs import log

INPUTS = (
    "dvc.yaml",
    "dvc.lock",
    "params.yaml",
    "data/raw.dvc",
    "data/.gitignore",
    "data/metrics",
    ".dvc/config",
    ".dvcignore",
)
CODE = "deepfuse"
_NOBODY = {"NAME": "deepfuse", "EMAIL": "deepfuse@localhost"}


def commit(message: str) -> str | None:
    """Commit `dvc.lock` and what it speaks of on `retrain/<date>`.

    Returns:
        The commit that has them, an old one if nothing changed since; `None` where there is no repository to hold one.
    """
    head = _ask("rev-parse", "--verify", "--quiet", "HEAD")
    if head is None:
        log("no git repository with a commit here: the model's inputs are not committed")
        return None
    reference = _reference()
    tip = _ask("rev-parse", "--verify", "--quiet", reference)
    tree = _tree(head)
    for known in filter(None, (tip, head)):
        if _ask("rev-parse", f"{known}^{{tree}}") == tree:
            log("nothing changed since commit %s", known[:12])
            return known
    parents = [tip] if tip else []
    if tip is None or _ask("merge-base", "--is-ancestor", head, tip) is None:
        parents.append(head)
    arguments = [argument for parent in parents for argument in ("-p", parent)]
    made = _git("commit-tree", tree, *arguments, "-m", message, environment=_author())
    _git("update-ref", reference, made, tip or "0" * len(made))
    log("committed as %s on %s", made[:12], reference.removeprefix("refs/heads/"))
    return made


def read_experiment(name: str, path: Path) -> str:
    """A file of git's as an experiment of DVC left it.

    Raises:
        RuntimeError: there is no such experiment, or it has no such file.
    """
    references = _git("for-each-ref", "--format=%(refname)", "refs/exps").splitlines()
    found = [reference for reference in references if reference.endswith(f"/{name}")]
    if len(found) != 1:
        raise RuntimeError(f"{name}: expected one experiment of this name, got {len(found)}: `dvc exp list --all`")
    return _git("show", f"{found[0]}:{path.as_posix()}")


def _reference() -> str:
    """The branch of today, or a numbered one beside it where somebody has it checked out."""
    used = _git("worktree", "list", "--porcelain").splitlines()
    names = [f"refs/heads/retrain/{date.today().isoformat()}{suffix}" for suffix in ("", *(f".{n}" for n in range(99)))]
    return next(name for name in names if f"branch {name}" not in used)


def _tree(head: str) -> str:
    """The tree of `head` with the inputs as they are now, made in an index of its own."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git("read-tree", head, environment=index)
        present = [name for name in (*INPUTS, CODE) if Path(name).exists()]
        _git("add", "--force", "--", *(name for name in present if name != CODE), environment=index)
        if CODE in present:
            _git("add", "--all", "--", CODE, environment=index)
        return _git("write-tree", environment=index)


def _author() -> dict[str, str]:
    """Git's own identity where it has one, else this program's."""
    if _ask("var", "GIT_COMMITTER_IDENT") is not None:
        return {}
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _NOBODY.items()}


def _git(*arguments: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        ["git", *arguments], env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]}: expected exit code 0, got {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()


def _ask(*arguments: str) -> str | None:
    """What git answers; `None` where it says no, or there is no git or no repository."""
    try:
        return _git(*arguments)
    except (RuntimeError, FileNotFoundError):
        return None
