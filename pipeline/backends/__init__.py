"""The language models that a section can ask about texts: one in this process, or any OpenAI-compatible server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, overload

from pipeline.errors import UsageError
from pipeline.params import JudgeParams, LanguageModelParams

if TYPE_CHECKING:
    from pipeline.backends.cached import CachedModel, Model


@overload
def load_language_model(params: JudgeParams) -> CachedModel: ...
@overload
def load_language_model(params: LanguageModelParams) -> CachedModel | None: ...
def load_language_model(params: LanguageModelParams) -> CachedModel | None:
    """The model that the params name, ready to be asked; None for backend `none`.

    Raises UsageError or JobError in one line when the params do not lead to a model, or to a usable cache.
    """
    _check_idle_keys(params)
    model = _load_model(params)
    if model is None:
        return None
    from pipeline.backends.cache import AnswerCache
    from pipeline.backends.cached import CachedModel
    from pipeline.backends.message import prompt_version

    cache = None if params.cache is None else AnswerCache(Path(params.cache), params.section)
    return CachedModel(model, cache, prompt_version(params.prompt))


def _load_model(params: LanguageModelParams) -> Model | None:
    if params.backend == "local":
        from pipeline.backends.local import LocalModel

        return LocalModel(params)
    if params.backend == "openai":
        from pipeline.backends.openai import ServerModel

        return ServerModel(params)
    return None


def _check_idle_keys(params: LanguageModelParams) -> None:
    """A limit on spending that nobody would keep is a mistake, not a setting."""
    for key in ("prices", "budget"):
        if params.backend != "openai" and getattr(params, key) is not None:
            mend = f"set it to null, or {params.section}.backend to openai"
            raise UsageError(f"{params.section}.{key} means nothing to backend {params.backend}: {mend}")
