"""The captioner behind a server, against real servers that see the pictures, and that do wrong what servers do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.captioners.description import Description, Undescribed
from pipeline.captioners.openai import ServerCaptioner, read_reply
from pipeline.chat_answer import Reply
from pipeline.errors import JobError, UsageError
from pipeline.generate import Answer
from pipeline.params import DescribeParams, load_params
from tests.pipeline.asking import asking, at
from tests.pipeline.chat_server import completion, says, sends, serving
from tests.pipeline.misbehaving import closed_port
from tests.pipeline.vision_server import serving_pictures

SIZES = {"red": (24, 16), "green": (16, 16), "blue": (40, 8)}
PICTURES = [Image.new("RGB", size, colour) for colour, size in SIZES.items()]
SEEDS = [7, 2**31 - 1, 0]

pytestmark = pytest.mark.usefixtures("keyless")


def of(colour: str) -> Description:
    """What a server that looks says of one of the pictures."""
    width, height = SIZES[colour]
    first = Answer(f"A {colour} picture of {width} by {height} pixels.", 8, "stop")
    return Description(first, Answer(f"It is {colour} all over.", 5, "stop"))


RED, GREEN, BLUE = map(of, SIZES)


@pytest.fixture
def params(root: Path) -> DescribeParams:
    """Greedy, up to 80 tokens are continued, two rows at a time."""
    return asking(load_params("smoke", root).describe, concurrency=2, retries=1)


def describe(params: DescribeParams, base_url: str) -> list[Description | Undescribed]:
    """The descriptions of the three pictures by the server at an address."""
    changed = at(params, base_url=base_url)
    return ServerCaptioner(changed).describe(PICTURES, SEEDS, changed, lambda _: None)


def test_each_picture_is_described_in_two_passes(params: DescribeParams) -> None:
    """By a server in its own process; it sees each picture in its own size and colour, and counts the tokens."""
    advanced: list[int] = []
    with serving_pictures() as server:
        captioner = ServerCaptioner(changed := at(params, base_url=server.base_url))
        assert captioner.describe(PICTURES, SEEDS, changed, advanced.append) == [RED, GREEN, BLUE]
        assert (captioner.name, captioner.revision) == ("m", server.base_url)
    assert advanced == [0, 1, 1, 1]
    assert sorted(map(tuple, (request["size"] for request in server.requests))) == sorted([*SIZES.values()] * 2)


def test_the_requests_carry_the_conversation_and_the_params(params: DescribeParams) -> None:
    """Picture and prompt, then answer and continue prompt; the row's own seed, the end mark, the decoding."""
    changes = {"do_sample": True, "temperature": 0.7, "top_p": 0.8, "max_new_tokens": 55}
    with serving({}, default=says("A bus.")) as server:
        changed = at(params, base_url=server.base_url).model_copy(update=changes)
        ServerCaptioner(changed).describe(PICTURES[:1], [7], changed, lambda _: None)
    first, second = server.requests
    shown, asked = first.body["messages"][0]["content"]
    assert shown["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert asked == {"type": "text", "text": params.prompt}
    decoding = {"max_tokens": 55, "temperature": 0.7, "top_p": 0.8, "seed": 7, "stop": ["###"]}
    opening = {"role": "user", "content": [shown, asked]}
    assert first.body == {"model": "m", "messages": [opening], **decoding}
    turns = [{"role": "assistant", "content": "A bus."}, {"role": "user", "content": params.continue_prompt}]
    assert second.body == {"model": "m", "messages": [opening, *turns], **decoding}
    assert first.path == "/v1/chat/completions"


def test_greedy_is_temperature_0(params: DescribeParams) -> None:
    """What is said of sampling in the params is not read then."""
    with serving({}) as server:
        changed = at(params, base_url=server.base_url).model_copy(update={"temperature": 0.7, "top_p": 0.8})
        ServerCaptioner(changed).describe(PICTURES[:1], [7], changed, lambda _: None)
    assert server.requests[0].body["temperature"] == 0.0
    assert "top_p" not in server.requests[0].body


@pytest.mark.parametrize(("limit", "passes"), [(7, 1), (8, 2), (9, 2)])
def test_a_long_answer_is_not_continued(params: DescribeParams, limit: int, passes: int) -> None:
    """By the server's own count of tokens, the limit included."""
    with serving_pictures() as server:
        described = describe(params.model_copy(update={"continue_up_to": limit}), server.base_url)
    assert len(server.requests) == passes * len(PICTURES)
    assert all(isinstance(each, Description) and (each.second is not None) == (passes == 2) for each in described)


REPLIES = [
    pytest.param(Reply("A bus.", "stop", 3), Answer("A bus.", 3, "stop"), id="counted"),
    pytest.param(Reply("A bus.", "length", 3), Answer("A bus.", 3, "length"), id="cut_off"),
    pytest.param(Reply(" A bus.\n", "", 3), Answer("A bus.", 3, ""), id="nobody_says_why"),
    pytest.param(Reply("A bus.", "stop"), Answer("A bus.", 2, "stop"), id="six_characters_uncounted"),
    pytest.param(Reply("A bus in red", "stop"), Answer("A bus in red", 3, "stop"), id="twelve_characters_uncounted"),
    pytest.param(Reply("", "stop"), Answer("", 0, "stop"), id="nothing_uncounted"),
    pytest.param(Reply("A bus. ###Human: Hi", "length", 99), Answer("A bus.", 2, "stop"), id="a_server_deaf_to_stop"),
    pytest.param(Reply("A bus. ##", "length", 5), Answer("A bus. ##", 5, "length"), id="no_whole_mark"),
]


@pytest.mark.parametrize(("reply", "answer"), REPLIES)
def test_a_reply_is_read_up_to_its_end_mark(reply: Reply, answer: Answer) -> None:
    """Its length is the server's count, or a token for every four characters; its end is the server's word."""
    assert read_reply(reply) == answer


USAGES = [
    pytest.param({"usage": {"completion_tokens": 81}}, 81, id="counted"),
    pytest.param({"usage": {"completion_tokens": None}}, 2, id="null"),
    pytest.param({"usage": {"completion_tokens": "81"}}, 2, id="text"),
    pytest.param({"usage": {"completion_tokens": -1}}, 2, id="negative"),
    pytest.param({"usage": {}}, 2, id="no_count"),
    pytest.param({"usage": [81]}, 2, id="a_list"),
    pytest.param({"usage": None}, 2, id="no_usage"),
    pytest.param({}, 2, id="nothing"),
]


@pytest.mark.parametrize(("usage", "tokens"), USAGES)
def test_an_answer_is_no_worse_for_its_usage(params: DescribeParams, usage: dict[str, Any], tokens: int) -> None:
    """Where the server's count cannot be read, the estimate stands."""
    with serving({}, default=sends(completion("A bus.", **usage))) as server:
        red, *_ = describe(params, server.base_url)
    assert isinstance(red, Description)
    assert red.first == Answer("A bus.", tokens, "stop")
    assert (red.second is None) == (tokens > params.continue_up_to)


LOST = [
    pytest.param(["out_of_memory"], Undescribed("status 500: 'out of memory'"), 2, id="500_for_ever"),
    pytest.param(["out_of_memory", "looks"], RED, 3, id="500_once"),
    pytest.param(["resets", "looks"], RED, 3, id="a_broken_connection"),
    pytest.param(["no_picture"], Undescribed("status 400: '{\"error\": \"this model reads no pictures\"}'"), 1, id="400"),
    pytest.param(["html"], Undescribed("the answer is not a chat completion (Invalid JSON"), 2, id="html"),
    pytest.param(["null"], Undescribed("the answer is not a chat completion (choices.0.message.content"), 2, id="null"),
    pytest.param(["looks", "null"], Undescribed("in the continue pass: the answer is not a chat completion (choices"), 3, id="null_in_the_second_pass"),
    pytest.param(["hangs"], Undescribed("no answer within 2 s"), 1, id="silence"),
]  # fmt: skip


@pytest.mark.parametrize(("replies", "red", "tries"), LOST)
def test_a_bad_answer_costs_its_row_alone(
    params: DescribeParams, replies: Sequence[str], red: Description | Undescribed, tries: int
) -> None:
    """The rows around it are described, its own says on one line why it is not, unless another try helps."""
    with serving_pictures({"[red]": replies}) as server:
        found, *others = describe(at(params, deadline=2 if replies == ["hangs"] else 30), server.base_url)
    assert others == [GREEN, BLUE]
    assert sum("[red]" in request["text"] for request in server.requests) == tries
    if isinstance(red, Description):
        assert found == red
    else:
        assert isinstance(found, Undescribed)
        assert found.reason.startswith(red.reason)
        assert "\n" not in found.reason


def test_a_dead_server_ends_the_job(params: DescribeParams) -> None:
    """One line with the address and the mend, and no row is called failed."""
    url = f"http://127.0.0.1:{closed_port()}/v1"
    message = (
        rf"^no model for describe at {url}: cannot connect .*; start the server, or set describe\.server\.base_url$"
    )
    with pytest.raises(JobError, match=message):
        describe(params, url)


def test_a_wrong_key_ends_the_job(params: DescribeParams) -> None:
    """Every row would meet it."""
    with (
        serving_pictures({"[": ["wrong_key"]}) as server,
        pytest.raises(JobError, match=r"PAIRMILL_API_KEY \(there is"),
    ):
        describe(params, server.base_url)


def test_a_server_that_dies_later_ends_the_job(params: DescribeParams) -> None:
    """No row is to blame, so none fails: the same command goes on when the server is back."""
    with serving_pictures() as server:
        changed = at(params, base_url=server.base_url)
        captioner = ServerCaptioner(changed)
        assert captioner.describe(PICTURES, SEEDS, changed, lambda _: None) == [RED, GREEN, BLUE]
        server.kill()
        with pytest.raises(
            JobError, match=rf"^the server at {server.base_url} has gone: cannot connect .*run the same"
        ):
            captioner.describe(PICTURES, SEEDS, changed, lambda _: None)


USAGE = [
    pytest.param({"server": None}, "describe.server is null: backend openai needs", id="no_server"),
    pytest.param({"model": None}, "describe.model is null: backend openai needs the name", id="no_model"),
    pytest.param({"num_beams": 5}, "describe.num_beams: chat completions know none, so backend openai needs 1", id="beams"),
    pytest.param({"repetition_penalty": 1.1}, "describe.repetition_penalty: chat completions know none, so backend openai needs 1.0", id="penalty"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), USAGE)
def test_what_no_server_can_be_asked_is_a_usage_error(
    params: DescribeParams, changes: dict[str, object], message: str
) -> None:
    """Before anything is asked, and rather than said in the rows and not done."""
    with pytest.raises(UsageError) as error:
        ServerCaptioner(params.model_copy(update=changes))
    assert str(error.value).startswith(message)


def test_nothing_to_describe_asks_nothing(params: DescribeParams) -> None:
    """A shard without a living row needs no server."""
    assert ServerCaptioner(params).describe([], [], params, lambda _: None) == []
