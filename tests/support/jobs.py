"""Scenes that work, and that do not, in a module that a worker reads in no time."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    scene: str
    act: str = "work"
    file: Path = Path()


def work(job: Job) -> str:
    match job.act:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
        case "eat":
            bytearray(3 * 10**9)
        case "fault":
            raise LookupError("a fault of the program")
        case "slow":
            time.sleep(0.5)
        case "hang":
            job.file.write_text(str(os.getpid()))
            time.sleep(600)
        case "large":
            return "x" * 300_000
        case "who":
            return str(os.getpid())
        case "kill" if not job.file.exists():
            job.file.touch()
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(600)
    return f"{job.act} {Path.cwd()} {os.environ['OMP_NUM_THREADS']} {os.environ.get('DEEPFUSE_TEST')}"


def refused(job: Job, why: str) -> str:
    return f"{job.scene}.dng: {why}"
