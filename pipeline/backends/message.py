"""What a rewriter is told: the instruction, then the text, as data that nothing in it can break out of."""

from __future__ import annotations

import re
from hashlib import sha256

MESSAGE = "{prompt}\n\n<{mark}>\n{text}\n</{mark}>"
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
    """The instruction and the text between two marks, which the text cannot forge.

    A text that holds something like the mark is put between marks that carry its own hash.
    """
    text = CHAT_MARKS.sub(" ", text)
    mark = MARK
    if re.search(rf"<\s*/?\s*{MARK}", text, re.IGNORECASE):
        mark = f"{MARK}-{sha256(text.encode()).hexdigest()[:12]}"
    return MESSAGE.format(prompt=prompt, mark=mark, text=text)


def unwrap(answer: str) -> str:
    """The answer without the marks around it: some models give them back."""
    wrapped = re.fullmatch(rf"\s*<({MARK}(?:-[0-9a-f]{{12}})?)>(.*)</\1>\s*", answer, re.DOTALL)
    return wrapped[2] if wrapped else answer


def prompt_version(prompt: str) -> str:
    """12 hex digits over everything in the message that is not the text."""
    return sha256(f"{prompt}\n{MESSAGE}\n{MARK}\n{CHAT_MARKS.pattern}".encode()).hexdigest()[:12]
