"""Series that de-identification tore to pieces: a series UID of its own for every slice (dicomanon and others).

A scanner gives a new series number to each series. Single files of one study that share number, description, protocol
and object class, each with a series UID of its own, and lie at different places or are counted on, are one series.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePath

from spinecho.encoders.reading.headers import Flag, Header
from spinecho.encoders.reading.uids import derived_uid

_LEAST = 3
_OF_A_SLICE = (
    "position",
    "instance",
    "te",
    "b",
    "temporal",
    "acquisition",
    "trigger",
    "acquisition_time",
    "image_type",
)


def joined(
    headers: Sequence[Header], is_known: Callable[[str, str], bool] = lambda _study, _series: False
) -> list[Header]:
    """The headers among these that belong together, with the one series UID that they now share, flagged.

    headers: of series that hold one file each. is_known: whether (study UID, series UID) was joined before, so that a
    single slice that came later finds its series. Headers of files that stand alone for good are left out.
    """
    groups: dict[tuple[str, ...], list[Header]] = defaultdict(list)
    for header in headers:
        key = _common(header)
        if key is not None:
            groups[key].append(header)
    found: list[Header] = []
    for key, some in groups.items():
        series = derived_uid("joined", *key)
        if is_known(key[0], series) or (len(some) >= _LEAST and _differ(some)):
            found += [_moved(header, series) for header in some]
    return found


def joined_as(header: Header, before: Header) -> Header:
    """The header as it is once joined, where the same file was, at another path, of the series that it then joins."""
    key = _common(header) if str(Flag.SERIES_JOINED) in before.detail.get("flags", ()) else None
    return _moved(header, before.series_uid) if key and derived_uid("joined", *key) == before.series_uid else header


def _common(header: Header) -> tuple[str, ...] | None:
    """What slices of one series share; None for what is no single slice."""
    detail = header.detail
    if header.kind != "dicom" or "mosaic" in detail or detail["pixels"]["frames"] != 1:
        return None
    facts = detail["facts"]
    values = [str(facts.get(name, "")) for name in ("series_number", "series_description", "protocol")]
    folder = "" if any(values) else str(PurePath(header.path).parent)
    return (header.study_uid, *values, str(facts.get("modality", "")), str(detail.get("sop_class", "")), folder)


def _differ(headers: Sequence[Header]) -> bool:
    """Whether they are different slices: no two alike in all that tells slices apart, not all at one place."""
    values = [tuple(str(header.detail["facts"].get(name)) for name in _OF_A_SLICE) for header in headers]
    return len(set(values)) == len(values) and len({facts[:2] for facts in values}) > 1


def _moved(header: Header, series: str) -> Header:
    flags = sorted({*header.detail.get("flags", ()), str(Flag.SERIES_JOINED)})
    return replace(header, series_uid=series, detail={**header.detail, "flags": flags})
