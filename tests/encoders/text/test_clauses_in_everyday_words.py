"""What colleagues say in everyday words, each way over several findings: denials, doubts, and what is of the past."""

from __future__ import annotations

import pytest

from spinecho.encoders.language.passages import passages
from tests.encoders.text.test_clauses_of_strangers import clause_of

FINDINGS = ("glioma", "disc herniation", "Baker's cyst", "effusion")

ABSENT = """
{} is off the cards.
{} can be struck off the list.
{} - thankfully not.
{}? Not in this knee.
{}? Nope.
{} has dried up.
{} has melted away under antibiotics.
{} nowhere along its course.
I looked hard for {} and came up empty handed.
We can lay {} to rest.
This effectively puts paid to {}.
Bulge w/o sig. {}.
Criteria for {} are not fulfilled.
NAD with regard to {}.
Uncomplicated by {}.
{} has never been diagnosed.
{} is not the diagnosis.
{} was considered and rejected.
Screen for {} clear.
A diagnosis of {} is untenable.
{} proved a false alarm.
{} not picked up.
{} does not show up on DWI.
There is know evidence of {}.
Ø {}
The fear of {} proved groundless.
{} r/o'd.
"""
UNCERTAIN = """
The jury is still out on {}.
{}, if real, is small.
I lean towards {}.
{} is hard to call.
{} may well have slipped by.
{} is beyond the remit of this scan.
{} thus left open.
{} needs entertaining.
Working dx is {}.
{}: 50/50.
{} is on the fence.
The images neither prove nor refute {}.
{} to be ruled in or out.
Referrer has {} in mind.
Non-diagnostic for {}.
Risk factors for {}.
Should {} be confirmed, contrast will be given.
To make sure there is no {}.
{} remains to be proven.
The study is inadequate for {}.
Could progress to {}.
Low threshold to rescan for {}.
{}: TBC.
No conclusion can be drawn about {}.
Clarification of {} requested.
{} cannot be commented upon.
{} may be obscured.
s/o {}
Must not miss {}.
Unconfirmed {}.
Compatible w/ {}.
"""
HISTORICAL = """
Coiled 04/2013 for {}.
{} op. 2013.
Clin info: {} '06, well since.
MRI 2019 showed {}.
XR from 2014: {}.
The 2015 study identified {}.
Discharge summary 2016: {}.
Presented in 2013 with {}.
{} managed non-operatively in 2013.
{} in the 1990s.
{} some time ago.
{} 18/12 ago.
{} as a toddler.
{} earlier in life.
Formerly {}.
Gives a story of {}.
Survived {}.
{} was drained on the 3rd.
{} was flagged on the 2019 scan.
The last report said {}.
Operated case of {}.
5 years post {}.
On the 2018 examination {} was seen.
State after {}.
"""
PRESENT = """
{} beyond all doubt.
Since the prior neither growth nor shrinkage of the {}.
Nil of note bar a small {}.
Unremarkable but for a small {}.
As our sister hospital reported, there is a {}.
Arrows point to the {}.
The 2019 scan is compared: {} is larger now.
Likely to need theatre, this {}.
"""


def said(sentence: str, words: str) -> str:
    """What the clause that holds the words says of them."""
    return clause_of(sentence, words).assertion


@pytest.mark.parametrize(
    ("ways", "want"), [(ABSENT, "absent"), (UNCERTAIN, "uncertain"), (HISTORICAL, "historical"), (PRESENT, "present")]
)
def test_a_way_of_saying_it_says_the_same_of_every_finding(ways: str, want: str) -> None:
    sentences = [(way.replace("{}", one), one) for way in ways.strip().splitlines() for one in FINDINGS]
    assert [sentence for sentence, words in sentences if said(sentence, words) != want] == []


@pytest.mark.parametrize(
    "sentence", ["The tendon lacks its normal signal.", "The left kidney is missing.", "PI-RADS 0 lesion in the apex."]
)
def test_what_only_sounds_like_a_denial_is_there(sentence: str) -> None:
    assert {one.assertion for passage in passages(sentence) for one in passage.clauses} == {"present"}


def test_counts_of_none_are_denials() -> None:
    sentence = "Microbleeds 0, infarcts 0, cysts 2."
    found = {words: said(sentence, words) for words in ("Microbleeds", "infarcts", "cysts")}
    assert found == {"Microbleeds": "absent", "infarcts": "absent", "cysts": "present"}


def test_a_person_who_feared_it_signs_nothing() -> None:
    assert said("Dr. Osei's fear of metastasis proved groundless.", "metastasis") == "absent"
    assert not passages("Dr. Osei, consultant radiologist")
