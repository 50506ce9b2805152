"""Params of the stages that ask a server of chat completions, for tests that bring the server."""

from __future__ import annotations

from typing import TypeVar

from pipeline.params import CircuitParams, DescribeParams, JudgeParams, RewriteParams, ServerParams

Asking = TypeVar("Asking", DescribeParams, RewriteParams, JudgeParams)


def asking(params: Asking, *, concurrency: int, retries: int) -> Asking:
    """The same params with backend openai, a model "m" and a server at an address that nobody serves."""
    server = ServerParams(
        base_url="http://127.0.0.1:9/v1",
        api_key_env="PAIRMILL_API_KEY",
        concurrency=concurrency,
        deadline=30,
        retries=retries,
        backoff=0.0,
        circuit=CircuitParams(failures=20, cooling=0.0, probes=3),
    )
    return params.model_copy(update={"backend": "openai", "model": "m", "server": server})


def at(params: Asking, **changes: object) -> Asking:
    """The same params with another server, or with the same one asked in another way."""
    assert params.server is not None
    return params.model_copy(update={"server": params.server.model_copy(update=changes)})
