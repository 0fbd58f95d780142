"""JSON that is no line an object: an array of reports, one report, or an object that holds such an array."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spinecho.indexer.reports.parsing.column_names import find_columns
from spinecho.indexer.reports.parsing.decode import find_charset
from spinecho.indexer.reports.parsing.formats.reading import ReportFormat, Row, TooLarge, read_whole
from spinecho.indexer.reports.parsing.given_columns import missing_columns
from spinecho.indexer.reports.parsing.parsed import NotAReport, ReportFailure
from spinecho.indexer.reports.parsing.table_files import object_reports


def recognises(path: Path, head: bytes) -> bool:
    """An array in any file of JSON; of .json files also an object."""
    suffix = path.suffix.lower()
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return (suffix in (".jsonl", ".ndjson") and start == b"[") or (suffix == ".json" and start in (b"[", b"{"))


def read(path: Path) -> Iterator[Row]:
    """Each object a report. Raises `NotAReport` where none has a key for a report."""
    charset = find_charset(path)
    try:
        whole = json.loads(read_whole(path).decode(charset.encoding, "replace").lstrip("\ufeff"), parse_float=str)
    except TooLarge as error:
        return iter([ReportFailure(str(path), 0, f"{error}: write it as .jsonl, an object a line")])
    except (ValueError, RecursionError) as error:
        raise NotAReport(f"{path.name} is no whole JSON document") from error
    objects = _objects(whole)
    first = [name for one in objects[:200] if isinstance(one, dict) for name in _named(one)]
    if missing := missing_columns(dict.fromkeys(first)):
        return iter([ReportFailure(str(path), 0, missing)])
    if not any(isinstance(one, dict) and find_columns(_named(one)) for one in objects[:200]):
        raise NotAReport(f"{path.name} has no field for a report beside one for an accession number or study UID")
    return (
        row for number, one in enumerate(objects, 1) for row in object_reports(path, number, one, charset, what="entry")
    )


def _named(one: dict[Any, Any]) -> list[str]:
    return [name for name in one if isinstance(name, str)]


def _objects(whole: Any) -> list[Any]:
    if isinstance(whole, list):
        return whole
    if not isinstance(whole, dict):
        return []
    if find_columns(whole) is None:
        for name, inner in whole.items():
            if isinstance(inner, list) and re.search(
                r"report|befund|result|data|items|records|rows|bericht", name, re.I
            ):
                return inner
    return [whole]


JSON = ReportFormat("JSON", frozenset((".json",)), recognises, read)
