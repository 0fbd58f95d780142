"""The weights that ship, on studies that are drawn here and read from their files: do they do what their card says?"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from spinecho.encoders.reading.files import read_path
from spinecho.encoders.reading.headers import VolumeRead
from spinecho.encoders.registry import open_encoder
from spinecho.indexer.phantom import write_archive

SEQUENCES = ("T1", "T2", "FLAIR", "DWI")


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> list[VolumeRead]:
    """Of a seed that is neither the training's nor the test's of the card."""
    folder = tmp_path_factory.mktemp("drawn")
    write_archive(folder, studies=8, seed=77)
    found = []
    for series in sorted(path for path in (folder / "dicom").glob("*/*/*") if path.is_dir()):
        found += [item for item in read_path(series, max_volumes=1) if isinstance(item, VolumeRead)]
    return [item for item in found if item.acquisition.sequence in SEQUENCES and not item.acquisition.derived]


@pytest.mark.slow
def test_sequences_are_told_apart_by_pixels_and_found_by_words(volumes: list[VolumeRead]) -> None:
    dual = open_encoder("spinecho", device="cpu")
    assert dual.describer is not None
    assert dual.predictor is not None
    assert dual.aligned_text is not None
    described = dual.describer.describe([dual.image.preparation(item.volume) for item in volumes])
    truth = [item.acquisition.sequence for item in volumes]
    told = [said[0].value for said in dual.predictor.predict(described)]
    right = np.mean([one == other for one, other in zip(told, truth, strict=True)])
    assert right >= 0.9, f"{right:.2f} of {len(truth)} volumes; {Counter(zip(truth, told, strict=True))}"

    rows = np.stack([one.vector for one in described])
    asked = dual.aligned_text.encode([f"{name} MRI of the brain" for name in SEQUENCES])
    for name, likeness in zip(SEQUENCES, asked @ rows.T, strict=True):
        count = truth.count(name)
        first = [truth[at] for at in np.argsort(-likeness)[: min(5, count)]]
        assert first.count(name) >= 0.8 * len(first) > 0, f"{name}: {first}; {count} in a pool of {len(truth)}"
