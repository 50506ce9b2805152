"""The sections that make and judge texts: describe, filter, rewrite, verify, emit, evaluate."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.section import Positive, Section, Share

SPEED_ONLY = {"server": {"concurrency", "api_key_env"}}  # params that change no result


class ServerParams(Section):
    """A server that speaks OpenAI's chat completions, and how it is asked."""

    base_url: str
    api_key_env: str
    concurrency: Positive
    deadline: Positive
    retries: Annotated[int, Field(ge=0)]


class DecodingParams(Section):
    """How text is generated."""

    max_new_tokens: Positive
    num_beams: Positive
    do_sample: bool
    temperature: Annotated[float, Field(gt=0.0)]
    top_p: Annotated[float, Field(gt=0.0, le=1.0)]
    repetition_penalty: Annotated[float, Field(gt=0.0)]
    batch_size: Positive


class DescribeParams(DecodingParams):
    """The captioner, the prompt, the continue pass and the decoding."""

    backend: Literal["minigpt4", "transformers", "openai"]
    model: str | None
    server: ServerParams | None
    prompt: str
    continue_prompt: str
    continue_up_to: Annotated[int, Field(ge=0)]
    seed: int


class FilterParams(Section):
    """One limit per rule; null switches a rule off."""

    limits: dict[str, float | None]


class VerifyParams(Section):
    """The limits that the final text must meet."""

    limits: dict[str, float | None]


class RewriteParams(Section):
    """The language model that mends texts, and the guard on what it answers."""

    backend: Literal["none", "local", "openai"]
    model: str
    server: ServerParams | None
    prompt: str
    when: Literal["always", "flagged"]
    max_new_tokens: Positive
    temperature: Annotated[float, Field(ge=0.0)]
    seed: int
    batch_size: Positive
    min_kept: Share
    max_added: Annotated[int, Field(ge=0)]
    limits: dict[str, float | None]


class EmitParams(Section):
    """What the fine-tuning set looks like."""

    instructions: Annotated[list[str], Field(min_length=1)]
    seed: int
    align_layout: bool


class EvaluateParams(DecodingParams):
    """The held-out comparison of the stage-1 and the fine-tuned model."""

    prompt: str
    limits: dict[str, float | None]
    bootstrap: Positive
    gallery: Positive
    seed: int
