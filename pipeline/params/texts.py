"""The sections that make and judge texts: describe, filter, rewrite, ground, verify, emit, evaluate."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.params.section import Positive, Section, Share

SPEED_ONLY: dict[str, set[str] | bool] = {  # params that change no result
    "server": {"concurrency", "api_key_env", "backoff", "circuit"},
    "cache": True,
    "prices": True,
    "budget": True,
}
Amount = Annotated[float, Field(ge=0.0)]


class CircuitParams(Section):
    """When a server that fails everybody is left alone, and when it is given up."""

    failures: Positive
    cooling: Amount
    probes: Positive


class ServerParams(Section):
    """A server that speaks OpenAI's chat completions, and how it is asked."""

    base_url: str
    api_key_env: str
    concurrency: Positive
    deadline: Positive
    retries: Annotated[int, Field(ge=0)]
    backoff: Amount
    circuit: CircuitParams


def check_circuit(server: ServerParams | None, section: str) -> None:
    """Raise ValueError where the tries of one bad row, alone on the line, would be taken for an ill server."""
    if server is not None and server.circuit.failures <= server.retries + 1:
        least = f"above {section}.server.retries + 1 ({server.retries + 1}), or one bad row ends the run"
        raise ValueError(f"{section}.server.circuit.failures ({server.circuit.failures}) must be {least}")


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

    @model_validator(mode="after")
    def _patient(self) -> DescribeParams:
        check_circuit(self.server, "describe")
        return self


class FilterParams(Section):
    """One limit per rule; null switches a rule off."""

    limits: dict[str, float | None]


class GroundParams(Section):
    """The model that says how well a text belongs to its picture, and the pictures it is compared with."""

    model: str | None
    others: Positive
    batch_size: Positive

    @property
    def off(self) -> bool:
        """Whether nothing is scored."""
        return self.model == "none"


class VerifyParams(Section):
    """The limits that the final text must meet."""

    limits: dict[str, float | None]
    min_grounding: float | None


class PricesParams(Section):
    """What a million tokens cost, in whatever currency the server's bill has."""

    input: Amount
    output: Amount


class BudgetParams(Section):
    """The most that one run may spend; null: no limit. `tokens` are those in and those out together."""

    requests: Positive | None
    tokens: Positive | None
    cost: Annotated[float, Field(gt=0.0)] | None


class RewriteParams(Section):
    """The language model that mends texts, and the guard on what it answers."""

    backend: Literal["none", "local", "openai"]
    model: str
    server: ServerParams | None
    cache: str | None
    prices: PricesParams | None
    budget: BudgetParams | None
    prompt: str
    when: Literal["always", "flagged"]
    max_new_tokens: Positive
    temperature: Annotated[float, Field(ge=0.0)]
    seed: int
    batch_size: Positive
    min_kept: Share
    max_added: Annotated[int, Field(ge=0)]
    limits: dict[str, float | None]

    @model_validator(mode="after")
    def _patient(self) -> RewriteParams:
        check_circuit(self.server, "rewrite")
        return self

    @model_validator(mode="after")
    def _kept(self) -> RewriteParams:
        if self.budget is not None and self.cache is None:
            raise ValueError("rewrite.budget needs rewrite.cache: what is paid for must be kept")
        return self

    @model_validator(mode="after")
    def _priced(self) -> RewriteParams:
        if self.budget is not None and self.budget.cost is not None and self.prices is None:
            raise ValueError("rewrite.budget.cost needs rewrite.prices: what a million tokens cost")
        return self


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
