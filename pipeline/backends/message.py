"""What a language model is told about texts: an instruction, and the texts as data that nothing can break out of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

MARKED = "<{mark}>\n{text}\n</{mark}>"
MESSAGE = "{prompt}\n\n" + MARKED
MARK = "paragraph"
# What the formats of chat models write between turns. A server that reads them inside a message would let a text end
# its turn and speak in another role: llama.cpp's does.
CHAT_MARKS = re.compile(
    r"<\s?[|\uff5c][^<>|\uff5c]{0,60}[|\uff5c]\s?>"  # ChatML, Llama 3, Phi, DeepSeek
    r"|</?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn)>"  # Llama 2, Mistral, Gemma
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|<</?SYS>>",
    re.IGNORECASE,
)


def write_message(prompt: str, text: str) -> str:
    """The instruction and the text between two marks, which the text cannot forge."""
    return f"{prompt}\n\n{mark_off({MARK: text})}"


def mark_off(texts: Mapping[str, str]) -> str:
    """The texts one below the other, each between two marks of its name, which none of them can forge.

    Where a text holds something like a mark, its own or another's, every mark carries the hash of all of them.
    """
    clean = {mark: CHAT_MARKS.sub(" ", text) for mark, text in texts.items()}
    like_marks = rf"<\s*/?\s*(?:{'|'.join(map(re.escape, clean))})"
    whole, seal = "\n".join(clean.values()), ""
    if re.search(like_marks, whole, re.IGNORECASE):
        seal = f"-{sha256(whole.encode()).hexdigest()[:12]}"
    return "\n\n".join(MARKED.format(mark=mark + seal, text=text) for mark, text in clean.items())


def unwrap(answer: str) -> str:
    """The answer without the marks around it: some models give them back."""
    wrapped = re.fullmatch(rf"\s*<({MARK}(?:-[0-9a-f]{{12}})?)>(.*)</\1>\s*", answer, re.DOTALL)
    return wrapped[2] if wrapped else answer


def prompt_version(prompt: str) -> str:
    """12 hex digits over everything in the message that is not the text."""
    return sha256(f"{prompt}\n{MESSAGE}\n{MARK}\n{CHAT_MARKS.pattern}".encode()).hexdigest()[:12]
