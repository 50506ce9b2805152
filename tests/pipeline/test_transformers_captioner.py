"""The captioner over real (tiny, random) vision-language chat models of two architectures."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.captioners.conversation import Conversation
from pipeline.captioners.description import Description, Undescribed
from pipeline.captioners.transformers import TransformersCaptioner
from pipeline.errors import JobError, UsageError
from pipeline.generate import Answer
from pipeline.params import DescribeParams, ModelParams, load_params
from tests.tiny import EOS, save_tiny_llm
from tests.tiny_chat import IMAGE, save_tiny_idefics3, save_tiny_llava

SAVERS = {"llava": save_tiny_llava, "idefics3": save_tiny_idefics3}
SHAPES = [(48, 64), (20, 90), (30, 30), (64, 10), (9, 9)]  # rows and columns: other shapes, other numbers of tiles
SEEDS = [3, 1, 4, 1, 5]


def noise(seed: int, shape: tuple[int, int]) -> Image.Image:
    """A picture."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*shape, 3), dtype=np.uint8))


PICTURES = [noise(seed, shape) for seed, shape in enumerate(SHAPES)]


@pytest.fixture(scope="module")
def run(root: Path) -> ModelParams:
    """float32, eager, one thread."""
    return load_params("smoke", root).model


@pytest.fixture(scope="module")
def params(root: Path) -> DescribeParams:
    """Answers of up to ten tokens, batches of three, greedy."""
    changes = {"backend": "transformers", "max_new_tokens": 10, "batch_size": 3}
    return load_params("smoke", root).describe.model_copy(update=changes)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny model of each architecture."""
    models = tmp_path_factory.mktemp("models")
    return {name: save(models / name) for name, save in SAVERS.items()}


@pytest.fixture(scope="module")
def captioners(folders: dict[str, Path], params: DescribeParams, run: ModelParams) -> dict[str, TransformersCaptioner]:
    """The models, loaded once."""
    return {name: load(folder, params, run) for name, folder in folders.items()}


@pytest.fixture(params=list(SAVERS))
def captioner(request: pytest.FixtureRequest, captioners: dict[str, TransformersCaptioner]) -> TransformersCaptioner:
    """Each architecture in turn."""
    return captioners[str(request.param)]


def load(source: Path | str, params: DescribeParams, run: ModelParams) -> TransformersCaptioner:
    """The captioner that `describe.model` leads to."""
    return TransformersCaptioner(params.model_copy(update={"model": str(source)}), run)


def describe(
    captioner: TransformersCaptioner, params: DescribeParams, numbers: Sequence[int] = range(5), **changes: Any
) -> list[Description | Undescribed]:
    """The descriptions of some of the pictures, each under its own seed."""
    pictures, seeds = [PICTURES[n] for n in numbers], [SEEDS[n] for n in numbers]
    return captioner.describe(pictures, seeds, params.model_copy(update=changes), lambda _: None)


def test_each_picture_gets_its_own_description(captioner: TransformersCaptioner, params: DescribeParams) -> None:
    """What it is batched with, and how far it is padded, changes nothing; both passes are there, and differ."""
    described = describe(captioner, params)
    assert described == describe(captioner, params, batch_size=1)
    assert described == describe(captioner, params, range(4, -1, -1), batch_size=5)[::-1]
    firsts = [each.first for each in described if isinstance(each, Description)]
    assert len({first.text for first in firsts}) == len(PICTURES)
    assert all(isinstance(each, Description) and each.second not in (None, each.first) for each in described)


@pytest.mark.parametrize(
    "changes", [{"do_sample": True}, {"do_sample": True, "num_beams": 2}], ids=["sampling", "beams"]
)
def test_what_is_drawn_depends_on_a_row_s_seed_alone(
    captioner: TransformersCaptioner, params: DescribeParams, changes: dict[str, Any]
) -> None:
    """Not on its neighbours, nor on what was drawn before."""
    together = describe(captioner, params, range(3), **changes)
    assert together == [describe(captioner, params, [n], **changes)[0] for n in range(3)]
    assert together != describe(captioner, params, range(3))
    other = params.model_copy(update=changes)
    assert together != captioner.describe(PICTURES[:3], [s + 1 for s in SEEDS[:3]], other, lambda _: None)


def test_decoding_follows_the_params(captioner: TransformersCaptioner, params: DescribeParams) -> None:
    """Length, beams, penalty and prompt each change the answers."""
    plain = describe(captioner, params)
    changes: list[dict[str, Any]] = [{"num_beams": 3}, {"repetition_penalty": 5.0}, {"prompt": "What is it?"}]
    for change in changes:
        assert describe(captioner, params, **change) != plain
    for each in describe(captioner, params, max_new_tokens=3):
        assert isinstance(each, Description)
        assert each.first.tokens <= 3


def test_the_second_pass_goes_on_with_the_conversation(
    captioner: TransformersCaptioner, params: DescribeParams
) -> None:
    """It is asked of first prompt, answer and continue prompt, where the answer was short; rows count once."""
    advanced: list[int] = []
    described = captioner.describe(PICTURES, SEEDS, params, advanced.append)
    assert sum(advanced) == len(PICTURES)
    for picture, each in zip(PICTURES, described, strict=True):
        assert isinstance(each, Description)
        turns = (params.prompt, each.first.text, params.continue_prompt)
        assert captioner.answer([Conversation(picture, 0, turns)], params, lambda _: None) == [each.second]
    lengths = [each.first.tokens for each in described if isinstance(each, Description)]
    limit = max(lengths) - 1
    for each in describe(captioner, params, continue_up_to=limit):
        assert isinstance(each, Description)
        assert (each.second is None) == (each.first.tokens > limit)


def test_a_conversation_is_written_by_the_model_s_own_template(captioner: TransformersCaptioner) -> None:
    """Roles, the picture in the first turn alone, the place of the next answer."""
    written = captioner._render(Conversation(PICTURES[0], 0, ("Describe.", "A bus.", "Continue")))
    user, model = "<|im_start|>user\n", "<|im_start|>assistant\n"
    assert written == f"{user}{IMAGE}Describe.<|im_end|>\n{model}A bus.<|im_end|>\n{user}Continue<|im_end|>\n{model}"


def test_a_template_that_writes_the_first_mark_gets_no_second_one(captioner: TransformersCaptioner) -> None:
    """Tokenizers put BOS in front by themselves, and so do many templates."""
    ids = captioner._process([Conversation(PICTURES[0], 0, ("Describe.",))])["input_ids"][0].tolist()
    bos = captioner._tokenizer.bos_token_id
    assert captioner._tokenizer("Describe.")["input_ids"][0] == ids[0] == bos
    assert ids.count(bos) == 2  # a turn each of user and model


@pytest.mark.parametrize("mark", [IMAGE, EOS])
def test_an_answer_cannot_speak_in_another_role(captioner: TransformersCaptioner, mark: str) -> None:
    """Marks of the chat format, and of pictures, that a model spells out are no marks in the second pass."""
    plain = captioner._render(Conversation(PICTURES[0], 0, ("Describe.", "A bus.", "Continue")))
    marked = captioner._render(Conversation(PICTURES[0], 0, ("Describe.", f"A{mark}bus.", "Continue")))
    assert marked.count(mark) == plain.count(mark)


def test_a_row_says_why_it_ended(captioners: dict[str, TransformersCaptioner]) -> None:
    """At an end token or the end mark, neither counted: stop. At max_new_tokens: length."""
    captioner = captioners["llava"]
    words: list[int] = captioner._tokenizer("A red bus.", add_special_tokens=False)["input_ids"]
    mark: list[int] = captioner._tokenizer("###", add_special_tokens=False)["input_ids"]
    end = captioner._tokenizer.eos_token_id
    count = len(words)
    assert captioner._read([*words, end, *words], 99) == Answer("A red bus.", count, "stop")
    assert captioner._read([*words, *mark, *words], 99) == Answer("A red bus.", count, "stop")
    assert captioner._read([*words, *mark], count + len(mark)) == Answer("A red bus.", count, "stop")
    assert captioner._read(words, count) == Answer("A red bus.", count, "length")
    assert captioner._read([end], 1) == Answer("", 0, "stop")


def test_each_row_stops_at_its_own_end(
    captioners: dict[str, TransformersCaptioner], params: DescribeParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end mark that a model writes ends its row: nothing behind it is made, and the other rows go on."""
    captioner = captioners["llava"]
    described = [each.first for each in describe(captioner, params) if isinstance(each, Description)]
    found = (re.search("(?<=..)[a-z]{2}", answer.text) for answer in described)
    row, shown = next((n, match.group()) for n, match in enumerate(found) if match)  # comes to stand for the mark
    monkeypatch.setattr("pipeline.captioners.transformers.END_MARK", shown)
    for before, after in zip(described, describe(captioner, params), strict=True):
        assert isinstance(after, Description)
        assert after.first.text == before.text.partition(shown)[0].strip()
        assert after.first.finish == ("stop" if shown in before.text else before.finish)
    made: list[list[int]] = []
    monkeypatch.setattr(captioner, "_read", lambda ids, _: made.append(ids))
    captioner.answer([Conversation(PICTURES[row], 0, (params.prompt,))], params, lambda _: None)
    assert shown in captioner._tokenizer.decode(made[0])
    assert shown not in captioner._tokenizer.decode(made[0][:-1])


