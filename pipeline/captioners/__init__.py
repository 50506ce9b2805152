"""The models that `describe` can ask: the stage-1 model, any chat model of transformers, or any vision server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.params import DescribeParams, Params

if TYPE_CHECKING:
    from pipeline.captioners.description import Captioner


def load_captioner(params: Params) -> Captioner:
    """The captioner that `describe.backend` names, ready to be asked.

    Raises UsageError or JobError in one line when the params do not lead to a model.
    """
    _check_idle_keys(params.describe)
    if params.describe.backend == "openai":
        from pipeline.captioners.openai import ServerCaptioner

        return ServerCaptioner(params.describe)
    if params.describe.backend == "transformers":
        from pipeline.captioners.transformers import TransformersCaptioner

        return TransformersCaptioner(params.describe, params.model)
    from pipeline.captioners.minigpt4 import load_local_captioner

    return load_local_captioner(params.model)


def _check_idle_keys(params: DescribeParams) -> None:
    """A key that the backend does not read is a mistake: most likely the backend was to be another."""
    idle = {"minigpt4": ("model", "server"), "transformers": ("server",), "openai": ()}[params.backend]
    for key in idle:
        if getattr(params, key) is not None:
            mend = "set it to null, or describe.backend to another"
            raise UsageError(f"describe.{key} means nothing to backend {params.backend}: {mend}")
