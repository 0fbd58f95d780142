"""How much of what names somebody is taken out of reports: `python -m benchmarks.scrubbing [--misses]`.

Over `scrubbing_texts.txt`: heads, letters, dictated sentences and notes in English, German, French and Spanish, made up
for this, in which every identifier is marked by hand. A mention is caught when no word of it is left where it stood; of
a day, when it is not there any more as it was written. Every second text was read when the rules were mended, the
others were only counted; all were written by the person who mended them.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from benchmarks.clauses import wilson
from spinecho.indexer.deidentifying.known import Known
from spinecho.indexer.deidentifying.texts import scrub

TEXTS = Path(__file__).with_name("scrubbing_texts.txt")
DAYS = -40
LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish"}
KINDS = {
    "name": "patient's names", "relative": "relatives", "physician": "physicians and staff", "day": "days",
    "number": "numbers", "phone": "telephones", "mail": "e-mails and links", "address": "addresses and towns",
    "place": "institutions and employers", "age": "ages above 89",
}  # fmt: skip
_MARK = re.compile(r"\[\[(\w+) ([^\]]+)\]\]")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_NAMES_NOBODY = frozenset(
    """
    dr dra dres drs prof pr mr mrs ms mme mlle fr frau herr herrn oa don doña docteur doctora doctor md np med univ gez
    de del la las le les los du des von van und y et el en im in am der dem d m kollegen montag hospital clinic klinikum
    praxis hôpital clínica clinique centro médico medical center general rue impasse avenue quai calle plaza mayor lane
    street avda blvd commerce cottages mvz cabinet lycée instituto imaging shipping transports talleres spedition http
    https example platz markt
    """.split()  # noqa: SIM905
)
"""Words of a mention that are left in place without harm."""


@dataclass(frozen=True)
class Mention:
    """kind: of `KINDS`; start, end: within the text; read: whether the text was read when rules were mended."""

    kind: str
    language: str
    text: str
    start: int
    end: int
    read: bool


@dataclass(frozen=True)
class Marked:
    """A text without its marks, what is marked in it, and what headers would know of its patient."""

    name: str
    text: str
    mentions: tuple[Mention, ...]
    known: Known


def marked() -> Iterator[Marked]:
    """The texts, in order."""
    parts = re.split(r"^== ", TEXTS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    for number, part in enumerate(parts):
        name, known, body = part.split("\n", 2)
        text, mentions = "", list[Mention]()
        at = 0
        for found in _MARK.finditer(body):
            text += body[at : found.start()]
            start = len(text)
            text += found[2]
            mentions.append(Mention(found[1], name[:2], found[2], start, len(text), number % 2 == 0))
            at = found.end()
        values = re.findall(r"(\w+)=(.*?)(?= \w+=|$)", known.removeprefix("known: "))
        named = frozenset((kind, value) for kind, value in values if value)
        yield Marked(name, text + body[at:], tuple(mentions), Known(named))


def left(one: Marked, known: Known) -> tuple[set[Mention], int, int]:
    """(mentions of which something is left, other words that went, other words)"""
    after = scrub(one.text, known, DAYS)
    before = [(found[0], found.start()) for found in _TOKEN.finditer(one.text)]
    same = SequenceMatcher(None, [word for word, _ in before], _TOKEN.findall(after), autojunk=False)
    kept = {at for block in same.get_matching_blocks() for at in range(block.a, block.a + block.size)}
    missed, lost, others = set[Mention](), 0, 0
    for at, (word, start) in enumerate(before):
        mention = next((held for held in one.mentions if held.start <= start < held.end), None)
        if mention is None:
            others += word.isalpha()
            lost += word.isalpha() and at not in kept
        elif mention.kind == "day":
            if mention.text in after:
                missed.add(mention)
        elif at in kept and len(word) > 1 and word.isalnum() and word.casefold() not in _NAMES_NOBODY:
            missed.add(mention)
    return missed, lost, others


def share(mentions: Sequence[Mention], missed: set[Mention]) -> str:
    """The share that was caught, with its interval."""
    caught, of = sum(one not in missed for one in mentions), len(mentions)
    low, high = wilson(caught, of)
    return f"{caught / of:.3f} [{low:.3f}, {high:.3f}] ({caught}/{of})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="also what was missed in the texts that were read")
    asked = parser.parse_args()
    texts = list(marked())
    every = [mention for one in texts for mention in one.mentions]
    columns = {}
    for label, of_header in (("nothing known", False), ("headers known", True)):
        missed, lost, others = set[Mention](), 0, 0
        for one in texts:
            found, gone, words = left(one, one.known if of_header else Known())
            missed, lost, others = missed | {*found}, lost + gone, others + words
            if asked.misses and not of_header:
                for mention in sorted(found, key=lambda mention: mention.start):
                    if mention.read:
                        print(f"{one.name}: {mention.kind}: {mention.text}")
        columns[label] = missed
        print(f"{label}: {lost} of {others} other words went ({lost / others:.3f})")
    groups = {"all": every, "texts that were read": [one for one in every if one.read]}
    groups["texts that were not"] = [one for one in every if not one.read]
    groups |= {title: [one for one in every if one.language == code] for code, title in LANGUAGES.items()}
    groups |= {title: [one for one in every if one.kind == kind] for kind, title in KINDS.items()}
    print("\n| | " + " | ".join(columns) + " |\n|---|---|---|")
    for title, mentions in groups.items():
        print(f"| {title} | " + " | ".join(share(mentions, missed) for missed in columns.values()) + " |")


if __name__ == "__main__":
    main()
