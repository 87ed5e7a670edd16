"""The model card of a version: what made it, what it measures, what was decided of it, and what it is not for."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.metrics.table import METRICS
from deepfuse.registry.connection import COMMIT_TAG, KEY_TAG, connect, reaching
from deepfuse.registry.lineage import read_json
from deepfuse.registry.settings import model_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

FILE = "model_card.md"
DATA = "data.json"
RECORDS = {"provenance": "training/provenance.json", "metrics": "metrics/metrics.json", "data": DATA}
VERDICT = "verdict.md"
MOST_LETTERS = 5000  # of a description, which Postgres holds MLflow to and sqlite does not
MORE = f"\nShortened; all of it is `{FILE}` among the files of the run.\n"
PASSED = "| yes |"  # in a check's row of the verdict
LIMITS = """- Fuses exposures of one scene that are aligned, in luma; colour and ghosts are the pipeline's.
- Trained without ground truth; MEF-SSIM sees neither colour nor a body made of two moments.
- The scores are of held-out scenes of the same source as the training; other cameras and light were not measured.
"""


@reaching()
def describe(version: str) -> None:
    """Write the card of a version, as its description and as a file with its run, from what is logged of it by now."""
    client = connect()
    found = client.get_model_version(model_name(), version)
    run_id = str(found.run_id)
    with tempfile.TemporaryDirectory() as temporary:
        known = {name: read_json(_fetched(client, run_id, path, temporary)) for name, path in RECORDS.items()}
        verdict = _fetched(client, run_id, VERDICT, temporary)
        said = verdict.read_text(encoding="utf-8") if verdict.is_file() else "Not judged yet.\n"
    text = card(f"{model_name()}, version {version}", tags=found.tags, verdict=said, **known)
    client.log_text(run_id, text, FILE)
    client.update_model_version(model_name(), version, description=shortened(text))


def shortened(text: str) -> str:
    """What of a card a version's description has room for: where it is too long, without the checks that were passed.

    >>> shortened("| worse | **no** |\\n" + "| halo | yes |\\n" * 500) == "| worse | **no** |\\n" + MORE
    True
    """
    if len(text) <= MOST_LETTERS:
        return text
    kept, room = "", MOST_LETTERS - len(MORE)
    for line in text.splitlines(keepends=True):
        if PASSED not in line and len(kept) + len(line) <= room:
            kept += line
    return kept + MORE


def card(
    title: str,
    *,
    tags: Mapping[str, str],
    verdict: str,
    provenance: Mapping[str, Any],
    metrics: Mapping[str, Any],
    data: Mapping[str, Any],
) -> str:
    """The card in Markdown.

    Args:
        title: names the version.
        tags: of the version.
        verdict: of the gate, in Markdown.
        provenance: what stage `train` wrote beside the weights.
        metrics: what stage `evaluate` measured.
        data: where the brackets are from, and how many scenes there are, by split.
    """
    sections = {
        "Verdict": verdict,
        "Figures": _figures(metrics),
        "Data": _lines({**data, "licences": data.get("licences", "not recorded: those of the brackets")}),
        "Training": _lines(
            {
                "network": provenance.get("arch"),
                **provenance.get("train", {}),
                "computed in": provenance.get("precision"),
                "on": provenance.get("device"),
                "torch": provenance.get("versions", {}).get("torch"),
            }
        ),
        "Limits": LIMITS,
        "To have it again": _lines(
            {
                "commit": tags.get(COMMIT_TAG),
                "model": tags.get(KEY_TAG),
                "command": f"`deepfuse reproduce {title.rpartition(' ')[2]} FOLDER`" if COMMIT_TAG in tags else None,
            }
        ),
    }
    return f"# {title}\n\n" + "\n".join(f"## {name}\n\n{text}" for name, text in sections.items() if text)


def _figures(metrics: Mapping[str, Any]) -> str:
    """A row a measure, a column a method; what no row of the table of measures names is left out."""
    rows = {metric.name: metrics[metric.name] for metric in METRICS if metric.name in metrics}
    if not rows:
        return ""
    methods = list(next(iter(rows.values())))
    lines = [f"| mean over {metrics.get('scenes', '?')} scenes | {' | '.join(methods)} |"]
    lines += ["|---" * (len(methods) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(f'{row[method]:.4f}' for method in methods)} |" for name, row in rows.items()]
    return "\n".join(lines) + "\n"


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"- {name}: {value}\n" for name, value in values.items() if value is not None)


def _fetched(client: MlflowClient, run_id: str, path: str, folder: str) -> Path:
    """Where an artifact of a run is; a path without a file where there is none."""
    known = [file.path for file in client.list_artifacts(run_id, path.rpartition("/")[0] or None)]
    return Path(client.download_artifacts(run_id, path, folder) if path in known else f"{folder}/none")
