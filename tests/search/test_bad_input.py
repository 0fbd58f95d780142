"""What nobody should type: a clear answer or a typed error, in the page, the command line and JSON alike."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of_home
from pages import calm, listed
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

from scans import Scan, write_scans

from spinecho.ui.cli.app import app

PAGE = Path(__file__).resolve().parents[2] / "ui" / "page.py"
SCANS = [
    Scan(1, "FINDINGS: Acute infarct in the left middle cerebral artery territory."),
    Scan(2, "FINDINGS: No acute infarct. Mass of the right frontal lobe.", sex="M", age="071Y"),
    Scan(3, "FINDINGS: Torn anterior cruciate ligament.", body_part="KNEE"),
]
CASES: dict[str, tuple[str, str]] = {
    "empty": ("", "holds no word"),
    "blanks": (" \t ", "holds no word"),
    "punctuation": ("?!,;", "holds no word"),
    "ten thousand words": ("lesion " * 10_000, "at most"),
    "control characters": ("inf\x00arct\x1b[31m \x07left", ""),
    "right to left": ("אוטם חריף בצד שמאל \u202e infarct", ""),
    "arabic": ("احتشاء دماغي حاد", ""),
    "only stop words": ("the of and with for", "such words"),
    "unbalanced quotes": ('"acute infarct', "no second quotation mark"),
    "quotes of nothing": ('""', "holds no word"),
    "an unknown field": ("infarct sexx:F", "did you mean 'sex'"),
    "another word with a colon": ("infarct colour:blue", "is no field"),
    "a word that a field is near to": ("infarct size:3cm", "is no field"),
    "a side that no study has": ("infarct side:upper", "none of left, right, both"),
    "a field without a value": ("infarct sex:", ""),
    "a value that never occurs": ("infarct sex:blue", "the archive has F, M"),
    "a value of the wrong kind": ("infarct age:old", "needs a number"),
    "a date that is none": ("infarct date:2020-13-45", "needs a date"),
    "contradictory conditions": ("infarct sex:F sex:M", "sex cannot be"),
    "contradictory facts": ("women, not women, infarct", "sex cannot be"),
    "wanted and left out": ("infarct, no infarct", "asked for and left out"),
    "operators of full text": ('infarct AND NEAR( OR NOT "', ""),
    "brackets": ("((((infarct]]]]", ""),
    "a wildcard of nothing": ("*** * ?", "holds no word"),
    "emoji": ("🧠🧠🧠", "holds no word"),
    "one letter": ("x", ""),
    "a lone surrogate": ("infarct \udcff", ""),
    "percent signs": ("100% %s %(x)s {0} infarct", ""),
    "html": ("<script>alert(1)</script> infarct", ""),
    "a path": ("../../etc/passwd", ""),
    "a line separator": ("infarct\u2028left\u2029\x85", ""),
    "combining marks": ("i\u0301n\u0308f" + "\u0301" * 500 + "arct", ""),
    "nothing but combining marks": ("\u0301\u0308\u0323", "holds no word"),
    "nothing but NUL": ("\x00\x00", "holds no word"),
    "widthless": ("\u200b\u200d\ufeff", "holds no word"),
    "one very long token": ("infarct" * 2_000, ""),
    "a token beyond the length": ("x" * 30_000, "at most"),
    "digits without end": ("9" * 4_000, ""),
    "full text's own": ("text:infarct* ^ {a b} -- + - NEAR/2 \\", ""),
    "a minus alone": ('"" - -- -""', "holds no word"),
    "sql": ("'; DROP TABLE studies; --", ""),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("home"))
    made.index(write_scans(tmp_path_factory.mktemp("scans"), SCANS))
    return made


def by_json(home: Path, typed: str) -> str:
    ran = CliRunner().invoke(app, ["search", "text", typed, "--json", "--home", str(home)])
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    assert ran.exit_code in (0, 2)
    told: dict[str, Any] = json.loads(ran.stdout)
    if ran.exit_code == 0:
        assert told["query"]["way"]
        return " ".join([*told["warnings"], *(one["why"] for one in told["query"]["ignored"])])
    return json.dumps(told)


def by_command(home: Path, typed: str) -> str:
    ran = CliRunner().invoke(app, ["search", "text", typed, "--home", str(home)], env={"COLUMNS": "400"})
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    assert ran.exit_code in (0, 2)
    assert "Traceback" not in ran.output
    assert "\x1b" not in ran.output
    return ran.output


def by_page(home: Path, typed: str, held: dict[str, AppTest]) -> str:
    if "page" not in held:
        held["page"] = calm(AppTest.from_file(str(PAGE), default_timeout=120).run())
    page = calm(held["page"].text_input(key="words").set_value(typed).run())
    said = [
        *(one.value for one in page.markdown),
        *(one.value for one in page.text),
        *(one.value for one in page.caption),
    ]
    try:
        shown = listed(page)
    except AssertionError:
        return " ".join(said)
    return " ".join([*said, *shown["notes"], *shown["ignored"]])


@pytest.fixture(scope="module")
def held(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Any:
    copy = tmp_path_factory.mktemp("page") / "home"
    copy_of_home(home.folder, copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPINECHO_HOME", str(copy))
        patch.setenv("SPINECHO_DEVICE", "cpu")
        yield {}


@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("door", ["json", "command", "page"])
def test_bad_input_is_answered_or_refused_in_words(home: Home, held: dict[str, AppTest], case: str, door: str) -> None:
    typed, message = CASES[case]
    if door == "page" and not typed.strip():
        return  # an empty page says how to ask
    if door == "page" and "\udcff" in typed:
        return  # no browser sends one
    doors: dict[str, Callable[[], str]] = {
        "json": lambda: by_json(home.folder, typed), "command": lambda: by_command(home.folder, typed),
        "page": lambda: by_page(home.folder, typed, held),
    }  # fmt: skip
    said = " ".join(doors[door]().split())
    assert message.replace("'", "") in said.replace("'", "").replace("\\", ""), said[:600]
