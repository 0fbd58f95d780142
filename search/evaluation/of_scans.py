"""Questions that scans are asked by their vectors: labels, findings in words within a body region, and robustness.

Pure functions over facts and arrays, so that an archive and a public data set are asked the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NoReturn

import numpy as np

from spinecho.db.queries.learning.evaluating import VolumeFacts
from spinecho.db.queries.learning.self_tests import PairText
from spinecho.db.queries.learning.stated_findings import Stated
from spinecho.encoders.language.vocabulary import concept, names
from spinecho.encoders.measuring.candidates import Candidates, text_groups
from spinecho.encoders.measuring.figures import EmptyPool, Measured
from spinecho.encoders.measuring.findings import FindingPool, by_finding
from spinecho.encoders.measuring.labels import by_label
from spinecho.encoders.measuring.metrics import Floats
from spinecho.encoders.measuring.pairs import paired
from spinecho.search.evaluation.values import Options, Question

LEAST = 20
"""Patients whose reports affirm a finding in a body region, and others: with fewer of either it is not asked for."""
MOST = 60
"""Findings that are asked for, each in one body region: those that most patients have."""
Encode = Callable[[Sequence[str]], Floats]
"""Texts to (n, dim) unit rows in the scans' space."""


def label_questions(volumes: Sequence[VolumeFacts], rows: Floats, options: Options) -> Iterator[Question]:
    """Are the nearest scans of the same body region, sequence within the region, and plane?"""
    regions = [volume.body_region for volume in volumes]
    labels = {
        "body region": (regions, None, "a scan's nearest scans show the same body region"),
        "sequence": (
            [volume.sequence for volume in volumes],
            regions,
            "a scan's nearest scans within its body region are of the same sequence",
        ),
        "plane": ([volume.plane for volume in volumes], None, "a scan's nearest scans lie in the same plane"),
    }
    for name, (values, within, about) in labels.items():
        yield (
            f"label: {name}",
            f"{about}; other {'patients' if options.exclude == 'patient' else 'studies'} only",
            partial(same_label, volumes, rows, values, within, options),
        )


def same_label(
    volumes: Sequence[VolumeFacts], rows: Floats, values: Sequence[str], within: Sequence[str] | None, options: Options
) -> Measured:
    """`by_label` over the scans whose value of `within` is known."""
    kept = [row for row in range(len(volumes)) if within is None or within[row] != "unknown"]
    return by_label(
        rows[kept],
        [values[row] for row in kept],
        subjects=[volumes[row].patient_id for row in kept],
        studies=[volumes[row].study_uid for row in kept],
        exclude=options.exclude,
        queries=options.chosen(len(kept)),
        within=[within[row] for row in kept] if within is not None else None,
        **options.draw,
    )


def finding_questions(
    volumes: Sequence[VolumeFacts],
    rows: Floats,
    encode: Encode,
    stated: Mapping[str, Stated],
    affirmed: Callable[[], Sequence[PairText]],
    options: Options,
) -> Iterator[Question]:
    """Findings within one body region: by their names, and by all that a report affirms.

    stated: by study UID; affirmed: what reports affirm, in words, asked for once it is needed.
    """
    yield (
        "finding to studies, by scans, same region",
        "the name of a finding against the scans of one body region: studies whose reports affirm it should come "
        f"first, those that leave it open do not count; up to {MOST} findings, each affirmed for {LEAST} patients and "
        f"for {LEAST} others not",
        lambda: by_finding(finding_pools(volumes, rows, encode, stated), **options.draw),
    )
    yield (
        "findings to study, by scans, same region",
        "what a report affirms, without what it denies or doubts, finds its study among those of the same body region",
        lambda: affirmed_to_study(volumes, rows, encode, affirmed(), options),
    )


def finding_pools(
    volumes: Sequence[VolumeFacts], rows: Floats, encode: Encode, stated: Mapping[str, Stated]
) -> list[FindingPool]:
    """One for each finding and body region. A study is there with its scans of that region and ranks by the best.

    A study has a finding that its report affirms anywhere, a narrower one too; one that leaves it open is not compared.
    Raises `EmptyPool` where no finding is affirmed often enough.
    """
    of_region: dict[str, list[int]] = {}
    for row, volume in enumerate(volumes):
        if volume.body_region != "unknown" and volume.study_uid in stated:
            of_region.setdefault(volume.body_region, []).append(row)
    owner = {volume.study_uid: volume.patient_id or volume.study_uid for volume in volumes}
    asked: list[tuple[int, str, str, list[str]]] = []
    for region, members in sorted(of_region.items()):
        studies = list(dict.fromkeys(volumes[row].study_uid for row in members))
        for finding, with_it in sorted(_owners(studies, stated, owner).items()):
            if len(with_it) < LEAST:
                continue
            kept = [uid for uid in studies if finding not in stated[uid].left_open]
            if len({owner[uid] for uid in kept if finding not in stated[uid].affirmed}) >= LEAST:
                asked.append((len(with_it), finding, region, kept))
    asked = sorted(asked, key=lambda one: (-one[0], one[1], one[2]))[:MOST]
    if not asked:
        raise EmptyPool(
            f"no finding is affirmed for {LEAST} patients of one body region and not for {LEAST} others: it takes more "
            "studies with reports"
        )
    named = [names(finding)[0] for _, finding, _, _ in asked]
    words = encode(named)
    pools = []
    for (_, finding, region, kept), name, query in zip(asked, named, words, strict=True):
        mine = set(kept)
        members = [row for row in of_region[region] if volumes[row].study_uid in mine]
        scores = Candidates([volumes[row].study_uid for row in members]).best((rows[members] @ query)[None])[0]
        uids = list(dict.fromkeys(volumes[row].study_uid for row in members))
        has = np.array([finding in stated[uid].affirmed for uid in uids], dtype=np.bool_)
        pools.append(FindingPool(f"{name}, {region}", scores, has, [owner[uid] for uid in uids]))
    return pools


