"""The sections that make and judge texts: describe, filter, rewrite, ground, verify, emit, evaluate."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

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


class LanguageModelParams(Section):
    """A language model, how it is asked, and what that may cost."""

    section: ClassVar[str]  # where in a profile these keys stand: what errors name

    backend: Literal["none", "local", "openai"]
    model: str
    server: ServerParams | None
    cache: str | None
    prices: PricesParams | None
    budget: BudgetParams | None
    prompt: str
    max_new_tokens: Positive
    temperature: Annotated[float, Field(ge=0.0)]
    seed: int
    batch_size: Positive

    @model_validator(mode="after")
    def _patient(self) -> Self:
        check_circuit(self.server, self.section)
        return self

    @model_validator(mode="after")
    def _kept(self) -> Self:
        if self.budget is not None and self.cache is None:
            raise ValueError(f"{self.section}.budget needs {self.section}.cache: what is paid for must be kept")
        return self

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.budget is not None and self.budget.cost is not None and self.prices is None:
            raise ValueError(f"{self.section}.budget.cost needs {self.section}.prices: what a million tokens cost")
        return self


class RewriteParams(LanguageModelParams):
    """The language model that mends texts, and the guard on what it answers."""

    section: ClassVar[str] = "rewrite"

    when: Literal["always", "flagged"]
    min_kept: Share
    max_added: Annotated[int, Field(ge=0)]
    limits: dict[str, float | None]


class JudgeParams(LanguageModelParams):
    """The language model that says whether a description covers its picture's caption."""

    section: ClassVar[str] = "evaluate.judge"

    backend: Literal["local", "openai"]
    pictures: Positive

    @model_validator(mode="after")
    def _named(self) -> Self:
        if missing := [name for name in ("caption1", "caption2") if name not in self.prompt]:
            raise ValueError(
                f"{self.section}.prompt does not name {' and '.join(missing)}: the judge sees the picture's caption "
                "as caption1 and the description as caption2"
            )
        return self


class EmitParams(Section):
    """What the fine-tuning set looks like."""

    instructions: Annotated[list[str], Field(min_length=1)]
    seed: int
    align_layout: bool


class AbilitiesParams(Section):
    """What goes beyond describing: prompts by name, asked about a few held-out pictures, for people to read."""

    pictures: Positive
    prompts: Annotated[dict[str, str], Field(min_length=1)]


class EvaluateParams(DecodingParams):
    """The held-out comparison of the stage-1 and the fine-tuned model; the first of the prompts asks to describe."""

    prompts: Annotated[dict[str, str], Field(min_length=1)]
    seeds: Annotated[list[int], Field(min_length=1)]
    limits: dict[str, float | None]
    object_pictures: Positive
    judge: JudgeParams | None
    bootstrap: Positive
    abilities: AbilitiesParams | None
    gallery: Positive
    seed: int

    @model_validator(mode="after")
    def _differing(self) -> EvaluateParams:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("evaluate.seeds must differ: an equal seed draws an equal answer")
        if len(self.seeds) > 1 and not self.do_sample:
            raise ValueError("evaluate.seeds: without evaluate.do_sample every seed draws the same answer; give one")
        return self
