from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spinecho.errors import SettingsError
from spinecho.threads import LIBRARIES, limit_libraries, thread_budget, usable_cores

ROOT = Path(__file__).resolve().parents[2]


def test_the_budget_is_what_was_set_or_the_cores() -> None:
    assert thread_budget({"SPINECHO_THREADS": "3"}) == 3
    assert thread_budget({}) == thread_budget({"SPINECHO_THREADS": ""}) == usable_cores()
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize("given", ["0", "-1", "two", "1.5", "1025", "99999999999", "²"])
def test_a_budget_that_is_none_is_refused_when_something_computes_and_not_before(given: str) -> None:
    with pytest.raises(SettingsError, match="SPINECHO_THREADS"):
        thread_budget({"SPINECHO_THREADS": given})
    environment = {"SPINECHO_THREADS": given}
    limit_libraries(environment)
    assert environment == {"SPINECHO_THREADS": given}


def test_libraries_get_the_budget_and_keep_what_was_set_for_them() -> None:
    environment = {"SPINECHO_THREADS": "3", "OMP_NUM_THREADS": "1"}
    limit_libraries(environment)
    assert environment == {"SPINECHO_THREADS": "3", **dict.fromkeys(LIBRARIES, "3"), "OMP_NUM_THREADS": "1"}
    nothing: dict[str, str] = {}
    limit_libraries(nothing)
    assert nothing == {}


def test_one_setting_reaches_torch_faiss_and_comparisons() -> None:
    code = (
        "import spinecho, faiss, torch; from spinecho.db.vectors.indexes.scattered import _threads;"
        "print(torch.get_num_threads(), faiss.omp_get_max_threads(), _threads())"
    )
    environment = {name: value for name, value in os.environ.items() if name not in LIBRARIES}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment | {"SPINECHO_THREADS": "1"}, cwd=ROOT, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert said.stdout.split() == ["1", "1", "1"]
