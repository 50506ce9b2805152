"""The rewriter in this process, over a real (tiny, random) language model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.backends import load_language_model
from pipeline.backends.cached import CachedModel
from pipeline.backends.completion import Completion
from pipeline.backends.local import LocalModel
from pipeline.errors import JobError, UsageError
from pipeline.params import BudgetParams, PricesParams, RewriteParams, load_params
from tests.tiny import BOS, EOS, save_tiny_llm

TEXTS = [
    "a",
    "The image shows a red bus. " * 4,
    "dog",
    "",
    "A tree near a dog.",
    "Ünï 😀",
    "The image shows a red bus.",
]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """On a busy machine the threads of a tiny model wait for each other most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model."""
    return save_tiny_llm(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def params(root: Path, folder: Path) -> RewriteParams:
    """Batches of three, answers of up to twelve tokens, greedy."""
    changes = {"backend": "local", "model": str(folder), "max_new_tokens": 12, "batch_size": 3, "temperature": 0.0}
    return load_params("embedded", root).rewrite.model_copy(update=changes)


def complete(params: RewriteParams, texts: Sequence[str] = TEXTS, **changes: object) -> list[Completion]:
    """The answers of a model loaded afresh."""
    return load(params.model_copy(update=changes)).complete(texts, lambda _: None)


def load(params: RewriteParams) -> CachedModel:
    """The model behind no cache."""
    return CachedModel(LocalModel(params), None, "v1")


def cached(params: RewriteParams) -> CachedModel:
    """The rewriter that the params name, its cache included."""
    rewriter = load_language_model(params)
    assert rewriter is not None
    return rewriter


def change_json(path: Path, changes: Mapping[str, object]) -> None:
    """Set keys of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_each_text_gets_its_own_answer_in_order(params: RewriteParams) -> None:
    """What a text is batched with, and how far it is padded, changes nothing."""
    answers = complete(params)
    assert answers == complete(params, batch_size=1)
    assert answers == complete(params, TEXTS[::-1], batch_size=7)[::-1]
    assert len({answer.text for answer in answers}) > len(TEXTS) / 2


def test_progress_is_told_row_by_row(params: RewriteParams) -> None:
    """Every row once, none for nothing."""
    advanced: list[int] = []
    rewriter = load(params)
    rewriter.complete(TEXTS, advanced.append)
    assert advanced == [0, *[1] * 7]
    assert rewriter.complete([], advanced.append) == []
    assert advanced == [0, *[1] * 7, 0]


def test_a_row_says_why_it_ended(params: RewriteParams, folder: Path, tmp_path: Path) -> None:
    """`stop` at any token that the model's folder calls an end, `length` where max_new_tokens was reached first."""
    (plain,) = complete(params, ["dog"])
    assert plain.finish == "length"
    local = LocalModel(params)
    prompt = local._tokenize(local.request("dog")["messages"])
    model: Any = local.model
    tokens = model.generate(local.tokenizer.pad({"input_ids": [prompt]}, return_tensors="pt").input_ids)
    made = tokens[0, len(prompt) :].tolist()
    second_end = next(token for token in made[2:] if token not in made[:2])
    ending = shutil.copytree(folder, tmp_path / "ending")
    change_json(ending / "generation_config.json", {"eos_token_id": [local.tokenizer.eos_token_id, second_end]})
    (ended,) = complete(params, ["dog"], model=str(ending))
    text, length = str(local.tokenizer.decode(made[: made.index(second_end)])), made.index(second_end) + 1
    assert ended == Completion(text, "stop", tokens_in=len(prompt), tokens_out=length)


def test_sampling_follows_temperature_and_seed(params: RewriteParams) -> None:
    """At temperature 0 the seed changes nothing; above it, the same seed gives the same answers."""
    assert complete(params, seed=1) == complete(params, seed=2)
    warm = complete(params, temperature=1.0, seed=1)
    assert warm == complete(params, temperature=1.0, seed=1)
    assert warm != complete(params, temperature=1.0, seed=2)
    assert warm != complete(params)


def test_what_is_drawn_for_a_text_hangs_on_nothing_else(params: RewriteParams) -> None:
    """Not on the other texts, their order or the batch; each text has a luck of its own."""
    warm = params.model_copy(update={"temperature": 1.0})
    answers = dict(zip(TEXTS, complete(warm), strict=True))
    some = TEXTS[5:1:-1]
    assert complete(warm, some, batch_size=7) == [answers[text] for text in some]
    hot = complete(params, temperature=100.0, max_new_tokens=1)  # every token is about as likely, whatever the text
    assert len({answer.text for answer in hot}) > len(TEXTS) / 2


