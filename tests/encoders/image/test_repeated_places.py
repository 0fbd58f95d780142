"""Slices at the same places: which belong together, by every convention that scanners have, in every order of files."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from spinecho.encoders.reading.files import read_series, scan_file
from spinecho.encoders.reading.headers import FileFailure, Flag, Header, VolumeRead

VOLUMES, SLICES = 3, 4
ODD = {Flag.ORDER_GUESSED, Flag.SLICES_REPEATED, Flag.SLICES_MISSING}
Change = Callable[[Any, int, int], None]


def number(data: Any, volume: int, place: int) -> None:
    data.InstanceNumber = 1 + volume * SLICES + place


def by_slice(data: Any, volume: int, place: int) -> None:
    data.InstanceNumber = 1 + place * VOLUMES + volume


def package(data: Any, volume: int, place: int) -> None:
    data.AcquisitionNumber = 1 + 2 * volume + place % 2


def straddling(data: Any, volume: int, place: int) -> None:
    number(data, volume, place)
    data.AcquisitionTime = "212508" if place < 2 else "212509"


def ticking(data: Any, volume: int, place: int) -> None:
    data.AcquisitionTime = f"1010{(volume * SLICES + place) // 3:02d}"
    number(data, volume, place)


def of_each_slice(data: Any, volume: int, place: int) -> None:
    data.AcquisitionTime = f"1010{volume * SLICES + place:02d}"


def jittered_trigger(data: Any, volume: int, place: int) -> None:
    data.TriggerTime = 40.0 * volume + 3.0 * place


def slice_times(data: Any, volume: int, place: int) -> None:
    data.TriggerTime = 100.0 * place
    data.AcquisitionTime = f"10100{volume}"


def direction(data: Any, volume: int, place: int) -> None:
    block = data.private_block(0x19, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0E, "FD", [np.cos(volume), np.sin(volume), 1e-4 * place])


def comment(data: Any, volume: int, place: int) -> None:
    data.ImageComments = f"b=1000({np.cos(volume):.3f},{np.sin(volume):.3f},0.000)"


def set_to(name: str, base: float, step: float) -> Change:
    return lambda data, volume, _place: setattr(data, name, base + step * volume)


CONVENTIONS: dict[str, Change] = {
    "numbers": number,
    "numbers slice by slice": by_slice,
    "packages": package,
    "clock that ticks within a volume": straddling,
    "clock that ticks anywhere": ticking,
    "time of each slice": of_each_slice,
    "trigger with jitter": jittered_trigger,
    "times of slices within TR": slice_times,
    "directions": direction,
    "comments": comment,
    "temporal": set_to("TemporalPositionIdentifier", 1, 1),
    "acquisition": set_to("AcquisitionNumber", 1, 1),
    "trigger": set_to("TriggerTime", 0.0, 15.5),
    "echo": set_to("EchoTime", 0.03, 0.04),
    "echoes far apart": set_to("EchoTime", 5.0, 5.0),
    "inversion": set_to("InversionTime", 100.0, 250.0),
    "flip": set_to("FlipAngle", 5.0, 5.0),
    "clock": lambda data, volume, _place: setattr(data, "AcquisitionTime", f"10{volume}000"),
}


def jitter(data: Any, chance: random.Random) -> None:
    """What exports round: within every tolerance, on either side of every edge."""
    data.ImagePositionPatient = [float(v) + chance.uniform(-0.009, 0.009) for v in data.ImagePositionPatient]
    turn = chance.uniform(-0.001, 0.001)
    data.ImageOrientationPatient = [np.cos(turn), np.sin(turn), 0, -np.sin(turn), np.cos(turn), 0]
    data.PixelSpacing = [2.0005 + chance.uniform(-4e-4, 4e-4), 1.5]


def written(
    kit: Any, folder: Path, change: Change, *, chance: random.Random, shaken: bool = False, drop: int = 0
) -> list[Header]:
    """Headers of all slices; a pixel says which volume and place it is of. The last `drop` were never taken."""
    headers = []
    names = list(range(VOLUMES * SLICES))
    chance.shuffle(names)  # file names and UIDs tell nothing
    for index, name in list(enumerate(names))[: VOLUMES * SLICES - drop]:
        volume, place = divmod(index, SLICES)
        data = kit.slice_dataset(place)
        data.SOPInstanceUID = f"1.2.3.2.{name + 1}"
        data.PixelData = (np.arange(30, dtype="<u2") + 1000 * volume + 100 * place).tobytes()
        change(data, volume, place)
        if shaken:
            jitter(data, chance)
        headers.append(scan_file(kit.write(folder / f"{name:03d}.dcm", data), root=folder))
    return headers


def read(headers: Sequence[Header]) -> list[VolumeRead]:
    results = list(read_series(headers, max_volumes=100))
    assert not any(isinstance(result, FileFailure) for result in results)
    return [result for result in results if isinstance(result, VolumeRead)]


def is_pure(result: VolumeRead) -> bool:
    return len(set((result.volume.voxels // 1000).ravel().tolist())) == 1


def is_odd(result: VolumeRead) -> bool:
    return bool(ODD & set(result.flags))


@pytest.mark.parametrize("shaken", [False, True])
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_convention_gives_whole_volumes(kit: Any, tmp_path: Path, convention: str, *, shaken: bool) -> None:
    chance = random.Random(f"{convention} {shaken}")
    headers = written(kit, tmp_path, CONVENTIONS[convention], chance=chance, shaken=shaken)
    found = read(headers)
    assert len(found) == VOLUMES
    assert all(is_pure(one) and not is_odd(one) for one in found)
    assert all(one.volume.voxels.shape == (5, 6, SLICES) for one in found)
    assert sorted(one.volume.voxels.min() // 1000 for one in found) == [0, 1, 2]
    for _ in range(3):
        chance.shuffle(headers)
        again = read(headers)
        assert [one.key for one in again] == [one.key for one in found]
        assert all((a.volume.voxels == b.volume.voxels).all() for a, b in zip(again, found, strict=True))


def test_nothing_but_names_is_a_guess_and_says_so(kit: Any, tmp_path: Path) -> None:
    found = read(written(kit, tmp_path, lambda *_: None, chance=random.Random(3)))
    assert len(found) == VOLUMES
    assert all(Flag.ORDER_GUESSED in one.flags for one in found)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    order=st.permutations(range(SLICES)),
    ticks=st.lists(st.integers(0, 1), min_size=VOLUMES * SLICES, max_size=VOLUMES * SLICES),
    drop=st.integers(0, 6),
    counted=st.booleans(),
    name=st.sampled_from(["acquisition_time", "content_time", "acquired", "trigger", "acquisition", "time_offset"]),
)
@example(order=[0, 1, 2, 3], ticks=[0, 0, 0, 1, *[0] * 8], drop=5, counted=False, name="trigger")
@example(order=[0, 1, 2, 3], ticks=[0, 0, 0, 1, *[0] * 8], drop=5, counted=False, name="acquisition")
@example(order=[0, 1, 2, 3], ticks=[0, 0, 0, 1, *[0] * 8], drop=5, counted=False, name="time_offset")
@example(order=[1, 0, 3, 2], ticks=[0, 0, 1, 1, 1, 0, 1, 1, 0, 1, 0, 1], drop=4, counted=False, name="acquired")
def test_no_clock_tears_or_mixes_volumes_unsaid(
    kit: Any, tmp_path: Path, order: list[int], ticks: list[int], drop: int, counted: bool, name: str
) -> None:
    """A clock that rises as slices are taken, however it ticks, in whatever order the slices of a volume are taken."""
    folder = tmp_path / "same"
    if not folder.exists():
        folder.mkdir()
        cache[str(folder)] = written(kit, folder, lambda *_: None, chance=random.Random(1))
    taken = [cache[str(folder)][volume * SLICES + place] for volume in range(VOLUMES) for place in order]
    headers = []
    for at, header in enumerate(taken[: len(taken) - drop]):
        clock = sum(ticks[: at + 1])
        value: Any = f"1010{clock:02d}" if name.endswith("_time") or name == "acquired" else float(clock)
        facts = {**header.detail["facts"], name: value}
        if counted:
            facts["instance"] = at + 1
        headers.append(replace(header, detail={**header.detail, "facts": facts}))
    for one in read(headers):
        assert is_pure(one) or is_odd(one), (one.key, one.flags)


cache: dict[str, list[Header]] = {}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    base=st.floats(0.3, 3.0),
    shift=st.lists(st.floats(0, 0.0012), min_size=SLICES, max_size=SLICES),
    turn=st.floats(-3, 3),
    echo=st.floats(1, 100),
    order=st.permutations(range(SLICES)),
)
def test_no_rounding_edge_parts_a_volume(
    kit: Any, tmp_path: Path, base: float, shift: list[float], turn: float, echo: float, order: list[int]
) -> None:
    folder = tmp_path / "one"
    if not folder.exists():
        folder.mkdir()
        cache[str(folder)] = written(kit, folder, number, chance=random.Random(2))[:SLICES]
    headers = []
    for at in order:
        header, off = cache[str(folder)][at], shift[at]
        axes = np.array([np.cos(turn + off), np.sin(turn + off), 0, -np.sin(turn + off), np.cos(turn + off), 0])
        facts = {
            **header.detail["facts"],
            "pixel_spacing": [base + off, base],
            "orientation": axes.tolist(),
            "te": echo + 10 * off,
            "position": [0.0, 0.0, 3.0 * at + off],
        }
        headers.append(replace(header, detail={**header.detail, "facts": facts}))
    assert len(read(headers)) == 1


def test_a_drifting_direction_is_one_volume_and_two_directions_are_two(kit: Any, tmp_path: Path) -> None:
    sets = [kit.slice_dataset(n) for n in range(12)]
    for n, data in enumerate(sets):
        turn = 0.0006 * n
        data.ImageOrientationPatient = [np.cos(turn), np.sin(turn), 0, -np.sin(turn), np.cos(turn), 0]
    paths = [kit.write(tmp_path / f"{n}.dcm", data) for n, data in enumerate(sets)]
    assert [r.volume.voxels.shape[2] for r in kit.read_all(paths, tmp_path)] == [12]
    for n, data in enumerate(sets):
        turn = 0.05 * (n // 6)
        data.ImageOrientationPatient = [np.cos(turn), np.sin(turn), 0, -np.sin(turn), np.cos(turn), 0]
    paths = [kit.write(tmp_path / f"{n}.dcm", data) for n, data in enumerate(sets)]
    assert [r.volume.voxels.shape[2] for r in kit.read_all(paths, tmp_path)] == [6, 6]


def test_a_volume_that_turns_by_small_steps_is_suspect(kit: Any, series_of: Any) -> None:
    sets = [kit.slice_dataset(n) for n in range(12)]
    for n, data in enumerate(sets):
        turn = 0.004 * n
        data.ImageOrientationPatient = [np.cos(turn), np.sin(turn), 0, -np.sin(turn), np.cos(turn), 0]
    (found,) = series_of(sets)
    assert Flag.GEOMETRY_SUSPECT in found.flags


@pytest.mark.parametrize("told", ["numbers", "numbers from 1", "acquisition", "time", "nothing"])
def test_slices_taken_again_are_never_mixed_with_the_first_run(kit: Any, tmp_path: Path, told: str) -> None:
    """Ten slices, then three of them again, with UIDs that sort before those of the first run."""
    paths = []
    for run, count in ((0, 10), (1, 3)):
        (tmp_path / str(run)).mkdir()
        for place in range(count):
            data = kit.slice_dataset(place)
            data.SOPInstanceUID = f"1.2.3.2.{5 - run}.{place + 1}"
            data.PixelData = (np.arange(30, dtype="<u2") + 1000 * run + 100 * (place + 1) % 1000).tobytes()
            data.InstanceNumber = place + 1 + (100 * run if told == "numbers" else 0)
            if told == "acquisition":
                data.AcquisitionNumber = run + 1
            if told == "time":
                data.AcquisitionTime = f"1{run}1010"
            folder = tmp_path if told == "nothing" else tmp_path / str(run)
            paths.append(kit.write(folder / f"{run}{place}.dcm", data))
    found = [one for one in kit.read_all(paths, tmp_path) if isinstance(one, VolumeRead)]
    longest = max(found, key=lambda one: one.volume.voxels.shape[2])
    assert longest.volume.voxels.shape[2] == 10
    assert is_pure(longest) or told == "nothing"
    assert any(ODD & set(one.flags) for one in found)


def test_two_runs_with_the_same_numbers_are_told_apart_by_folder(kit: Any, tmp_path: Path) -> None:
    paths = []
    for run in range(2):
        (tmp_path / f"run{run}").mkdir()
        for place in range(5):
            data = kit.slice_dataset(place)
            data.SOPInstanceUID = f"1.2.3.2.{(place * 7 + run * 3) % 5 + 1}.{run}"
            data.InstanceNumber = place + 1
            data.PixelData = (np.arange(30, dtype="<u2") + 1000 * run + 100 * place).tobytes()
            paths.append(kit.write(tmp_path / f"run{run}" / f"{place}.dcm", data))
    found = kit.read_all(paths, tmp_path)
    assert [one.volume.voxels.min() // 1000 for one in found] == [0, 1]
    assert all(is_pure(one) and not is_odd(one) for one in found)


def test_a_run_that_broke_off_is_flagged(kit: Any, tmp_path: Path) -> None:
    found = read(written(kit, tmp_path, CONVENTIONS["temporal"], chance=random.Random(4), drop=1))
    assert [Flag.SLICES_MISSING in one.flags for one in found] == [False, False, True]
    assert found[2].notes["slices_missing"] == 1


def test_a_value_that_each_slice_has_for_itself_does_not_crumble_a_volume(kit: Any, series_of: Any) -> None:
    sets = [kit.slice_dataset(n) for n in range(6)]
    for n, data in enumerate(sets):
        data.EchoTime = 10 + 2 * n
    assert [one.volume.voxels.shape[2] for one in series_of(sets)] == [6]


def test_enhanced_frames_without_positions_go_by_their_number_in_the_stack(kit: Any, series_of: Any) -> None:
    data = kit.enhanced_dataset([0.0] * 6)
    for index, item in enumerate(data.PerFrameFunctionalGroupsSequence):
        del item.PlanePositionSequence
        item.FrameContentSequence[0].InStackPositionNumber = 3 - index // 2
        item.FrameContentSequence[0].TemporalPositionIndex = 1 + index % 2
    found = series_of([data])
    assert [one.volume.voxels.shape for one in found] == [(5, 6, 3)] * 2
    assert all(Flag.GEOMETRY_SUSPECT in one.flags for one in found)
    corners = [sorted(one.volume.voxels.min(axis=(0, 1)).tolist()) for one in found]
    assert corners == [[5, 205, 405], [105, 305, 505]]


@pytest.mark.parametrize("name", ["EchoTime", "DiffusionBValue"])
def test_a_value_that_alternates_between_slices_does_not_tear_a_volume(kit: Any, series_of: Any, name: str) -> None:
    def slices(places: Sequence[float], value: float) -> list[Any]:
        sets = []
        for place in places:
            data = kit.slice_dataset(int(place * 10), position=[-10.0, -20.0, place])
            data.SOPInstanceUID = f"1.2.3.2.{value:.0f}.{int(place * 10) + 1}"
            setattr(data, name, value)
            sets.append(data)
        return sets

    assert len(series_of([*slices([0, 6, 12, 18], 60.0), *slices([3, 9, 15, 21], 70.0)])) == 1
    assert len(series_of([*slices([0, 3, 6, 9], 60.0), *slices([1.5, 4.5, 7.5, 10.5], 70.0)])) == 2  # 3 mm thick
    assert len(series_of([*slices([0, 3, 6, 9], 60.0), *slices([0.4, 3.4, 6.4, 9.4], 70.0)])) == 2  # moved
    assert len(series_of([*slices([0, 3, 6, 9], 60.0), *slices([0, 3, 6, 9], 70.0)])) == 2
    assert len(series_of([*slices([0, 3, 6, 9], 60.0), *slices([12, 15, 18, 21], 70.0)])) == 2  # two slabs


@pytest.mark.parametrize("spacing", [6.0, 3.0, None])
@pytest.mark.parametrize("shift", [3.0, 2.0, 5.0])
@pytest.mark.parametrize("name", ["AcquisitionNumber", "TemporalPositionIdentifier"])
def test_runs_whose_slices_lie_among_one_another_are_volumes_of_their_own(
    kit: Any, series_of: Any, name: str, shift: float, spacing: float | None
) -> None:
    """Slices of 6 mm that lie 3 mm apart are of two runs; where the header gives 3 mm they are two halves of one."""
    slices = []
    for run, place in itertools.product(range(2), range(5)):
        data = kit.slice_dataset(5 * run + place, position=[-10.0, -20.0, 6.0 * place + shift * run])
        data.SliceThickness, data.InstanceNumber = spacing or 6.0, 5 * run + place + 1
        if spacing is not None:
            data.SpacingBetweenSlices = spacing
        setattr(data, name, run + 1)
        data.PixelData = (np.arange(30, dtype="<u2") + 1000 * (run + 1)).tobytes()
        slices.append(data)
    found = [one for one in series_of(slices) if isinstance(one, VolumeRead)]
    if spacing != 3.0:
        assert [(one.volume.voxels.shape[2], one.volume.spacing_mm[2], one.flags) for one in found] == [(5, 6, ())] * 2
        assert [np.ptp(one.volume.voxels) for one in found] == [29, 29]
        assert found[1].volume.affine[2, 3] - found[0].volume.affine[2, 3] == pytest.approx(shift)
    else:
        assert [one.volume.voxels.shape[2] for one in found] == [10]
        assert bool(found[0].flags) == (shift != 3.0)
