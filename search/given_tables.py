"""Tables that people hand in, CSV or TSV, and the studies that their rows name: one way to read both."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from spinecho.db.csv_files import as_given
from spinecho.db.keys import accession_key, uid_key
from spinecho.db.queries.identifiers import studies_by_accession, studies_by_uid
from spinecho.db.schema.database import Database
from spinecho.encoders.sandbox.limits import table_text

STUDY_COLUMNS = ("study_uid", "studyinstanceuid", "study_instance_uid", "study")
ACCESSION_COLUMNS = ("accession_number", "accessionnumber", "accession")
_SEPARATOR = re.compile(r'"?sep=(.)"?\r?', re.IGNORECASE)


def table_cells(path: Path, error: Callable[[str], Exception], *, called: str) -> list[tuple[int, list[str]]]:
    """(line, cells without blanks around them), the names of columns first, rows that hold nothing left out.

    Comma, semicolon or tab, as the line of names has most of, or as Excel's own first line "sep=;" says. called: the
    file, for messages. Raises `error`, also for a row of more values than there are names: all that stands behind an
    unquoted comma would be read as what it is not.
    """
    text = table_text(path, error)
    above = len(text) - len(text.lstrip("\r\n"))
    skipped, text = text[:above].count("\n"), text[above:]
    head, _, rest = text.partition("\n")
    delimiter = max(",;\t", key=head.count)
    if (told := _SEPARATOR.fullmatch(head)) is not None:
        delimiter, text, skipped = told[1], rest, skipped + 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            cells = [as_given(cell.strip()) for cell in row]
            line = reader.line_num + skipped
            if found and any(cells[len(found[0][1]) :]):
                raise error(
                    f"{called}, line {line}: {len(cells)} values for {len(found[0][1])} columns; quote texts with "
                    "commas"
                )
            if any(cells):
                found.append((line, cells))
    except csv.Error as fault:
        raise error(
            f"{called}, line {reader.line_num + skipped} is none of a table ({fault}); check the quotation marks"
        ) from fault
    return found


def plain_column(name: str) -> str:
    """A column's name as it is compared: "Accession Number" is accession_number."""
    return "_".join(plain_words(name.replace("-", " ")).split())


def plain_words(cell: str) -> str:
    """What somebody wrote, as it is compared: however a program puts letters and their accents together."""
    return " ".join(unicodedata.normalize("NFKC", cell).casefold().split())


def column_called(names: Sequence[str], name: str, error: Callable[[str], Exception], *, called: str) -> int | None:
    """The place of the column of this name, as `plain_column` has it; None where there is none.

    names: as the table has them. Raises `error` where there are several: nobody could tell which of them is meant.
    """
    found = [place for place, one in enumerate(names) if plain_column(one) == plain_column(name)]
    if len(found) > 1:
        raise error(f"{called} has {len(found)} columns {names[found[0]]!r}; leave the one that is meant")
    return found[0] if found else None


def studies_named(database: Database, names: Collection[str]) -> dict[str, tuple[int, ...]]:
    """By what people wrote for a study, the ids of those that it names: of its StudyInstanceUID, else of its accession
    number, of which several studies may be. None for what the archive does not know; no part of a name counts.
    """
    by_uid = studies_by_uid(database, {uid_key(name) for name in names} - {""})
    others = {name for name in names if by_uid.get(uid_key(name), ("",))[0] != "study"}
    by_accession = studies_by_accession(database, {accession_key(name) for name in others})
    return {
        name: by_accession.get(accession_key(name), ()) if name in others else by_uid[uid_key(name)][1]
        for name in names
    }
