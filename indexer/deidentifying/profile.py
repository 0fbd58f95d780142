"""The Basic Application Level Confidentiality Profile over one DICOM data set (PS3.15, annex E, table E.1-1).

The table is that of the package dicom-anonymizer (edition 2026c). Its own functions are not used: they leave items of
sequences as they are and give UIDs that differ from run to run. Beyond the table goes whatever is private, unknown to
the dictionary, a person's name or free text, wherever it is nested; and values that name the patient are taken out
of whatever text is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from spinecho.errors import SettingsError
from spinecho.indexer.deidentifying.keyed import Keyed, moved
from spinecho.indexer.deidentifying.known import DAY, NAME, NUMBER, PHONE, PLACE, Known
from spinecho.indexer.deidentifying.texts import GONE, UID_FORM, scrub, tells_a_day

Dates = Literal["shifted", "removed"]
Descriptors = Literal["cleaned", "removed", "kept"]
REMOVED = "REMOVED"
OLDEST = 89
DESCRIPTORS = frozenset(
    (0x00081030, 0x0008103E, 0x00180010, 0x00181030, 0x00189424, 0x00321060, 0x00400007, 0x00400254, 0x00181400)
)
"""Of the table's texts those that say what was done, which search and research live on (Clean Descriptors)."""
CHARACTERISTICS = frozenset((0x00100040, 0x00101010, 0x00101020, 0x00101030))
"""Sex, age, size and weight (Retain Patient Characteristics); ages above 89 years are one group."""
_SEQUENCES_KEPT = frozenset((0x00081140, 0x00082112))
_FREE_TEXT = frozenset(("LT", "UT", "ST", "UR", "UC"))
_TEXT = frozenset(("AE", "CS", "LO", "SH", "AS", "IS", "DS", *_FREE_TEXT))
_BYTES = frozenset(("OB", "OW", "OD", "OF", "OL", "OV", "UN"))
_BYTES_KEPT = frozenset((0x7FE00001, 0x7FE00002, 0x7FE00008, 0x7FE00009, 0x7FE00010))
_LOOKUP = range(0x00281101, 0x00281224)
_CLASSES = frozenset(
    (0x00080016, 0x00081150, 0x0008010C, 0x00080117, 0x0008001A, 0x0008001B, 0x00041510, 0x00041512, 0x0008115A)
)
"""UIDs of classes and code tables, which name no object."""
_NUMBERS = frozenset(
    (0x00100020, 0x00101000, 0x00101001, 0x00080050, 0x00200010, 0x00401001, 0x00400009, 0x00402016, 0x00402017,
     0x00380010, 0x00101090, 0x00321064, 0x00181000, 0x00400253, 0x00100021, 0x00100032)
)  # fmt: skip
_PLACES = frozenset((0x00101040, 0x00080080, 0x00080081, 0x00081040, 0x00081010, 0x00380300, 0x00102150, 0x00102152))
_PHONES = frozenset((0x00102154, 0x00102155, 0x00080094, 0x00401104))
_BIRTH = frozenset((0x00100030, 0x00100033, 0x00100034))
_PN_TEXTS = frozenset((0x00101005, 0x00101060))
_OWN_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
_CLASS_UID = re.compile(r"\d+(?:\.\d+){4,}")
_HOUR, _SIXTIETH = r"(?:[01]\d|2[0-4])", r"[0-6]\d"
_TIME = re.compile(rf"{_HOUR}(?:(:?){_SIXTIETH}(?:\1{_SIXTIETH}(?:\.\d{{1,6}})?)?)?")
_MEASURED = frozenset({
    0x00180050, 0x00180080, 0x00180081, 0x00180082, 0x00180087, 0x00180088, 0x00181314, 0x00200013, 0x00200032,
    0x00200037, 0x00201041, 0x00280008, 0x00280030, 0x00281050, 0x00281051, 0x00281052, 0x00281053,
})  # fmt: skip
"""Thickness, TR, TE, TI, field, spacing, flip angle, instance, position, orientation, location, frames, pixels and
windows: without them a picture is none, so a short number that happens to be the patient's stays."""
_SHORT_NUMBER = re.compile(r"[+-]?(?:\d{1,4}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_NUMBER_ALONE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_OPTIONS = {
    "shifted": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "cleaned": ("113105", "Clean Descriptors Option"),
}
_MOST_NESTED = 100


