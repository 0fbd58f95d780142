"""Examples from labelled tables and from the generator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinecho.encoders.training.data.examples import examples
from spinecho.indexer.corpus.from_manifest import read_manifest, write_manifest_shards
from spinecho.indexer.corpus.from_phantom import write_phantom_shards

HEADER = "path,source,subject_id,body_region,sequence,plane,sex,age,diagnosis,content\n"


def test_rows_of_a_table(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(
        HEADER
        + "a.nii.gz,one,s1,brain,T2,axial,M,067Y,,human\n"
        + "b.nii.gz,two,s2,shoulder?,T1,,F,018M,tumour,human\n"
        + "c.nii.gz,two,s3,brain,label,,,,,human\n"
        + "d.nii.gz,skipped,s4,brain,T1,,,,,human\n"
        + "e.nii.gz,one,s5,phantom,T1,,,,,phantom\n"
        + "f.nii.gz,one,s6,knee,T1,,,unknown,,human\n"
    )
    rows = read_manifest(table, skip=("skipped",))
    assert [row.path.name for row in rows] == ["a.nii.gz", "b.nii.gz", "f.nii.gz"]
    assert [row.age_years for row in rows] == [67.0, 1.5, None]
    assert rows[1].region == "shoulder"


def test_real_scans_become_examples(tmp_path: Path, testdata: Path) -> None:
    rows = [row for row in read_manifest(testdata / "manifest.csv") if row.source == "lumbar_t2_chu2015"][:2]
    rows.append(replace(rows[0], path=tmp_path / "gone.nii"))
    failures = write_manifest_shards(tmp_path / "shards", rows)
    found = list(examples(tmp_path / "shards"))
    assert {item.facts.region for item in found} == {"lumbar spine"}
    assert all(max(item.grey.shape) <= 128 and item.grey.dtype == np.uint8 for item in found)
    assert [Path(failure.path).name for failure in failures] == ["gone.nii"]


@pytest.mark.slow
def test_generated_cases_become_examples(tmp_path: Path) -> None:
    pytest.importorskip("nilearn")
    for _ in range(2):  # the second keeps what is there
        write_phantom_shards(tmp_path, seed=5, first=0, last=2, series=1)
    found = list(examples(tmp_path))
    assert [item.facts.study for item in found] == ["5/0", "5/1"]
    assert found[0].facts.texts[0][0] == "report"
    for item in found:
        box = item.facts.labels["lesion_box"]
        for lesion in item.facts.labels["lesions"][:1]:
            if box is not None and lesion["side"] == "left":
                assert box[0] < 0.5, "right is high along R"
