from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.language.query_words import EmptyQuery, FieldTerm, parse_query
from spinecho.errors import QueryError


@pytest.mark.parametrize(
    ("query", "wanted", "unwanted", "sides"),
    [
        (
            "T2 hyperintense lesion, left temporal lobe, no enhancement",
            "T2 hyperintense lesion, left temporal lobe",
            ("enhancement",),
            {"left"},
        ),
        ("no haemorrhage", "", ("haemorrhage",), set()),
        ("No evidence of haemorrhage or oedema, but mass", "mass", ("haemorrhage", "oedema"), set()),
        ("glioma -oedema", "glioma", ("oedema",), set()),
        ('glioma -"mass effect" T2-weighted', "glioma T2-weighted", ("mass effect",), set()),
        ('"no flow void" in basilar', "no flow void in basilar", (), set()),
        ('meningioma without "mass effect and shift"', "meningioma", ("mass effect and shift",), set()),
        ("lesion no mass no edema", "lesion", ("mass", "edema"), set()),
        (
            "infarct without haemorrhage in the left MCA territory",
            "infarct in the left MCA territory",
            ("haemorrhage",),
            {"left"},
        ),
        ("meningioma with no significant change", "meningioma with no significant change", (), set()),
        ("sagittal T1 without contrast", "sagittal T1 without contrast", (), set()),
        ("normal brain", "normal brain", (), set()),
        ("non-enhancing lesion", "non-enhancing lesion", (), set()),
        ("bilateral knee effusion", "bilateral knee effusion", (), {"bilateral"}),
        ("Meningeom ohne Ödem", "Meningeom", ("Ödem",), set()),
        ("infarct no bleed no bleed", "infarct", ("bleed",), set()),
        ("mass - left", "mass - left", (), {"left"}),
        ("glioma - no edema", "glioma", ("edema",), set()),
        ("T1 - post contrast", "T1 - post contrast", (), set()),
        ("no enlarged lymph nodes", "", ("enlarged lymph nodes",), set()),
        ("no", "no", (), set()),
    ],
)
def test_queries(query: str, wanted: str, unwanted: tuple[str, ...], sides: set[str]) -> None:
    parsed = parse_query(query)
    assert (parsed.wanted, parsed.unwanted, set(parsed.sides)) == (wanted, unwanted, sides)
    assert parsed.absent is (wanted == "")


@pytest.mark.parametrize("query", ["", "  ", "?!", '""', "-", "- -", "\n"])
def test_no_words(query: str) -> None:
    with pytest.raises(EmptyQuery, match="left temporal lobe"):
        parse_query(query)
    assert issubclass(EmptyQuery, QueryError)


@given(st.lists(st.sampled_from([*'no -",.;\x000aBß', "without ", " no ", "İ"]), max_size=30).map("".join))
def test_any_text_is_parsed_or_empty(query: str) -> None:
    try:
        parsed = parse_query(query)
    except EmptyQuery:
        return
    assert parsed.wanted or parsed.unwanted
    assert "\x00" not in parsed.wanted + "".join(parsed.unwanted)


def test_phrases_prefixes_and_fields() -> None:
    query = parse_query('"ring enhancement" gliom* -oedema age:40-60 -sequence:t1')
    assert query.wanted == "ring enhancement gliom"
    assert (query.phrases, query.prefixes, query.unwanted) == (("ring enhancement",), ("gliom",), ("oedema",))
    assert query.fields == (FieldTerm("age", "40-60"), FieldTerm("sequence", "t1", negated=True))
    assert [chip.kind for chip in query.chips] == ["phrase", "prefix", "unwanted", "field", "field"]


def test_a_colon_in_a_sentence_is_no_field_and_a_quoted_value_is_one() -> None:
    assert parse_query("findings: lesion of the pons").fields == ()
    assert parse_query("findings:lesion").wanted == "findings:lesion"
    query = parse_query('region:"cervical spine" syrinx')
    assert query.fields == (FieldTerm("body_region", "cervical spine"),)
    assert query.wanted == "syrinx"
    assert parse_query("sequence:flair").wanted == "flair", "fields alone are asked for by their values"
    with pytest.raises(EmptyQuery):
        parse_query("-sequence:flair")