@dataclass(frozen=True, slots=True)
class Options:
    """dates: moved by days of the patient's own, or removed as the table says. descriptors: cleaned of what is known to
    name somebody, removed as the table says, or kept as they are. Raises `SettingsError`.
    """

    dates: Dates = "shifted"
    descriptors: Descriptors = "cleaned"

    def __post_init__(self) -> None:
        for name, given, known in (("dates", self.dates, Dates), ("descriptors", self.descriptors, Descriptors)):
            if given not in get_args(known):
                raise SettingsError(f"{name}={given!r} is none of: {', '.join(get_args(known))}")


class Deep(Exception):
    """Sequences are nested deeper than any real file has them."""


@cache
def _table() -> tuple[Mapping[int, str], tuple[tuple[int, int, str], ...]]:
    """({tag: action}, (value, mask, action) of groups that repeat)."""
    from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as edition  # noqa: PLC0415

    actions: dict[int, str] = {}
    repeating: list[tuple[int, int, str]] = []
    for name in ("D", "Z", "X", "U", "Z_D", "X_Z", "X_D", "X_Z_D", "X_Z_U_STAR"):
        for tag in getattr(edition, f"{name}_TAGS"):
            if len(tag) == 4:
                repeating.append((tag[0] << 16 | tag[1], tag[2] << 16 | tag[3], name))
            else:
                actions[tag[0] << 16 | tag[1]] = name
    return actions, tuple(repeating)


def action_of(tag: int) -> str:
    """The table's action for a public element, as D, Z, X, U or several of them; '' for one that is not in it."""
    actions, repeating = _table()
    if (found := actions.get(tag)) is not None:
        return found
    return next((action for value, mask, action in repeating if tag & mask == value & mask), "")


def named_in(dataset: Any) -> Known:
    """Whatever in a data set names the patient, those around and the house, at any depth."""
    return Known(frozenset(_named(dataset, 0)))


