"""Marks of the chat template inside a description."""

import re

from filters.english import excerpt
from filters.quotations import own_words
from pipeline.schema import WORD_START, Measurement, Passage, Rule

_ROLE = (
    r"(?:Human|HUMAN|Assistant|ASSISTANT|User|USER|System|SYSTEM|Instruction|Response|Input|Output|Question|Answer"
    r"|Bot|BOT|GPT|AI|Vicuna|Prompt)"
)
ROLE_MARKER = re.compile(
    rf"#{{2,}}(?:[ \t]*{_ROLE}\b[ \t]*:?)?"
    # A noun before a colon is prose in the middle of a sentence ("a gorilla and a human: note the teeth").
    rf"|{WORD_START}(?:Human|HUMAN|Assistant|ASSISTANT|User|USER|SYSTEM|System|Bot|BOT|GPT|Vicuna)[ \t]*:(?!\w)"
    r"|(?:^|(?<=[.!?\n][ \n]))(?:Question|Answer|Q|A|AI|Prompt|Response|Instruction)[ \t]*:(?=\s|$)"
    r"|^(?:Image|Picture|Photo|Photograph)(?: description| caption)?[ \t]*:"
    r"|(?i:</?\s*(?:Img|Image|ImageFeature|ImageHere|Image_\w+|s|unk|pad|bos|eos|eot|sep|cls|mask|user|assistant|system"
    r"|start_of_turn|end_of_turn|start_of_image|end_of_image|im_start|im_end|im_patch|think|answer|human|bot)\s*/?>)"
    rf"|{WORD_START}(?:ImageFeature|ImageHere)\b"
    r"|<\|[^|>\n]{0,40}\|?>?|\[/?INST\]|<</?SYS>>|\[(?:SEP|CLS|PAD|MASK|UNK|EOS|BOS|IMG|/IMG)\]"
    r"|\[(?:end|END) of (?:text|turn|answer)\]",
)
_SIGNS = ("#", ":", "<", "[", "Image")


def measure(passage: Passage) -> Measurement:
    """Number of template marks outside quotation marks: a shirt may well say "###"."""
    text = passage.text
    if not any(sign in text for sign in _SIGNS):
        return Measurement(0.0)
    matches = list(ROLE_MARKER.finditer(own_words(text)))
    return Measurement(float(len(matches)), excerpt(text, *matches[0].span()) if matches else "")


RULE = Rule(
    name="role_leakage",
    why="A template mark in the answer means that the model went on to play the user, and would learn to.",
    source="separators of Vicuna, Alpaca, Llama 2, ChatML and Gemma, and MiniGPT-4's image tags",
    measure=measure,
    fails="above",
    limit=0.0,
)
