"""Which texts count as one: equal ones, those of one study, and whatever these lead to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.measuring.candidates import text_groups


def _by_hand(texts: list[str], uids: list[str]) -> list[int]:
    """Groups are merged until none touches another, then numbered as they appear."""
    groups = list(range(len(texts)))
    words = [" ".join(text.split()).casefold() for text in texts]
    for _ in texts:
        for one in range(len(texts)):
            for other in range(len(texts)):
                if words[one] == words[other] or uids[one] == uids[other]:
                    groups[one] = groups[other] = min(groups[one], groups[other])
    order = list(dict.fromkeys(groups))
    return [order.index(group) for group in groups]


@given(st.lists(st.tuples(st.sampled_from(["a", "A ", "b", "c", " d", ""]), st.sampled_from("uvwxyz")), max_size=10))
def test_texts_and_studies_that_touch_are_one_group(pairs: list[tuple[str, str]]) -> None:
    texts, uids = [text for text, _ in pairs], [uid for _, uid in pairs]
    assert text_groups(texts, uids).tolist() == _by_hand(texts, uids)


def test_without_studies_equal_texts_alone_are_a_group() -> None:
    assert text_groups(["No  tumour", "no tumour", "tumour"]).tolist() == [0, 0, 1]
