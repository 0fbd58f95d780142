"""HL7 messages that are no reports: counted, and told with what they mean for the reports of the archive."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from spinecho.encoders.errors import Reason
from spinecho.indexer.reports.parsing.formats.hl7_lexer import Message
from spinecho.indexer.reports.parsing.parsed import ReportFailure

REPORTING = frozenset(("ORU", "MDM", "OUL"))
_MERGES = frozenset("A18 A30 A34 A35 A36 A39 A40 A41 A42 A43 A44 A45 A46 A47 A48 A49 A50 A51".split())  # noqa: SIM905
"""Events of ADT by which a patient, an account or a visit takes another's number, or goes to another patient."""
_MOST_KINDS = 6


class OtherMessages:
    """What a file holds beside results, by kind."""

    def __init__(self) -> None:
        self._merges, self._others = Counter[str](), Counter[str]()

    def met(self, message: Message) -> None:
        """Count a message, unless it is one of a kind that reports."""
        head = message.segments[0]
        kind, event = head.value(9), head.value(9, 2)
        if kind in REPORTING:
            return
        name = re.sub(r"[^A-Z0-9^]", "", f"{kind}^{event}".upper())[:16].strip("^") or "of no kind"
        (self._merges if kind == "ADT" and event in _MERGES else self._others)[name] += 1

    def told(self, source: str, ordinal: int) -> Iterator[ReportFailure]:
        """A row for merges, which somebody has to look at, and one for the rest, numbered from `ordinal`."""
        if self._merges:
            message = (
                f"{sum(self._merges.values())} messages merge or move patients ({_list(self._merges)}), which is not"
                " carried out: stored reports keep the patient's number they came with, and one whose study now has"
                " another is listed as another patient's. Send such reports again under the number that stays"
            )
            yield ReportFailure(source, ordinal, message, Reason.NOT_READ)
            ordinal += 1
        if self._others:
            told = f"no results, and left out: {_list(self._others)}"
            yield ReportFailure(source, ordinal, told, Reason.UNSUPPORTED_TYPE)


def _list(kinds: Counter[str]) -> str:
    named = [f"{kind} ({count})" for kind, count in kinds.most_common(_MOST_KINDS)]
    return ", ".join([*named, *(["further kinds"] if len(kinds) > _MOST_KINDS else [])])
