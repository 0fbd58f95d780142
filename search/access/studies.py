"""Opening studies: their scans, reports and pictures, and where a scan speaks for some words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from spinecho.db.filters.algebra import ALL, visible
from spinecho.db.queries import lookup
from spinecho.db.queries.sentences import report_passages
from spinecho.db.queries.series_by_uid import files_state
from spinecho.db.reports import study_matching
from spinecho.db.store import part_vectors, predictions, storing
from spinecho.db.values import PassageCard, PredictedFact, ReportCard, SeriesCard, StudyCard
from spinecho.encoders.tasks.image_tasks import PreparedVolume
from spinecho.errors import QueryError
from spinecho.search.access.persons import Role, digest_of, needs, of_one_moment, uid_or_digest
from spinecho.search.access.searching import EngineAccess
from spinecho.search.channels.by_example import require_study
from spinecho.search.evidence.heat import Heat
from spinecho.search.linking.groups import SeriesGroup
from spinecho.search.linking.of_study import series_groups
from spinecho.search.linking.others import OtherStudy, others_in_order
from spinecho.search.planning.long_text import require_pointable

Source: TypeAlias = tuple[tuple[str, str], ...]
"""(path, header) of each file of a series."""
ReadAgain: TypeAlias = Callable[[dict[str, Any], Source, str], PreparedVolume]
"""Reads a stored volume from its files again, for an encoder's preparation."""


@dataclass(frozen=True, slots=True)
class OpenedStudy:
    """All that the page of a study shows. series: scans first; groups: which of these belong together; others: its
    patient's, each with its series, those of the same body region first; pictures: PNG by volume id, of every series of
    the study and of the first of each other one; withdrawn: how many reports are kept and not searched, by their
    standing; same_exam: studies of the same patient, day and accession number.
    """

    card: StudyCard
    series: tuple[SeriesCard, ...]
    passages: tuple[PassageCard, ...]
    reports: tuple[ReportCard, ...]
    withdrawn: Mapping[str, int]
    same_exam: tuple[StudyCard, ...]
    groups: tuple[SeriesGroup, ...]
    others: tuple[OtherStudy, ...]
    pictures: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class OpenedSeries:
    """What it takes to show a series. key, source: to read its volume again; spots: whether its parts are stored;
    keys: of each stored volume of the series; state: of its files, another one where any was indexed anew.
    """

    card: SeriesCard
    key: str
    source: Source
    spots: bool
    acquisition: Mapping[str, Any]
    predicted: tuple[PredictedFact, ...]
    keys: tuple[str, ...] = ()
    state: str = ""


@dataclass(frozen=True, slots=True)
class ListedStudy:
    """A study in a table, with the picture of its first series."""

    card: StudyCard
    series: tuple[SeriesCard, ...]
    png: bytes | None


