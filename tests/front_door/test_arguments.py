"""Every argument of every method, of another kind than its signature says: refused alike at both doors, at once."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spinecho
from spinecho.access.acts import Acts
from spinecho.answering.lists import Cohort
from spinecho.archive import Archive
from spinecho.filling.sources import Sources
from spinecho.given import flag, text

NOBODY = "http://127.0.0.1:1"
"""Nobody listens there: what is refused is refused before anything is sent."""
OF = {Archive: lambda one: one, Cohort: lambda one: one.cohort(name="x"), Acts: lambda one: one.record,
      Sources: lambda one: one.sources}  # fmt: skip
WRONG: dict[str, tuple[Any, ...]] = {
    "bool": ("no", "", 1, 0.0, None, [True]), "int": ("3", 1.5, True, np.bool_(True), None, b"3", [3], float("nan")),
    "float": ("3", True, None, [3]), "str": (5, b"x", None, ["x"], True, np.int64(3)),
    "Sequence[str]": ("read", 5, [5], None, [b"x"]), "Mapping[str, int]": (["1.2"], None, "x", {"1.2": 2}, {5: 1}),
}  # fmt: skip
RIGHT = {"str": "1.2", "int": 1, "Mapping[str, int]": {}, "bool": False, "Folder": "there", "str | Path": "there"}


def _cases() -> list[Any]:
    found = []
    for kind in OF:
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            for one in () if name.startswith("_") else list(inspect.signature(method).parameters.values())[1:]:
                said = str(one.annotation).removesuffix(" | None")
                if said in WRONG and one.kind is not inspect.Parameter.VAR_KEYWORD:
                    found.append(pytest.param(kind, name, one, said, id=f"{kind.__name__}.{name}-{one.name}"))
    return found


def _ask(one: Any, kind: Any, name: str, parameter: inspect.Parameter, value: Any) -> str:
    """What it is refused with."""
    method, given, named = getattr(OF[kind](one), name), [], {}
    for other in list(inspect.signature(getattr(kind, name)).parameters.values())[1:]:
        if other.name == parameter.name and other.kind is other.VAR_POSITIONAL:
            given.append(value)
        elif other.name == parameter.name:
            named[other.name] = value
        elif other.default is other.empty and other.kind not in (other.VAR_POSITIONAL, other.VAR_KEYWORD):
            named[other.name] = RIGHT[str(other.annotation)]
    with pytest.raises(spinecho.QueryError) as caught:
        method(*given, **named)
    return str(caught.value)


@pytest.mark.parametrize(("kind", "name", "parameter", "said"), _cases())
def test_it_is_refused_with_the_same_words(
    archive: Archive, kind: Any, name: str, parameter: inspect.Parameter, said: str
) -> None:
    """`tokens(everybody="no")` gave everybody's, `revoke_token(1.5)` ended token 1, and a label of bytes was kept,
    after which no list of tokens could be shown.
    """
    with spinecho.connect(NOBODY, token="none") as afar:
        there = hasattr(type(OF[kind](afar)), name)
        for value in WRONG[said]:
            if value is None and str(parameter.annotation) != said:
                continue
            words = _ask(archive, kind, name, parameter, value)
            assert parameter.name in words or "a study" in words or "a field" in words or "is no verdict" in words
            if there:
                assert _ask(afar, kind, name, parameter, value) == words


def test_every_kind_of_argument_is_among_them() -> None:
    assert {one.values[3] for one in _cases()} == set(WRONG)
    assert len(_cases()) > 80


def test_numpys_own_are_taken_and_half_letters_are_not_sent() -> None:
    assert flag("on", np.bool_(True)) is True
    assert text("words", np.str_("brain"), "") == "brain"
    assert text("words", "a\ud800b", "") == "a\ufffdb"


@pytest.mark.parametrize("path", [5, b"\xff\0", "a\0b", "x" * 30_000, "\ud800", None, "", ["x"]])
def test_what_can_be_no_path_is_told(archive: Archive, path: Any) -> None:
    for one in (archive, spinecho.connect(NOBODY, token="none")):
        with pytest.raises(spinecho.QueryError):
            one.cohort(path)
        with pytest.raises(spinecho.QueryError):
            one.cohort(name="x").write(path)


def test_a_path_may_be_of_any_kind_that_python_takes(tmp_path: Path) -> None:
    from spinecho.setup.places import place_of  # noqa: PLC0415

    assert place_of(tmp_path) == place_of(str(tmp_path)) == tmp_path
