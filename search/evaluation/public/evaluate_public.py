"""The evaluation of an encoder on a public data set: the questions that an archive's scans are asked, and its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from spinecho.db.filters.conditions import ASKING
from spinecho.db.queries.learning.self_tests import PairText
from spinecho.db.queries.learning.stated_findings import Stated, stated
from spinecho.encoders.dual import DualEncoder, OfStudies
from spinecho.encoders.language.findings import statements_in
from spinecho.encoders.language.passages import passages
from spinecho.encoders.measuring.candidates import text_groups
from spinecho.encoders.measuring.figures import EmptyPool, EvaluationError, Measured
from spinecho.encoders.measuring.pairs import paired
from spinecho.search.evaluation.evaluate_archive import LONGEST
from spinecho.search.evaluation.of_scans import (
    copy_to_original,
    finding_questions,
    label_questions,
    no_copies,
    same_label,
)
from spinecho.search.evaluation.public.cases import Case, Layout, PublicSet
from spinecho.search.evaluation.public.reading import ReadSet, read_cases
from spinecho.search.evaluation.report_retrieval import by_images, encoded
from spinecho.search.evaluation.values import PROTOCOL, Evaluation, Options, Question, ask


def evaluate_public(
    layout: Layout,
    folder: Path,
    split: str,
    dual: DualEncoder,
    options: Options,
    *,
    keep: Path,
    workers: int,
    tell: Callable[[str], None],
) -> Evaluation:
    """Read one part of a data set and measure the encoder on it; vectors are kept in `keep`.

    Raises `EvaluationError` for a part that has no case whose scans lie there, and `EmptyPool` where nothing can be
    measured.
    """
    tell(f"reading texts of {layout.name}")
    found = layout.read(folder, split)
    if not found.cases:
        why = "; ".join(f"{number:,}: {reason}" for reason, number in found.left_out.items())
        raise EvaluationError(
            f"no case of the part {split!r} of {layout.name} lies in {folder}{f' ({why})' if why else ''}; name "
            "another with --split, such as all"
        )
    whole = isinstance(dual.image, OfStudies)
    copied = [] if whole else options.chosen(len(found.cases), options.copies)
    read = read_cases(
        found.cases, dual, keep, copied=frozenset(found.cases[place].key for place in copied), seed=options.seed,
        workers=workers, tell=tell,
    )  # fmt: skip
    if not read.volumes:
        raise EvaluationError(f"none of the scans in {folder} could be read: {_counted(read.unread)}")
    asked = ask(list(_questions(found, read, dual, options)), tell)
    return Evaluation(
        asked,
        {
            "name": dual.name, "image": dual.image.space.label, "text": dual.text.space.label, "aligned": dual.aligned,
        },
        {
            "studies": len({volume.study_uid for volume in read.volumes}), "volumes": len(read.volumes),
            "patients": len({volume.patient_id for volume in read.volumes}),
            "reports": sum(bool(case.text.strip()) for case in found.cases),
        },
        warnings=tuple(_warnings(found, read, dual)),
        settings=options.to_json(),
        protocol={
            "name": f"public/{layout.name}", "version": f"{PROTOCOL}.{layout.version}", "split": split,
            "cases": len(found.cases), "digest": found.digest, "left_out": dict(found.left_out),
            "unread": dict(read.unread),
        },
    )  # fmt: skip


def _questions(found: PublicSet, read: ReadSet, dual: DualEncoder, options: Options) -> Iterator[Question]:
    volumes, rows = read.volumes, read.rows
    yield from label_questions(volumes, rows, options)
    of_case = {case.key: case for case in found.cases}
    for name in sorted({name for case in found.cases for name in case.labels}):
        values = [of_case[volume.study_uid].labels.get(name, "unknown") for volume in volumes]
        about = f"a scan's nearest scans have the same {name}, as the data set says it; other patients only"
        yield f"label: {name}", about, partial(same_label, volumes, rows, values, None, options)
    if dual.aligned_text is not None:
        encode = partial(encoded, dual.aligned_text)
        there = {volume.study_uid for volume in volumes}
        cases = [case for case in found.cases if case.key in there and case.text.strip()]
        texts = [(case.key, case.patient, case.text) for case in cases]
        if texts:
            uids = [case.key for case in cases]
            groups = dict(zip(uids, text_groups([case.text for case in cases], uids).tolist(), strict=True))
            words = encode([text for _, _, text in texts])
            about = "the text of a case against its scans' own vectors"
            options_of: dict[str, Any] = {"groups": groups, "chosen": options.chosen, **options.draw}
            for name, measure in by_images(texts, words, volumes, rows, **options_of):
                yield name, about, measure
        if _tells_apart(read, of_case):
            yield (
                "text of a scan to scan, same sequence",
                "what was written about one scan finds it among the scans of its sequence",
                lambda: _of_scans(read, encode, options),
            )
        told = {case.key: said(case.text) for case in cases}
        yield from finding_questions(
            volumes,
            rows,
            encode,
            {key: findings for key, (findings, _) in told.items()},
            lambda: [PairText(case.key, case.patient, told[case.key][1]) for case in cases if told[case.key][1]],
            options,
        )
    about = "a scan that was changed a little (shading, contrast, noise, field of view, resolution) finds its original"
    yield "robust: varied copy", about, partial(_copies, read, options)


def _copies(read: ReadSet, options: Options) -> Measured:
    if not read.copies:
        no_copies(options)
    return copy_to_original(read.volumes, read.rows, read.copies, options)


def _tells_apart(read: ReadSet, of_case: Mapping[str, Case]) -> bool:
    """Whether scans have texts of their own, beside that of their case."""
    return any(
        text.strip() and text != of_case[volume.study_uid].text
        for volume, text in zip(read.volumes, read.texts, strict=True)
    )


def _of_scans(read: ReadSet, encode: Callable[[Any], Any], options: Options) -> Measured:
    written = [row for row, text in enumerate(read.texts) if text.strip()]
    if not written:
        raise EmptyPool("no scan has a text of its own")
    asking = [written[place] for place in options.chosen(len(written))]
    groups = dict(zip(written, text_groups([read.texts[row] for row in written]).tolist(), strict=True))
    return paired(
        encode([read.texts[row] for row in asking]),
        read.rows[written],
        query_uids=asking,
        gallery_uids=written,
        patients=[read.volumes[row].patient_id for row in asking],
        query_groups=[groups[row] for row in asking],
        gallery_groups=[groups[row] for row in written],
        hard=([read.volumes[row].sequence for row in asking], [read.volumes[row].sequence for row in written]),
        **options.draw,
    )


def said(text: str) -> tuple[Stated, str]:
    """(findings that a text affirms and leaves open, what it affirms in its words), by its clauses."""
    affirmed: set[str] = set()
    left_open: set[str] = set()
    words: list[str] = []
    for passage in passages(text):
        if passage.section in ASKING:
            continue
        for one in statements_in(passage):
            if one.assertion == "present":
                affirmed.update(one.concepts)
                told = " ".join(one.text.split()).rstrip(".;,:")
                if told and sum(map(len, words)) + len(told) <= LONGEST:
                    words.append(f"{told}.")
            elif one.assertion != "absent":
                left_open.update(one.concepts)
    return stated(affirmed, left_open), " ".join(words)


def _warnings(found: PublicSet, read: ReadSet, dual: DualEncoder) -> Iterator[str]:
    yield from found.warnings
    if found.left_out:
        yield f"left out: {_counted(found.left_out)}"
    if read.unread:
        yield f"files that could not be read: {_counted(read.unread)}"
    if not dual.aligned:
        yield "text and images are not aligned: nothing is measured from a text to a scan's own vector"


def _counted(numbers: Mapping[str, int]) -> str:
    return "; ".join(f"{number:,} {reason}" for reason, number in numbers.items()) or "no reason is known"
