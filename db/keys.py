"""What names a patient, an exam or a text: one spelling for both sides of a comparison, values that name nothing."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_NOTHING = frozenset(
    """
    none null nil nan na nd n/a n.a. unknown unk unspecified undefined undetermined missing empty blank tbd tba no
    notavailable notapplicable notassigned unassigned notknown noaccession noaccessionnumber
    anonymous anonymized anonymised anonymize anonymise anon anonym removed deleted redacted masked hidden
    deidentified de-identified dummy test accession accessionnumber acc default unbekannt ohne keine kein
    patient patientid mrn id
    """.split()  # noqa: SIM905  (thirty names in a list read worse)
)
"""What stands in a field that had to be filled, without blanks, in lower case."""
_ONE_CHARACTER = re.compile(r"(.)\1*")
_FLOAT = re.compile(r"(\d+)\.0+")
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?e\+\d+", re.IGNORECASE)
_UID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*))+")
_END = re.compile(r"[\s\x00]+")


def patient_key(patient_id: str) -> str:
    """What two spellings of one patient ID have in common: no blanks around it, no regard to case or width of letters.

    '' for an ID that holds nothing: nobody's, so that whoever asks takes the study in its place. The issuer of the ID
    is left out: many files lack it, and taking two patients for one keeps a split and a mask safe, while taking one for
    two does not.
    """
    text = unicodedata.normalize("NFKC", patient_id.replace("\0", " "))
    text = unicodedata.normalize("NFKC", text.casefold().upper())  # upper, so that most IDs are their own keys
    return " ".join(text.split())


def accession_key(accession_number: str) -> str:
    """As accession numbers are compared: without regard to case and blanks; leading zeros count.

    '' for a placeholder, which names no exam: "0", "00000000", "UNKNOWN", "N/A", "-", "XXXX", "ANONYMIZED". Numbers
    that a table has turned into 12345.0 are 12345.
    """
    if accession_number.isascii() and accession_number.isalnum():  # nearly all of them, at a tenth of the time
        key = accession_number.lower()
        return "" if key in _NOTHING or (len(set(key)) == 1 and is_placeholder(key)) else key
    bare = _END.sub("", unicodedata.normalize("NFKC", accession_number)).casefold()
    key = _END.sub("", unicodedata.normalize("NFKC", bare)).strip("'\"")
    if key.startswith('="'):  # how a spreadsheet is told to leave a number alone
        key = key[2:].strip('"')
    if (whole := _FLOAT.fullmatch(key)) is not None:
        key = whole[1]
    return "" if is_placeholder(key) or is_damaged(key) else key


def uid_key(study_uid: str) -> str:
    """A UID as it is compared: without what stands around it; '' for a placeholder."""
    if len(study_uid) > 8 and _UID.fullmatch(study_uid) is not None:
        return study_uid
    key = _END.sub("", study_uid).removeprefix("urn:oid:")
    return "" if is_placeholder(key) else key


def known_patient(patient_id: str) -> str:
    """The key of a patient that an ID names; '' for a placeholder, which can neither agree nor disagree."""
    key = patient_key(patient_id.replace("\x00", ""))
    if (whole := _FLOAT.fullmatch(key)) is not None:
        key = whole[1]
    return "" if is_placeholder(_END.sub("", key)) else key


def is_placeholder(value: str) -> bool:
    """Whether a value only fills its field. Blanks, case and punctuation around it do not matter."""
    plain = _END.sub("", value).casefold()
    bare = plain.strip("-_.?*#<>()[]{}/\\'\"")
    if bare in _NOTHING or plain in _NOTHING:
        return True
    alike = _ONE_CHARACTER.fullmatch(bare)
    return not bare or (alike is not None and (bare[0] in "0x?-" or (len(bare) >= 6 and bare[0] == "9")))


def is_damaged(accession_number: str) -> bool:
    """Whether a spreadsheet has rounded the number: 1.23457E+10 no longer names one exam."""
    return _SCIENTIFIC.fullmatch(accession_number.strip()) is not None


def is_uid(value: str) -> bool:
    """Whether a value is a DICOM UID of a study: an organisation's with at least three dots, or a UUID under 2.25."""
    if len(value) > 64 or _UID.fullmatch(value) is None:
        return False
    return value.count(".") >= 3 or (value.startswith("2.25.") and len(value) >= 15)


def text_digest(text: str) -> str:
    """sha256 of a report without regard to line ends, blanks and the marks in which a file ends."""
    words = " ".join(text.rstrip("\x00\x1a").split())
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()


def same_number(one: str, other: str) -> bool:
    """Whether two keys are one number of which a spreadsheet may have dropped the zeros in front.

    Good enough for a second opinion, never for finding a study.
    """
    return one == other or (one.isdigit() and other.isdigit() and one.lstrip("0") == other.lstrip("0"))