class Studies(EngineAccess):
    """What the pages of studies ask. Whatever is drawn again is on record again."""

    @needs(Role.VIEWER, "open a study")
    @of_one_moment
    def open_study(self, study_id: int) -> OpenedStudy | None:
        """A study with its reports and its patient's other studies; None where there is none."""
        card = lookup.study_cards(self._database, [study_id]).get(study_id)
        if card is None:
            self.note("view", found=False)
            return None
        self.note("view", card.uid)
        others = lookup.other_studies(self._database, [study_id]).get(study_id, [])
        cards = lookup.series_cards(self._database, [study_id, *(other.id for other in others)], ALL)
        series = {study: tuple(sorted(some, key=scans_first)) for study, some in cards.items()}
        mine = series.get(study_id, ())
        firsts = [series[other.id][0] for other in others if series.get(other.id)]
        in_order = others_in_order(card, mine, [(other, series.get(other.id, ())) for other in others])
        return OpenedStudy(
            card=card,
            series=mine,
            passages=tuple(report_passages(self._database, [study_id]).get(study_id, ())),
            reports=tuple(lookup.reports_of(self._database, [study_id]).get(study_id, ())),
            same_exam=tuple(lookup.same_exam(self._database, [study_id]).get(study_id, ())),
            withdrawn=Counter(
                one.standing for one in study_matching.withdrawn_reports(self._database, study_ids=[study_id])
            ),
            groups=series_groups(self._database, study_id) if len(mine) > 1 else (),
            others=in_order,
            pictures=lookup.thumbnails(self._database, [one.volume_id for one in (*mine, *firsts)]),
        )

    @needs(Role.VIEWER, "compare studies")
    @of_one_moment
    def compare(self, study_ids: Sequence[int]) -> list[tuple[StudyCard, tuple[SeriesCard, ...]]]:
        """Those of the studies that there are and that have series, in the order asked for, each once."""
        with self._acting("compare", studies=len(study_ids)) as facts:
            cards = lookup.study_cards(self._database, study_ids)
            series = self._shown_series(list(cards))
            shown = [number for number in dict.fromkeys(study_ids) if number in cards and series.get(number)]
            facts["shown"] = len(shown)
        for number in shown:
            self.note("view", cards[number].uid, beside=len(shown) - 1)
        return [(cards[number], tuple(series[number])) for number in shown]

    @needs(Role.VIEWER, "open a study")
    @of_one_moment
    def series_of(self, study_uid: str) -> list[SeriesCard]:
        """The series of a study that are shown. Raises `QueryError` for a study that is not in the index."""
        with self._acting("view", uid_or_digest(study_uid)):
            study = require_study(self._database, study_uid)
            return self._shown_series([study]).get(study, [])

    def _shown_series(self, studies: Sequence[int]) -> dict[int, list[SeriesCard]]:
        """By study, without localizers and computed images; all of a study that has nothing else."""
        every = lookup.series_cards(self._database, studies, ALL)
        return {**every, **lookup.series_cards(self._database, studies, visible(ALL))}

    @needs(Role.VIEWER, "open a series")
    @of_one_moment
    def open_series(self, card: SeriesCard) -> OpenedSeries:
        """What it takes to show a series. Raises `StoreError` for one that was removed meanwhile."""
        with self._acting("view-series", card.uid):
            return self._opened_series(card)

    def _opened_series(self, card: SeriesCard) -> OpenedSeries:
        _, key, source = lookup.volume_source(self._database, card.volume_id)
        space = storing.serving(self._database, "image")
        return OpenedSeries(
            card=card,
            key=key,
            source=source,
            spots=space is not None and bool(part_vectors.stored_regions(self._database, space, [card.volume_id])),
            acquisition=lookup.acquisition_of(self._database, card.volume_id),
            predicted=predictions.predictions_of(self._database, [card.volume_id]).get(card.volume_id, ()),
            keys=lookup.volume_keys(self._database, card.id),
            state=files_state(self._database, card.id),
        )

    @needs(Role.VIEWER, "see the evidence")
    def evidence(self, words: str, series: OpenedSeries, read: ReadAgain) -> Heat:
        """Where the volume of a series stands out for the words.

        Raises `TooLong`, and what `Engine.compared` and reading it raise.
        """
        with self._acting("evidence", series.card.uid, words=digest_of(words)):
            require_pointable(words)
            engine = self._engine
            compared = engine.compared(words)
            prepared = read(engine.dual.image.preparation.spec, series.source, series.key)
            return engine.heat(compared, [prepared.prepared])[0]

    @needs(Role.VIEWER, "see the evidence")
    def shown_evidence(self, words: str, study_id: int, volume_id: int, read: ReadAgain) -> Heat:
        """The same of a volume that a page shows, in a process that only has its ids: that it was opened is on record.

        Raises `QueryError` for one that was removed meanwhile.
        """
        opened = self._series_with(study_id, volume_id)
        if opened is None:
            self.note("evidence", found=False, words=digest_of(words))
            raise QueryError("this series is no longer in the archive; it may have been indexed anew: open the study")
        return self.evidence(words, opened, read)

    @of_one_moment
    def _series_with(self, study_id: int, volume_id: int) -> OpenedSeries | None:
        cards = lookup.series_cards(self._database, [study_id], ALL).get(study_id, [])
        card = next((one for one in cards if one.volume_id == volume_id), None)
        return None if card is None else self._opened_series(card)

    @needs(Role.VIEWER, "see the evidence")
    def evidence_again(self, words: str, series: OpenedSeries) -> None:
        """Before evidence that was kept is shown once more."""
        self.note_once("evidence", series.card.uid, words=digest_of(words), again=True)

    @needs(Role.VIEWER, "see studies")
    @of_one_moment
    def studies(self, uids: Sequence[str]) -> list[ListedStudy]:
        """Those of the studies that the archive has, in the order asked for."""
        with self._acting("list-studies", digest_of(uids), studies=len(uids)):
            ids = lookup.study_ids_by_uid(self._database, uids)
            cards, series = lookup.study_cards(self._database, list(ids.values())), {}
            if ids:
                series = lookup.series_cards(self._database, list(ids.values()), visible(ALL))
            firsts = {study: some[0].volume_id for study, some in series.items() if some}
            pictures = lookup.thumbnails(self._database, list(firsts.values()))
            known = [cards[ids[uid]] for uid in uids if uid in ids and ids[uid] in cards]
            return [
                ListedStudy(card, tuple(series.get(card.id, ())), pictures.get(firsts.get(card.id, -1)))
                for card in known
            ]


def scans_first(card: SeriesCard) -> tuple[bool, bool]:
    """Sorts localizers and computed images behind the scans."""
    return card.sequence == "localizer", card.derived
