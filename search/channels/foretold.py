"""What taught concepts predict, as a signal that ranks: of no report, so never above what a report says.

A question that names a taught concept, and nothing of it that a prediction cannot know (a side, a size, that it is
normal), raises the studies of which the concept's head says yes above those that are merely alike, in the order of
how sure it is and how near they come by themselves. Where a report speaks of the concept the report decides, whatever
it says: what it affirms stands above all that is predicted, whether or not it says all that was asked. Such hits do
not count as fitting, and carry "predicted" among their channels.
"""

from __future__ import annotations

from spinecho.db.filters.algebra import Filter
from spinecho.db.people.concepts import predicted_yes, served_names
from spinecho.db.queries.learning.stated_findings import said_of_it
from spinecho.db.schema.database import Database
from spinecho.encoders.language.findings import Wish, findings
from spinecho.encoders.language.stems import root
from spinecho.encoders.language.vocabulary.tokens import WORD
from spinecho.search.channels.found import Found

PREDICTED = "predicted"
"""The channel of what stands in an answer for what is predicted of it."""
MOST = 200
"""Studies that a question raises at most: those of which the head is surest."""
_ALIKE, _AFFIRMED = 0.2, 0.4
"""Of scores from 0 to a half, of what does not fit: below which lies what is merely alike, and from where on what a
report affirms; between them what is predicted.
"""


def asked_for(names: tuple[str, ...], wanted: str, asks: Wish) -> str:
    """The taught concept that these words name, '' for none: by its finding, else by its words."""
    if asks.normal or asks.size is not None or asks.sides:
        return ""
    said = _stems(wanted)
    for name in sorted(names, key=lambda one: (-len(one), one)):
        meant = findings(name)
        if meant and meant == asks.findings:
            return name
        stems = _stems(name)
        if not meant and any(said[at : at + len(stems)] == stems for at in range(len(said))):
            return name
    return ""


def raised(database: Database, found: Found, wanted: str, asks: Wish, where: Filter) -> Found:
    """What was found and asked whether it fits (`answers.fold`), with predicted studies between both parts of it.

    where: what results are taken from.
    """
    if not found.folded or not wanted:
        return found
    names = served_names(database)
    name = asked_for(names, wanted, asks) if names else ""
    if not name:
        return found
    sure = predicted_yes(database, name, where, most=MOST)
    said = said_of_it(database, [*sure, *found.scores], findings(name), " ".join(WORD.findall(name)))
    sure = {study: score for study, score in sure.items() if study not in said and not found.fits(study)}
    if not sure:
        return found
    for study, score in found.scores.items():
        if not found.fits(study):
            affirmed = "present" in said.get(study, ())
            found.scores[study] = _within(_AFFIRMED, 0.5, 2 * score) if affirmed else _within(0.0, _ALIKE, 2 * score)
    for study, score in sure.items():
        alike = found.scores.get(study, 0.0) / _ALIKE
        found.evidence[study].note(PREDICTED, score)
        found.evidence[study].fits = False
        found.scores[study] = _within(_ALIKE, _AFFIRMED, 0.5 * score + 0.5 * alike)
    found.foretold, found.nothing = name, False
    return found


def _within(low: float, high: float, share: float) -> float:
    return low + 0.999 * (high - low) * min(1.0, share)


def _stems(text: str) -> list[str]:
    return [root(word) for word in WORD.findall(text)]
