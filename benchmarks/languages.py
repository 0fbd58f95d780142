"""What the rules make of German, French and Spanish sentences, against labels by hand (intervals: Wilson
1927).

    python -m benchmarks.languages [--misses]

The labelled sentences are those of the tests (`tests/encoders/text/labelled`), one person's, as are the rules. `tuned`
is the half whose misses were read; `held apart` was counted alone, and its misses are never printed. `fresh` are
sentences written when the rules stood, in other ways of saying it, and counted once before their misses were mended:
what is printed is a later look.

`written` are 60 sentences a language as reports have them, of all regions, with every finding and place
(`benchmarks/data/languages_written.jsonl`), committed before anything was read of them; `written last` are 15 more,
written when these were mended, and counted once; `written further` are 20 more, written by another hand before further
names were added by people who saw none of them. `written spanish` are 66 in Spanish alone, of all regions, committed
before Spanish names were widened; the misses of every other one were read, and those of the rest (`apart`) never. Of
all is told too how many of the names are read by what they mean in English, and how many words are read as what the
sentence does not speak of.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from labelled_reports import LANGUAGES, Marked, Sentence, labelled, written

from benchmarks.clauses import LABELS, share
from spinecho.encoders.language.clauses.assertions import Clause, clauses
from spinecho.encoders.language.findings import findings
from spinecho.encoders.language.parts.languages import language_of
from spinecho.encoders.language.vocabulary import Mention, closure, concept, concepts, meant


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true", help="print what is wrong, but never of the half held apart")
    options = parser.parse_args()
    for language in LANGUAGES:
        every = labelled(language)
        for name, apart in (("tuned", False), ("held apart", True)):
            marks = [one for one in every if one.held_apart == apart]
            print(f"\n{language}, {name}: {len(marks)} findings in {len({one.sentence for one in marks})} sentences")
            for line in table(marks, misses=options.misses and not apart):
                print(line)
        marks = labelled(language, fresh=True)
        print(f"\n{language}, fresh: {len(marks)} findings in {len({one.sentence for one in marks})} sentences")
        for line in table(marks, misses=options.misses):
            print(line)
        for name, apart in (("further, tuned", False), ("further, held apart", True)):
            marks = [one for one in labelled(language, further=True) if one.held_apart == apart]
            print(f"\n{language}, {name}: {len(marks)} findings in {len({one.sentence for one in marks})} sentences")
            for line in table(marks, misses=options.misses and not apart):
                print(line)
        for pool in ("written", "written_last", "written_further", "written_spanish_read", "written_spanish_apart"):
            pooled = [one for one in written(pool) if one.language == language]
            if not pooled:
                continue
            print(f"\n{language}, {pool.replace('_', ' ')}: {len(pooled)} sentences")
            for line in read_of(pooled, misses=options.misses and not pool.endswith("_apart")):
                print(line)
        sentences = list(dict.fromkeys(one.sentence for one in every))
        alone = sum(language_of(one) == language for one in sentences)
        tens = [" ".join(sentences[at : at + 10]) for at in range(0, len(sentences) - 9, 10)]
        together = sum(language_of(one) == language for one in tens)
        print(f"\n{language}: language found of one sentence {share(alone, len(sentences))}, "
              f"of ten in one report {share(together, len(tens))}")  # fmt: skip


def table(marks: Sequence[Marked], *, misses: bool = False) -> list[str]:
    """Lines of precision and recall label by label, then sides and names."""
    clauses_of = [(one, clause_at(one)) for one in marks]
    pairs = [(one.label, said_by(clause)) for one, clause in clauses_of]
    lines = [f"  right: {share(sum(a == b for a, b in pairs), len(pairs))}"]
    for label in LABELS:
        hits = sum(a == b == label for a, b in pairs)
        wanted, claimed = sum(a == label for a, _ in pairs), sum(b == label for _, b in pairs)
        if wanted:
            lines.append(f"    {label:10} precision {share(hits, claimed)}  recall {share(hits, wanted)}")
    sided = [(one, clause) for one, clause in clauses_of if one.side]
    lines.append(f"    side       {share(sum(clause.sides == {one.side} for one, clause in sided), len(sided))}")
    named = [(one, clause) for one, clause in clauses_of if one.name]
    lines.append(f"    name       {share(sum(names(one, clause) for one, clause in named), len(named))}")
    if misses:
        lines += [
            f"  {one.label} {said_by(clause)} {sorted(clause.sides)} {one.words!r}: {one.sentence}"
            for one, clause in clauses_of
            if one.label != said_by(clause) or (one.side and clause.sides != {one.side})
        ]
        lines += [f"  no name {one.name!r} in {one.words!r}" for one, clause in named if not names(one, clause)]
    return lines


def read_of(pooled: Sequence[Sentence], *, misses: bool = False) -> list[str]:
    """Lines of how many names are read and how many falsely, then of what is said of the findings."""
    found = [
        (one, name, bool(asked := named(name)) and asked <= meant(one.text))
        for one in pooled
        for name in [*(mark.name for mark in one.findings), *(name for _, name in one.places)]
    ]
    strange = [(one, mention) for one in pooled for mention in false_names(one)]
    mentions = sum(len(_named_in(one.text)) for one in pooled)
    lines = [
        f"  names read {share(sum(read for _, _, read in found), len(found))}",
        f"  false      {share(len(strange), mentions)} of the names that are read",
        *table([mark for one in pooled for mark in one.findings], misses=misses),
    ]
    if misses:
        lines += [f"  unread {name!r}: {one.text!r}" for one, name, read in found if not read]
        lines += [f"  false {what.concept} {one.text[what.start : what.stop]!r}: {one.text!r}" for one, what in strange]
    return lines


def named(name: str) -> frozenset[str]:
    """What an English name names: "tear of the ACL" is a finding and its place."""
    return frozenset(one.concept for one in concepts(name))


def false_names(one: Sentence) -> list[Mention]:
    """The findings and places that are read of a sentence and that it does not speak of, by its labels."""
    names = [*(mark.name for mark in one.findings), *(name for _, name in one.places)]
    spoken = closure({*(ident for name in names for ident in named(name)), *one.further})
    return [what for what in _named_in(one.text) if what.concept not in spoken]


def _named_in(text: str) -> list[Mention]:
    return [one for one in concepts(text) if (known := concept(one.concept)) and known.kind != "technique"]


def clause_at(one: Marked) -> Clause:
    """The clause that holds the mark; the first where none does."""
    found = clauses(one.sentence, one.language)
    return next((clause for clause in found if clause.start <= one.start < clause.end), found[0])


def said_by(clause: Clause) -> str:
    """Its answer, with the family's apart."""
    return "family" if clause.by == "family" else clause.assertion


def names(one: Marked, clause: Clause) -> bool:
    """Whether an English question by this name finds what the clause names."""
    asked = findings(one.name)
    return bool(asked) and asked <= meant(clause.text)


if __name__ == "__main__":
    main()
