"""The language models that `rewrite` can ask: none, one in this process, or any OpenAI-compatible server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.params import RewriteParams

if TYPE_CHECKING:
    from pipeline.backends.cached import CachedRewriter, Model


def load_rewriter(params: RewriteParams) -> CachedRewriter | None:
    """The rewriter that the params name, ready to be asked; None for backend `none`.

    Raises UsageError or JobError in one line when the params do not lead to a model, or to a usable cache.
    """
    _check_idle_keys(params)
    model = _load_model(params)
    if model is None:
        return None
    from pipeline.backends.cache import AnswerCache
    from pipeline.backends.cached import CachedRewriter
    from pipeline.backends.message import prompt_version

    cache = None if params.cache is None else AnswerCache(Path(params.cache))
    return CachedRewriter(model, cache, prompt_version(params.prompt))


def _load_model(params: RewriteParams) -> Model | None:
    if params.backend == "local":
        from pipeline.backends.local import LocalModel

        return LocalModel(params)
    if params.backend == "openai":
        from pipeline.backends.openai import ServerModel

        return ServerModel(params)
    return None


def _check_idle_keys(params: RewriteParams) -> None:
    """A limit on spending that nobody would keep is a mistake, not a setting."""
    for key in ("prices", "budget"):
        if params.backend != "openai" and getattr(params, key) is not None:
            mend = "set it to null, or rewrite.backend to openai"
            raise UsageError(f"rewrite.{key} means nothing to backend {params.backend}: {mend}")
