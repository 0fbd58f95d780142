"""What taught heads say of studies, written as predicted facts: of all, or of those that lack it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from spinecho.db.people.concepts import (
    SERVES,
    KeptConcept,
    StudyRows,
    concepts,
    lacking_studies,
    study_rows,
    write_predictions,
)
from spinecho.db.schema.database import Database
from spinecho.db.store.storing import serving
from spinecho.db.values import PredictedFact, SpaceRecord
from spinecho.encoders.space import Space
from spinecho.errors import SpinechoError
from spinecho.search.concepts.features import features_of
from spinecho.search.concepts.head import Answer, Head

_PAGE = 400
Tell = Callable[[str, int, int], None]
STAGE = "concepts"


def head_of(concept: KeptConcept) -> Head:
    """Raises `Damaged`."""
    return Head.from_bytes(concept.weights, reads=str(concept.card.get("reads", "")))


def answers(
    database: Database, concept: KeptConcept, studies: Sequence[int] | None = None
) -> Iterator[dict[int, Answer | None]]:
    """By study id, page by page; None for a study of which what the head reads is not stored."""
    head, rows = head_of(concept), study_rows(database, concept.space, studies)
    while page := list(islice(rows, _PAGE)):
        yield _page(head, page)


def apply(
    database: Database, concept: KeptConcept, studies: Sequence[int] | None = None, *, tell: Tell = lambda *_: None
) -> int:
    """Write what a concept says of these studies, of all without any; of how many it could say something."""
    label, done, predicted = label_of(concept.space), 0, 0
    for page in answers(database, concept, studies):
        facts = {study: None if one is None else _fact(concept, label, one) for study, one in page.items()}
        write_predictions(database, concept, label, facts)
        done, predicted = done + len(page), predicted + sum(one is not None for one in page.values())
        tell(STAGE, done, 0 if studies is None else len(studies))
    return predicted


def look_after(database: Database, *, tell: Tell = lambda *_: None) -> tuple[str, ...]:
    """Let concepts that serve say what they have not said yet; what is to be known of it. Fails no run."""
    warnings: list[str] = []
    try:
        if database.read_only:
            return ()
        served = [one for one in concepts(database) if one.state == SERVES]
        for one in served:
            if stale(database, one):
                warnings.append(stale_warning(one))
                continue
            lacking = lacking_studies(database, one)
            if lacking:
                apply(database, one, lacking, tell=tell)
    except SpinechoError as error:
        warnings.append(f"taught concepts did not answer ({error}); 'spinecho teach apply' tries again")
    return tuple(warnings)


def stale(database: Database, concept: KeptConcept) -> bool:
    """Whether another encoder answers than the one whose vectors the concept reads."""
    live = serving(database, "image")
    return live is None or live.id != concept.space.id


def stale_warning(concept: KeptConcept) -> str:
    """What is to be known of a concept that is stale."""
    return (
        f"{concept.name!r} was taught over another encoder ({label_of(concept.space)}): what it predicted stands, and "
        f"new studies get nothing; 'spinecho teach \"{concept.name}\" --again' teaches it over the one that answers"
    )


def stale_warnings(database: Database) -> tuple[str, ...]:
    """Of every concept that serves."""
    served = (one for one in concepts(database) if one.state == SERVES)
    return tuple(stale_warning(one) for one in served if stale(database, one))


def label_of(space: SpaceRecord) -> str:
    """A stored space by the label that predictions carry."""
    return Space(space.model, space.revision, space.preprocessing, space.dim).label


def _page(head: Head, page: Sequence[StudyRows]) -> dict[int, Answer | None]:
    found: dict[int, Answer | None] = {one.study: None for one in page}
    features = features_of(page, head.reads)
    if len(features.studies) and features.read.shape[1] == len(head.line.weights):
        found.update(zip(features.studies, head.answers(features.read, features.whole), strict=True))
    return found


def _fact(concept: KeptConcept, label: str, one: Answer) -> PredictedFact:
    details: dict[str, object] = {"taught": concept.version, "probability": round(one.probability, 4)}
    if one.abstained:
        details |= {"abstained": one.abstained, "best": "yes" if one.probability >= 0.5 else "no"}
    return PredictedFact(concept.name, one.value, round(one.score, 4), None, details, label, concept.revision)
