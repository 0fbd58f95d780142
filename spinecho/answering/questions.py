"""What an archive answers: searches, studies, counts, and where a study speaks for some words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.answering.connection import Connection, Where, read_where
from spinecho.db.filters.algebra import ALL
from spinecho.db.queries import lookup
from spinecho.db.queries.facets import FACETS
from spinecho.errors import QueryError
from spinecho.given import one_of, reads_arguments
from spinecho.setup.places import place_of
from spinecho.setup.wiring import read_scan_query, read_spot_query

if TYPE_CHECKING:
    from spinecho.answering.acquired import AcquiredSeries
    from spinecho.answering.evidence import SeriesEvidence
    from spinecho.answering.facet_counts import Facets
    from spinecho.answering.results import Hits
    from spinecho.answering.studies import Study, Volume
    from spinecho.search.access.studies import OpenedStudy
    from spinecho.search.query import ImageQuery, Query, SpotQuery

Folder = str | os.PathLike[str]
_PICTURES = 3
"""Series of a hit whose pictures are asked for; the first that has one is the key image."""


@reads_arguments
class Questions(Connection):
    """What is asked of an archive."""

    def search(
        self,
        words: str = "",
        *,
        where: Where = "",
        k: int = 10,
        by: str = "everything",
        like: Folder | Volume | None = None,
        include_derived: bool = False,
        reports: bool = False,
        refine: bool = False,
        on: Sequence[str] = (),
        off: Sequence[str] = (),
        as_typed: bool = False,
        key_images: bool = True,
    ) -> Hits:
        """Studies that fit words, best first; without words those that pass the filter, newest first.

        "no X" and -X leave out what affirms X; accession numbers, UIDs and dates are answered by exact match.
        where: a filter, such as `sequence=T2,FLAIR and age>=60` (docs/filters.md). by: everything, words or scans.
        like: a study's UID, a path to a scan, or a `Volume`, that hits are to resemble too. include_derived: computed
        images and localizers too. reports: the reports that fit in place of studies. refine: use your thumbs for these
        words and this filter. on, off: words to take for the condition that is offered, or as words. as_typed: keep the
        spelling.
        key_images: whether hits carry pictures. Raises `QueryError` (with `FilterError`) for what cannot be asked, and
        `ReadError` for a scan that cannot be read.
        """
        from spinecho.search.query import TextQuery  # noqa: PLC0415

        chosen = read_where(where, include_derived=include_derived)
        check_words(words, chosen, alone=like is None)
        evidence = _by(by)
        example = None if like is None else self._example(like)
        good, bad = self._rated(words, chosen) if refine else ((), ())
        query = TextQuery(
            words, evidence, like=example, good=good, bad=bad, on=_keys(on), off=_keys(off), as_typed=as_typed
        )
        return self._search(query, chosen, k, reports=reports, pictures=_PICTURES if key_images else 0)

    def similar(
        self,
        scan: Folder | Volume | None = None,
        *,
        study: str | None = None,
        box: str | None = None,
        where: Where = "",
        k: int = 10,
        other_patients: bool = False,
        reports: bool = False,
        key_images: bool = True,
    ) -> Hits:
        """Studies that look like a scan, or like a study of the archive by its UID, which is never among them.

        scan: a path, or a `Volume` whose voxels and affine a program holds.
        box: a spot in the scan: R0,A0,S0,R1,A1,S1 as fractions, or voxels i0:i1,j0:j1,k0:k1 along R, A, S.
        reports: the reports of such studies in their place. Raises as `search` does.
        """
        query = self._asked(scan, study, box, other_patients)
        pictures = _PICTURES if key_images else 0
        return self._search(query, read_where(where), k, reports=reports, pictures=pictures)

    def reports_for(
        self, scan: Folder | Volume | None = None, *, study: str | None = None, where: Where = "", k: int = 10
    ) -> Hits:
        """The reports that fit a scan, or a study; `hits[0].report` is the text."""
        return self.similar(scan, study=study, where=where, k=k, reports=True)

    def study(self, uid: str) -> Study:
        """A study by its UID, with its series and reports. Raises `QueryError` for one that is not in the archive."""
        from spinecho.answering.studies import study_of  # noqa: PLC0415

        return study_of(self._personal_study(uid), self._source)

    def acquired(self, study: str) -> tuple[AcquiredSeries, ...]:
        """How each series of a study was acquired, scans before computed images, with the rule that gave each fact.

        Raises `QueryError` for a study that is not in the archive.
        """
        from spinecho.answering.acquired import acquired  # noqa: PLC0415

        opened = self._personal_study(study)
        return tuple(
            acquired(card.uid, card.number, card.description, self._personal().open_series(card).acquisition)
            for card in opened.series
        )

    def why(self, study: str, words: str, *, slices: int = 3, pictures: bool = False) -> tuple[SeriesEvidence, ...]:
        """Which slices of a study stand out for some words, the series that fits best first.

        slices: how many are named of each series at most; none where nothing stands out. pictures: outline what does
        on the best slice of each. Scores are on one scale for every study of the archive; an outline shows what the
        encoder compared, not where a lesion ends. Raises `QueryError` for a study that is not in the archive, for words
        that only say what is not there, where the encoder does not compare words with the parts of scans, and where it
        has not passed its test of pointing on this archive; `ReadError` and `FilesChanged` for files that cannot be
        read again.
        """
        from spinecho.answering.evidence import evidence_of  # noqa: PLC0415

        personal = self._personal()
        cards = personal.series_of(study)
        found = [evidence_of(personal, card, words, slices=slices, draw=pictures) for card in cards]
        return tuple(sorted(found, key=lambda one: -one.cosine))

    def facets(self, *fields: str, where: Where = "") -> Facets:
        """Of how many studies each value is: shown under the filter, of a total. Without fields, the usual ones.

        Raises `FilterError` for a field or a value that there is not.
        """
        from spinecho.answering.facet_counts import count  # noqa: PLC0415

        return count(self._personal(), read_where(where), fields or FACETS)

    def _search(self, query: Query, where: Any, k: int, *, reports: bool, pictures: int) -> Hits:
        """pictures: of so many series of each hit."""
        from spinecho.answering.results import hits_of  # noqa: PLC0415
        from spinecho.search.query import Kind  # noqa: PLC0415

        personal = self._personal()
        want = Kind.REPORT if reports else Kind.STUDY
        if not pictures:
            return hits_of(personal.search(query, want=want, k=k, where=where), {})
        results, beside = personal.search_listed(query, want=want, k=k, where=where, most=pictures)
        return hits_of(results, beside.pictures, beside.priors)

    def _rated(self, words: str, where: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """UIDs of the studies that fitted, and of those that did not."""
        verdicts = self._personal().verdicts(words, where)
        if not verdicts:
            self._notify("no thumbs are kept for these words and filters; 'spinecho feedback add' keeps them")
        good, bad = (tuple(uid for uid, verdict in verdicts.items() if verdict == sign) for sign in (1, -1))
        return good, bad

    def _asked(self, scan: Folder | Volume | None, study: str | None, box: str | None, other_patients: bool) -> Query:
        from spinecho.search.query import SpotQuery, StudyQuery  # noqa: PLC0415

        if (scan is None) == (study is None):
            raise QueryError("give a path to a scan, or study= with the UID of one that is indexed")
        if study is not None:
            return StudyQuery(study, other_patients) if box is None else SpotQuery(_box(box), study_uid=study)
        held = not (scan is None or isinstance(scan, str | os.PathLike))
        return self._of_volume(scan, box) if held else self._read(place_of(str(scan)), box)

    def _of_volume(self, volume: Any, box: str | None = None) -> ImageQuery | SpotQuery:
        from spinecho.answering.volume_files import as_file  # noqa: PLC0415

        with as_file(volume) as path:
            return self._read(path, box)

    def _example(self, like: Folder | Volume) -> Any:
        from spinecho.search.query import StudyQuery  # noqa: PLC0415

        if not isinstance(like, str | os.PathLike):
            return self._of_volume(like)
        path = place_of(like)
        return self._read(path) if path.exists() else StudyQuery(os.fspath(like))

    def _read(self, path: Path, box: str | None = None) -> ImageQuery | SpotQuery:
        """The scan at a path as a query; files that were left out are named."""
        spec = self._personal().preparation
        query: ImageQuery | SpotQuery
        query, left_out = read_scan_query(path, spec) if box is None else read_spot_query(path, box, spec)
        for failure in left_out:
            self._notify(f"left out {Path(failure.path).name}: {failure.reason}")
        return query

    def _personal_study(self, uid: str) -> OpenedStudy:
        personal = self._personal()
        number = lookup.study_ids_by_uid(self._database(), [uid]).get(uid)
        opened = None if number is None else personal.open_study(number)
        if opened is None:
            raise QueryError(f"no study {uid!r} in this archive; search gives UIDs as hits[0].study.uid")
        return opened

    def _source(self, card: Any) -> tuple[Any, tuple[str, ...]]:
        """(files, keys of the volumes) of a series."""
        opened = self._personal().open_series(card)
        return opened.source, opened.keys


def _keys(words: Sequence[str]) -> tuple[str, ...]:
    """Words as they are compared."""
    return tuple(" ".join(key.casefold().split()) for key in words)


def check_words(words: str, where: Any, *, alone: bool) -> None:
    """Raise `QueryError` for words that nothing can be searched by, before anything slow is opened.

    alone: whether there is no example beside them.
    """
    from spinecho.encoders.language.query_words import parse_query  # noqa: PLC0415
    from spinecho.search.planning.long_text import require_length  # noqa: PLC0415

    require_length(words)
    if where == ALL and alone and not any(char.isalnum() for char in words):
        parse_query(words)


def _box(text: str) -> Any:
    from spinecho.setup.boxes import read_box  # noqa: PLC0415

    if ":" in text:
        raise QueryError(
            f"box={text!r} is in voxels: of an indexed study give fractions, as in 0.5,0.4,0.3,0.7,0.6,0.5"
        )
    return read_box(text, (1, 1, 1))


def _by(name: str) -> Any:
    from spinecho.search.query import Evidence  # noqa: PLC0415

    return Evidence(one_of("by", name, Evidence))
