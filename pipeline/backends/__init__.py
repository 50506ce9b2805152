"""The language models that `rewrite` can ask: none, one in this process, or any OpenAI-compatible server."""

from __future__ import annotations

from pipeline.backends.completion import Rewriter
from pipeline.params import RewriteParams


def load_rewriter(params: RewriteParams) -> Rewriter | None:
    """The rewriter that the params name, ready to be asked; None for backend `none`.

    Raises UsageError or JobError in one line when the params do not lead to a model.
    """
    if params.backend == "local":
        from pipeline.backends.local import LocalRewriter

        return LocalRewriter(params)
    if params.backend == "openai":
        from pipeline.backends.openai import ServerRewriter

        return ServerRewriter(params)
    return None
