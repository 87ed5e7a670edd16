"""What a client is told when there is no picture: one sentence, without what it sent and without our stack."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE, RESOURCE_EXHAUSTED

from deepfuse.errors import DeepfuseError
from deepfuse.serving.turns import Busy

LONGEST = 500  # characters
_log = logging.getLogger(__name__)


class Refused(MlflowException):
    """A refusal that reaches the client as it was said: MLflow's server puts the whole request before others."""

    def __init__(self, said: str, error_code: int) -> None:
        self.said = said if len(said) <= LONGEST else f"{said[:LONGEST]} …"
        super().__init__(self.said, error_code)

    def serialize_as_json(self) -> str:
        """The body of the answer."""
        return json.dumps({"error_code": self.error_code, "message": self.said})


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what goes wrong into a `Refused` of status 400, 429 (busy), or 500, whose reason the server's log has.

    Raises:
        Refused: whatever was raised.
    """
    try:
        yield
    except Refused:
        raise
    except (DeepfuseError, ValueError, TypeError) as error:
        raise Refused(str(error), INVALID_PARAMETER_VALUE) from None
    except Busy as busy:
        raise Refused(str(busy), RESOURCE_EXHAUSTED) from None
    except Exception:
        _log.exception("a request failed")
        raise Refused("the server failed; its log says why", INTERNAL_ERROR) from None
