"""Questions of identifiers: typed or pasted, alone or among words, one or several, and ones that nobody has.

Right is exact match alone: all studies that are named and no others. Where none has it, no study at all.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.answers.home import Entry


@dataclass(frozen=True, slots=True)
class Named:
    """What is typed, what kind of identifier it is, and the keys of the texts whose studies are named."""

    kind: str
    text: str
    keys: frozenset[str]


def identifier_questions(entries: Sequence[Entry], *, seed: int = 14) -> tuple[Named, ...]:
    """From the archive's own values, a few of each kind and wording."""
    drawn = random.Random(seed)
    accessions = {entry.accession for entry in entries}
    patients = {entry.patient for entry in entries}
    unused = next(f"{n:07d}" for n in range(1_234_567, 9_999_999) if f"{n:07d}" not in accessions | patients)
    some = drawn.sample(list(entries), 40)

    def one(kind: str, words: str, *named: Entry) -> Named:
        return Named(kind, words, frozenset(entry.text.key for entry in named))

    a = some
    asked = [
        *(one("accession", entry.accession, entry) for entry in a[:6]),
        one("accession", a[6].accession.lower(), a[6]),
        one("accession", f"  {a[7].accession}\t", a[7]),
        one("accession", f"accession number {a[8].accession}", a[8]),
        one("accession", f"Acc# {a[9].accession}", a[9]),
        one("accession", f"please show me the study {a[10].accession} of last week", a[10]),
        one("accession", f"{a[11].accession} MRI report", a[11]),
        one("accession list", f"{a[12].accession}, {a[13].accession}, {a[14].accession}", *a[12:15]),
        one("accession list", f"{a[12].accession};{a[14].accession}", a[12], a[14]),
        one("accession list", f"{a[15].accession}\n{a[16].accession}\n{a[17].accession}", *a[15:18]),
        one("accession list", f"{a[15].accession}\t{a[16].accession}", *a[15:17]),
        one("accession list", f"{a[18].accession} and {a[19].accession}", *a[18:20]),
        one("accession list", f"{a[18].accession} / {a[19].accession} | {a[20].accession}", *a[18:21]),
        one("accession list", f"{a[20].accession} {a[21].accession}", *a[20:22]),
        one("accession list", f"{a[22].accession}, MR{unused}", a[22]),
        one("study UID", a[23].uid, a[23]),
        one("study UID", f"StudyInstanceUID {a[24].uid}", a[24]),
        one("study UID", f"{a[25].uid}, {a[26].uid}", *a[25:27]),
        one("series UID", a[27].series_uid, a[27]),
        one("series UID", f"series {a[28].series_uid}", a[28]),
        one("patient ID", a[29].patient, a[29]),
        one("patient ID", f"patient {a[30].patient}", a[30]),
        one("patient ID", f"MRN {a[31].patient}", a[31]),
        one("patient ID", f"{a[32].patient} {a[33].patient}", *a[32:34]),
        one("date", a[34].day.isoformat(), *(e for e in entries if e.day == a[34].day)),
        one("date", f"{a[35].day:%d.%m.%Y}", *(e for e in entries if e.day == a[35].day)),
        one("date", f"studies of {a[36].day:%Y%m%d}", *(e for e in entries if e.day == a[36].day)),
        one("nobody's", f"MR{unused}"),
        one("nobody's", f"RA-{unused[:5]}-{unused[5:]}"),
        one("nobody's", f"accession {unused}"),
        one("nobody's", "1.2.840.113619.2.55.3.604688119.971.1300000000.1"),
        one("nobody's", f"patient PID{unused}"),
        one("nobody's", "1987-03-11"),
    ]
    return tuple(asked)


def is_right(named: Named, keys: Sequence[str], *, k: int = 10) -> bool:
    """Whether exactly the named ones came, or the first k of them where there are more."""
    return set(keys) <= named.keys and len(set(keys)) == min(k, len(named.keys))
