"""Questions that say a fact of the patient or the scan in words: right is decided by the stored facts, not by a text.

Sex, age and vendor of a study of headers are its headers'; sex and age of a caption are what it says; dates are
invented (`home.entries`). A study answers where all facts hold and its text speaks of the subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.answers.home import Entry
from benchmarks.answers.judge import Rule, judge


@dataclass(frozen=True)
class FactQuestion:
    """What is typed, the subject's rule, and the facts that a study must have."""

    text: str
    subject: Rule
    sex: str = ""
    ages: tuple[float, float] | None = None
    """Least and most, both included, in years that are complete: 60.5 is 60."""
    vendor: str = ""
    not_vendor: str = ""
    years: tuple[int, int] | None = None

    def has_facts(self, entry: Entry) -> bool:
        """Whether all facts that are asked for are known of the study, and hold."""
        text = entry.text
        if self.sex and text.sex != self.sex:
            return False
        if self.ages and (text.age is None or not self.ages[0] <= int(text.age) <= self.ages[1]):
            return False
        vendors = {one.vendor.lower() for one in text.series}
        if self.vendor and not any(self.vendor in one for one in vendors):
            return False
        if self.not_vendor and (not vendors or any(self.not_vendor in one for one in vendors)):
            return False
        return self.years is None or self.years[0] <= entry.day.year <= self.years[1]

    def grade(self, entry: Entry) -> int:
        """2 or 0."""
        return 2 if self.has_facts(entry) and judge(self.subject, entry.text.text).grade else 0


def _of(*needs: str) -> Rule:
    return Rule(needs=needs, says=(r".",))


QUESTIONS: Sequence[FactQuestion] = (
    FactQuestion("breast MRI, women over 60", _of("br(?:ea)?st"), "F", (61, 120)),
    FactQuestion("breast MR of women under 40", _of("br(?:ea)?st"), "F", (0, 39)),
    FactQuestion("prostate MRI in men under 60", _of("prosta"), "M", (0, 59)),
    FactQuestion("prostate on Siemens", _of("prosta"), vendor="siemens"),
    FactQuestion("breast dynamic series, GE scanner", _of("breast", "dyn|vibrant"), vendor="ge "),
    FactQuestion("abdomen, Philips", _of("abdom|liver|kidney"), vendor="philips"),
    FactQuestion("brain MRI of women between 50 and 70", _of("brain|head"), "F", (50, 70)),
    FactQuestion("kidney MRI, male, age 40-60", _of("kidney|renal"), "M", (40, 60)),
    FactQuestion("pelvis but not Siemens", _of("pelvi"), not_vendor="siemens"),
    FactQuestion("enthesitis in a child", Rule(find=("enthesitis",)), ages=(0, 17)),
    FactQuestion("boy with hydrocephalus", Rule(find=("hydrocephal",)), "M", (0, 17)),
    FactQuestion("young man with a meniscus tear", Rule(find=("tears?", "menisc")), "M", (18, 35)),
    FactQuestion("left renal mass in a woman", Rule(find=("mass", "renal"), side="left"), "F"),
    FactQuestion("prostate MRI from 2022", _of("prosta"), years=(2022, 2022)),
    FactQuestion("meniscus tear since 2024", Rule(find=("tear", "menisc")), years=(2024, 2030)),
    FactQuestion("breast MRI before 2020", _of("br(?:ea)?st"), years=(1900, 2019)),
)
