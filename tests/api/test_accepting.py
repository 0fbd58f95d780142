"""What is given by `Accept`: of the ranges that an answer fits, the narrowest decides (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

from spinecho.ui.server.api.dicomweb.accept import DICOM, JPEG, MULTIPART, OCTETS, PNG, Offer, accepted, chosen
from spinecho.ui.server.api.dicomweb.matching import fits, read_matching

LITTLE, JPEG_LS = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80"
PICTURES = [Offer(JPEG), Offer(PNG)]
FRAMES = [Offer(MULTIPART, OCTETS, LITTLE), Offer(OCTETS, syntax=LITTLE)]
M = 'multipart/related; type="application/octet-stream"'


def asks(*accept: str) -> Request:
    headers = [(b"accept", one.encode()) for one in accept]
    return Request({"type": "http", "headers": headers, "query_string": b"", "method": "GET", "path": "/"})


def given_for(offers: list[Offer], *accept: str) -> Offer | None:
    try:
        return chosen(asks(*accept), offers)
    except HTTPException as error:
        if error.status_code != 406:
            raise
        return None


@pytest.mark.parametrize(("accept", "wanted"), [
    ("image/jpeg;q=0, */*", PNG), ("image/jpeg;q=0, image/*", PNG), ("*/*, image/jpeg;q=0.2", PNG),
    ("image/*;q=0.9, image/png;q=0.1", JPEG), ("*/*;q=0, image/png", PNG), ("image/*;q=0, */*", None),
    ("image/jpeg;q=0, image/png;q=0, */*", None), ("image/png, image/jpeg", JPEG), ("image/jpeg;q=1.5", None),
    ("", JPEG), ("*/*", JPEG),
])  # fmt: skip
def test_the_narrowest_range_decides(accept: str, wanted: str | None) -> None:
    found = given_for(PICTURES, *([accept] if accept else []))
    assert (found and found.media) == wanted


@pytest.mark.parametrize(("accept", "wanted"), [
    ([f"{M}; transfer-syntax={JPEG_LS}, {M}; transfer-syntax={LITTLE}"], MULTIPART),
    ([f"{M}; transfer-syntax={JPEG_LS}", f"{M}; transfer-syntax={LITTLE}"], MULTIPART),
    ([f"{M}; transfer-syntax={JPEG_LS};q=1, {M}; transfer-syntax={LITTLE};q=0.1"], MULTIPART),
    ([f"{M}; transfer-syntax={JPEG_LS}, */*;q=0.1"], MULTIPART),
    ([f"{M}; transfer-syntax={LITTLE};q=0, {M}"], None), ([f"{M};q=0, application/octet-stream"], OCTETS),
    ([f"{M}; transfer-syntax={JPEG_LS}"], None), ([f"application/octet-stream; transfer-syntax={LITTLE}"], OCTETS),
])  # fmt: skip
def test_one_of_several_transfer_syntaxes_is_enough(accept: list[str], wanted: str | None) -> None:
    found = given_for(FRAMES, *accept)
    assert (found and found.media) == wanted


def test_a_syntax_that_only_the_files_tell_is_looked_at_then() -> None:
    files = Offer(MULTIPART, DICOM)
    both = accepted(asks(f'{MULTIPART}; type="{DICOM}"; transfer-syntax={JPEG_LS}, {MULTIPART}; type="{DICOM}"; '
                         f"transfer-syntax={LITTLE}"))  # fmt: skip
    assert both.chosen([files]) == files
    assert both.takes(files, LITTLE)
    assert both.takes(files, JPEG_LS)
    assert not both.takes(files, "1.2.840.10008.1.2")


RANGES = st.lists(
    st.tuples(st.sampled_from(["*/*", "image/*", "image/jpeg", "image/png", "text/html"]), st.integers(0, 10)),
    min_size=1, max_size=5, unique_by=lambda one: one[0],
)  # fmt: skip


@settings(max_examples=200)
@given(ranges=RANGES, order=st.randoms())
def test_order_says_nothing_and_what_is_given_was_wanted_most(ranges: list[tuple[str, int]], order: Any) -> None:
    said = dict(ranges)

    def liked(media: str) -> int:
        return next((said[one] for one in (media, "image/*", "*/*") if one in said), 0)

    best = max((JPEG, PNG), key=liked)
    shuffled = [*ranges]
    order.shuffle(shuffled)
    for some in (ranges, shuffled):
        found = given_for(PICTURES, ", ".join(f"{media};q={tenths / 10:.1f}" for media, tenths in some))
        assert (found and found.media) == (best if liked(best) else None)


@given(pattern=st.text("MRmr*?x", max_size=6))
def test_a_modality_is_matched_as_a_pattern_is(pattern: str) -> None:
    def slow(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(slow(pattern[1:], text[cut:]) for cut in range(len(text) + 1))
        return bool(text) and pattern[0] in ("?", text[0]) and slow(pattern[1:], text[1:])

    assert fits(pattern, "MR") == slow(pattern, "MR")
    wanted = read_matching(QueryParams([("ModalitiesInStudy", pattern)]), "study")
    assert wanted.match.nothing == bool(pattern and not slow(pattern.upper(), "MR"))


@pytest.mark.parametrize("given_date", [
    "2023010120230131", "-", "--", "20230101-20230131-", "20230101--20230131", "2023010", "٢٠٢٣٠١٠١", "20230101-x",
    "20230101 -20230131", "2023-01-01",
])  # fmt: skip
def test_a_date_of_which_a_part_would_be_left_out_is_refused(given_date: str) -> None:
    with pytest.raises(HTTPException) as error:
        read_matching(QueryParams([("StudyDate", given_date)]), "study")
    assert error.value.status_code == 400


@pytest.mark.parametrize(("given_date", "first", "last"), [
    ("20230101", "2023-01-01", "2023-01-01"), ("20230101-", "2023-01-01", "None"), ("-20230131", "None", "2023-01-31"),
    ("20230101-20230131", "2023-01-01", "2023-01-31"), ("", "None", "None"),
])  # fmt: skip
def test_days_and_ranges_are_read(given_date: str, first: str, last: str) -> None:
    dates = read_matching(QueryParams([("StudyDate", given_date)]), "study").match.dates
    assert tuple(map(str, dates)) == (first, last)
