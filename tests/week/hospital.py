"""A hospital's folder of studies and reports, and what happens to it from day to day."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from small_studies import small_study, study_uid

FINDINGS = (
    "a meningioma", "an acute infarct", "a pituitary tumour", "a subdural haematoma", "a cavernous malformation",
    "an arachnoid cyst", "a glioblastoma", "multiple sclerosis plaques", "an aneurysm", "an abscess",
    "a vestibular schwannoma", "hippocampal sclerosis", "hydrocephalus",
)  # fmt: skip
PLACES = ("left frontal lobe", "right temporal lobe", "left cerebellum", "right parietal lobe", "left thalamus")


@dataclass
class Hospital:
    """Below `folder` lie `scans` and `reports`. Studies have numbers from 0 on."""

    folder: Path
    known: dict[int, str] = field(default_factory=dict)
    """By study that is there: the finding of its report as it is now."""
    places: dict[int, Path] = field(default_factory=dict)
    """Where its scans are now."""
    torn: dict[Path, bytes] = field(default_factory=dict)
    """Files that are not what they were, and what they were."""
    next: int = 0
    """The number of the next study."""
    gone: bool = False
    """Whether something went since this was last set back."""

    def receive(self, number: int) -> None:
        """A new study with its report."""
        self.next = max(self.next, number + 1)
        self.places[number] = self.folder / "scans" / str(number)
        small_study(self.folder / "scans", number, slices=2)
        self.report(number, FINDINGS[number % len(FINDINGS)])

    def report(self, number: int, finding: str) -> None:
        """Write the report of a study, or write it again."""
        self.known[number] = finding
        path = self.folder / "reports" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        place = PLACES[number % len(PLACES)]
        path.write_text(
            f"Accession: ACC{number}\nTECHNIQUE: T1 and T2 of the brain.\n"
            f"FINDINGS: There is {finding} in the {place}. No fracture.\nIMPRESSION: Likely {finding}, {place}.\n"
        )

    def move(self, number: int, name: str) -> None:
        """Its scans are moved to a folder of another name."""
        place = self.folder / "scans" / name
        old = self.places[number]
        old.rename(place)
        self.places[number] = place
        self.torn = {
            place / path.relative_to(old) if path.is_relative_to(old) else path: held
            for path, held in self.torn.items()
        }

    def tear(self, number: int) -> Path:
        """One of its files loses its second half."""
        path = sorted(self.places[number].rglob("*.dcm"))[0]
        self.torn[path] = path.read_bytes()
        path.write_bytes(self.torn[path][: len(self.torn[path]) // 2])
        return path

    def mend(self) -> None:
        """What was torn is there again as it was."""
        for path, content in self.torn.items():
            if path.exists():
                path.write_bytes(content)
        self.torn.clear()

    def remove(self, number: int) -> None:
        """The study goes, and its report."""
        self.gone = True
        self.torn = {path: held for path, held in self.torn.items() if self.places[number] not in path.parents}
        shutil.rmtree(self.places.pop(number))
        (self.folder / "reports" / f"{number}.txt").unlink()
        del self.known[number]

    def with_finding(self, finding: str) -> set[str]:
        """The studies whose report affirms it now, however often it was another."""
        return {study_uid(number) for number, one in self.known.items() if finding in one}

    def scans(self) -> list[Path]:
        """Where each file of a scan lies now."""
        return sorted((self.folder / "scans").rglob("*.dcm"))
