"""A whole report as one vector: chunks by section and organ, each within the network's limit, and their weighted mean.

Reports are longer than the networks' 256 or 512 tokens, and cutting there loses the impression, which stands last.
Splitting by section and anatomy follows what report-guided models do with single organs (fVLM: Shui et al. 2025,
arXiv:2501.14548); the mean of chunk vectors as a long text's vector is common practice. The tables of weights and of
organs are ours, set by hand and not tuned on data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import EncoderError
from spinecho.encoders.language.sections import Section, section_spans
from spinecho.encoders.language.sentences import sentence_spans
from spinecho.encoders.space import Space, Vectors

SHARES: dict[Section, float] = {
    "impression": 0.5,
    "findings": 0.4,
    "indication": 0.05,
    "other": 0.05,
    "technique": 0.0,
    "comparison": 0.0,
}
"""How much a section counts, of those a report has. Technique and comparison say nothing of this patient's image that
the headers do not; they count only in a report that holds nothing else."""

ORGANS: tuple[tuple[str, str], ...] = (
    ("spine", r"spin(?:e|al)|vertebra\w*|dis[ck]s?|cord|foramin\w+|l[1-5]|c[1-7]|t(?:[3-9]|1[0-2])|conus|cauda"),
    ("orbit and sinuses", r"orbit\w*|optic|globes?|paranasal|sinus(?:es)?|mastoids?"),
    ("neck", r"neck|thyroid|larynx|pharynx|parotid|cervical nodes?"),
    ("brain", r"brain|cerebr\w+|ventric(?:le|les|ular)|white matter|cort(?:ex|ical)|hippocamp\w+|infarct\w*|lobes?"
     r"|pituitary|sella|cerebell\w+|intracranial|midline|hemispher\w+"),
    ("heart", r"heart|cardiac|myocard\w+|pericard\w+|aort\w+|ejection"),
    ("chest", r"lungs?|pleura\w*|mediastin\w+|chest"),
    ("breast", r"breasts?|axilla\w*|nipples?"),
    ("liver and bile ducts", r"liver|hepat\w+|gall ?bladder|bil(?:e|iary)|portal"),
    ("pancreas and spleen", r"pancrea\w+|spleen|splenic"),
    ("kidneys and adrenals", r"kidneys?|renal|adrenals?|ureters?"),
    ("bowel", r"bowel|colon|rect(?:um|al)|append\w+|stomach|mesenter\w+"),
    ("pelvis", r"prostate|uter(?:us|ine)|ovar\w+|bladder|seminal|pelvi[sc]|cervix|endometri\w+"),
    ("knee", r"knee|menisc\w+|cruciate|patell\w+"),
    ("shoulder", r"shoulder|rotator|supraspinatus|labr(?:um|al)|biceps|glenohumeral"),
    ("hip", r"hips?|acetabul\w+|femoral head"),
    ("ankle and foot", r"ankle|achilles|talus|talar|foot|calcane\w+|plantar"),
    ("wrist and hand", r"wrist|scaph\w+|hand|carpal|tfcc"),
    ("bone", r"bones?|marrow|osseous"),
)  # fmt: skip
"""(name, words), the more particular first: a sentence belongs to the organ that it names first.
T1 and T2 are sequences more often than vertebrae."""

_ORGAN = re.compile("|".join(rf"(?P<o{at}>(?<!\w)(?:{words})(?!\w))" for at, (_, words) in enumerate(ORGANS)), re.I)
_GROUP = 64
"""Chunks that are encoded at once, whatever the length of the report."""


class EmptyReport(EncoderError):
    """A report without a word has no vector."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of whole sentences of one section and organ. The weights of a report's chunks sum to 1.

    `organ` is a name of `ORGANS`, "" where the sentences name none. Only a sentence that alone is longer than the
    limit is cut, between words where it has any.
    """

    section: Section
    organ: str
    text: str
    weight: float


class ReadsTokens(Protocol):
    """What `ReportInput` asks of a text encoder; `SentenceEncoder` is one."""

    @property
    def space(self) -> Space:
        """The space of its vectors."""
        ...

    def fits(self, text: str) -> bool:
        """Whether the network reads the whole text."""
        ...

    def encode(self, items: Sequence[str], /) -> Vectors:
        """(n, dim) float32 unit rows."""
        ...


def organ_of(sentence: str) -> str:
    """The organ that a sentence names first, "" for none."""
    found = _ORGAN.search(sentence)
    return ORGANS[int(str(found.lastgroup)[1:])][0] if found else ""


def chunks(report: str, fits: Callable[[str], bool]) -> tuple[Chunk, ...]:
    """The report in chunks: the impression first, then findings organ by organ in the report's order, then the rest.

    Every sentence stands in one chunk. A sentence that names no organ goes with those before it. Within a section
    weights go by length, so a sentence counts the same wherever it was cut. Raises EmptyReport.
    """
    found: list[tuple[Section, str, str]] = []
    order: dict[tuple[Section, str], int] = {}
    organ = ""
    for span in section_spans(report):
        organ = ""
        for start, end in sentence_spans(report, span.start, span.end):
            sentence = " ".join(report[start:end].split())
            organ = organ_of(sentence) or organ
            order.setdefault((span.section, organ), len(order))
            found.append((span.section, organ, sentence))
    if not found:
        raise EmptyReport("the report holds no word; leave it out, or give the text of a report")
    sections = list(SHARES)
    found.sort(key=lambda each: (sections.index(each[0]), order[each[0], each[1]]))
    packed = [
        (section, organ, text)
        for (section, organ), group in groupby(found, key=lambda each: (each[0], each[1]))
        for text in _packed((sentence for *_, sentence in group), fits)
    ]
    lengths: dict[Section, int] = {}
    for section, _, text in packed:
        lengths[section] = lengths.get(section, 0) + len(text)
    total = sum(SHARES[section] for section in lengths)
    return tuple(
        Chunk(section, organ, text, _share(section, lengths, total) * len(text) / lengths[section])
        for section, organ, text in packed
    )


class ReportInput:
    """An `Encoder[str]` of whole reports, over an encoder of short texts, in that encoder's space.

    Whatever its length, a report is encoded so many chunks at a time and summed, so memory does not grow with it.
    """

    def __init__(self, encoder: ReadsTokens) -> None:
        self._encoder = encoder

    @property
    def space(self) -> Space:
        """The space of every vector: the mean of unit vectors may meet what it is the mean of."""
        return self._encoder.space

    def chunks(self, report: str) -> tuple[Chunk, ...]:
        """As `chunks`, within this encoder's limit. Raises EmptyReport."""
        return chunks(report, self._encoder.fits)

    def encode(self, items: Sequence[str], /) -> Vectors:
        """(n, dim) float32 unit rows, in order; (0, dim) for none. Raises EmptyReport for one without a word."""
        rows = [np.empty((0, self.space.dim), np.float32), *(self._one(report)[None] for report in items)]
        return np.concatenate(rows)

    def _one(self, report: str) -> NDArray[np.float32]:
        parts = [chunk for chunk in self.chunks(report) if chunk.weight > 0]
        total = np.zeros(self.space.dim, np.float64)
        for start in range(0, len(parts), _GROUP):
            group = parts[start : start + _GROUP]
            weights = np.array([chunk.weight for chunk in group])
            total += weights @ self._encoder.encode([chunk.text for chunk in group])
        unit: NDArray[np.float32] = (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32)
        return unit


def _share(section: Section, lengths: dict[Section, int], total: float) -> float:
    return SHARES[section] / total if total > 0 else lengths[section] / sum(lengths.values())


def _packed(sentences: Iterator[str], fits: Callable[[str], bool]) -> Iterator[str]:
    """As many whole sentences together as fit."""
    held = ""
    for sentence in sentences:
        for piece in _pieces(sentence, fits):
            longer = f"{held} {piece}" if held else piece
            if held and not fits(longer):
                yield held
                longer = piece
            held = longer
    if held:
        yield held


def _pieces(sentence: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """The sentence, halved between words (or letters, in a word too long) until each part fits."""
    if fits(sentence) or len(sentence) < 2:
        yield sentence
        return
    middle = len(sentence) // 2
    space = sentence.rfind(" ", 1, middle + 1)
    cut = space if space > 0 else max(sentence.find(" ", middle), middle)
    for part in (sentence[:cut].strip(), sentence[cut:].strip()):
        if part:
            yield from _pieces(part, fits)
