"""`python -m flows retrain`: run the loop once, now."""

from __future__ import annotations

import argparse
import os


def main() -> None:
    """Run the flow that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m flows", description="Run the retraining loop.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("retrain", help="dvc repro, publish the model to MLflow, promote it if it is better")
    parser.parse_args()

    os.environ.setdefault("DO_NOT_TRACK", "1")
    from flows.retrain import retrain

    retrain()


if __name__ == "__main__":
    main()