def _named(dataset: Any, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MOST_NESTED:
        raise Deep
    for element in _elements(dataset):
        tag, vr = int(element.tag), element.VR
        if vr == "SQ":
            for item in element.value or ():
                yield from _named(item, depth + 1)
            continue
        kind = (
            NAME if vr == "PN" or tag in _PN_TEXTS
            else NUMBER if tag in _NUMBERS
            else PLACE if tag in _PLACES
            else PHONE if tag in _PHONES
            else DAY if tag in _BIRTH
            else ""
        )  # fmt: skip
        if kind:
            yield from ((kind, value) for value in _texts(element.value) if value.strip())


def _own_days(dataset: Any, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MOST_NESTED:
        raise Deep
    for element in _elements(dataset):
        if element.VR == "SQ":
            for item in element.value or ():
                yield from _own_days(item, depth + 1)
        elif element.VR in ("DA", "DT"):
            yield from ((DAY, value[:8]) for value in _texts(element.value))


def deidentify(dataset: Any, keyed: Keyed, options: Options, *, known: Known | None = None, salt: str = "") -> None:
    """Take out of a data set, in place, who the patient is. Group 2 is for the caller, who writes it anew.

    known: more of what names somebody than its own header says. salt: the pseudonym of the study's UID, by which days
    are chosen where there is no patient ID. Raises `Deep`.
    """
    _table()  # before any value is looked at: without it each would merely be one of which nothing can be said
    own = [str(dataset.get(name, "") or "") for name in _OWN_UIDS]
    mine = named_in(dataset).joined(known.values if known else ()).joined((NUMBER, uid) for uid in own if uid)
    patient = keyed.patient(str(dataset.get("PatientID", "") or ""))
    days = keyed.days(patient or salt)
    _Work(keyed, options, mine, days, Known(frozenset(_own_days(dataset, 0)))).clean(dataset, 0)
    accession = keyed.accession(str(dataset.get("AccessionNumber", "") or ""))
    dataset.PatientID = dataset.PatientName = patient
    dataset.AccessionNumber = accession
    _tell(dataset, options)


@dataclass(frozen=True, slots=True)
class _Work:
    keyed: Keyed
    options: Options
    known: Known
    days: int
    own_days: Known
    """The days of the data set itself: of texts that are not tidied, none may tell one."""

    def clean(self, dataset: Any, depth: int) -> None:
        if depth > _MOST_NESTED:
            raise Deep
        for tag in list(dataset.keys()):
            if not self._stays(dataset, tag, depth):
                del dataset[tag]

    def _stays(self, dataset: Any, tag: Any, depth: int) -> bool:
        """Whether an element stays, its value changed as it has to be."""
        from pydicom.datadict import dictionary_has_tag, repeater_has_tag  # noqa: PLC0415

        number = int(tag)
        group = number >> 16
        if group & 1 or group < 8 or group >> 8 == 0x60 or not (dictionary_has_tag(number) or repeater_has_tag(number)):
            return False
        if depth == 0 and number in (0x00100010, 0x00100020, 0x00080050):
            return True  # written anew by the caller of this
        try:
            element = dataset[tag]
            vr, action = element.VR, action_of(number)
            if vr == "SQ":
                return self._sequence(element, action, depth)
            return self._value(element, number, vr, action)
        except (Deep, MemoryError, RecursionError):
            raise
        except Exception:  # a value that breaks its own rules, of which nothing can be said
            return False

    def _sequence(self, element: Any, action: str, depth: int) -> bool:
        number = int(element.tag)
        if action in ("X", "X_Z", "Z", "X_D", "X_Z_D", "Z_D", "D") and number not in _SEQUENCES_KEPT:
            if action == "X":
                return False
            element.value = []
            return True
        for item in element.value or ():
            self.clean(item, depth + 1)
        return True

    def _value(self, element: Any, number: int, vr: str, action: str) -> bool:
        if number in CHARACTERISTICS:
            return self._characteristic(element)
        if vr == "UI":
            element.value = _each(element.value, self._class if number in _CLASSES else self.keyed.uid)
            return True
        if vr == "PN" or number in _BIRTH:
            element.value = "" if action not in ("D", "Z_D") else REMOVED
            return action != "X"
        if vr in ("DA", "DT") and self.options.dates == "shifted":
            element.value = _each(element.value, lambda value: moved(value, self.days))
            return True
        if vr == "TM" and self.options.dates == "shifted":  # whole days: the time of day stays
            element.value = _each(element.value, lambda value: value if _TIME.fullmatch(value.strip()) else "")
            return True
        if number in DESCRIPTORS and self.options.descriptors != "removed":
            element.value = _each(element.value, self._tidied)
            return True
        if vr in _BYTES:
            return action == "" and (number in _BYTES_KEPT or (number in _LOOKUP and vr == "OW"))
        if action:
            return _by_action(element, vr, action)
        if vr in ("DA", "DT", "TM") or vr in _FREE_TEXT or vr == "AE":
            return False
        names = self._number_names if vr in ("IS", "DS") else self._names
        if number in _MEASURED:
            names = self._long_number_names
        if vr in _TEXT and any(names(value) for value in _texts(element.value)):
            element.value = ""
        return True

    def _characteristic(self, element: Any) -> bool:
        """Whether sex, age, size or weight is what it should be, and so stays; ages above 89 are one."""
        if element.VR == "AS":
            found = re.fullmatch(r"\s*(\d{1,3})\s*([DWMY]?)\s*", str(element.value or ""))
            if found is None:
                return False
            years = found[2] in ("Y", "") and int(found[1]) > OLDEST
            element.value = f"{OLDEST + 1:03d}Y" if years else f"{int(found[1]):03d}{found[2] or 'Y'}"
            return True
        texts = _texts(element.value)
        if element.VR == "CS":
            return all(re.fullmatch(r"\w{0,12}\s*", one) and not self._names(one) for one in texts)
        return not any(self._number_names(one) for one in texts)

    def _class(self, value: str) -> str:
        """The UID of a class, which stays; of what else stands in its place nothing is known."""
        plain = value.strip("\0 ")
        return plain if _CLASS_UID.fullmatch(plain) and not self.known.found_in(plain) else ""

    def _names(self, value: str) -> bool:
        """Whether a text tells who it is, an object of the hospital or a day, in any form."""
        return (
            self.known.found_in(value) or self.own_days.found_in(value) or tells_a_day(value)
            or UID_FORM.search(value) is not None
        )  # fmt: skip

    def _number_names(self, value: str) -> bool:
        """The same of a number, which is one only as a whole: digits within a coordinate are no patient's."""
        found = _NUMBER_ALONE.fullmatch(value.strip())
        if found is None:
            return bool(value.strip())
        whole = found[1].rstrip("0").rstrip(".") if "." in found[1] else found[1]
        day = whole[:8] if len(whole) in (12, 14) else whole  # with the time behind it
        return self.known.is_one(whole) or self.own_days.is_one(day)

    def _long_number_names(self, value: str) -> bool:
        return _SHORT_NUMBER.fullmatch(value.strip()) is None and self._number_names(value)

    def _tidied(self, value: str) -> str:
        """As the index has it, within the 64 characters of LO."""
        return described(value, self.known, self.days, self.options)[:64]


def described(value: str, known: Known, days: int, options: Options) -> str:
    """A descriptor as the options have it."""
    if options.descriptors == "removed":
        return ""
    cleaned = (
        value if options.descriptors == "kept" else scrub(value, known, days if options.dates == "shifted" else None)
    )
    return value if cleaned == value else _tidy(cleaned.replace(GONE, " "))


def _tidy(text: str) -> str:
    """Without the blanks and marks that are left around what was taken out."""
    return re.sub(r"\s{2,}", " ", text).strip(" ,;^_-")


def _by_action(element: Any, vr: str, action: str) -> bool:
    """Removed, emptied, or with a value that says nothing."""
    if action == "X":
        return False
    if action in ("Z", "X_Z", "X_Z_D") or vr not in _DUMMY:
        element.value = None if vr in ("US", "SS", "UL", "SL", "FL", "FD", "AT") else ""
    else:
        element.value = _DUMMY[vr]
    return True


_DUMMY: Mapping[str, Any] = {
    "AE": REMOVED, "CS": REMOVED, "LO": REMOVED, "SH": REMOVED, "LT": REMOVED, "ST": REMOVED, "UT": REMOVED,
    "UC": REMOVED, "AS": "000Y", "DA": "19000101", "DT": "19000101000000", "TM": "000000", "DS": "0", "IS": "0",
    "US": 0, "SS": 0, "UL": 0, "SL": 0, "FL": 0.0, "FD": 0.0, "UR": "http://removed.invalid",
}  # fmt: skip


def _tell(dataset: Any, options: Options) -> None:
    """What was done, as the profile asks for it (E.2)."""
    from pydicom.dataset import Dataset  # noqa: PLC0415

    codes = [("113100", "Basic Application Confidentiality Profile"),
             ("113108", "Retain Patient Characteristics Option")]  # fmt: skip
    codes += [_OPTIONS[name] for name in (options.dates, options.descriptors) if name in _OPTIONS]
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = ["Spinecho: PS3.15 E.1-1 (2026c)", f"dates {options.dates}",
                                      f"descriptors {options.descriptors}"]  # fmt: skip
    items = []
    for value, meaning in codes:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
        items.append(item)
    dataset.DeidentificationMethodCodeSequence = items
    dataset.LongitudinalTemporalInformationModified = "MODIFIED" if options.dates == "shifted" else "REMOVED"


def _elements(dataset: Any) -> Iterator[Any]:
    for tag in list(dataset.keys()):
        try:
            yield dataset[tag]
        except (MemoryError, RecursionError):
            raise
        except Exception:  # noqa: S112  (one value that breaks its own rules)
            continue


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__") or hasattr(value, "components"):
        return [value.decode("latin-1") if isinstance(value, bytes) else str(value)]
    return [str(one) for one in value]


def _each(value: Any, change: Any) -> Any:
    found = [change(one) for one in _texts(value)]
    return found[0] if len(found) == 1 else found or ""
