"""What the processes of a server know of who asks is one: rates, and how long ago a browser asked."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from spinecho import steady
from spinecho.ui.server.api.around.browser import Sessions
from spinecho.ui.server.api.around.limits import Buckets, Limits
from spinecho.ui.server.api.around.marks import Marks
from spinecho.ui.server.api.around.problems import TooMany

_TAKES = """
import json, sys
from spinecho.ui.server.api.around.limits import Buckets, Limits
from spinecho.ui.server.api.around.marks import Marks
from spinecho.ui.server.api.around.problems import TooMany
sys.stdin.readline()
held, taken = Buckets(Limits(rate=1, burst=40), Marks(sys.argv[1])), 0
for _ in range(40):
    try:
        held.take("token 1")
        taken += 1
    except TooMany:
        pass
print(json.dumps(taken))
"""


def answered(held: list[Buckets], turns: list[int]) -> int:
    taken = 0
    for turn in turns:
        try:
            held[turn].take("token 1")
        except TooMany:
            continue
        taken += 1
    return taken


@pytest.mark.parametrize("turns", [[0] * 30, [0, 1, 2] * 10, [0] * 15 + [1] * 15], ids=["one", "each", "half"])
def test_a_token_has_its_burst_whichever_process_it_comes_to(
    tmp_path: Path, turns: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    held = [Buckets(Limits(rate=600, burst=12), Marks(str(tmp_path))) for _ in range(3)]
    assert answered(held, turns) == 12
    assert held[1].take("token 2") == 11, "each its own"


def test_processes_take_of_one_bucket_at_the_same_time(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _TAKES, str(tmp_path)]
    some = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]  # fmt: skip
    for one in some:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    assert 40 <= sum(int(json.loads(one.communicate(timeout=120)[0])) for one in some) <= 44, "of 120 that were asked"


def test_a_browser_that_asks_all_the_time_is_known_to_every_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [5000.0]
    monkeypatch.setattr(steady, "seconds", lambda: now[0])
    here, there = (Sessions("secret", "here", 30, Marks(str(tmp_path))) for _ in range(2))
    signed_in = {"email": "ada", "iat": time.time()}
    for _ in range(10):  # three hours
        now[0] += 20 * 60
        monkeypatch.setattr(time, "time", lambda: signed_in["iat"] + now[0] - 5000.0)
        assert here._fresh(signed_in)
    assert there._fresh(signed_in), "it asked the other one a moment ago"
    now[0] += 31 * 60
    assert not there._fresh(signed_in)
    assert not here._fresh(signed_in)


def test_of_more_names_than_fit_the_oldest_give_way() -> None:
    marks, kept = Marks(), Counter[bool]()
    for number in range(40_000):
        marks.change(f"name {number}", lambda _, at=number: (1.0, float(at)))

    for number in range(40_000):
        marks.change(f"name {number}", lambda held, late=number >= 30_000: kept.update([late]) if held else None)  # type: ignore[func-returns-value]
    assert kept[True] > 9_000
    assert kept[False] < 7_500
