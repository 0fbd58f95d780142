"""The sheet of keyboard shortcuts, on `?` and by a button, on every page."""

from __future__ import annotations

from collections.abc import Sequence

from spinecho.ui.views.components.component import registered

_HTML = """<button class="open" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">?</button>
<dialog aria-label="Keyboard shortcuts"><form method="dialog"><h2>Keyboard</h2><dl></dl>
<button>Close</button></form></dialog>"""
GENERAL = (("/", "to the search box"), ("?", "this sheet"))


def key_sheet(shortcuts: Sequence[tuple[str, str]]) -> None:
    """Draw the button and hear the keys. shortcuts: those of this page."""
    rows = [list(one) for one in dict((*shortcuts, *GENERAL)).items()]
    registered("keys", _HTML, "hand.js", "addresses.js")(key="keys", data=rows)
