"""A byte order mark before a text, which Windows puts there, changes nothing of what is read, in no format."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest
from hl7_messages import oru

from spinecho.indexer.reports.parsing.parse import parse_reports
from spinecho.indexer.reports.parsing.parsed import RawReport

SAID = "No lesion of the brain."
WRITTEN = {
    "a.hl7": oru(SAID) + oru(SAID, number="A101"),
    "a.csv": f"Accession;Report\r\nA100;{SAID}\r\n",
    "a.tsv": f"Accession\tReport\nA100\t{SAID}\n",
    "a.jsonl": json.dumps({"accession": "A100", "report": SAID}) + "\n",
    "a.json": json.dumps([{"accession": "A100", "report": SAID}]),
    "fhir.json": json.dumps(
        {"resourceType": "DiagnosticReport", "status": "final", "identifier": [{"value": "A100"}], "conclusion": SAID}
    ),
    "a.txt": f"Accession: A100\n\nFINDINGS: {SAID}\n",
    "a.html": f"<html><body><p>Accession: A100</p><p>FINDINGS: {SAID}</p></body></html>",
    "a.rtf": f"{{\\rtf1\\ansi Accession: A100\\par\\par FINDINGS: {SAID}\\par}}",
    "a.xml": f"""<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3"><inFulfillmentOf><order>
<id extension="A100"/></order></inFulfillmentOf><component><structuredBody><component><section><text>{SAID}</text>
</section></component></structuredBody></component></ClinicalDocument>""",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_mark_changes_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    read = []
    for mark in (b"", codecs.BOM_UTF8):
        path.write_bytes(mark + WRITTEN[name].encode())
        read.append([one for one in parse_reports(path) if isinstance(one, RawReport)])
    assert read[0] == read[1]
    assert all(SAID in one.text for one in read[0])
    assert read[0]


def test_messages_that_were_put_together_are_all_read(tmp_path: Path) -> None:
    one, other = (codecs.BOM_UTF8 + oru(SAID, number=number).encode() for number in ("A100", "A101"))
    (tmp_path / "a.hl7").write_bytes(one + other)
    read = [one.accession_number for one in parse_reports(tmp_path / "a.hl7") if isinstance(one, RawReport)]
    assert read == ["A100", "A101"]
