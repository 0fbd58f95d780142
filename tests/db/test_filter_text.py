"""Filters as typed: what is read, what is refused and where, what comes back as text, what can never hold."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.db.errors import FilterError
from spinecho.db.filters.algebra import (
    ALL,
    And,
    Between,
    Contains,
    Filter,
    FilterSyntaxError,
    Is,
    Not,
    Or,
    Says,
    contradictions,
    parse_condition,
    parse_filter,
    write_filter,
)

F, T2 = Is("sex", ("F",)), Is("sequence", ("T2",))
OLD = Between("age", 60.0)
LEFT_TEAR = Says(("tear",), "present", "left tear", sides=("left",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sequence=T2", T2),
        ("sequence = T2, FLAIR", Is("sequence", ("T2", "FLAIR"))),
        ("plane!=axial", Not(Is("plane", ("axial",)))),
        ("age<40", And((Between("age", high=40.0), Not(Is("age", (40.0,)))))),
        ("date>=2024-01-31", Between("date", date(2024, 1, 31))),
        ("derived=no", Is("derived", (False,))),
        ("archive=/data/a", Is("archive", ("/data/a",))),
        ("sequence=T2 and (age>=60 or sex=F)", And((T2, Or((OLD, F))))),
        ("sequence=T2 AND NOT sex=F", And((T2, Not(F)))),
        ("sequence=T2 or age>=60 and sex=F", Or((T2, And((OLD, F))))),
        ("(sequence=T2 or age>=60) and sex=F", And((Or((T2, OLD)), F))),
        ("not(sex=F)", Not(F)),
        ('vendor="",GE', Is("vendor", ("", "GE"))),
        ("not not sex=F", Not(Not(F))),
        ('vendor="Black and White, Inc. (\\"BW\\")"', Is("vendor", ('Black and White, Inc. ("BW")',))),
        ("model=Signa (HDxt) and sex=F", And((Is("model", ("Signa (HDxt)",)), F))),
        ("description~head and neck", Contains("description", "head and neck")),
        ("description~head and neck and sex=F", And((Contains("description", "head and neck"), F))),
        ("description~a=b", Contains("description", "a=b")),
        ("predicted.sequence=T2 and predicted.score>=0.8", And((Is("predicted.sequence", ("T2",)),
                                                                Between("predicted.score", 0.8)))),
        ("says(mass effect)", Says(("mass effect",), "present", "mass effect")),
        ("SAYS:Absent(a, \"b, c\")", Says(("a", "b, c"), "absent", "a, b, c")),
        ("not says:any(haemorrhage) and sex=F", And((Not(Says(("haemorrhage",), "any", "haemorrhage")), F))),
        ("everything", ALL),
        ("(everything)", ALL),
    ],
)  # fmt: skip
def test_typed_filters_are_read(text: str, expected: Filter) -> None:
    assert parse_filter(text) == expected


@pytest.mark.parametrize(
    "text", ["sequence=T2,FLAIR", "sequence=T2,", "age>40", "field_strength<=1.5", "derived=yes", "patient_id!=7",
             "description~knee", "predicted.white matter=present", "predicted.age>60", "predicted.score>=0.8"],
)  # fmt: skip
def test_one_condition_reads_the_same_by_itself_and_as_a_filter(text: str) -> None:
    assert parse_filter(text) == parse_condition(text)


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 1, "a condition such as"),
        ("sequence=T2 and", 16, "a condition such as"),
        ("sequence=T2 and bogus", 17, "a condition such as"),
        ("sex=F and or age>3", 11, "a condition such as"),
        ("sequence=T2 sex=F", 13, "'and' or 'or' before another condition"),
        ("(sex=F", 7, "')' for the '(' at character 1"),
        ("sex=F)", 6, "no ')' here"),
        ('vendor="GE" sex=F', 13, "'and', 'or' or the end"),
        ("age", 4, "one of ="),
        ("sex=", 5, "a value, as in sex=VALUE"),
        ("sex=, and age>3", 7, "a value, as in sex=VALUE"),
        ('description~"knee', 13, "a closing quote"),
        ("says:maybe(stroke)", 6, "one of present, absent"),
        ("says:(stroke)", 6, "one of present, absent"),
        ("says", 5, "a finding in parentheses"),
        ("says()", 6, "the name of a finding"),
        ("says(stroke", 12, "')' after the name"),
        ("(" * 500, 21, "levels"),
        ("not " * 500 + "sex=F", 81, "levels"),
        (" and ".join(["sex=F"] * 400), 3001, "at most 300 conditions"),
        (f"says({','.join(['a'] * 2001)})", 4007, "at most 2,000 names"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, position: int, expected: str) -> None:
    with pytest.raises(FilterSyntaxError, match=re.escape(expected)) as caught:
        parse_filter(text)
    assert caught.value.position == position
    assert "write it like sequence=T2" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sequenc=T2", "did you mean 'sequence'"),
        ("sex=F and (regon=brain)", "did you mean 'body_region'"),
        ("manufacturer=GE", "did you mean 'vendor'"),
        ("tesla>=3", "did you mean 'field_strength'"),
        ("qqqq=1", "known fields: body_region"),
        ("age>=old", "age needs a number"),
        ("age=nan", "age needs a number"),
        ("age<1e999", "age needs a number"),
        ("date=2020-02-30", "a date like"),
        ("derived=perhaps", "yes or no"),
        ("predicted.age>nan", "needs a number"),
        ("predicted.score>=2", "from 0 to 1"),
    ],
)
def test_unknown_fields_and_values_say_what_was_meant(text: str, message: str) -> None:
    with pytest.raises(FilterError, match=message):
        parse_filter(text)


def test_other_names_of_a_finding_come_from_outside() -> None:
    found = parse_filter("says:absent(bleed)", expand={"bleed": ("haemorrhage", "bleed")}.__getitem__)
    assert found == Says(("bleed", "haemorrhage"), "absent", "bleed")


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
conditions = st.one_of(
    st.builds(Is, st.sampled_from(["vendor", "model", "archive"]), st.lists(words, min_size=1, max_size=3).map(tuple)),
    st.builds(Is, st.just("age"), st.lists(numbers, min_size=1, max_size=3).map(tuple)),
    st.builds(Is, st.just("derived"), st.lists(st.booleans(), min_size=1, max_size=2).map(tuple)),
    st.builds(Between, st.just("date"), st.dates(), st.none()),
    st.builds(Between, st.just("age"), st.none(), numbers),
    st.builds(Contains, st.just("description"), words),
    st.builds(
        lambda names, assertion: Says(tuple(dict.fromkeys(names)), assertion, ", ".join(dict.fromkeys(names))),
        st.lists(words, min_size=1, max_size=2), st.sampled_from(["present", "absent", "any"]),
    ),
)  # fmt: skip
filters = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@given(filters)
def test_a_filter_written_and_read_is_the_same(where: Filter) -> None:
    assert parse_filter(write_filter(where)) == where


def test_filters_of_nothing_can_be_written() -> None:
    for where in (And(()), Or(()), Is("sex", ()), Between("age"), Between("age", 3.0, 4.0), Not(Or(()))):
        assert parse_filter(write_filter(Not(And((where, ALL)))))


@given(st.text(max_size=40) | st.text('()and or not=<>~",says:sex T2age', max_size=40))
def test_any_text_is_read_or_refused_by_its_own_error(text: str) -> None:
    try:
        found = parse_filter(text)
    except FilterError:
        return
    assert parse_filter(write_filter(found)) is not None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("age>=60 and age<40", "age cannot be at least 60 and at most 40"),
        ("age>=40 and age<40", "age cannot be 40 and not 40"),
        ("sex=F and sex=M", "sex cannot be F and at once M"),
        ("sequence=T1 and sequence!=t1", "sequence cannot be T1 and be none of these"),
        ("age=20 and age>30", "age cannot be 20 and lie at or above 30"),
        ("date>=2024-01-01 and date<=2023-12-31", "date cannot be at least 2024-01-01"),
        ("sex=F and (sex=M or sex=O)", "sex cannot be F and at once M"),
        ("sequence=T2 and (sex=F and (age>3 and sex=M))", "sex cannot be F and at once M"),
        ("derived=yes and derived=no", "derived cannot be yes and at once no"),
    ],
)
def test_what_can_never_hold_is_told(text: str, reason: str) -> None:
    found = contradictions(parse_filter(text))
    assert any(one.startswith(reason) for one in found), found


@pytest.mark.parametrize(
    "text",
    [
        "age>=40 and age<=40", "sex=F,M and sex=M", "sex=F and (sex=M or age>3)", "archive=/a and archive=/b",
        "sequence=T1,T2 and sequence!=T1", "not sex=F and not sex=M", "says(a) and says:absent(a)",
        "vendor=É and vendor=é", "vendor=É and vendor!=é", "description~a and not description~a",
        "predicted.finding=cyst and predicted.finding=mass", "everything",
    ],
)  # fmt: skip
def test_what_may_hold_is_no_contradiction(text: str) -> None:
    assert contradictions(parse_filter(text)) == ()


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("says:present(mass, size>=40mm)", 40.0, None),
        ("says(mass, size >= 4 cm)", 40.0, None),
        ("says:present(mass, lesion, size<=5)", None, 5.0),
        ("says:present(mass, size>=1cm, size<=20mm)", 10.0, 20.0),
    ],
)
def test_a_finding_may_have_a_size(text: str, low: float | None, high: float | None) -> None:
    found = parse_filter(text)
    assert isinstance(found, Says)
    assert (found.low_mm, found.high_mm) == (low, high)
    again = parse_filter(write_filter(found))
    assert isinstance(again, Says)
    assert (again.names, again.low_mm, again.high_mm) == (found.names, low, high)


def test_a_size_alone_is_no_finding_and_a_quoted_one_is_a_word() -> None:
    with pytest.raises(FilterSyntaxError, match="name of a finding beside it"):
        parse_filter("says:present(size>=40mm)")
    quoted = parse_filter('says:present("size>=40mm")')
    assert isinstance(quoted, Says)
    assert quoted.low_mm is None


@pytest.mark.parametrize("condition", ["sides=left", "date>2020", "age>=60", "section=findings"])
def test_says_takes_names_size_side_and_place_and_no_other_condition(condition: str) -> None:
    """Taken for one more name of the finding, it would widen what it was to narrow."""
    for text in (f'says:present("tear", {condition})', f"says({condition}, tear)"):
        with pytest.raises(FilterSyntaxError, match="names, a size, a side or a place"):
            parse_filter(text)
    assert parse_filter("says:present(tear, size>=4mm)")


def situate(label: str) -> tuple[str, frozenset[str], frozenset[str], frozenset[str]]:
    """As a reader of words does that knows sides by their English names, and the knee."""
    words = label.split()
    sides, places = {"left", "right"} & set(words), {"knee"} & set(words)
    rest = " ".join(word for word in words if word not in sides | places)
    return rest, frozenset(sides), frozenset(f"limb:{one}" for one in places), frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("says:present(left tear)", LEFT_TEAR),
        ("says:present(tear, side=links)", Says(("tear",), "present", "tear", sides=("left",))),
        ("says:present(side=both, tear)", Says(("tear",), "present", "tear", sides=("both",))),
        (
            "says(left knee tear, size>=4)",
            Says(("tear",), "present", "left knee tear", 4.0, None, ("left",), ("limb:knee",)),
        ),
        ("says(tear, place=knee)", Says(("tear",), "present", "tear", places=("limb:knee",))),
        ("says(left)", Says(("left",), "present", "left")),
        (
            "says(left tear, right cyst)",
            Or((LEFT_TEAR, Says(("cyst",), "present", "right cyst", sides=("right",)))),
        ),
    ],
)  # fmt: skip
def test_a_side_and_a_place_in_a_name_are_conditions_of_their_own(text: str, expected: Filter) -> None:
    found = parse_filter(text, situate=situate)
    assert found == expected
    assert write_filter(parse_filter(write_filter(found))) == write_filter(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("says(tear, left)", "says:present(left tear)"),
        ("says(knee, tear)", "says:present(knee tear)"),
        ("says(tear, 20-40 mm)", "size>=4mm"),
        ("says(tear, side=up)", "one of left, right, both"),
        ("says(tear, place=moon)", "a place that is known"),
        ("says(left right tear)", "side=both"),
        ("says(side=left)", "the name of a finding beside it"),
    ],
)
def test_what_would_widen_a_finding_in_place_of_narrowing_it_is_refused(text: str, expected: str) -> None:
    """A comma means "or": a side, a place or a size between commas would bring every report that holds the word."""
    with pytest.raises(FilterSyntaxError, match=re.escape(expected)):
        parse_filter(text, situate=situate)
