"""Evaluations and evidence from afar: jobs of the server, and their results as the front door's values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.errors import QueryError
from spinecho.given import one_of
from spinecho.remote.asked.asking import Asking, Call, typed
from spinecho.remote.asked.jobs import finished, pictures_of
from spinecho.remote.asked.scans import Folder
from spinecho.setup.places import place_of

if TYPE_CHECKING:
    from spinecho.answering.evidence import SeriesEvidence
    from spinecho.db.filters.algebra import Filter
    from spinecho.encoders.measuring.figures import Figure, Measured
    from spinecho.search.evaluation.values import Evaluation


def evaluate(
    *, where: str | Filter = "", judgements: Folder | None = None, pairs: Folder | None = None, queries: int = 1000,
    resamples: int = 1000, seed: int = 0, exclude: str = "patient", copies: int = 0,
    on_progress: Callable[[str], None] | None = None,
) -> Asking[Evaluation]:  # fmt: skip
    """As `Archive.evaluate`, as a job of the server; files of this machine are sent with it."""
    from spinecho.search.evaluation.judgements import read_judgements, read_pairs  # noqa: PLC0415

    one_of("exclude", exclude, ("patient", "study"))
    if judgements is not None and pairs is not None:
        raise QueryError("give one of judgements and pairs")
    body = {
        "where": typed(where), "queries": queries, "resamples": resamples, "seed": seed, "exclude": exclude,
        "copies": copies, "judgements": _text_of(judgements, read_judgements), "pairs": _text_of(pairs, read_pairs),
    }  # fmt: skip
    job = yield from finished(Call("POST", "/api/v1/jobs/evaluations", body, reads=False), on_progress)
    return evaluation_of(job["result"]["evaluation"])


def why(study: str, words: str, *, slices: int = 3, pictures: bool = False) -> Asking[tuple[SeriesEvidence, ...]]:
    """As `Archive.why`, as a job of the server."""
    from spinecho.answering.evidence import SeriesEvidence  # noqa: PLC0415

    if not study or study.strip("0123456789.") or len(study) > 64:
        raise QueryError(f"no study {study[:80]!r} in this archive; search gives UIDs as hits[0].study.uid")
    body = {"study": study, "words": words, "slices": slices, "pictures": pictures}
    job = yield from finished(Call("POST", "/api/v1/jobs/why", body, reads=False))
    drawn = yield from pictures_of(job)
    return tuple(
        SeriesEvidence(
            one["uid"], one["description"], one["plane"], one["cosine"], one["score"], one["floor"],
            tuple((int(at), score) for at, score in one["slices"]), drawn.get(one["picture"] or ""),
        )
        for one in job["result"]["series"]
    )  # fmt: skip


def evaluation_of(plain: Mapping[str, Any]) -> Evaluation:
    """An evaluation from its JSON, whose figures have six decimals."""
    from spinecho.search.evaluation.values import Asked, Evaluation  # noqa: PLC0415

    asked = tuple(
        Asked(one["name"], one["about"], _measured(one) if "units" in one else None, one["why"])
        for one in plain["results"]
    )
    return Evaluation(
        asked, dict(plain["encoder"]), dict(plain["archive"]), tuple(plain["unknown_studies"]),
        tuple(plain["warnings"]), dict(plain["settings"]), dict(plain.get("protocol", {})),
    )  # fmt: skip


def _measured(one: Mapping[str, Any]) -> Measured:
    from spinecho.encoders.measuring.figures import Measured  # noqa: PLC0415

    parts = {name: _figures(some) for name, some in one["parts"].items()}
    return Measured(_figures(one["figures"]), one["units"], one["resampled"], parts, dict(one["left_out"]))


def _figures(some: Mapping[str, Any]) -> dict[str, Figure]:
    from spinecho.encoders.measuring.figures import Figure  # noqa: PLC0415

    found = {}
    for name, one in some.items():
        low_high = None if one["ci95"] is None else (_number(one["ci95"][0]), _number(one["ci95"][1]))
        value, chance, pool, best = (_number(one[key]) for key in ("value", "chance", "pool", "best"))
        found[name] = Figure(value, chance, low_high, pool, one["queries"], best)
    return found


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _text_of(file: Folder | None, read: Callable[[Path], object]) -> str | None:
    """The text of a file of judgements or pairs, which is read first as it is here, so that it fails alike."""
    if file is None:
        return None
    place = place_of(file)
    read(place)
    return place.read_text(encoding="utf-8-sig")