def test_a_picture_that_the_processor_refuses_costs_its_row_alone(
    captioners: dict[str, TransformersCaptioner], params: DescribeParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its neighbours are described as ever; its own row says why it is not."""
    captioner = captioners["idefics3"]
    process = captioner._process

    def refuse_flat(batch: Sequence[Conversation]) -> object:
        if any(each.picture.width > 4 * each.picture.height for each in batch):
            raise ValueError("absolute aspect ratio must be\nsmaller than 4")  # as Qwen2-VL's processor does at 200
        return process(batch)

    plain = describe(captioner, params)
    monkeypatch.setattr(captioner, "_process", refuse_flat)
    reason = "the processor refuses the picture: absolute aspect ratio must be smaller than 4"
    assert describe(captioner, params) == [plain[0], Undescribed(reason), *plain[2:]]


def test_too_little_memory_is_one_line(
    captioners: dict[str, TransformersCaptioner], params: DescribeParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key that cures it is named."""

    def fill_up(**_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(captioners["llava"]._model, "generate", fill_up)
    with pytest.raises(JobError, match=r"^no memory for 3 pictures at once with llava: lower describe\.batch_size"):
        describe(captioners["llava"], params)


def test_nothing_to_describe(captioner: TransformersCaptioner, params: DescribeParams) -> None:
    """All downloads of a shard may have failed."""
    assert describe(captioner, params, []) == []


def test_the_folder_has_no_say_in_decoding(
    folders: dict[str, Path], params: DescribeParams, run: ModelParams, tmp_path: Path
) -> None:
    """Chat models ship sampling defaults; the params decide."""
    opinionated = shutil.copytree(folders["llava"], tmp_path / "opinionated")
    change_json(opinionated / "generation_config.json", do_sample=True, temperature=0.6, top_k=5, max_new_tokens=3)
    assert describe(load(opinionated, params, run), params) == describe(load(folders["llava"], params, run), params)


def change_json(path: Path, **changes: object) -> None:
    """Set keys of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_revision_is_the_folder_s_content(
    folders: dict[str, Path], params: DescribeParams, run: ModelParams, tmp_path: Path
) -> None:
    """The same under another path; another one for another template."""
    before = load(folders["llava"], params, run)
    copy = shutil.copytree(folders["llava"], tmp_path / "copy")
    assert (before.name, len(before.revision)) == ("llava", 12)
    assert load(copy, params, run).revision == before.revision
    with (copy / "chat_template.jinja").open("a") as template:
        template.write(" ")
    assert load(copy, params, run).revision != before.revision


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _torn_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])


def _other_weights(folder: Path) -> None:
    shutil.copy(save_tiny_llm(folder / "llm") / "model.safetensors", folder)


def _no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _blind(folder: Path) -> None:
    shutil.rmtree(folder)
    save_tiny_llm(folder)


def _no_processor(folder: Path) -> None:
    (folder / "processor_config.json").unlink()


def _no_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def _broken_template(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% for message in")


def _blind_template(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% for message in messages %}{{ message['role'] }}{% endfor %}")


def _encoder_decoder(folder: Path) -> None:
    change_json(folder / "config.json", is_encoder_decoder=True)


def _code(folder: Path) -> None:
    change_json(folder / "config.json", model_type="mine", auto_map={"AutoConfig": "mine.MineConfig"})
    (folder / "mine.py").write_text("raise SystemExit('trusted')\n")


DAMAGE = [
    (_no_weights, "cannot load the captioner FOLDER: "),
    (_torn_weights, "cannot load the captioner FOLDER: "),
    (_other_weights, "the weights of FOLDER are not whole: "),
    (_no_config, "cannot load the captioner FOLDER: "),
    (_blind, "cannot load the captioner FOLDER: "),
    (_no_processor, "cannot load the captioner FOLDER: "),
    (_no_template, "the processor of FOLDER has no chat template; "),
    (_broken_template, "the model of broken cannot be asked about a picture: "),
    (_blind_template, "the model of broken cannot be asked about a picture: "),
    (_encoder_decoder, "the model of FOLDER is an encoder and a decoder, which holds no conversation; "),
    (_code, "cannot load the captioner FOLDER: "),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGE)
def test_a_folder_that_is_no_whole_captioner_is_one_line(
    folders: dict[str, Path],
    tmp_path: Path,
    damage: Callable[[Path], None],
    said: str,
    params: DescribeParams,
    run: ModelParams,
) -> None:
    """It names the folder and the mend, before the first row; a pickle is not looked at, its code not run."""
    broken = shutil.copytree(folders["llava"], tmp_path / "broken")
    damage(broken)
    with pytest.raises(JobError) as error:
        load(broken, params, run)
    assert str(error.value).startswith(said.replace("FOLDER", str(broken)))
    assert str(error.value).endswith("; set describe.model to an image-text-to-text chat model in safetensors")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is here")
def test_what_a_processor_lacks_is_named(
    folders: dict[str, Path], tmp_path: Path, params: DescribeParams, run: ModelParams
) -> None:
    """SmolVLM's processor reads films too, and needs torchvision for it."""
    folder = shutil.copytree(folders["idefics3"], tmp_path / "smolvlm")
    films = {"video_processor_type": "SmolVLMVideoProcessor"}
    change_json(folder / "processor_config.json", processor_class="SmolVLMProcessor", video_processor=films)
    with pytest.raises(JobError, match=r"^cannot load the captioner .*[Tt]orchvision"):
        load(folder, params, run)


FORMS = "a folder, or a Hub id with its revision (org/name@revision)"
NO_SOURCES = [
    (None, f"describe.model is null: backend transformers needs {FORMS}"),
    ("nowhere", f"describe.model: there is no folder nowhere, and backend transformers needs {FORMS}"),
    ("org/name", f"describe.model: there is no folder org/name, and backend transformers needs {FORMS}"),
    ("org/name@", f"describe.model: there is no folder org/name@, and backend transformers needs {FORMS}"),
    ("a/b/c@main", f"describe.model: there is no folder a/b/c@main, and backend transformers needs {FORMS}"),
]


@pytest.mark.parametrize(("source", "message"), NO_SOURCES)
def test_what_is_neither_folder_nor_revision_is_a_usage_error(
    params: DescribeParams, run: ModelParams, source: str | None, message: str
) -> None:
    """A Hub id alone would stand for another model tomorrow."""
    with pytest.raises(UsageError) as error:
        TransformersCaptioner(params.model_copy(update={"model": source}), run)
    assert str(error.value) == message


def test_a_model_of_the_hub_is_named_by_its_commit(
    folders: dict[str, Path], tmp_path: Path, params: DescribeParams, run: ModelParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it lies in the Hub's own cache; the tag that it was asked by may move, the commit does not."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    cache = tmp_path / "models--org--tiny"
    shutil.copytree(folders["llava"], cache / "snapshots" / commit)
    (cache / "refs").mkdir()
    (cache / "refs/v1").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    hub = load("org/tiny@v1", params, run)
    assert (hub.name, hub.revision) == ("org/tiny", commit)
    assert describe(hub, params) == describe(load(folders["llava"], params, run), params)
    with pytest.raises(JobError, match=r"^cannot fetch the captioner org/tiny@v2: "):
        load("org/tiny@v2", params, run)