PARTS = (
    "left temporal mass", "no enhancement", "-stroke", '"ring enhancement"', "gliom*", "age:40-60", "-sequence:t1",
    'region:"cervical spine"', "without oedema or necrosis", '-"acute infarct"', "T2 hyperintense lesion",
)  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), min_size=2, max_size=6, unique=True), st.data())
def test_a_chip_that_is_cut_takes_its_part_and_nothing_else(parts: list[str], data: st.DataObject) -> None:
    typed = ", ".join(parts)
    query = parse_query(typed)
    chip = data.draw(st.sampled_from(query.chips))
    try:
        left = parse_query(typed[: chip.start] + typed[chip.stop :])
    except EmptyQuery:
        return
    kept = [(one.kind, one.text) for one in query.chips if one != chip]
    assert [(one.kind, one.text) for one in left.chips] == kept
    assert set(left.unwanted) <= set(query.unwanted)
    assert set(left.fields) <= set(query.fields)


@given(st.text(max_size=80))
def test_chips_lie_in_the_text_and_apart(typed: str) -> None:
    try:
        query = parse_query(typed)
    except EmptyQuery:
        return
    ends = [0, *(chip.stop for chip in query.chips)]
    for chip, end in zip(query.chips, ends, strict=False):
        assert end <= chip.start < chip.stop <= len(typed)


BEFORE = (
    "no", "not", "without", "w/o", "minus", "excluding", "except", "except with", "lacking", "free of", "other than",
    "rather than", "instead of", "as opposed to", "neither", "nor", "unless", "barring", "but not", "and no",
    "apart from", "anything but", "everything except", "all except", "leave out", "leaving out", "ignore", "skip",
    "don't show",
    "I do not want", "that do not have", "who never had a", "which doesn’t show", "that aren't", "cannot be",
    "but exclude",
)  # fmt: skip
BEHIND = (
    "not seen",
    "is not present",
    "absent",
    "was excluded",
    "ruled out",
    "not there",
    "are not visible",
    "left out",
)


@pytest.mark.parametrize("no", BEFORE)
def test_every_way_to_deny_before_a_finding_denies_it(no: str) -> None:
    for finding in ("infarct", "meningeal enhancement", "midline shift"):
        for before in ("meningioma, ", "meningioma ", ""):
            if no == "but exclude" and not before:
                continue  # by itself it is what an indication asks
            found = parse_query(f"{before}{no} {finding}")
            assert (found.wanted, found.unwanted) == (before.strip(" ,"), (finding,)), (before, no, finding)


@pytest.mark.parametrize("no", BEHIND)
def test_every_way_to_deny_behind_a_finding_denies_it(no: str) -> None:
    assert parse_query(f"infarct {no}").unwanted == ("infarct",)
    found = parse_query(f"meningioma with edema {no}, left")
    assert (found.wanted, found.unwanted) == ("meningioma, left", ("edema",))


@pytest.mark.parametrize(
    "typed",
    ["rule out infarct", "exclude infarct", "MRI to exclude infarct", "not only infarct", "no longer enhancing lesion",
     "corpus callosum absent", "absent septum pellucidum", "foot drop", "non-enhancing lesion", "no change in size"],
)  # fmt: skip
def test_what_denies_no_finding_is_no_condition(typed: str) -> None:
    found = parse_query(typed)
    assert (found.wanted, found.unwanted) == (typed, ())


@pytest.mark.parametrize("carrier", ["show me scans that", "all studies", "find cases", "I want only patients"])
def test_words_around_a_condition_are_no_wish(carrier: str) -> None:
    assert parse_query(f"{carrier} without infarct").absent


def test_brackets_around_what_is_denied() -> None:
    found = parse_query("haemorrhage (no infarct), not (mass or cyst)")
    assert (found.wanted, found.unwanted) == ("haemorrhage", ("infarct", "mass", "cyst"))


@pytest.mark.parametrize(
    "typed",
    ["ulnar minus variant", "skip metastasis", "ACL not seen", "tumour not visible on T1", "lacking corpus callosum",
     "cannot walk, cord compression", "does not lie still, motion artefact", "nil by mouth", "absent flow void",
     "nodules that were not there before"],
)  # fmt: skip
def test_signs_complaints_and_organs_are_no_conditions(typed: str) -> None:
    found = parse_query(typed)
    assert (found.wanted, found.unwanted) == (typed, ())


@pytest.mark.parametrize(
    "carrier", ["everything except those with", "all but patients with", "leave out the ones with"]
)
def test_whoever_has_what_is_denied_is_no_part_of_it(carrier: str) -> None:
    assert parse_query(f"{carrier} tumour").unwanted == ("tumour",)


@pytest.mark.parametrize("piece", ["is ", "a ", " ", "word ", "nil ", "not ", "and not seen ", "~", "no,"])
def test_long_nonsense_takes_no_long_time(piece: str) -> None:
    """Longer than its square would take for ever: no clock is looked at."""
    text = piece * (120_000 // len(piece))
    with suppress(EmptyQuery):
        parse_query(text)
