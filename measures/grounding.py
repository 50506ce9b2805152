"""Do a model's texts belong to their pictures? Losses with the right and a shuffled picture, words of the reference."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from torch import Tensor

from measures.reference import Reference, measure_reference, read_reference, recalls
from pipeline.answering import Answers, Heldout
from pipeline.comparison import difference_with_interval, mean_with_interval
from pipeline.grounding import human_captions, margin_of, right_and_shuffled
from pipeline.params import Params
from pipeline.vlm import VisionLanguageModel


@dataclass(frozen=True)
class Grounded:
    """One model on the held-out pictures: its figures, and what two models can be paired by."""

    figures: dict[str, float | None]
    margins: list[float]  # [picture]: loss of its human caption with another picture less that with its own
    recalls: list[list[float]]  # [picture][seed], of pictures whose reference has words


def references_of(heldout: Heldout) -> list[Reference]:
    """What people wrote of each picture."""
    rows = heldout.rows.select(["caption", "keywords"]).to_pylist()
    return [read_reference(row["caption"], row["keywords"]) for row in rows]


def own_and_other_losses(vlm: VisionLanguageModel, heldout: Heldout, params: Params) -> tuple[Tensor, Tensor]:
    """Mean loss of each human caption in the describing prompt, with its own and with another picture: [N] both."""
    prompt = vlm.chat.picture_prompt(params.describe.prompt)
    captions = human_captions(vlm.tokenizer, heldout.rows)
    return right_and_shuffled(vlm, heldout.features, prompt, captions, params.evaluate.seed)


def measure_grounding(
    vlm: VisionLanguageModel, heldout: Heldout, described: Answers, vocabulary: frozenset[str], params: Params
) -> Grounded:
    """The margin of the right picture over a shuffled one, recall and CHAIR of the descriptions.

    `vocabulary` holds the words that CHAIR counts as objects (`measures.reference.object_vocabulary`).
    """
    section, references = params.evaluate, references_of(heldout)
    right, shuffled = own_and_other_losses(vlm, heldout, params)
    margins = (shuffled - right).tolist()
    texts = [[answer.text for answer in each] for each in described]
    figures = {
        **asdict(margin_of(right, shuffled)),
        **mean_with_interval(margins, section.bootstrap, section.seed).as_dict("margin"),
        **measure_reference(texts, references, vocabulary, section.bootstrap, section.seed).as_dict(),
    }
    return Grounded(figures, margins, recalls(texts, references))


def grounding_change(before: Grounded, after: Grounded, resamples: int, seed: int) -> dict[str, float | None]:
    """The paired change of margin and recall, with intervals."""
    margin = difference_with_interval(before.margins, after.margins, resamples, seed)
    recall = difference_with_interval(before.recalls, after.recalls, resamples, seed)
    return margin.as_dict("margin") | recall.as_dict("recall")
