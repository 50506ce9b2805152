"""python -m stages.pretrain --profile embedded

Stage 1: train the projection, everything else frozen, on the corpus's `pretrain` split, and measure on the
`evaluate` split whether it grounds. Writes models/<profile>/projection.safetensors and record.json, both
committed, so that the pipeline starts from them. Pictures and features are fetched and computed once, under
.cache/; training resumes from its last checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import torch
from PIL import ImageOps
from torch import Tensor

from pipeline.captions import sentences_of
from pipeline.colors import main_colors
from pipeline.command import run_command, stage_params
from pipeline.errors import JobError
from pipeline.fetch import fetch
from pipeline.files import atomic, sha256_file
from pipeline.grounding import Grounding, measure_grounding
from pipeline.params import Params, PretrainParams
from pipeline.parquet import list_shards, read_table
from pipeline.pictures import open_picture
from pipeline.prompts import Prompt, answer_tokens, bare_prompt, picture_prompt, tokenize
from pipeline.ridge import start_from_ridge
from pipeline.runner import run_map_stage
from pipeline.training import Example, Schedule, fit
from pipeline.vlm import VisionLanguageModel, load_model, save_projection

VALIDATION_EVERY = 25  # one picture in so many of the training split only watches the loss
FEATURES = pa.schema(
    [
        pa.field("features", pa.binary()),
        pa.field("mirrored", pa.binary()),  # features of the picture seen in a mirror
        pa.field("colors", pa.list_(pa.string())),
    ]
)


def featurize(rows: pa.Table, advance: Callable[[int], None], vlm: VisionLanguageModel) -> pa.Table:
    """Replace each picture by its pooled features (float16, [tokens, 1280]), two views, and its main colours."""
    found = []
    for image in rows["image"].to_pylist():
        if image is None:
            found.append(dict.fromkeys(FEATURES.names))
        else:
            picture = open_picture(image["bytes"])
            seen, mirrored = vlm.features([picture, ImageOps.mirror(picture)]).half().numpy()
            found.append({"features": seen.tobytes(), "mirrored": mirrored.tobytes(), "colors": main_colors(picture)})
        advance(1)
    added = pa.Table.from_pylist(found, schema=FEATURES)
    kept = rows.drop_columns(["image"])
    for name in FEATURES.names:
        kept = kept.append_column(FEATURES.field(name), added[name])
    return kept


def load_pictures(params: Params, vlm: VisionLanguageModel, split: str, limit: int | None) -> pa.Table:
    """Rows of one split with features, fetched and computed once and kept under .cache/."""
    corpus = read_table(Path("outputs", params.profile, "corpus.parquet"))
    rows = corpus.filter(pc.equal(corpus["split"], split)).drop_columns(["split"])
    rows = rows.slice(0, limit) if limit else rows
    if not rows.num_rows:
        raise JobError(f"the corpus has no pictures in the split {split!r}: raise its share in corpus.splits")
    cache = Path(".cache/pairmill", f"pretrain-{params.profile}", split)
    work = Path(".work", params.profile, "pretrain")
    names = hashlib.sha256("\n".join(rows["key"].to_pylist()).encode()).hexdigest()[:16]
    pictures = cache / f"pictures-{names}"
    features = cache / f"views-{names}-{'-'.join(map(str, params.model.pyramid))}"
    if not features.is_dir():
        if not pictures.is_dir():
            fetch(rows, pictures, work=work / f"fetch-{split}", params=params.download, root=params.corpus.path)
        run_map_stage(
            stage=f"features ({split})",
            source=pictures,
            out=features,
            work=work / f"features-{split}",
            identity={
                "vision": sha256_file(params.model.vision / "model.safetensors"),
                "pyramid": params.model.pyramid,
            },
            transform=lambda table, advance: featurize(table, advance, vlm),
        )
    table = pa.concat_tables([read_table(path) for path in list_shards(features)])
    return table.filter(pc.is_valid(table["features"]))


def check_judgeable(params: Params) -> None:
    """Raise JobError before hours of training, where the corpus holds too few pictures to judge the result by."""
    splits = read_table(Path("outputs", params.profile, "corpus.parquet"), ["split"])["split"].to_pylist()
    pictures, distractors = min(splits.count("evaluate"), params.pretrain.judged_pictures), params.pretrain.distractors
    if pictures <= distractors:
        raise JobError(
            f"{pictures} unseen pictures to judge by, and {distractors} wrong captions wanted for each: raise the share"
            " of evaluate in corpus.splits and pretrain.judged_pictures, or set pretrain.distractors lower"
        )


def feature_tensor(rows: pa.Table, tokens: int, column: str = "features") -> Tensor:
    """A features column as a tensor [N, tokens, 1280]."""
    data = b"".join(rows[column].to_pylist())
    return torch.frombuffer(bytearray(data), dtype=torch.float16).view(rows.num_rows, tokens, -1).float()


def answers_of(vlm: VisionLanguageModel, rows: pa.Table, params: PretrainParams, *, colors: bool) -> list[list[int]]:
    """Token ids of the sentences that stage 1 learns; without an end mark where the params say so."""
    texts = [
        sentences_of(row["key"], row["caption"], row["keywords"] or [], row["colors"] if colors else [])
        for row in rows.select(["key", "caption", "keywords", "colors"]).to_pylist()
    ]
    if params.end_mark:
        return [answer_tokens(vlm.tokenizer, text, params.max_caption_tokens) for text in texts]
    return [tokenize(vlm.tokenizer, " " + text)[: params.max_caption_tokens] for text in texts]


def judge(vlm: VisionLanguageModel, rows: pa.Table, prompt: Prompt, params: PretrainParams) -> Grounding:
    """Grounding on unseen pictures, by their human captions and keywords alone (no computed colours)."""
    captions = [
        tokenize(vlm.tokenizer, " " + sentences_of("", row["caption"], row["keywords"] or [], []))
        for row in rows.select(["caption", "keywords"]).to_pylist()
    ]
    features = feature_tensor(rows, vlm.image_tokens)
    return measure_grounding(vlm, features, prompt, captions, distractors=params.distractors, seed=params.seed)


def pretrain(params: Params, vlm: VisionLanguageModel) -> dict[str, object]:
    """Ridge start, then the language-model loss; returns the training record."""
    section, work = params.pretrain, Path(".work", params.profile, "pretrain")
    seen = load_pictures(params, vlm, "pretrain", None)
    unseen = load_pictures(params, vlm, "evaluate", section.judged_pictures)
    prompt = picture_prompt(vlm.tokenizer, params.describe.prompt)
    features, mirrored = (feature_tensor(seen, vlm.image_tokens, column) for column in ("features", "mirrored"))
    words = [" ".join([row["caption"], *row["keywords"]]) for row in seen.select(["caption", "keywords"]).to_pylist()]
    start_from_ridge(vlm, features, [tokenize(vlm.tokenizer, " " + text) for text in words], section.ridge)
    started = time.monotonic()
    facts = [section.model_dump_json(), params.model.model_dump_json(), *seen["key"].to_pylist(), *words]
    run = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    log = []
    # Colours are easily learnt and say little: they wait until the picture's words are known.
    for phase, steps, asked, colors in (
        ("bare", section.bare_steps, bare_prompt(vlm.tokenizer), False),
        ("prompt", section.prompt_steps, prompt, True),
    ):
        answers = answers_of(vlm, seen, section, colors=colors)
        watched = [i for i in range(len(answers)) if i % VALIDATION_EVERY == 0]
        learned = [i for i in range(len(answers)) if i % VALIDATION_EVERY]
        folder = work / f"checkpoints-{run}" / phase
        _, entries = fit(
            vlm,
            [Example(view[i], asked, answers[i]) for view in (features, mirrored) for i in learned],
            schedule_of(section, steps, phase),
            folder,
            heldout=[Example(features[i], asked, answers[i]) for i in watched],
        )
        log += [{"phase": phase, **entry} for entry in entries]
    seconds = time.monotonic() - started
    trained = judge(vlm, unseen, prompt, section)
    print(f"pretrain: the right caption of {1 + section.distractors} comes first for {trained.ranked_first:.1%}")
    return {
        "pictures": {"trained on": len(learned), "watched": len(watched), "judged": unseen.num_rows},
        "grounding": trained.as_dict(),
        "seconds": round(seconds),
        "log": log,
        "params": json.loads(section.model_dump_json()),
    }


def schedule_of(params: PretrainParams, steps: int, phase: str) -> Schedule:
    """The schedule of one phase; the second takes up the rate where half of the first's range lies."""
    peak = params.lr if phase == "bare" else (params.lr + params.min_lr) / 2
    shared = params.model_dump(include=set(Schedule.__dataclass_fields__) - {"steps", "lr"})
    return Schedule(steps=steps, lr=peak, **shared)


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    check_judgeable(params)
    torch.manual_seed(params.pretrain.seed)
    vlm = load_model(params.model)
    record = pretrain(params, vlm)
    save_projection(vlm, params.model.projection)
    with atomic(params.model.projection.with_name("record.json")) as path:
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(Path(".work", params.profile, "pretrain"), ignore_errors=True)
    print(f"pretrain: wrote {params.model.projection}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
