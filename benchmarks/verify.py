"""Are the decode loop's tokens those of `generate`, one picture at a time and each pass from its beginning?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.workload import Workload
from pipeline.generation.beams import Generator
from pipeline.generation.decoding import Decoder, Turn

SIZES = (64, 16, 3, 1)  # rows in flight
Ids = dict[tuple[int, int], list[int]]  # (picture, pass) -> ids


def describe_all(workload: Workload, answerer: Decoder | Generator) -> tuple[Ids, dict[tuple[int, int], Tensor]]:
    """The ids of both passes of every picture, and the conversations that they answer."""
    rows = range(len(workload.limits))
    conversations = workload.conversations(rows)
    asked = {(row, 0): conversation for row, conversation in enumerate(conversations)}
    finished, found = workload.finished(conversations), Ids()

    def take(row: int, ids: list[int]) -> Turn | None:
        found[row, int((row, 0) in found)] = ids
        turn = finished(row, ids)
        if turn is None:
            return None
        asked[row, 1] = turn.conversation
        return replace(turn, limit=workload.limits[row][1])

    answerer.run([Turn(c, limits[0]) for c, limits in zip(conversations, workload.limits, strict=True)], rows, take)
    return found, asked


@torch.no_grad()
def next_logits(workload: Workload, conversation: Tensor, ids: Sequence[int]) -> Tensor:
    """The logits [vocabulary] that follow a conversation [T, llm_dim] and these ids, computed by themselves."""
    said = torch.tensor(ids, dtype=torch.long, device=conversation.device)
    embeds = torch.cat([conversation, workload.vlm.embed_tokens(said)])[None]
    hidden = workload.vlm.llm.get_decoder()(inputs_embeds=embeds, use_cache=False)[0]
    logits: Tensor = workload.vlm.llm.get_output_embeddings()(hidden[:, -1].contiguous())[0]
    return logits.float()


def verify(workload: Workload) -> bool:
    """Print, for each number of rows in flight, how many passes are equal; where one is not, the two logits.

    Returns whether every pass is, but for ties of two logits within 1e-3.
    """
    expected, asked = describe_all(
        workload, Generator(workload.vlm, workload.params.model_copy(update={"batch_size": 1}))
    )
    lengths = [len(ids) for ids in expected.values()]
    print(f"{len(workload.limits)} pictures, {len(expected)} passes of {min(lengths)} to {max(lengths)} tokens")
    right = True
    for size in SIZES:
        params = workload.params.model_copy(update={"batch_size": size})
        found, _ = describe_all(workload, Decoder(workload.vlm, params))
        differing = [key for key in expected if found.get(key) != expected[key]]
        print(f"{size} in flight: {len(expected) - len(differing)} of {len(expected)} passes equal, token for token")
        right &= found.keys() == expected.keys()
        for key in differing:
            right &= _explain(workload, asked[key], key, expected[key], found.get(key, []))
    return right


def _explain(
    workload: Workload, conversation: Tensor, key: tuple[int, int], expected: Sequence[int], found: Sequence[int]
) -> bool:
    """Print the first difference of one pass; whether it is a tie."""
    pairs = enumerate(zip(expected, found, strict=False))
    at = next((n for n, (a, b) in pairs if a != b), None)
    if at is None:
        print(f"  picture {key[0]}, pass {key[1] + 1}: {len(expected)} tokens expected, {len(found)} found")
        return False
    logits = next_logits(workload, conversation, expected[:at])
    a, b = float(logits[expected[at]]), float(logits[found[at]])
    print(f"  picture {key[0]}, pass {key[1] + 1}, token {at}: {expected[at]} ({a:.6f}) became {found[at]} ({b:.6f})")
    return abs(a - b) < 1e-3
