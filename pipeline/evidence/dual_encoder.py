"""CLIP, SigLIP and their kin: a picture and a text belong together as far as their vectors point the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoModel

from pipeline.chat_model import digest_folder
from pipeline.compose import best_device
from pipeline.errors import JobError, first_line
from pipeline.evidence.matching import Match
from pipeline.pretrained import UNFIT, load_with_processor
from pipeline.references import fetch, split_reference
from pipeline.text import split_sentences

MEND = "set ground.model to a CLIP or SigLIP model in safetensors, to null (the section model) or to none"
FILES = ("*.json", "*.safetensors", "*.txt", "*.model")  # of a repository on the Hub: no pickle, no code


_Item = TypeVar("_Item")


class DualEncoder:
    """A match is the cosine of the vectors of picture and text, in float32.

    A text that is longer than the text tower reads counts by its sentences: the mean of their cosines. A sentence
    that is still longer is cut.
    """

    absolute = True

    def __init__(self, model: Any, processor: Any, identity: tuple[str, str], batch_size: int) -> None:
        self.name, self.revision = identity
        self._model, self._processor, self._batch_size = model, processor, batch_size
        self._limit = int(model.config.text_config.max_position_embeddings)  # tokens, the marks included

    @torch.inference_mode()
    def match(
        self,
        pictures: Sequence[Image.Image],
        texts: Sequence[str],
        chosen: Sequence[Sequence[int]],
        advance: Callable[[int], None],
    ) -> list[Match | None]:
        """See Scorer."""
        if not pictures:
            return []
        seen = torch.cat([self._see(batch) for batch in self._batches(pictures)])  # [pictures, dim]
        matches: list[Match | None] = []
        for batch in self._batches(list(range(len(texts)))):
            pieces = [self._pieces(texts[row]) for row in batch]
            flat = list(chain.from_iterable(pieces))
            vectors = torch.cat([self._read(part) for part in self._batches(flat)]) if flat else seen[:0]
            for row, read in zip(batch, vectors.split([len(each) for each in pieces]), strict=True):
                cosines = read @ seen[list(chosen[row])].T  # [pieces, chosen]
                matches.append(Match(cosines.mean(0).tolist()) if len(read) else None)
            advance(len(batch))
        return matches

    def _batches(self, items: Sequence[_Item]) -> list[Sequence[_Item]]:
        return [items[start : start + self._batch_size] for start in range(0, len(items), self._batch_size)]

    def _pieces(self, text: str) -> list[str]:
        """A text whole where the text tower can read it, else its sentences; nothing of a text without words."""
        if text.strip() and len(self._processor(text=[text], verbose=False)["input_ids"][0]) <= self._limit:
            return [text]
        return split_sentences(text)

    def _see(self, pictures: Sequence[Image.Image]) -> Tensor:
        inputs = self._processor(images=list(pictures), return_tensors="pt").to(self._model.device)
        return F.normalize(self._model.get_image_features(**inputs).pooler_output, dim=-1)

    def _read(self, pieces: Sequence[str]) -> Tensor:
        """Vectors of texts, all padded to what the tower reads: SigLIP learnt so, and CLIP does not mind."""
        how = {"padding": "max_length", "truncation": True, "max_length": self._limit, "return_tensors": "pt"}
        inputs = self._processor(text=list(pieces), **how).to(self._model.device)
        return F.normalize(self._model.get_text_features(**inputs).pooler_output, dim=-1)


def load_dual_encoder(source: str, batch_size: int, threads: int) -> DualEncoder:
    """The model of a folder, or of a repository on the Hub that the user names with its revision.

    Raises UsageError for a source that is neither, JobError for one that holds no such model.
    """
    torch.set_num_threads(threads)
    reference = split_reference(source, "ground.model")
    folder = fetch(reference, FILES)
    model, processor = load_with_processor(
        AutoModel, str(folder), "ground.model", MEND, where={"local_files_only": True}, how={"dtype": torch.float32}
    )
    model = model.to(best_device()).eval()
    try:  # a grey square: what does not fit together shows before the first row
        scorer = DualEncoder(model, processor, _identity(reference, folder), batch_size)
        scorer.match([Image.new("RGB", (64, 64), "grey")], ["A picture."], [[0]], lambda _: None)
    except UNFIT as error:
        why = first_line(error)
        raise JobError(f"the model of {source} cannot compare a picture with a text: {why}; {MEND}") from error
    return scorer


def _identity(reference: dict[str, str], folder: Path) -> tuple[str, str]:
    """Name and revision: of a repository the commit, after which the Hub's cache names the folder."""
    if "repository" in reference:
        return reference["repository"], folder.name
    return folder.name, digest_folder(folder)
