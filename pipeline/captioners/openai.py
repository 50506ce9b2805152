"""Any server that answers OpenAI's `/chat/completions` about pictures: vLLM, SGLang, llama.cpp, Ollama, hosted ones."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable, Sequence
from io import BytesIO

from PIL import Image

from pipeline.backends.completion import STOP
from pipeline.captioners.conversation import Conversation, describe_in_two_passes, to_messages
from pipeline.captioners.description import Description, Undescribed
from pipeline.chat_answer import Reply
from pipeline.chat_client import ChatClient, Lost
from pipeline.errors import UsageError
from pipeline.generate import Answer
from pipeline.params import DescribeParams
from pipeline.prompts import END_MARK, until_mark

JPEG_QUALITY = 95  # of the pictures sent, as of those stored: a second coding at this quality is not seen
CHARACTERS_PER_TOKEN = 4  # of English, by OpenAI's rule of thumb, where no server has counted


class ServerCaptioner:
    """A vision-language model behind a server."""

    def __init__(self, params: DescribeParams) -> None:
        if params.model is None:
            raise UsageError(
                "describe.model is null: backend openai needs the name by which the server knows its model"
            )
        _check_decoding(params)
        self._client = ChatClient(params.server, "describe")
        self.name = params.model
        self.revision = self._client.url

    def describe(
        self,
        pictures: Sequence[Image.Image],
        seeds: Sequence[int],
        params: DescribeParams,
        advance: Callable[[int], None],
    ) -> list[Description | Undescribed]:
        """See Captioner. Raises JobError when the server is not to be reached, at first or any more."""
        return describe_in_two_passes(self, pictures, seeds, params, advance)

    def answer(
        self, conversations: Sequence[Conversation], params: DescribeParams, advance: Callable[[int], None]
    ) -> list[Answer | Undescribed]:
        """See ChatModel."""
        requests = [self._request(conversation, params) for conversation in conversations]
        replies = self._client.complete(requests, lambda _number, _reply: advance(1))
        return [Undescribed(reply.reason) if isinstance(reply, Lost) else read_reply(reply) for reply in replies]

    def _request(self, conversation: Conversation, params: DescribeParams) -> dict[str, object]:
        opening, *turns = conversation.turns
        shown = {"type": "image_url", "image_url": {"url": data_url(conversation.picture)}}
        warm = {"temperature": params.temperature, "top_p": params.top_p}
        return {
            "model": self.name,
            "messages": to_messages([[shown, {"type": "text", "text": opening}], *turns]),
            "max_tokens": params.max_new_tokens,
            "stop": [END_MARK],
            "seed": conversation.seed,
            **(warm if params.do_sample else {"temperature": 0.0}),
        }


def data_url(picture: Image.Image) -> str:
    """A picture as a `data:` address, JPEG of JPEG_QUALITY."""
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{b64encode(stream.getvalue()).decode()}"


def read_reply(reply: Reply) -> Answer:
    """A server's reply up to its end mark, in case that the server does not stop there.

    Its length is the server's count, or an estimate where there is none, or where it counts what was cut off.
    """
    text, marked = until_mark(reply.text, END_MARK)
    if marked or reply.tokens is None:
        return Answer(text, math.ceil(len(text) / CHARACTERS_PER_TOKEN), STOP if marked else reply.finish)
    return Answer(text, reply.tokens, reply.finish)


def _check_decoding(params: DescribeParams) -> None:
    """What `/chat/completions` has no word for must not stand in a row's provenance."""
    for key, neutral in (("num_beams", 1), ("repetition_penalty", 1.0)):
        if getattr(params, key) != neutral:
            raise UsageError(f"describe.{key}: chat completions know none, so backend openai needs {neutral}")
