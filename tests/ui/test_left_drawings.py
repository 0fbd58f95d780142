"""A search of a page ends at its next stage once the page is drawn for something else, and is on record as asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of
from pages import acts, ask, calm, page_of
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

from spinecho.search.channels.retrieve import Retriever


def test_a_search_ends_once_the_page_is_to_be_drawn_anew(
    indexed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_of(indexed, tmp_path / "own").folder
    monkeypatch.setenv("SPINECHO_HOME", str(home))
    monkeypatch.setenv("SPINECHO_DEVICE", "cpu")
    page, begun = calm(page_of("search").run()), list[str]()

    def around(name: str) -> Any:
        stage = getattr(Retriever, name)

        def run(*given: Any, **options: Any) -> Any:
            begun.append(name)
            if len(begun) == 1:  # as a browser asks in the middle of a drawing
                context = get_script_run_ctx()
                assert context is not None
                assert context.script_requests is not None
                states = WidgetStates(widgets=context.session_state.get_widget_states())
                assert context.script_requests.request_rerun(RerunData(widget_states=states))
            return stage(*given, **options)

        return run

    for name in ("words", "scans", "sentences"):
        monkeypatch.setattr(Retriever, name, around(name))
    page = ask(page, "lesion")
    assert begun == ["words", "words", "scans", "sentences"]
    done, stopped = (dict(one.facts) for one in acts(home, "search"))
    assert stopped.pop("failed") == "SearchStopped"
    assert stopped.items() <= done.items()
    assert page.get("bidi_component"), "and the page shows what was found"
