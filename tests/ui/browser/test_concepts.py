"""Concepts in a browser: studies are judged by keys."""

from __future__ import annotations

from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="needs Playwright").expect


def test_studies_are_judged_by_keys(served: str, tab: Any) -> None:
    tab.goto(f"{served}/concepts")
    name = tab.get_by_label("Concept", exact=True)
    expect(name).to_be_visible()
    name.fill("bright lesion")
    name.press("Enter")
    judged = tab.get_by_text("Judged by you")
    expect(judged).to_have_text("Judged by you: 0 with it, 0 without")
    expect(tab.get_by_role("button", name="Has it not")).to_be_visible()
    name.blur()
    tab.keyboard.press("u")
    expect(judged).to_have_text("Judged by you: 1 with it, 0 without")
    tab.keyboard.press("d")
    expect(judged).to_have_text("Judged by you: 1 with it, 1 without")
    expect(tab.get_by_role("button", name="Teach", exact=True)).to_be_enabled()
