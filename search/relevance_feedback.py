"""Relevance feedback: thumbs move a query towards what fitted and away from what did not.

Rocchio 1971 (in Salton, The SMART Retrieval System), with the weights that Manning et al. 2008 (Introduction to
Information Retrieval, section 9.1.1) recommend: 1, 0.75 and 0.15. Ours: of a judged study the one vector that is
nearest to the query stands for it, as most of its series and sentences have nothing to do with what was asked. Full
text gets the words that those sentences share.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from spinecho.db.filters.algebra import Filter
from spinecho.db.people.feedback import SentenceVectors
from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.encoders.language.terms import located

_GOOD, _BAD = 0.75, 0.15
_SENTENCES, _LETTERS = 3, 4
_NO_FINDING = (
    "about above again also appear appears been being below between both clear clearly compare compared could does "
    "each either entire evidence expected extend extending extends final finding findings following found from "
    "further given have having here image images impression increase increased into large left likely lower mild "
    "mildly minimal moderate more most multiple near normal noted only other over overall patient possible possibly "
    "present previous prior report right same scan seen series several show showing shown shows signal since single "
    "site size slight slightly small some study such suggest suggesting suggests than that their there these this "
    "those through unchanged under unremarkable upper very visible well were when where which while with within "
    "without would "
)
_NO_FINDING_GERMAN = (
    "aber alle allem allen aller alles also andere auch aufgrund bekannt bekannte beide beiden beidseits bereits "
    "bild bilder dabei dann dargestellt dass deutlich deutliche dies diese diesem diesen dieser dieses durch eher "
    "eine einem einen einer eines ergibt etwas fraglich gegenüber gering geringe geringer hier ihre insgesamt jedoch "
    "jetzt kein keine keinem keinen keiner klein kleine kleiner leicht leichte leichter linken links linksseitig "
    "mehr mehrere mehreren nach nachweis neben nicht noch normal normale oder ohne rechten rechts rechtsseitig "
    "regelrecht regelrechte rest sehr seite sich sind somit sonst sowie teils über übrige unauffällig unauffällige "
    "unter unverändert unveränderte verdacht vergleich vereinbar vorliegend weitere weiteren weiterhin wenig wird "
    "zeigen zeigt zudem zwischen"
)
_EMPTY = frozenset(f"{_NO_FINDING} {_NO_FINDING_GERMAN} bilateral unilateral".split())
"""Words of reports that are no finding, and the sides, which are conditions."""


def query_key(text: str, where: Filter) -> str:
    """What names a query in the store: a digest, so that nobody reads words in it."""
    plain = json.dumps([" ".join(text.casefold().split()), repr(where)])
    return hashlib.sha256(plain.encode()).hexdigest()[:24]


def moved(query: Rows, good: Sequence[Rows], bad: Sequence[Rows]) -> Rows:
    """(1, dim) unit row: the query after feedback; `good` and `bad` hold each judged study's vectors, (n, dim)."""
    total = query[0].astype(np.float64)
    for weight, studies in ((_GOOD, good), (-_BAD, bad)):
        if studies:
            total = total + weight * np.mean([rows[int((rows @ query[0]).argmax())] for rows in studies], axis=0)
    length = float(np.linalg.norm(total))
    return (total / length).astype(np.float32)[None] if length > 1e-9 else query


def shared_words(
    query: Rows, good: Sequence[SentenceVectors], bad: Sequence[SentenceVectors], known: Iterable[str]
) -> list[str]:
    """Words of what fitted that the query lacks, what most studies share first.

    Looked for in the three sentences of each study that are nearest to the query, (1, dim). A word counts where half of
    the studies that fitted have it, two at least if there are two, and none that did not. known: words that the query
    has, under all names.
    """
    seen = {stem for word in known for stem, _, _ in located(word)}
    unfit = {stem for sentences in bad for stem in _near(query, sentences)}
    count: Counter[str] = Counter()
    spelt: dict[str, str] = {}
    for sentences in good:
        near = _near(query, sentences)
        count.update(near.keys() - seen - unfit)
        spelt = {**near, **spelt}
    least = min(len(good), max(2, (len(good) + 1) // 2))
    return [spelt[stem] for stem, n in sorted(count.items(), key=lambda one: (-one[1], one[0])) if n >= least]


def _near(query: Rows, sentences: SentenceVectors) -> dict[str, str]:
    """By stem the words of the sentences that are nearest to the query, without those that say nothing alone."""
    best = np.argsort(-(sentences.rows @ query[0]), kind="stable")[:_SENTENCES]
    found: dict[str, str] = {}
    for text in (sentences.texts[at] for at in best):
        for stem, start, stop in located(text):
            word = text[start:stop]
            if len(word) >= _LETTERS and word.isalpha() and word.casefold() not in _EMPTY:
                found.setdefault(stem, word.casefold())
    return found


def agreed(verdicts: Iterable[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """(query, study UID, grade) out of (query, study UID, verdict) of one or many users: majority, ties left out."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for query, uid, verdict in verdicts:
        sums[query, uid] += verdict
    return [(query, uid, int(total > 0)) for (query, uid), total in sums.items() if total]
