"""Prompts: the segments, their one BOS, and where an answer ends."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from pipeline.prompts import TEMPLATES, Chat, Template, tokenize
from pipeline.vlm import VisionLanguageModel
from tests.tiny import BOS


@pytest.fixture(scope="module")
def chat(tiny_vlm: VisionLanguageModel) -> Chat:
    """A byte-level BPE that puts BOS in front of what it is not told to leave bare, as Llama's does."""
    from tokenizers.processors import TemplateProcessing

    adding = copy.deepcopy(tiny_vlm.tokenizer)
    backend = adding.backend_tokenizer
    backend.post_processor = TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, adding.bos_token_id)])
    assert adding("a")["input_ids"][0] == adding.bos_token_id
    return Chat(adding, TEMPLATES["vicuna-v0"])


@pytest.fixture(scope="module")
def without_bos(chat: Chat) -> Chat:
    """The same, of a model that knows no BOS."""
    bare = copy.deepcopy(chat.tokenizer)
    bare.bos_token = None
    return replace(chat, tokenizer=bare)


@pytest.mark.parametrize("instruction", ["Describe this image.", "", "{braces} {0}", "Ünï 😀"])
def test_the_picture_stands_between_its_marks(chat: Chat, instruction: str) -> None:
    """MiniGPT-4's words on both sides, with one BOS, in front of everything."""
    prompt = chat.picture_prompt(instruction)
    assert chat.tokenizer.decode(list(prompt.before_image)) == f"{BOS}###Human: <Img>"
    assert chat.tokenizer.decode(list(prompt.after_image)) == f"</Img> {instruction} ###Assistant:"
    assert [*prompt.before_image, *prompt.after_image].count(chat.tokenizer.bos_token_id) == 1


def test_the_bare_prompt_is_bos_alone(chat: Chat) -> None:
    """No word, so that stage 1 learns from the picture."""
    prompt = chat.bare_prompt()
    assert (prompt.before_image, prompt.after_image) == ((chat.tokenizer.bos_token_id,), ())


def test_a_model_without_bos_gets_none(chat: Chat, without_bos: Chat) -> None:
    """All other tokens stay the same."""
    assert without_bos.bare_prompt().before_image == ()
    with_it, without = chat.picture_prompt("What?"), without_bos.picture_prompt("What?")
    assert without.before_image == with_it.before_image[1:]
    assert without.after_image == with_it.after_image


def test_a_further_turn_has_no_bos(chat: Chat) -> None:
    """It continues a conversation: the mark that ends the answer, the instruction, the assistant's word."""
    assert chat.tokenizer.decode(chat.next_turn("Continue")) == " ###Human: Continue ###Assistant:"


ANSWER = "The image shows a red bus."
LENGTHS = [
    pytest.param(100, True, id="room_to_spare"),
    pytest.param(0, True, id="exactly_its_length"),
    pytest.param(-1, False, id="one_token_too_long"),
    pytest.param(-3, False, id="far_too_long"),
]


@pytest.mark.parametrize(("room", "ends"), LENGTHS)
def test_a_whole_answer_ends_with_the_mark_and_a_cut_one_does_not(chat: Chat, room: int, ends: bool) -> None:
    """The limit counts the text alone; what is cut did not end, so it must not teach an end."""
    text = tokenize(chat.tokenizer, f" {ANSWER}")
    limit = len(text) + room
    found = chat.answer(f"\n{ANSWER}  ", limit)
    assert found == (text + chat.end_mark() if ends else text[:limit])
    assert str(chat.tokenizer.decode(found)).endswith("###") == ends


@pytest.mark.parametrize(
    ("text", "answer", "marked"),
    [
        (" A cat.### ", "A cat.", True),
        ("A cat. ###Human: and?", "A cat.", True),
        ("A cat.", "A cat.", False),
        ("A cat. ##", "A cat. ##", False),
        ("#A ## cat#", "#A ## cat#", False),
        ("####", "", True),
        ("", "", False),
        ("A ### B ### C", "A", True),
    ],
)
def test_an_answer_is_what_stands_before_the_first_mark(chat: Chat, text: str, answer: str, marked: bool) -> None:
    """Two number signs are no mark; the first of several counts."""
    assert chat.until_end_mark(text) == (answer, marked)


def written(template: Template) -> str:
    """A conversation of two turns as plain text, `<picture>` in the picture's place."""
    first = f"{template.before_image}<picture>{template.after_image.format(instruction='What?')}"
    second = f"{template.answer_prefix}A cat.{template.next_turn.format(instruction='Continue')}"
    return f"{first}{second}{template.answer_prefix}It sits.{template.end_mark}"


CONVERSATIONS = [
    ("vicuna-v0", "###Human: <Img><picture></Img> What? ###Assistant: A cat. ###Human: Continue ###Assistant: It sits.###"),
    ("vicuna-v1.1", "USER: <Img><picture></Img> What? ASSISTANT: A cat.</s>USER: Continue ASSISTANT: It sits.</s>"),
    ("llama-2-chat", "[INST] <Img><picture></Img> What? [/INST] A cat. </s><s>[INST] Continue [/INST] It sits.</s>"),
    ("chatml", "<|im_start|>user\n<Img><picture></Img> What?<|im_end|>\n<|im_start|>assistant\nA cat.<|im_end|>\n<|im_start|>user\nContinue<|im_end|>\n<|im_start|>assistant\nIt sits.<|im_end|>"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), CONVERSATIONS)
def test_every_template_is_its_model_s_own_format(name: str, expected: str) -> None:
    """Two turns, a picture in the first, as the model was taught to read them."""
    assert written(TEMPLATES[name]) == expected


def test_no_template_goes_untested() -> None:
    """Whoever adds one writes its conversation out above."""
    assert [name for name, _ in CONVERSATIONS] == list(TEMPLATES)
