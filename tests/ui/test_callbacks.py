"""What a widget calls runs to its end, also where Streamlit would end it for something newer."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException

from spinecho.ui.views.session.whole import whole

VIEWS = Path(__file__).resolve().parents[2] / "ui" / "views"
CALLED = {"on_change", "on_click", "on_act_change", "on_submit"}
NOT_TWICE = {("session/signed.py", "_sign_out")}
"""Not to be begun again: an entry of the record is written once; leaving, which comes after it, runs to its end."""


def test_every_widget_calls_something_that_runs_to_its_end() -> None:
    given = [
        (file.relative_to(VIEWS), word.value)
        for file in sorted(VIEWS.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg in CALLED and not isinstance(word.value, ast.Constant)  # "rerun" calls nothing
    ]
    assert len(given) > 10
    broken = [
        (file.as_posix(), ast.unparse(value))
        for file, value in given
        if not (isinstance(value, ast.Call) and ast.unparse(value.func) == "whole")
    ]
    assert set(broken) == NOT_TWICE


def test_one_that_is_ended_is_begun_again_and_what_is_newer_is_drawn_after_it() -> None:
    newer, done = RerunException(RerunData()), []

    def callback(value: str) -> None:
        done.append("begun")
        if len(done) == 1:
            raise newer
        done.append(value)

    with pytest.raises(RerunException) as raised:
        whole(callback)("set")
    assert raised.value is newer
    assert done == ["begun", "begun", "set"]
