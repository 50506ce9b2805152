"""Whole models of transformers from a folder or the Hub: no pickle, no code that comes along, no missing weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from safetensors import SafetensorError
from transformers import AutoProcessor
from transformers.utils import logging

from pipeline.errors import JobError, first_line

# What transformers raises over a folder that is not, or not wholly, what it takes it for.
UNFIT = (OSError, ValueError, TypeError, LookupError, AttributeError, ImportError, RuntimeError)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' own report on missing weights, dozens of lines long: what it finds becomes an error."""
    former = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(former)


def load_with_processor(
    kind: Any, source: str, role: str, mend: str, *, where: Mapping[str, object], how: Mapping[str, object]
) -> tuple[Any, Any]:
    """A model by its auto class `kind`, and its processor; the classes of transformers have no types worth keeping.

    `where` says where both are looked for, `how` how the model runs. Raises JobError that names `source` as `role`,
    and the mend, where it is no such model or its weights are not whole.
    """
    where = {**where, "trust_remote_code": False}
    try:
        with _quiet():
            processor: Any = AutoProcessor.from_pretrained(source, **where)
            model, found = kind.from_pretrained(
                source, output_loading_info=True, ignore_mismatched_sizes=True, use_safetensors=True, **how, **where
            )
    except (*UNFIT, SafetensorError) as error:
        raise JobError(f"cannot load the {role} {source}: {first_line(error)}; {mend}") from error
    lacking = sorted([*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])])
    if lacking:  # transformers draws them at random
        some = f"{len(lacking)} are missing or of another shape, {lacking[0]} first"
        raise JobError(f"the weights of {source} are not whole: {some}; {mend}")
    return model, processor
