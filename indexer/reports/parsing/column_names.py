"""Which column or JSON key means what, by the names that exports use; case and punctuation do not matter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from spinecho.db.keys import is_uid
from spinecho.indexer.reports.parsing.given_columns import BODIES, KEYS, given_in
from spinecho.indexer.reports.report_facts import exam_key, read_cell_date, read_version
from spinecho.indexer.reports.report_status import Status, read_status


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ACCESSION = (
    "accession accessionnumber accessionno acc accno accnumber accessionid orderaccession auftragsnummer"
    " auftragsnr akzessionsnummer accessionnummer accessionnr zugangsnummer numeroaccession numerodaccession"
    " numaccession noaccession naccession numeroacceso numerodeacceso nacceso numacceso numeroaccesion accesion"
)
_STUDY_UID = "studyuid studyinstanceuid studyinstuid studyiuid instanceuid suid"
_ORDER = (
    "ordernumber orderno orderid ordernum examid examnumber examno examinationid examinationnumber studyid studynumber"
    " studyno requisition requisitionnumber requisitionid requestid requestnumber procedureid risid fillerorder"
    " fillerordernumber placerordernumber untersuchungsnummer untersuchungsnr anforderungsnummer numeroexamen"
    " numexamen numerodemande numeroestudio numeroexploracion numeropeticion"
)
"""Taken where there is no accession number: what it holds may be one, or a UID."""
_REPORT = (
    "report reporttext radiologyreport fullreport reportbody reportcontent finalreport reportfull mrreport mrireport"
    " narrative befundtext bericht text befundbericht radiologiebericht befundung compterendu cr crtexte textecr"
    " compterenduradiologique rapport rapportradiologique informe"
    " informeradiologico textoinforme informetexto"
)
_SECTIONS = (
    (
        "INDICATION",
        "indication clinicalindication history clinicalhistory clinicalinformation reasonforexam fragestellung"
        " klinischeangaben motif renseignementscliniques indicacion motivo",
    ),
    ("TECHNIQUE", "technique protocol technik tecnica"),
    ("COMPARISON", "comparison vergleich comparaison comparacion"),
    (
        "FINDINGS",
        "findings finding reportfindings findingstext findingssection befund resultats resultat constatations"
        " hallazgos",
    ),
    (
        "IMPRESSION",
        "impression impressions conclusion conclusions summary reportimpression impressiontext impressionsection"
        " beurteilung zusammenfassung synthese impresion impresiondiagnostica conclusiondiagnostica"
        " conclusionesdiagnosticas conclusiones",
    ),
)
_PATIENT = (
    "patientid patid ptid patientmrn mrn medicalrecordnumber medicalrecordno patientidentifier patientnumber patientno"
    " mrnumber mrno patidentifier dicompatientid patientenid patientennummer patientennr"
    " ipp idpatient numeropatient idpaciente numeropaciente nhc numerohistoria"
)
_STATUS = (
    "status reportstatus resultstatus reportstate state documentstatus verificationstatus signstatus signoffstatus"
    " interpretationstatus statuscode reportstatuscode resultstatuscode reporttype documenttype versionstatus"
    " befundstatus statut statutcr"
    " estado estadoinforme"
)
_VERSION = "version reportversion revision reportrevision versionnumber versionno revisionnumber ver"
_DATED = (
    "reportdate reportdatetime reporttime datereported reporteddate reportedat reportedon signeddate signdate signedat"
    " signedon datesigned signaturedate verifieddate verifiedat dateverified verificationdate finalizeddate finaldate"
    " finalizedat approveddate approvedat resultdate resultdatetime resulttime reportedtime reporteddatetime"
    " dictateddate dictationdate dictated modified modifieddate modifiedat lastmodified lastupdated updated updatedat"
    " updateddate issued issueddate date datetime timestamp befunddatum datum freigabedatum vidierungsdatum"
    " datecr datecompterendu datevalidation fechainforme fechadeinforme fechafirma fechavalidacion"
)
_EXAM = (
    "exam examname examdescription examtype examination procedure procedurename proceduredescription proceduretype"
    " studydescription studyname study bodypart bodyregion examcode procedurecode untersuchung untersuchungsart examen"
    " typeexamen libelleexamen estudio exploracion prueba"
)
_WEAK = frozenset({"text", "history", "summary", "conclusion", "technique", "protocol", "comparison", "finding"})
_SHORT = {
    "rpt": "report", "rep": "report", "rprt": "report", "num": "number", "no": "number", "nr": "number",
    "nbr": "number", "#": "number", "txt": "text", "acc": "accession", "accn": "accession", "accsn": "accession",
    "acsn": "accession", "accessn": "accession", "accession#": "accession", "rad": "radiology", "pat": "patient",
    "pt": "patient", "desc": "description", "dt": "date", "dttm": "datetime", "impr": "impression",
    "inst": "instance", "exm": "exam", "stat": "status", "ver": "version",
}  # fmt: skip
_BESIDE_ACCESSION = _words(
    """
    accession number id identifier code key exam examination study order radiology imaging ris pacs mr mri dicom
    patient report the full ref reference value
    """
)
_BESIDE_UID = _words(
    """
    uid iuid study instance dicom mr mri the unique id identifier exam value
    """
)
_BESIDE_REPORT = _words(
    """
    report text body content full final complete whole original raw clean radiology radiological imaging mr mri
    diagnostic the narrative free plain result results string value dictation deid deidentified
    """
)
_CONNECTING = _words("d de del der des du l le la les el los the of for a al y et und and zum zur fur von vom")
_NUMBERS = _words("n no nr num nro number numero nummer")
_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+|#")


@dataclass(frozen=True, slots=True)
class Columns:
    """The original names, in order of preference, under each meaning."""

    accession: tuple[str, ...]
    study_uid: tuple[str, ...]
    order: tuple[str, ...]
    report: tuple[str, ...]
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    patient: tuple[str, ...]
    status: tuple[str, ...]
    version: tuple[str, ...]
    dated: tuple[str, ...]
    exam: tuple[str, ...]

    @property
    def keyed(self) -> bool:
        """True where a column can name the study."""
        return bool(self.accession or self.study_uid or self.order)

    def by_meaning(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """(meaning, names) of what a report can be read from; the order's number only where nothing else is a key."""
        keys = (("accession", self.accession), ("study_uid", self.study_uid))
        order = () if self.accession or self.study_uid else self.order
        sections = tuple((heading.lower(), names) for heading, names in self.sections)
        facts = (("patient", self.patient), ("status", self.status), ("version", self.version), ("date", self.dated))
        return (*keys, ("order", order), ("report", self.report), *sections, *facts, ("exam", self.exam))


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What a row says of its report beside the text; '' and None for what it does not."""

    accession_number: str
    study_uid: str
    patient_id: str
    status: Status
    dated: str
    version: int | None
    exam: str


def find_columns(names: Iterable[str]) -> Columns | None:
    """None where no column can hold a report: one called plainly "text" or "summary" counts only beside a key."""
    names = [name for name in names if isinstance(name, str)]
    given = given_in(names)
    plain = {name: _spellings(name) for name in names if name not in given.values()}

    def called(aliases: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for alias in aliases.split() for name, all_ in plain.items() if alias in all_))

    tokens = {name: _tokens(name) for name in plain}
    accession = _with(called(_ACCESSION), tokens, needed={"accession"}, allowed=_BESIDE_ACCESSION)
    uids = _with(called(_STUDY_UID), tokens, needed={"study", "uid"}, allowed=_BESIDE_UID)
    report = _with(called(_REPORT), tokens, needed={"report"}, allowed=_BESIDE_REPORT)
    sections = []
    for heading, aliases in _SECTIONS:
        own = _with(called(aliases), tokens, needed={heading.lower()}, allowed=_BESIDE_REPORT | {heading.lower()})
        if own:
            sections.append((heading, own))
    columns = Columns(
        accession=accession,
        study_uid=uids,
        order=called(_ORDER),
        report=report,
        sections=tuple(sections),
        patient=called(_PATIENT),
        status=called(_STATUS),
        version=called(_VERSION),
        dated=called(_DATED),
        exam=called(_EXAM),
    )
    if given:
        columns = _with_given(columns, given)
        return columns if columns.report or any(heading in _BODIES for heading, _ in columns.sections) else None
    named = (*columns.report, *(name for _, found in sections for name in found))
    bodies = {next(iter(plain[name] & _WEAK), name) for name in named}
    bodies -= set(" ".join(aliases for heading, aliases in _SECTIONS[:3]).split())
    if not bodies or (not columns.keyed and bodies <= _WEAK):
        return None
    if not (accession or uids) and bodies <= _WEAK:
        return None
    return columns


_BODIES = {one.upper() for one in BODIES}
_FIELDS = {"date": "dated"}


def _with_given(columns: Columns, given: Mapping[str, str]) -> Columns:
    """What a person named in place of what the names say; what nobody named is found as ever."""
    headings = {heading.lower(): heading for heading, _ in _SECTIONS}
    sections = dict(columns.sections)
    if any(body in given for body in BODIES) and "report" not in given:
        columns = replace(columns, report=())  # the sections were named: no other column takes their place
    if any(key in given for key in KEYS):
        columns = replace(columns, accession=(), study_uid=(), order=())
    for meaning, name in given.items():
        if meaning in headings:
            sections[headings[meaning]] = (name,)
        else:
            own: dict[str, Any] = {_FIELDS.get(meaning, meaning): (name,)}
            columns = replace(columns, **own)
    ordered = tuple((heading, sections[heading]) for heading, _ in _SECTIONS if heading in sections)
    return replace(columns, sections=ordered)


def _plain(name: str) -> str:
    """A name without case, punctuation and accents."""
    return "".join(char for char in unicodedata.normalize("NFKD", name.lower()) if char.isalnum())


def _spellings(name: str) -> frozenset[str]:
    """A name as it is compared: as it stands, and without "de", "of" and the like, with each word for a number.

    "N° d'accession", "Nº de acceso" and "Anforderungs-Nr." are numeroaccession, numeroacceso and anforderungsnummer.
    """
    words = [_plain(word) for word in _WORD.findall(re.sub(r"\bn[ .]*[º°]", "no ", name, flags=re.IGNORECASE))]
    kept = [word for word in words if word not in _CONNECTING]
    found = {_plain(name), "".join(kept)}
    if len(kept) > 1 and any(word in _NUMBERS for word in kept):
        found |= {"".join(number if word in _NUMBERS else word for word in kept) for number in _NUMBERS}
    return frozenset(found)


def report_text(columns: Columns, row: Mapping[str, str]) -> str:
    """The report column as it stands, and what the impression's column says beyond it; where the report's is empty,
    the section columns under headings.
    """
    whole = _first(columns.report, row)
    if whole.strip():
        said = next((_first(names, row).strip() for heading, names in columns.sections if heading == "IMPRESSION"), "")
        beyond = said and _in_words(said) not in _in_words(whole)
        return f"{whole.rstrip()}\n\nIMPRESSION:\n{said}" if beyond else whole
    parts = [(heading, _first(names, row)) for heading, names in columns.sections]
    return "\n\n".join(f"{heading}:\n{body.strip()}" for heading, body in parts if body.strip())


def _in_words(text: str) -> str:
    """The words between blanks, also before the first and behind the last: "normal" is not in "abnormal"."""
    return " ".join(["", *re.findall(r"\w+", text.casefold()), ""])


def row_facts(columns: Columns, row: Mapping[str, str]) -> RowFacts:
    """Keys and facts of a row, trimmed."""
    number, uid = _first(columns.accession, row).strip(), _first(columns.study_uid, row).strip()
    if is_uid(number) and not uid:
        number, uid = "", number
    if not number and not uid:
        order = _first(columns.order, row).strip()
        number, uid = ("", order) if is_uid(order) else (order, "")
    version = _first(columns.version, row)
    stated = _first(columns.status, row) or (version if read_version(version) is None else "")
    return RowFacts(
        accession_number=number,
        study_uid=uid,
        patient_id=_first(columns.patient, row).strip(),
        status=read_status(stated),
        dated=next((date for name in columns.dated if (date := read_cell_date(row.get(name, "")))), ""),
        version=read_version(version),
        exam=next((key for name in columns.exam if (key := exam_key(row.get(name, "")))), ""),
    )


def _tokens(name: str) -> frozenset[str]:
    """The words of a name, abbreviations written out, without what stands in brackets where something is left."""
    bare = re.sub(r"[(\[{].*?[)\]}]", " ", name)
    words = _TOKEN.findall(bare if re.search(r"\w", bare) else name)
    return frozenset(_SHORT.get(word.lower(), word.lower()) for word in words if not word.isdigit())


def _with(
    exact: tuple[str, ...],
    tokens: Mapping[str, frozenset[str]],
    *,
    needed: frozenset[str] | set[str],
    allowed: frozenset[str],
) -> tuple[str, ...]:
    """The names of the list, then those made of these words alone."""
    more = (name for name, words in tokens.items() if needed <= words <= allowed and name not in exact)
    return (*exact, *more)


def _first(names: tuple[str, ...], row: Mapping[str, str]) -> str:
    return next((value for name in names if (value := row.get(name, "")).strip()), "")
