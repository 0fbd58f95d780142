"""What a run did, as one page to attach to a ticket: counts, throughput, reasons, guesses, a picture of each sequence.

It names nobody: no path, no UID, no description, no column of a table, no message about a file. What it counts are
codes and values of fixed lists.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spinecho.db.errors import StoreError
from spinecho.db.files import not_indexed
from spinecho.db.people.masking import Count, masked
from spinecho.db.queries import run_reports
from spinecho.db.queries.lookup import facets
from spinecho.db.schema.database import Database
from spinecho.db.store.predictions import prediction_counts
from spinecho.filling.status_facts import remedy_of
from spinecho.indexer.progress import STAGES
from spinecho.indexer.reports.store import DIVIDED, GUESSED, STRUCK, UNREAD, WITHDRAWN
from spinecho.setup.places import place_of
from spinecho.setup.private import open_private
from spinecho.setup.settings import Settings

_DID = ("files", "unchanged", "series", "volumes", "reports", "moved", "missing", "pruned", "pending", "verified",
        "changed_unseen", "joined", "hidden", "gone", "out_of_reach", "same_bytes")  # fmt: skip
_MATCHES = ("matched", "unmatched", "ambiguous", "addendum", "superseded", "duplicate", "withdrawn")
_FIELDS = ("sequence", "vendor", "body_region", "plane", "contrast")
_OF_STAGE = {
    "discover": ("files", "files"), "scan": ("fresh", "headers"), "read": ("series", "series"),
    "encode": ("volumes", "volumes"), "store": ("series", "series"), "reports": ("reports", "reports"),
}  # fmt: skip
_TEMPLATE = Path(__file__).with_name("run_report.html")


@dataclass(frozen=True, slots=True)
class Throughput:
    """How long a stage was at work, summed over processes, and on how much. per_second: None where nothing was done."""

    stage: str
    seconds: float
    amount: int
    what: str
    per_second: float | None


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run, and the index as it is now. Counts are masked as settings say.

    did: by what was counted; reasons: files that are not in, with what helps; reports: by what became of them;
    guessed: volumes by flag and reports by guessed character set; archive: studies by value, by fact.
    """

    run: int
    started_at: str
    finished_at: str
    seconds_in_all: float
    did: Mapping[str, Count]
    stages: tuple[Throughput, ...]
    reasons: tuple[Mapping[str, Any], ...]
    reports: Mapping[str, Count]
    guessed: Mapping[str, Count]
    archive: Mapping[str, Mapping[str, Count]]
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """PNG by sequence."""

    def to_html(self) -> str:
        """The page: it loads nothing, and runs nothing."""
        pictures = {name: base64.b64encode(png).decode() for name, png in self.pictures.items()}
        values = {name: getattr(self, name) for name in self.__slots__} | {"pictures": pictures}
        return str(_page().render(**values, version=version("spinecho"), shown=_shown))

    def write(self, path: str | Path) -> Path:
        """Write the page into a file that its owner alone may read, in place of what was there. Raises `StoreError`."""
        target = place_of(path)
        try:
            with open_private(target) as file:
                file.write(self.to_html().encode())
        except OSError as error:
            raise StoreError(f"{target} cannot be written ({error.strerror}); name another file") from error
        return target


def run_report(database: Database, settings: Settings, *, run: int | None = None, pictures: bool = True) -> RunReport:
    """The report on a run that came to its end, without a number on the last. Raises `StoreError`."""
    facts = run_reports.finished_run(database, run)
    if facts is None:
        which = "no run came to its end yet" if run is None else f"there is no run {run} that came to its end"
        raise StoreError(f"{which}: run 'spinecho index'")
    smallest = settings.smallest_count
    counts, seconds = facts["counts"], facts["seconds"]
    files = not_indexed.file_counts(database)
    reasons = {name.removeprefix("reason:"): n for name, n in files.items() if name.startswith("reason:")}
    guessed = run_reports.flag_counts(database)
    guessed |= {f"reports read as {name.removeprefix(GUESSED)}": n for name, n in counts.items() if _is_guess(name, n)}
    guessed |= {"report files with words struck out": counts[STRUCK]} if counts.get(STRUCK) else {}
    guessed |= {"reports cancelled by their text": counts[WITHDRAWN]} if counts.get(WITHDRAWN) else {}
    guessed |= {"cells of several reports": counts[DIVIDED]} if counts.get(DIVIDED) else {}
    guessed |= {"reports in a language without rules": counts[UNREAD]} if counts.get(UNREAD) else {}
    guessed |= {f"{task} predicted by a head": n["known"] for task, n in prediction_counts(database).items()}
    return RunReport(
        facts["run"], facts["started_at"], facts["finished_at"], float(seconds.get("wall", 0.0)),
        _masked({name.replace("_", " "): counts.get(name, 0) for name in _DID}, smallest),
        tuple(_throughput(stage, counts, seconds) for stage in STAGES),
        tuple(
            {"reason": code, "files": masked(n, smallest), "remedy": remedy_of(code)}
            for code, n in sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
        ),
        _masked({name: counts.get(f"reports_{name}", 0) for name in _MATCHES}, smallest), _masked(guessed, smallest),
        {name.replace("_", " "): of for name, of in facets(database, _FIELDS, smallest=smallest).items()},
        run_reports.thumbnail_of_each_sequence(database) if pictures else {},
    )  # fmt: skip


def _throughput(stage: str, counts: Mapping[str, Any], seconds: Mapping[str, float]) -> Throughput:
    name, what = _OF_STAGE.get(stage, ("", ""))
    fresh = counts.get("files", 0) - counts.get("unchanged", 0)
    amount, busy = int(fresh if name == "fresh" else counts.get(name, 0)), float(seconds.get(stage, 0.0))
    return Throughput(stage, busy, amount, what, amount / busy if amount and busy else None)


def _masked(counts: Mapping[str, int], smallest: int) -> dict[str, Count]:
    return {name: masked(n, smallest) for name, n in counts.items() if n}


def _is_guess(name: str, n: Any) -> bool:
    return name.startswith(GUESSED) and bool(n)


def _shown(count: Count) -> str:
    return f"{count:,}" if isinstance(count, int) else count


@cache
def _page() -> Any:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  (one command needs it)

    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return made.from_string(_TEMPLATE.read_text(encoding="utf-8"))
