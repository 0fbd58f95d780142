"""Queries that wait at once are encoded together, and a whole report keeps no short question waiting."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import comes

from spinecho.encoders.space import Space, Vectors
from spinecho.search.query_encoding import QueryEncoding

REPORT = [f"sentence {number}" for number in range(40)]
KNOWN = ("lesion", "cyst", *REPORT)


class Slow:
    """An encoder whose calls wait until they may go on; it notes what each was given."""

    def __init__(self, *, free: bool = False) -> None:
        self.space = Space("slow", "1", "1", 2)
        self.calls: list[list[str]] = []
        self.free = free
        self.may = threading.Semaphore(0)

    def encode(self, items: Sequence[str], /) -> Vectors:
        self.calls.append(list(items))
        if not self.free:
            assert self.may.acquire(timeout=60)
        if "broken" in items:
            raise ValueError("broken")
        return np.array([(KNOWN.index(item), len(items)) for item in items], np.float32)


def test_a_short_question_waits_for_a_piece_of_a_report_alone() -> None:
    encoder, encoding = Slow(), QueryEncoding()
    report = encoding.submit(encoder, REPORT)
    comes(lambda: len(encoder.calls) == 1)
    short = encoding.submit(encoder, ["lesion"])
    encoder.may.release(2)
    assert short.result(60)[0, 0] == 0
    assert not report.done()
    encoder.may.release(100)
    assert report.result(60)[:, 0].tolist() == [KNOWN.index(one) for one in REPORT]
    assert encoder.calls[1] == ["lesion"]


def test_two_reports_and_short_questions_take_turns() -> None:
    encoder, encoding = Slow(), QueryEncoding()
    asked = [encoding.submit(encoder, texts) for texts in (REPORT, REPORT, ["lesion"], ["cyst"])]
    encoder.may.release(100)
    for one in asked:
        one.result(60)
    first = [len(call) for call in encoder.calls[:3]]
    assert max(first) < len(REPORT), "no report went through in one piece"
    assert ["lesion", "cyst"] in encoder.calls[:3], "the short ones went together, after the piece at hand"


def test_what_fails_in_a_later_piece_is_told_and_others_go_on() -> None:
    encoder, encoding = Slow(free=True), QueryEncoding()
    broken = encoding.submit(encoder, [*REPORT[:20], "broken", *REPORT[20:]])
    fine = encoding.submit(encoder, REPORT)
    with pytest.raises(ValueError, match="broken"):
        broken.result(60)
    assert len(fine.result(60)) == len(REPORT)


@given(st.lists(st.lists(st.sampled_from(KNOWN), min_size=1, max_size=30), min_size=1, max_size=8))
def test_everybody_gets_the_vectors_of_their_own_texts(asked: list[list[str]]) -> None:
    encoder, encoding = Slow(free=True), QueryEncoding()
    waiting = [encoding.submit(encoder, texts) for texts in asked]
    for texts, one in zip(asked, waiting, strict=True):
        assert one.result(60)[:, 0].tolist() == [KNOWN.index(text) for text in texts]