def test_a_run_that_goes_on_samples_what_it_would_have(params: RewriteParams, tmp_path: Path) -> None:
    """Its first rows were answered before the kill; the others get the answers of a run that nobody killed."""
    warm = params.model_copy(update={"temperature": 1.0, "cache": str(tmp_path / "answers.sqlite")})
    whole = complete(warm)
    taken: list[int] = []

    def kill(done: int) -> None:
        taken.append(done)
        if sum(taken) == params.batch_size:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(warm).complete(TEXTS, kill)
    again = cached(warm)
    assert again.complete(TEXTS, lambda _: None) == whole
    assert (again.usage.cached, again.usage.requests) == (3, 4)


def test_what_it_costs_is_counted(params: RewriteParams) -> None:
    """Tokens by the model's own tokenizer, end tokens included."""
    rewriter = load(params)
    answers = rewriter.complete(TEXTS, lambda _: None)
    usage = rewriter.usage
    assert (usage.requests, usage.retries, usage.cached, len(usage.seconds)) == (7, 0, 0, 7)
    assert usage.tokens_in == sum(answer.tokens_in or 0 for answer in answers) > 0
    assert usage.tokens_out == sum(answer.tokens_out or 0 for answer in answers) > 0
    assert usage.cost is None


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"prices": PricesParams(input=1.0, output=1.0)}, "prices"),
        ({"budget": BudgetParams(requests=1, tokens=None, cost=None)}, "budget"),
    ],
)
@pytest.mark.parametrize("backend", ["none", "local"])
def test_money_means_nothing_to_it(params: RewriteParams, backend: str, changes: dict[str, object], key: str) -> None:
    """Nobody would keep the limit, so it is a mistake."""
    with pytest.raises(UsageError, match=f"^rewrite.{key} means nothing to backend {backend}: set it to null"):
        load_language_model(params.model_copy(update={"backend": backend, **changes}))


def test_the_folder_has_no_say_in_decoding(params: RewriteParams, folder: Path, tmp_path: Path) -> None:
    """Chat models ship sampling defaults; the params decide."""
    opinionated = shutil.copytree(folder, tmp_path / "opinionated")
    opinions = {"do_sample": True, "temperature": 0.6, "top_k": 5, "repetition_penalty": 1.5, "max_new_tokens": 3}
    change_json(opinionated / "generation_config.json", opinions)
    assert complete(params, model=str(opinionated)) == complete(params)


@pytest.mark.parametrize("token", [BOS, EOS])
def test_a_text_cannot_speak_in_another_role(params: RewriteParams, token: str) -> None:
    """The marks of the chat format are no marks inside a text."""
    model = LocalModel(params)
    plain, marked = (model._tokenize(model.request(text)["messages"]) for text in ("a dog", f"a{token}dog"))
    special = model.tokenizer.get_vocab()[token]
    assert marked.count(special) == plain.count(special)


def test_the_revision_is_the_folder_s_content(params: RewriteParams, folder: Path, tmp_path: Path) -> None:
    """The same under another path; another one for other weights or another chat template."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    before = LocalModel(params)
    assert (before.name, len(before.revision)) == ("tiny", 12)
    assert LocalModel(params.model_copy(update={"model": str(copy)})).revision == before.revision
    with (copy / "chat_template.jinja").open("a") as template:
        template.write(" ")
    retold = LocalModel(params.model_copy(update={"model": str(copy)})).revision
    other = LocalModel(params.model_copy(update={"model": str(save_tiny_llm(tmp_path / "other", seed=1))})).revision
    assert len({before.revision, retold, other}) == 3


def _nothing(folder: Path) -> None:
    shutil.rmtree(folder)


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _torn_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])


def _no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _no_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_nothing, "no language model in "),
        (_no_weights, "no language model in "),
        (_torn_weights, "cannot load the language model in "),
        (_no_config, "cannot load the language model in "),
        (_no_tokenizer, "cannot load the language model in "),
        (_no_template, "the model in "),
    ],
)
def test_a_folder_without_a_whole_chat_model_is_one_line(
    params: RewriteParams, folder: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    """It names the folder and `make assets`; a pickle is not looked at."""
    broken = shutil.copytree(folder, tmp_path / "broken")
    damage(broken)
    with pytest.raises(JobError) as error:
        LocalModel(params.model_copy(update={"model": str(broken)}))
    assert str(error.value).startswith(f"{said}{broken}")
    assert "run `make assets`" in str(error.value)
    assert "\n" not in str(error.value)