def affirmed_to_study(
    volumes: Sequence[VolumeFacts], rows: Floats, encode: Encode, texts: Sequence[PairText], options: Options
) -> Measured:
    """Recall of studies by what their reports affirm, within each body region, each by its best scan of it."""
    known = [row for row, volume in enumerate(volumes) if volume.body_region != "unknown"]
    regions: dict[str, dict[str, None]] = {}
    for row in known:
        regions.setdefault(volumes[row].study_uid, {})[volumes[row].body_region] = None
    copies = [(number, region) for number, one in enumerate(texts) for region in regions.get(one.study_uid, ())]
    if not copies:
        raise EmptyPool("no report of a study whose scans show a known body region affirms anything")
    asking = [copies[place] for place in options.chosen(len(copies))]
    group = dict(zip([one.study_uid for one in texts], text_groups([one.text for one in texts]).tolist(), strict=True))
    asked = list(dict.fromkeys(number for number, _ in asking))
    place = {number: row for row, number in enumerate(asked)}
    words = encode([texts[number].text for number in asked])
    return paired(
        words[[place[number] for number, _ in asking]],
        rows[known],
        query_uids=[texts[number].study_uid for number, _ in asking],
        gallery_uids=[volumes[row].study_uid for row in known],
        patients=[texts[number].patient for number, _ in asking],
        query_groups=[group[texts[number].study_uid] for number, _ in asking],
        gallery_groups=[group.get(volumes[row].study_uid) for row in known],
        hard=([region for _, region in asking], [volumes[row].body_region for row in known]),
        **options.draw,
    )


def copy_to_original(
    volumes: Sequence[VolumeFacts], rows: Floats, copies: Mapping[int, Floats | None], options: Options
) -> Measured:
    """Recall of the original of a varied copy; copies: by the scan's row its vector, None where it was not read again.

    Scans that are stored several times are one: any of them is the original.
    """
    read = [row for row, vector in copies.items() if vector is not None]
    if not read:
        raise EmptyPool(f"none of {len(copies)} scans could be read again from its files")
    same = [np.asarray(row).tobytes() for row in rows]
    done = paired(
        np.stack([np.asarray(copies[row], np.float64) for row in read]),
        rows,
        query_uids=read,
        gallery_uids=range(len(volumes)),
        patients=[volumes[row].patient_id or volumes[row].study_uid for row in read],
        query_groups=[same[row] for row in read],
        gallery_groups=same,
        ks=(1, 10),
        **options.draw,
    )
    if missing := len(copies) - len(read):
        left_out = {**done.left_out, "not read again from their files": missing}
        return Measured(done.figures, done.units, done.resampled, done.parts, left_out)
    return done


def other_scanner(volumes: Sequence[VolumeFacts], rows: Floats, options: Options) -> Measured:
    """Does a scan find its own patient on another scanner, among others' scans of the same body region and sequence?

    A patient's scan of one study is put against the patient's scans of other studies that another model made.
    Raises `EmptyPool` where no patient has both.
    """
    of_patient: dict[tuple[str, tuple[str, str]], list[int]] = {}
    usable = [
        row
        for row, one in enumerate(volumes)
        if one.scanner and one.patient_id and "unknown" not in (one.body_region, one.sequence)
    ]
    for row in usable:
        of_patient.setdefault((volumes[row].patient_id, _kind(volumes[row])), []).append(row)
    queries, hidden = [], set()
    for members in of_patient.values():
        first = volumes[members[0]]
        apart = [
            row
            for row in members
            if volumes[row].scanner != first.scanner and volumes[row].study_uid != first.study_uid
        ]
        if apart:
            queries.append(members[0])
            hidden.update(set(members) - set(apart))
    if not queries:
        raise EmptyPool(
            f"no patient has scans of one body region and sequence in two studies from scanners of two models, of "
            f"{len(usable):,} scans whose patient, scanner, region and sequence are known"
        )
    asking = [queries[place] for place in options.chosen(len(queries))]
    gallery = [row for row in usable if row not in hidden]
    return paired(
        rows[asking],
        rows[gallery],
        query_uids=[volumes[row].patient_id for row in asking],
        gallery_uids=[volumes[row].patient_id for row in gallery],
        patients=[volumes[row].patient_id for row in asking],
        hard=([_kind(volumes[row]) for row in asking], [_kind(volumes[row]) for row in gallery]),
        ks=(1, 10),
        **options.draw,
    )


def _kind(volume: VolumeFacts) -> tuple[str, str]:
    return volume.body_region, volume.sequence


def _owners(studies: Sequence[str], stated: Mapping[str, Stated], owner: Mapping[str, str]) -> dict[str, set[str]]:
    """By finding, the patients for whom it is affirmed."""
    found: dict[str, set[str]] = {}
    for uid in studies:
        for name in stated[uid].affirmed:
            found.setdefault(name, set()).add(owner[uid])
    return {name: patients for name, patients in found.items() if _is_finding(name)}


def _is_finding(ident: str) -> bool:
    found = concept(ident)
    return found is not None and found.kind == "finding"


def no_copies(options: Options) -> NoReturn:
    """Why copies were not made, as a question's measure."""
    raise EmptyPool(
        "no copies were made: give --copies 100 to have so many scans read again and changed"
        if not options.copies
        else "an encoder of whole studies has no vector of a scan alone"
    )
