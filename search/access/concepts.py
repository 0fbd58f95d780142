"""Concepts of a personal archive: taught by researchers, seen by everybody, each act on record."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spinecho.db.filters.algebra import Filter, Not, Says, both, visible
from spinecho.db.people import concepts as kept
from spinecho.db.people.cohorts import Member
from spinecho.db.people.concepts import DRAFT, SERVES, ConceptError, KeptConcept
from spinecho.db.people.feedback import thumbs
from spinecho.db.people.masking import masked
from spinecho.db.queries.lookup import study_ids_by_uid
from spinecho.db.queries.named import require_named
from spinecho.db.store.storing import serving
from spinecho.search.access.personal_archive import PersonalArchive
from spinecho.search.access.persons import Role, digest_of, needs
from spinecho.search.concepts import applying, examples
from spinecho.search.concepts.card import card_of, judged
from spinecho.search.concepts.head import Head
from spinecho.search.concepts.learning import LEAST, TooFew, learn
from spinecho.search.concepts.sources import REST, Sided, Source, read_source, read_table
from spinecho.search.concepts.suggesting import Suggestion, next_to_judge

Tell = Callable[[str, int, int], None]
COMMANDS = frozenset({"list", "show", "undo", "apply", "next", "score"})
"""Names that no concept may have: of commands, and of the condition on the score."""
_NOT_KEPT = "given by UID before: no card names a study, so give them again"
_NAME = re.compile(r"\w[\w -]{0,78}\w")


@dataclass(frozen=True)
class Request:
    """What a concept is to be taught from, as typed. positives, negatives: studies by UID.

    again: the sources of its newest version, and thumbs on its name, are added. label, positive: of tables.
    """

    sources: Sequence[str] = ()
    against: str = ""
    positives: Sequence[str] = ()
    negatives: Sequence[str] = ()
    again: bool = False
    label: str | None = None
    positive: str | None = None


@dataclass(frozen=True)
class Seen:
    """A version. stale: another encoder answers than the one that it was taught over; predicted: (studies, patients) by
    what it says of them, of one that serves.
    """

    concept: KeptConcept
    stale: bool
    predicted: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class TaughtNow:
    """seen: the version that is kept, None where nothing is; card: in any case."""

    seen: Seen | None
    card: dict[str, Any]


@dataclass(frozen=True)
class Ways:
    """How places of examples are reached, that are not this archive's own tables.

    members: of a cohort by name and version, or of the definition in a file; read: a filter as typed; path: a file as
    it was named.
    """

    members: Callable[[str, int | None], Sequence[Member]]
    defined: Callable[[Path], Sequence[str]]
    read: Callable[[str], Filter]
    path: Callable[[str], Path]


class PersonalConcepts:
    """What one person may do with concepts. Each method leaves a row before it gives anything back."""

    def __init__(self, archive: PersonalArchive, ways: Ways) -> None:
        self._archive, self._ways, self.smallest = archive, ways, archive.smallest

    def require(self, role: Role, what: str) -> None:
        """As `Access.require`."""
        self._archive.require(role, what)

    @needs(Role.VIEWER, "see concepts")
    def versions(self, name: str | None = None) -> tuple[Seen, ...]:
        """Every version of every concept, or of one. Raises `ConceptError` for one that was never taught."""
        plain = None if name is None else plain_name(name)
        with self._archive._acting("see-concepts", "" if plain is None else digest_of(plain)):
            found = kept.concepts(self._archive._database, plain)
            if plain is not None and not found:
                raise ConceptError(f"no concept is called {plain!r}; 'spinecho teach list' shows those that are taught")
            return tuple(map(self._seen, found))

    @needs(Role.RESEARCHER, "teach a concept")
    def teach(self, name: str, asked: Request, *, draft: bool = False, tell: Tell = lambda *_: None) -> TaughtNow:
        """Learn it, measure that, and keep it where it can be learned. Raises `ConceptError`, `Refused`."""
        began, plain, database = time.monotonic(), plain_name(name), self._archive._database
        with self._archive._acting("teach", digest_of(plain), again=asked.again, draft=draft) as facts:
            kept.require_free(database, plain)
            space = serving(database, "image")
            if space is None:
                raise ConceptError("nothing is indexed yet; run 'spinecho index FOLDER' first")
            asked, lost = self._again(plain, asked) if asked.again else (asked, 0)
            tell("gather", 0, 1)
            both_sides = self._gathered(plain, asked)
            uids = [*both_sides.positives, *both_sides.negatives]
            ready = examples.ready(database, space, study_ids_by_uid(database, uids), both_sides)
            try:
                learned = learn(ready.examples, tell=lambda done, of: tell("learn", done, of))
            except TooFew as error:
                with_it, without = (masked(count, self.smallest) for count in error.sides)
                raise ConceptError(
                    f"too few examples: {with_it} patients with it and {without} without it, near-duplicates counted "
                    f"once, and it takes {LEAST} of each at least{self._more(ready.left_out)}"
                ) from error
            positives, negatives = ready.sides
            learnable, why = judged(learned.known, learned.line, encoder=space.encoder)
            head = Head(ready.reads, learned.line)
            card = card_of(
                name=plain, encoder=space.encoder, space=applying.label_of(space), owner=self._archive.person.name,
                reads=ready.reads, sources=asked.sources, against=asked.against, positives=positives,
                negatives=negatives, measured=examples.sizes(ready.examples, learned.known.asked),
                left_out={**ready.left_out, _NOT_KEPT: lost}, known=learned.known, line=learned.line,
                learnable=learnable, why=why, seconds=time.monotonic() - began, further=_further(asked),
            )  # fmt: skip
            facts |= {"learnable": learnable, "studies": len(ready.features.studies)}
            if not (learnable or draft):
                return TaughtNow(None, card)
            concept = kept.keep_concept(
                database, name=plain, space=space.id, owner=self._archive.person.name, card=card,
                weights=head.to_bytes(), draft=draft,
            )  # fmt: skip
            if not draft:
                applying.apply(database, concept, tell=tell)
            return TaughtNow(self._seen(concept), card)

    @needs(Role.RESEARCHER, "undo a concept")
    def undo(
        self, name: str, *, version: int | None = None, tell: Tell = lambda *_: None
    ) -> tuple[KeptConcept, KeptConcept | None]:
        """(the version that is taken back, the one before, which predicts again). Raises `ConceptError`."""
        plain, database = plain_name(name), self._archive._database
        with self._archive._acting("undo-concept", digest_of(plain)):
            gone, back = kept.undo_concept(database, plain, version)
            if back is not None:
                applying.apply(database, back, tell=tell)
        return gone, back

    @needs(Role.RESEARCHER, "let concepts predict")
    def apply(self, name: str | None = None, *, tell: Tell = lambda *_: None) -> tuple[dict[str, int], tuple[str, ...]]:
        """(by concept, of how many studies it says something; what is to be known), over everything anew."""
        database, plain = self._archive._database, None if name is None else plain_name(name)
        with self._archive._acting("apply-concepts", "" if plain is None else digest_of(plain)):
            served = [one for one in kept.concepts(database, plain) if one.state == SERVES]
            if plain is not None and not served:
                raise ConceptError(f"no version of {plain!r} serves; 'spinecho teach list' shows what is taught")
            warnings = tuple(applying.stale_warning(one) for one in served if applying.stale(database, one))
            return {one.name: applying.apply(database, one, tell=tell) for one in served}, warnings

    @needs(Role.VIEWER, "judge studies")
    def next_to_judge(self, name: str, *, k: int = 12) -> tuple[Suggestion, ...]:
        """The studies that would teach most, by the newest version that was not undone; none that you judged.

        Raises `ConceptError` where there is no version.
        """
        plain, database = plain_name(name), self._archive._database
        with self._archive._acting("see-suggestions", digest_of(plain), k=k):
            versions = [one for one in kept.concepts(database, plain) if one.state in {SERVES, DRAFT}]
            if not versions:
                raise ConceptError(f"no version of {plain!r} is taught yet: judge what a search finds, then teach it")
            mine = self._thumbs(plain)
            judged_ids = set(study_ids_by_uid(database, [*mine.positives, *mine.negatives]).values())
            studies = self._archive._selection.studies(visible(both())).tolist()
            return next_to_judge(database, versions[-1], judged_ids, studies, k=k)

    def _seen(self, concept: KeptConcept) -> Seen:
        database = self._archive._database
        counts = kept.predicted_counts(database, concept.name) if concept.state == SERVES else {}
        return Seen(concept, applying.stale(database, concept), counts)

    def _again(self, name: str, asked: Request) -> tuple[Request, int]:
        """(what is to be taught again, and what comes beside; studies that were given by UID, which no card keeps).

        As the version that predicts now was taught, else the newest draft; one that was undone only where no other is.
        """
        versions = kept.concepts(self._archive._database, name)
        if not versions:
            raise ConceptError(f"{name!r} was never taught: give --from")
        card = max(versions, key=lambda one: (one.state == SERVES, one.state == DRAFT, one.version)).card
        before, thumb = list(card.get("sources", ())), f"thumbs:{name}"
        mine = self._thumbs(name)
        if (mine.positives or mine.negatives) and thumb not in before:
            before.append(thumb)
        of_tables = dict(card.get("of_tables") or {})
        found = replace(
            asked, sources=list(dict.fromkeys([*before, *asked.sources])),
            against=asked.against or str(card.get("against", "")),
            label=asked.label if asked.label is not None else of_tables.get("label"),
            positive=asked.positive if asked.positive is not None else of_tables.get("positive"),
        )  # fmt: skip
        return found, int(card.get("by_uid", 0))

    def _gathered(self, name: str, asked: Request) -> examples.Joined:
        sides = [self._sided(read_source(one), name, asked) for one in asked.sources]
        sides.append(Sided(frozenset(asked.positives), frozenset(asked.negatives), judged=True))
        against = read_source(asked.against, against=True) if asked.against.strip() else None
        if against is not None and against.kind != REST:
            other = self._sided(against, name, asked)
            sides.append(Sided(frozenset(), other.positives, other.unmatched, other.unlabelled))
        found = examples.joined(sides)
        if not found.positives:
            raise ConceptError(f"no study is an example: nothing that was named holds one{self._more(found.left_out)}")
        if against is not None and against.kind == REST:
            database, everything = self._archive._database, self._archive._selection.studies(visible(both()))
            rest = set(kept.uids_of(database, everything.tolist())) - found.positives
            chosen = examples.some_of(rest, examples.rest_size(len(found.positives)))
            found = replace(found, negatives=found.negatives | frozenset(chosen))
        if not found.negatives:
            raise ConceptError(
                "no study is an example of its absence: name them with --against cohort:NAME or filter:CONDITION, or "
                f"take the rest of the archive with --against rest, where few of it have it{self._more(found.left_out)}"
            )
        return found

    def _sided(self, source: Source, name: str, asked: Request) -> Sided:
        if source.kind == "thumbs":
            return self._thumbs(source.value)
        if source.kind == "table":
            path = self._ways.path(source.value)
            return read_table(
                self._archive._database, path, name=name, label=asked.label, positive=asked.positive
            )  # fmt: skip
        if source.kind == "cohort":
            return Sided(frozenset(self._members(source.value)))
        where = self._ways.read(source.value)
        positives = self._passing(where)
        if source.kind == "filter":
            return Sided(positives)
        if not isinstance(where, Says) or where.assertion != "present":
            raise ConceptError(f"{source.typed!r}: give one finding, as in says:present(meniscal tear), or filter:")
        denied = self._passing(both(replace(where, assertion="absent", low_mm=None, high_mm=None), Not(where)))
        return Sided(positives, denied)

    def _thumbs(self, question: str) -> Sided:
        """This person's own, under whatever filter; the latest on a study counts."""
        words = " ".join(question.casefold().split())
        verdicts: dict[str, int] = {}
        others: set[str] = set()
        for one in thumbs(self._archive._database):
            if " ".join(str(one.query.get("text", "")).casefold().split()) != words:
                continue
            if one.user == self._archive.person.name:
                verdicts[one.study_uid] = one.verdict
            else:
                others.add(one.study_uid)
        return Sided(
            frozenset(uid for uid, verdict in verdicts.items() if verdict > 0),
            frozenset(uid for uid, verdict in verdicts.items() if verdict < 0), judged=True,
            by_others=len(others - verdicts.keys()),
        )  # fmt: skip

    def _members(self, named: str) -> list[str]:
        if named.endswith(".toml"):
            return list(self._ways.defined(self._ways.path(named)))
        name, at, number = named.rpartition("@")
        version = int(number) if at and number.isdigit() else None
        return [one.study_uid for one in self._ways.members(named if version is None else name, version)]

    def _more(self, left_out: Mapping[str, int]) -> str:
        reasons = ", ".join(f"{masked(count, self.smallest)} {why}" for why, count in left_out.items() if count)
        return f" (left out: {reasons})" if reasons else ""

    def _passing(self, where: Filter) -> frozenset[str]:
        database = self._archive._database
        require_named(database, where)
        studies = self._archive._selection.studies(visible(where)).tolist()
        return frozenset(kept.uids_of(database, studies))


def _further(asked: Request) -> dict[str, Any]:
    """What a card keeps so that the same can be taught again: how tables were read, how many came by UID."""
    of_tables = {name: value for name in ("label", "positive") if (value := getattr(asked, name)) is not None}
    by_uid = len({*asked.positives, *asked.negatives})
    return ({"of_tables": of_tables} if of_tables else {}) | ({"by_uid": by_uid} if by_uid else {})


def plain_name(name: str) -> str:
    """A concept's name as it is kept and asked for: `predicted.NAME`. Raises `ConceptError` for what cannot be one."""
    plain = " ".join(name.casefold().split())
    if not _NAME.fullmatch(plain) or plain in COMMANDS:
        why = "is a word of its own here" if plain in COMMANDS else "is no name"
        raise ConceptError(
            f"{name[:80]!r} {why}: give a concept 2 to 80 letters, digits, blanks and hyphens, as in 'pituitary tumour'"
        )
    return plain
