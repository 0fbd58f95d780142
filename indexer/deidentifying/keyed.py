"""What stands for identifiers under one key: UIDs, numbers of patients and exams, and the days that dates are moved by.

Each is an HMAC-SHA256 of what it stands for: the same in every run and in every process that has the key, and nothing
that can be turned back, or guessed by trying all numbers, without it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

from spinecho.db.keys import accession_key, known_patient, uid_key

_WELL_KNOWN = "1.2.840.10008."
"""UIDs of the standard itself, of classes and syntaxes, name no object of a hospital."""
_MOST_DAYS = 3650
_DATE = re.compile(
    r"(\d{4})([-.]?)(\d{2})\2(\d{2})"
    r"((?:[T ]?\d\d(?::?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?(?:[ ]?(?:Z|[+-]\d\d:?\d\d))?)?)"
)
"""A day, and the time of day behind it. What else stands there (the other end of a range, a name) makes it none."""
EARLIEST = date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Keyed:
    """Pseudonyms under one key. Two spellings of one number (blanks, case) have one, as they are one in search."""

    key: bytes = field(repr=False)

    def uid(self, uid: str) -> str:
        """A UID under 2.25 (a UUID, PS3.5 B.2); '' for '', and a UID of the standard itself as it is."""
        plain = uid_key(uid)
        if not plain or _is_well_known(plain):
            return plain
        return f"2.25.{int.from_bytes(self._digest('uid', plain)[:16], 'big')}"

    def patient(self, patient_id: str) -> str:
        """ "P" and 15 digits of hexadecimal; '' where the ID names nobody."""
        plain = known_patient(patient_id)
        return f"P{self._digest('patient', plain).hex()[:15].upper()}" if plain else ""

    def accession(self, number: str) -> str:
        """ "A" and 15 digits of hexadecimal, what a field of 16 characters holds; '' where the number names no exam."""
        plain = accession_key(number)
        return f"A{self._digest('accession', plain).hex()[:15].upper()}" if plain else ""

    def name(self, kind: str, value: str) -> str:
        """Sixteen digits of hexadecimal for anything else."""
        return self._digest(kind, value).hex()[:16]

    def days(self, patient: str) -> int:
        """By how many days the dates of a patient are moved, -3650 to -1. patient: the pseudonym, or a study's."""
        return -1 - int.from_bytes(self._digest("days", patient)[:8], "big") % _MOST_DAYS

    def _digest(self, kind: str, value: str) -> bytes:
        named = f"{kind}\x1f{value}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, named, hashlib.sha256)


@lru_cache(maxsize=256)
def _is_well_known(uid: str) -> bool:
    """Whether the standard's own registry (PS3.6, annex A) has it: objects are named under its root too, by mistake."""
    if not uid.startswith(_WELL_KNOWN):
        return False
    from pydicom import config  # noqa: PLC0415  (slow to import, and hardly ever asked)
    from pydicom.uid import UID  # noqa: PLC0415

    return bool(UID(uid, validation_mode=config.IGNORE).name != uid)


def moved(value: str, days: int) -> str:
    """A date that begins with year, month and day (DICOM's DA and DT, ISO 8601), moved; '' for what is none."""
    found = _DATE.fullmatch(value.strip("\0 \t\r\n"))
    if found is None:
        return ""
    try:
        day = date(int(found[1]), int(found[3]), int(found[4])) + timedelta(days)
    except (ValueError, OverflowError):
        return ""
    mark = found[2]
    return f"{day.year:04d}{mark}{day.month:02d}{mark}{day.day:02d}{found[5]}"
