"""What a DVC remote's refusal means: DVC passes on what the library of the store says, without the remote's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flows import pipeline

_ADVICE = {
    ("NoSuchBucket", "bucket does not exist"): "make the bucket, or name another: dvc remote modify {name} url ADDRESS",
    ("requires 'dvc-s3'",): "install what a bucket needs: uv pip install 'deepfuse[s3]'",
    ("requires '",): "install the package that it names",
    ("credentials", "InvalidAccessKey", "SignatureDoesNotMatch", "AccessDenied", "Access Denied", "Forbidden"): (
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, to an account that may read, write and list "
        "there, also where the worker was started"
    ),
    ("onnect", "timed out", "timeout", "unreachable", "not resolve", "Connection"): (
        "is its server up, and its address right (dvc config --list)? Nothing is lost: the next run sends what is left"
    ),
}


@contextmanager
def naming_remote() -> Iterator[None]:
    """Have a failed dvc command say which remote it was about, and what to do.

    Raises:
        RuntimeError: the command failed.
    """
    try:
        yield
    except RuntimeError as error:
        name = pipeline.remote_name()
        raise RuntimeError(f"DVC remote {name}: {error}{advice(str(error), name)}") from error


def advice(said: str, name: str) -> str:
    """What to do about an error, after a semicolon; empty where nobody knows.

    >>> advice("gs is supported, but requires 'dvc-gs' to be installed", "store")
    '; install the package that it names'
    """
    for signs, text in _ADVICE.items():
        if any(sign in said for sign in signs):
            return f"; {text.format(name=name)}"
    return ""
