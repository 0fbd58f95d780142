"""No test in a browser asserts what a page shows at one instant, which passes only where the server is fast."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import waiting
from waiting import becomes, eventually

READS = {
    "all_inner_texts", "bounding_box", "count", "evaluate", "get_attribute", "inner_html", "inner_text", "input_value",
    "is_checked", "is_disabled", "is_enabled", "is_hidden", "is_visible", "text_content",
}  # fmt: skip
"""What is read of a page at the moment of the call (`becomes` and `eventually` of `waiting` read until it is so)."""
FILES = sorted(Path(__file__).parent.glob("test_*.py"))


def instants(source: str) -> list[str]:
    """The assertions of a file that read a page themselves or by a function of the file that does."""
    tree = ast.parse(source)
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    readers = {one.name for one in functions if not one.name.startswith("test_") and _reads(one, set())}
    asserted = [one for one in ast.walk(tree) if isinstance(one, ast.Assert)]
    return [ast.unparse(one) for one in asserted if _reads(one.test, readers)]


def _reads(node: ast.AST, readers: set[str]) -> bool:
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
    methods = {one.func.attr for one in calls if isinstance(one.func, ast.Attribute) and not _of_a_list(one)}
    named = {one.func.id for one in calls if isinstance(one.func, ast.Name)}
    return bool(methods & READS or named & readers)


def _of_a_list(call: ast.Call) -> bool:
    """`names.count("x")` counts in a list, `locator.count()` in a page."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "count" and bool(call.args)


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_no_page_is_asserted_at_an_instant(file: Path) -> None:
    assert instants(file.read_text()) == [], "wait for it: waiting.becomes, waiting.eventually"


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_no_wait_has_a_limit_of_its_own(file: Path) -> None:
    calls = [one for one in ast.walk(ast.parse(file.read_text())) if isinstance(one, ast.Call)]
    own = [one for one in calls if any(word.arg == "timeout" for word in one.keywords)]
    limits = [ast.unparse(one) for one in own if "HTTPConnection" not in ast.unparse(one.func)]
    assert limits == [], "benchmarks.browser.PATIENCE_MS holds for all"


def test_an_instant_is_seen_directly_and_through_a_function() -> None:
    direct = "def test_x(page):\n    assert not page.locator('.row').count()\n"
    through = "def said(page):\n    return page.all_inner_texts()\ndef test_x(page):\n    assert said(page) == []\n"
    waited = (
        "def test_x(page):\n    becomes(page, lambda: page.locator('.row').count(), 0)\n    assert kinds.count('a')\n"
    )
    assert [len(instants(source)) for source in (direct, through, waited)] == [1, 1, 0]


class _Page:
    def wait_for_timeout(self, _: float) -> None: ...


def test_what_holds_for_a_moment_was_seen() -> None:
    shown = iter(["waiting", "running", "gone"] * 2)
    eventually(_Page(), lambda: next(shown) == "running")
    assert next(shown) == "gone"
    becomes(_Page(), lambda: next(shown), "running")
    assert next(shown) == "gone"


def test_what_never_holds_is_told_with_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_SECONDS", 0.01)
    with pytest.raises(AssertionError, match="it stayed 'waiting' and never became 'running'"):
        becomes(_Page(), lambda: "waiting", "running")
    with pytest.raises(AssertionError, match="never came to"):
        eventually(_Page(), lambda: False)
