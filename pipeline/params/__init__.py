"""Params: `params.yaml` names a profile, `profiles/NAME.yaml` holds one section per stage.

Everything is validated once, here. An unknown key is an error that names it and the nearest right one.
"""

from pipeline.params.data import ColumnsParams, CorpusParams, DownloadParams, SampleParams, Split
from pipeline.params.models import (
    ContrastParams,
    ModelParams,
    PretrainParams,
    ShardsParams,
    SourceParams,
    TrainParams,
)
from pipeline.params.profile import Params, load_params, read_section
from pipeline.params.section import Section
from pipeline.params.texts import (
    SPEED_ONLY,
    BudgetParams,
    CircuitParams,
    DecodingParams,
    DescribeParams,
    EmitParams,
    EvaluateParams,
    FilterParams,
    GroundParams,
    JudgeParams,
    LanguageModelParams,
    PricesParams,
    RewriteParams,
    ServerParams,
    VerifyParams,
)

__all__ = [
    "SPEED_ONLY",
    "BudgetParams",
    "CircuitParams",
    "ColumnsParams",
    "ContrastParams",
    "CorpusParams",
    "DecodingParams",
    "DescribeParams",
    "DownloadParams",
    "EmitParams",
    "EvaluateParams",
    "FilterParams",
    "GroundParams",
    "JudgeParams",
    "LanguageModelParams",
    "ModelParams",
    "Params",
    "PretrainParams",
    "PricesParams",
    "RewriteParams",
    "SampleParams",
    "Section",
    "ServerParams",
    "ShardsParams",
    "SourceParams",
    "Split",
    "TrainParams",
    "VerifyParams",
    "load_params",
    "read_section",
]
