"""Published weights in: MiniGPT-4 under its own names, BLIP-2's folders, and what does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    LlamaConfig,
    T5Config,
)

from pipeline.convert import main, paper_config
from pipeline.vlm import IGNORED, VisionLanguageModel, load_model
from tests.pipeline import minigpt4_reference as reference
from tests.pipeline.minigpt4_reference import DIMS
from tests.tiny import save_tiny_llm

GOLDEN = Path(__file__).parents[3] / "shared/golden"  # computed by the original code; beside the checkout, if at all


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with frozen.safetensors, stage1.pth and dims.json of a small MiniGPT-4."""
    folder = tmp_path_factory.mktemp("original")
    frozen, projection = reference.random_weights(DIMS, seed=3)
    save_file(frozen, folder / "frozen.safetensors")
    torch.save({"model": projection}, folder / "stage1.pth")
    (folder / "dims.json").write_text(json.dumps(DIMS), encoding="utf-8")
    return folder


def flags(files: Path, out: Path) -> list[str]:
    """The command line that converts `files`."""
    names = {"--dims": "dims.json", "--frozen": "frozen.safetensors", "--projection": "stage1.pth"}
    given = [word for flag, name in names.items() for word in (flag, str(files / name))]
    return [*given, "--out", str(out)]


@pytest.fixture(scope="module")
def converted(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as a checkpoint."""
    out = tmp_path_factory.mktemp("converted") / "new"
    assert main(flags(files, out)) == 0
    return out


@pytest.mark.parametrize("again", [False, True], ids=["converted", "saved_and_opened_again"])
def test_a_converted_model_computes_what_the_papers_say(
    files: Path, converted: Path, tmp_path: Path, again: bool
) -> None:
    """Every state on the way from pixels to loss, to 1e-4, and the same tokens: of plain torch over the same weights."""
    model = load_model(converted)
    if again:
        model.save_pretrained(tmp_path / "again")
        model = VisionLanguageModel.from_pretrained(tmp_path / "again")
    weights, projection = load_file(files / "frozen.safetensors"), torch.load(files / "stage1.pth", weights_only=True)
    pixels = torch.randn(3, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    seen = reference.query_states(weights, DIMS, reference.vision_states(weights, DIMS, pixels))
    torch.testing.assert_close(model.features(pixels), seen, atol=1e-4, rtol=0.0)
    images = F.linear(seen, *(projection["model"][f"llama_proj.{name}"] for name in ("weight", "bias")))
    torch.testing.assert_close(model.encode_images(pixels), images, atol=1e-4, rtol=0.0)
    table, ids = weights["llama_model.model.embed_tokens.weight"], torch.arange(3, 21).view(3, 6)
    embeds = torch.cat([table[ids[:, :2]], images, table[ids[:, 2:]]], 1)
    expected = reference.logits(weights, DIMS, embeds)
    labels = torch.full(embeds.shape[:2], IGNORED)
    labels[:, -4:] = ids[:, 2:]
    found = model(inputs_embeds=embeds, labels=labels)
    torch.testing.assert_close(found.logits, expected, atol=1e-4, rtol=0.0)
    loss = F.cross_entropy(expected[:, -5:-1].flatten(0, 1), ids[:, 2:].flatten())
    torch.testing.assert_close(found.loss, loss, atol=1e-4, rtol=0.0)
    assert torch.equal(greedy(model, embeds, 8), greedily(weights, embeds, 8))


def greedy(model: VisionLanguageModel, embeds: Tensor, tokens: int) -> Tensor:
    """What `generate` says."""
    found: Tensor = model.generate(
        inputs_embeds=embeds, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, pad_token_id=0
    )
    return found


def greedily(weights: dict[str, Tensor], embeds: Tensor, tokens: int) -> Tensor:
    """The likeliest token, again and again, everything computed anew; never the end token, as in `greedy`."""
    said: list[Tensor] = []
    for _ in range(tokens):
        last = reference.logits(weights, DIMS, embeds)[:, -1]
        last[:, DIMS["llm"]["eos"]] = -torch.inf
        said.append(last.argmax(-1))
        embeds = torch.cat([embeds, weights["llama_model.model.embed_tokens.weight"][said[-1]][:, None]], 1)
    return torch.stack(said, 1)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the original code's numbers are not beside this checkout")
@pytest.mark.parametrize("again", [False, True], ids=["converted", "saved_and_opened_again"])
def test_a_converted_model_computes_what_the_original_code_computed(tmp_path: Path, again: bool) -> None:
    """MiniGPT-4's own numbers for a random model, to 1e-4, and its greedy tokens exactly."""
    names = {"--dims": "dims.json", "--frozen": "frozen.safetensors", "--projection": "pretrained_minigpt4_stage1.pth"}
    given = [word for flag, name in names.items() for word in (flag, str(GOLDEN / name))]
    assert main([*given, "--out", str(tmp_path / "one")]) == 0
    model = load_model(tmp_path / "one")
    if again:
        model.save_pretrained(tmp_path / "two")
        model = VisionLanguageModel.from_pretrained(tmp_path / "two")
    expected = load_file(GOLDEN / "expected.safetensors")
    images = model.encode_images(expected["pixel_values"])
    torch.testing.assert_close(images, expected["image_embeds"], atol=1e-4, rtol=0.0)
    before, after, answer = (expected[name] for name in ("tokens_before_image", "tokens_after_image", "answer_tokens"))
    prompt = torch.cat([model.embed_tokens(before), images, model.embed_tokens(after)], 1)
    embeds = torch.cat([prompt, model.embed_tokens(answer)], 1)
    labels = torch.full(embeds.shape[:2], IGNORED)
    labels[:, prompt.shape[1] :] = answer
    found = model(inputs_embeds=embeds, labels=labels)
    torch.testing.assert_close(found.logits, expected["logits"], atol=1e-4, rtol=0.0)
    torch.testing.assert_close(found.loss[None], expected["loss"], atol=1e-4, rtol=0.0)
    said = model.generate(inputs_embeds=prompt, max_new_tokens=12, do_sample=False, pad_token_id=0)
    assert torch.equal(said, expected["greedy_tokens"])


def test_what_the_original_files_hold_beside_the_model_is_left_alone(files: Path, tmp_path: Path) -> None:
    """The Q-Former's text half, other heads, rotary tables: the original code throws them away too."""
    extra = (
        "Qformer.cls.predictions.bias", "Qformer.bert.embeddings.word_embeddings.weight",
        "Qformer.bert.embeddings.position_ids", "Qformer.bert.encoder.layer.0.intermediate.dense.weight",
        "Qformer.bert.encoder.layer.1.output.LayerNorm.bias", "t5_proj.weight",
        "llama_model.model.layers.0.self_attn.rotary_emb.inv_freq",
    )  # fmt: skip
    for name in ("dims.json", "stage1.pth"):
        (tmp_path / name).write_bytes((files / name).read_bytes())
    state = load_file(files / "frozen.safetensors") | {name: torch.zeros(2) for name in extra}
    save_file(state, tmp_path / "frozen.safetensors")
    assert main(flags(tmp_path, tmp_path / "out")) == 0


def _without(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if key != name}


MISFITS = [
    pytest.param("visual_encoder.blocks.1.norm1.bias", None,
        "does not fit the model; missing: encoder.layers.1.layer_norm1.bias", id="tower_misses_one"),
    pytest.param("visual_encoder.blocks.0.attn.q_bias", None,
        "missing: encoder.layers.0.self_attn.qkv.bias; left over: encoder.layers.0.self_attn.v_bias", id="half_a_bias"),
    pytest.param("query_tokens", torch.zeros(1, 4, 24),
        "of another shape: query_tokens [1, 4, 24] for [1, 5, 24]", id="queries_of_another_number"),
    pytest.param("visual_encoder.blocks.2.norm1.bias", torch.zeros(36),
        "left over: encoder.layers.2.layer_norm1.bias", id="a_block_too_many"),
    pytest.param("visual_encoder.rope.freqs", torch.zeros(3),
        "holds tensors that are not MiniGPT-4's; left over: visual_encoder.rope.freqs", id="another_model_s_name"),
    pytest.param("llama_model.lm_head.weight", torch.zeros(91, 32),
        "of another shape: lm_head.weight [91, 32] for [90, 32]", id="another_vocabulary"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "said"), MISFITS)
def test_a_tensor_that_does_not_fit_is_named(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, value: Tensor | None, said: str
) -> None:
    """One line with the file and what is missing, left over or of another shape; nothing is written."""
    for other in ("dims.json", "stage1.pth"):
        (tmp_path / other).write_bytes((files / other).read_bytes())
    state = _without(load_file(files / "frozen.safetensors"), name)
    save_file(state | ({} if value is None else {name: value}), tmp_path / "frozen.safetensors")
    assert main(flags(tmp_path, tmp_path / "out")) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("pairmill: error: ")
    assert str(tmp_path / "frozen.safetensors") in line
    assert said in line
    assert not (tmp_path / "out").exists()


def _projection(width: int, inputs: int = 24) -> dict[str, Tensor]:
    return {"llama_proj.weight": torch.zeros(width, inputs), "llama_proj.bias": torch.zeros(width)}


PROJECTIONS = [
    pytest.param({"model": _projection(16)},
        "does not fit the model; of another shape: projection.bias [16] for [32], projection.weight [16, 24] for [32, 24]", id="shape"),
    pytest.param({"model": _projection(32) | {"llama_proj.extra": torch.zeros(1)}}, "left over: projection.extra", id="left_over"),
    pytest.param({"model": _without(_projection(32), "llama_proj.bias")}, "missing: projection.bias", id="missing"),
    pytest.param({"model": 3}, "holds no table of tensors", id="no_table"),
    pytest.param([1, 2], "holds no table of tensors", id="a_list"),
    pytest.param({"model": Path("x")}, "cannot read tensors from", id="an_object_that_only_pickle_would_make"),
    pytest.param(None, "does not exist", id="no_file"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "said"), PROJECTIONS)
def test_a_projection_that_does_not_fit_is_one_line(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Any, said: str
) -> None:
    """It names the file and what is wrong with it."""
    path = tmp_path / "stage1.pth"
    if content is not None:
        torch.save(content, path)
    words = flags(files, tmp_path / "out")
    words[words.index("--projection") + 1] = str(path)
    assert main(words) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert str(path) in line
    assert said in line


@pytest.mark.parametrize(
    ("found", "llm", "said"), [(5120, 4096, "13B's projection; the language model is 7B's"), (4096, 5120, "7B's projection; the language model is 13B's")]
)  # fmt: skip
def test_7b_against_13b_is_named_as_such(tmp_path: Path, found: int, llm: int, said: str) -> None:
    """The two published projections are easily swapped, and a list of shapes tells nobody."""
    from pipeline.convert import projection_state
    from pipeline.errors import JobError

    torch.save({"model": _projection(found, 768)}, tmp_path / "stage1.pth")
    wanted = {"projection.weight": torch.empty(llm, 768, device="meta"), "projection.bias": torch.empty(llm)}
    with pytest.raises(JobError, match=said):
        projection_state(tmp_path / "stage1.pth", wanted)


@pytest.mark.parametrize("sharded", [False, True], ids=["one_file", "sharded"])
def test_a_blip2_folder_and_a_language_model_s_folder_make_a_model(tmp_path: Path, sharded: bool) -> None:
    """As the Hub has them: the tower and the Q-Former of one, another language model, which stays where it is."""
    vision = Blip2VisionConfig(hidden_size=36, intermediate_size=50, num_hidden_layers=2, num_attention_heads=3, image_size=28, patch_size=7)  # fmt: skip
    qformer = Blip2QFormerConfig(hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=3, encoder_hidden_size=36)  # fmt: skip
    text = T5Config(d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2, vocab_size=50)
    config = Blip2Config(vision_config=vision, qformer_config=qformer, text_config=text, num_query_tokens=5)
    blip2 = Blip2ForConditionalGeneration(config)
    torch.nn.init.normal_(blip2.query_tokens)
    blip2.save_pretrained(tmp_path / "blip2", max_shard_size="20KB" if sharded else "1GB")
    (tmp_path / "dims.json").write_text(json.dumps({key: DIMS[key] for key in ("vision", "qformer")}), encoding="utf-8")
    llm = save_tiny_llm(tmp_path / "llm")
    words = [
        "--blip2",
        str(tmp_path / "blip2"),
        "--llm",
        str(llm),
        "--dims",
        str(tmp_path / "dims.json"),
    ]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    assert not (tmp_path / "out/llm").exists()
    model = load_model(tmp_path / "out")
    assert model.tokenizer("a")["input_ids"]
    pixels = torch.randn(2, 3, 28, 28)
    blip2.eval().vision_model.post_layernorm.eps = 1e-5  # MiniGPT-4's
    states = blip2.vision_model(pixels)[0]
    expected = blip2.qformer(query_embeds=blip2.query_tokens.expand(2, -1, -1), encoder_hidden_states=states)[0]
    torch.testing.assert_close(model.features(pixels), expected)


USAGE = [
    pytest.param(["--llm", "nowhere/at-all"], "--llm nowhere/at-all: no such folder; a model of the Hub is OWNER/NAME@REVISION", id="no_revision"),
    pytest.param(["--llm", "no-such-folder"], "no such folder", id="no_folder"),
    pytest.param([], "no language model: name one with --llm, or give its dimensions in --dims", id="no_llm"),
    pytest.param(["--dims"], "expected one argument", id="argparse"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), USAGE)
def test_a_command_that_makes_no_sense_is_one_line(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """Exit code 2."""
    dims = tmp_path / "dims.json"
    dims.write_text(json.dumps({key: DIMS[key] for key in ("vision", "qformer")}), encoding="utf-8")
    given = ["--dims", str(dims), "--frozen", str(files / "frozen.safetensors"), "--out", str(tmp_path / "out")]
    assert main([*given, *words]) == 2
    assert said in capsys.readouterr().err


PUBLISHED = [("7B", 3_149_824), ("13B", 3_937_280)]


@pytest.mark.parametrize(("size", "trained"), PUBLISHED)
def test_the_paper_s_model_has_the_published_shapes(size: str, trained: int) -> None:
    """On the meta device: 39 blocks of width 1408, 32 queries of 768, one linear layer to train."""
    with torch.device("meta"):
        model = VisionLanguageModel(paper_config(size))
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == trained
    assert [n for n, p in model.named_parameters() if p.requires_grad] == ["projection.weight", "projection.bias"]
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert len({name.split(".")[3] for name in shapes if name.startswith("vision.encoder.layers.")}) == 39
    assert shapes["vision.embeddings.position_embedding"] == (1, 257, 1408)
    assert shapes["vision.encoder.layers.38.mlp.fc1.weight"] == (6144, 1408)
    assert shapes["qformer.query_tokens"] == (1, 32, 768)
    crossing = {int(name.split(".")[4]) for name in shapes if "crossattention" in name}
    assert crossing == {0, 2, 4, 6, 8, 10}
    assert shapes["qformer.bert.encoder.layer.0.crossattention.attention.key.weight"] == (768, 1408)
    assert model.image_tokens == 32
    assert isinstance(model.llm.config, LlamaConfig)
