"""The rules of a cohort as a component of ours: rows to edit, move, copy and take back from the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spinecho.ui.views.cohorts.rule_rows import CHOICES, MOST_ROWS, empty_row
from spinecho.ui.views.components.component import registered
from spinecho.ui.views.session.whole import whole

SHORTCUTS = (
    ("Alt+↑  Alt+↓", "move the rule up, down"),
    ("Alt+Shift+↓", "duplicate the rule"),
    ("Alt+Z", "take the last change of the rules back"),
)
_WORDS = {
    **{name: list(options) for name, options in CHOICES.items()},
    "hints": {
        "filter": 'sequence=T2,FLAIR and age>=60, or says:present("lesion")',
        "text": "words that a report's sentence means",
        "text by scans": "words that a scan shows",
        "like": "the StudyInstanceUID of a study",
    },
    "group": "Rules with the same letter make one rule",
}


def rules_editor(
    rows: Sequence[Mapping[str, Any]], *, version: int, wrong: Mapping[int, str], on_act: Callable[[], None]
) -> None:
    """Draw the rows. version: another one replaces what the browser holds; wrong: what to say under a row, from 0.

    What a person did is in `done("rules")` while `on_act` runs: {"rows": [...], "version": ...}, all rows as they are
    now, and the version they came from.
    """
    data = {
        "rows": [dict(row) for row in rows], "version": version, "empty": empty_row(), "words": _WORDS,
        "wrong": {str(place): message for place, message in wrong.items()}, "most": MOST_ROWS,
    }  # fmt: skip
    registered("rules", '<div class="rules"></div>')(key="rules", data=data, on_act_change=whole(on_act))
