"""Filters as people type them are written so that they read the same again, and what no report tells is refused."""

from __future__ import annotations

import pytest

from spinecho.db.errors import FilterError
from spinecho.db.filters.algebra import Says, write_filter
from spinecho.db.filters.typed import FilterSyntaxError
from spinecho.encoders.language.vocabulary.table import vocabulary
from spinecho.search.planning.typed_filter import typed_filter


def test_what_was_read_and_written_is_read_the_same_again() -> None:
    names = sorted(name for one in vocabulary().concepts.values() if one.kind == "finding" for name in one.names)
    for name in names[::40]:
        read = typed_filter(f'says("{name}")')
        assert write_filter(typed_filter(write_filter(read))) == write_filter(read), name


@pytest.mark.parametrize(
    "wrong", ['tear, place="knee:no such"', "tear, finding=nonsense", "fracture side=left", '"side=left"']
)
def test_what_no_report_can_tell_is_refused(wrong: str) -> None:
    with pytest.raises((FilterError, FilterSyntaxError)):
        typed_filter(f"says({wrong})")


@pytest.mark.parametrize(
    "two", ["tear, torn", "fracture, broken bone", "haemorrhage, bleed", "disc herniation, slipped disc"]
)
def test_two_names_of_one_finding_are_found_by_all_of_its_names(two: str) -> None:
    found, whole = typed_filter(f"says({two})"), typed_filter(f"says({two.split(',', maxsplit=1)[0]})")
    assert isinstance(found, Says)
    assert isinstance(whole, Says)
    assert {*whole.names} <= {*found.names}
