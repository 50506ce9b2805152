"""A profile: one section a stage, read from profiles/NAME.yaml and validated once."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError, model_validator

from pipeline.errors import UsageError
from pipeline.params.data import CorpusParams, DownloadParams, SampleParams
from pipeline.params.models import ModelParams, PretrainParams, TrainParams
from pipeline.params.section import Section
from pipeline.params.texts import (
    DescribeParams,
    EmitParams,
    EvaluateParams,
    FilterParams,
    GroundParams,
    RewriteParams,
    VerifyParams,
)


class Params(Section):
    """One profile, whole."""

    profile: str
    corpus: CorpusParams
    sample: SampleParams
    download: DownloadParams
    model: ModelParams
    pretrain: PretrainParams
    describe: DescribeParams
    filter: FilterParams
    rewrite: RewriteParams
    ground: GroundParams
    verify: VerifyParams
    emit: EmitParams
    train: TrainParams
    evaluate: EvaluateParams

    @model_validator(mode="after")
    def _one_layer(self) -> Params:
        several = self.model.projector_layers > 1 or self.model.train_qformer
        if several and (self.pretrain.ridge is not None or self.pretrain.contrast):
            raise ValueError("pretrain.ridge and pretrain.contrast shape one linear layer: with more to train, null")
        return self

    @model_validator(mode="after")
    def _measured(self) -> Params:
        if self.ground.off and self.verify.min_grounding is not None:
            raise ValueError("verify.min_grounding has no score to hold against: ground.model is none; set it to null")
        return self


def load_params(profile: str | None = None, root: Path = Path()) -> Params:
    """Read and validate one profile (by default the one that `params.yaml` names).

    Raises UsageError with one line that names the file and every wrong key.
    """
    if profile is None:
        profile = str(_read_yaml(root / "params.yaml").get("profile", "embedded"))
    path = root / "profiles" / f"{profile}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in (root / "profiles").glob("*.yaml"))
        raise UsageError(f"no profile {profile!r}: {path} does not exist; there are {', '.join(known) or 'none'}")
    return read_section(path, Params, profile=profile)


S = TypeVar("S", bound=Section)


def read_section(path: Path, kind: type[S], **given: Any) -> S:
    """Read a YAML file as a section of params; `given` are fields that the file does not hold.

    Raises UsageError with one line that names the file and every wrong key.
    """
    try:
        return kind.model_validate({**given, **_read_yaml(path)})
    except ValidationError as error:
        raise UsageError(f"{path}: {'; '.join(_explain(e, kind) for e in error.errors())}") from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist: run from the repository's root") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(loaded, dict):
        raise UsageError(f"{path} must hold a mapping of sections")
    return loaded


def _explain(error: Any, kind: type[Section]) -> str:
    place = [str(part) for part in error["loc"]]
    name = ".".join(place)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(place[-1], _keys_beside(place, kind), n=1, cutoff=0.0)
        return f"unknown key {name}" + (f"; did you mean {'.'.join([*place[:-1], near[0]])}?" if near else "")
    if error["type"] == "missing":
        return f"key {name} is missing"
    if error["type"] == "value_error":  # of a check above, which names the keys itself
        return str(error["ctx"]["error"])
    return f"{name}: {error['msg']} (got {error['input']!r})"


def _keys_beside(place: list[str], kind: type[Section]) -> list[str]:
    """The keys that are right at the place of a wrong one."""
    model: Any = kind
    for part in place[:-1]:
        field = model.model_fields.get(part)
        kinds = (
            (field.annotation, *get_args(field.annotation)) if field else ()
        )  # a section that may be null is a union
        model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if model is None:
            return []
    return [key for key in model.model_fields if key != "profile"]
