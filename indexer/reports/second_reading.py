"""The clauses of reports in English, as rules and a network have them together, before they are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from spinecho.encoders.language.clauses.assertions import strongest
from spinecho.encoders.language.findings import Statement
from spinecho.encoders.language.parts.languages import language_of
from spinecho.encoders.language.second_reading import Reader, is_silent, read_twice
from spinecho.encoders.networks.assertion_reader import default_reader
from spinecho.indexer.reports.parsing.reading_task import Sentence

_READS = frozenset({"en", "unknown"})


def second_reading(
    reports: Sequence[tuple[str, Sequence[Sentence]]], open_reader: Callable[[], Reader] = default_reader
) -> list[tuple[Sentence, ...]]:
    """The sentences of each report (its text, what rules made of it). The network is opened where rules are silent.

    Raises EncoderUnavailable, CheckpointError.
    """
    reads = [language_of(text) in _READS for text, _ in reports]
    wanted = [one for read, (_, sentences) in zip(reads, reports, strict=True) if read for one in sentences]
    if not any(is_silent(clause) for one in wanted for clause in one.clauses):
        return [tuple(sentences) for _, sentences in reports]
    told = iter(zip(wanted, read_twice([(one.text, one.clauses) for one in wanted], open_reader()), strict=True))
    return [
        tuple(_changed(*next(told)) for _ in sentences) if read else tuple(sentences)
        for read, (_, sentences) in zip(reads, reports, strict=True)
    ]


def _changed(sentence: Sentence, clauses: Sequence[Statement]) -> Sentence:
    if tuple(clauses) == sentence.clauses:
        return sentence
    return replace(sentence, clauses=tuple(clauses), assertion=strongest(one.assertion for one in clauses))
