"""Sentences of a report that hold nothing of the patient's body: identifiers, titles, dates, signatures, greetings."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re

from spinecho.encoders.language.finding_words import names_finding

_EXAM = r"(?:mri?s?|mrt|mra|mrv|mrcp|mr-\w+|ct|cta|x-?ray|ultrasound|us|pet|scan|imaging|magnetic|resonance|tomography|angiogra\w+|cholangiopancreatography|kernspin\w*)"
_OF_TITLES = re.compile(
    rf"(?:{_EXAM}|exam(?:ination)?|study|report|protocol|series|of|the|and|with(?:out)?|w/o?|wo|w|for|in|contrast|gadolinium|gd|iv|intravenous|plain|pre|post|enhanced|unenhanced|non-?contrast|contrast-enhanced|left|right|lt|rt|l|r"
    r"|bilateral|both|brain|head|cranial|cerebral|skull|neck|orbits?|sinus(?:es)?|pituitary|sella|iacs?|iams?|internal|auditory|canals?|meatus|face|facial|tmj|spine|spinal|cervical|thoracic|dorsal|lumbar|lumbosacral|sacral|sacrum|sacroiliac"
    r"|coccyx|whole|total|body|chest|thorax|breasts?|mammary|heart|cardiac|abdom(?:en|inal)|pelvi[sc]|liver|kidneys?|renal|pancreas|prostate|multiparametric|mp|rectum|rectal|uterus|fetal|fetus|placenta|shoulders?|humerus|elbows?|forearm|wrists?"
    r"|hands?|fingers?|thumb|hips?|femur|thighs?|knees?|tibia|calf|leg|ankles?|foot|feet|forefoot|joints?|extremit(?:y|ies)|upper|lower|brachial|plexus|soft|tissues?|vessels?|arter(?:y|ies)|venogra\w+|arthrogra\w+|enterography|urography|defecography"
    r"|axial|sagittal|coronal|t1w?|t2w?|flair|stir|dwi|swi|adc|dce|limited|complete|routine|screening|follow-?up|dated|on|date|schädel\w*|kopf|hws|bws|lws|knie|hüfte|schulter|des|der|vom|mit|ohne|nativ|und|km|kontrastmittel"
    r"|\d[\d./:-]*|[a-z]\d+|&|/|-|\+|:|,)",
    re.IGNORECASE,
)  # fmt: skip
_HAS_EXAM = re.compile(rf"(?<!\w){_EXAM}(?!\w)", re.IGNORECASE)
_WORD = re.compile(r"[^\s,;:()/]+")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|mär|mai|okt|dez)[a-zä]{0,6}\.?"
_DATE_OR_NUMBER = re.compile(
    rf"(?:{_MONTH}|\d{{1,2}}(?:st|nd|rd|th)|[\d./:\-]+|[a-z]{{0,6}}[-#]?\d{{3,}}[\w.-]*|(?:\d+\.){{3,}}\d+|[ap]\.?m\.?|hrs?|uhr|utc|gmt|at|on|no\.?|nr\.?|#)",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    r"\W*(?:electronically |digitally )?(?:signed|reported|dictated|verified|authori[sz]ed|approved|typed|transcribed|reviewed|validated|finali[sz]ed|read) (?:electronically )?(?:by|on|at|and)(?!\w)"
    r"|\W*(?:this (?:report|document) (?:was|has been|is) |this is an? )(?:electronically|digitally|computer|auto|dictated|generated|transcribed|finali[sz]ed|verified|validated)"
    r"|\W*(?:thank you|thanks|many thanks|with (?:kind|best) regards|kind regards|best wishes|yours (?:sincerely|faithfully)|dear (?:dr|doctor|colleague|sir|prof)|mit freundlichen|sehr geehrte|end of report|page \d+)"
    r"|\W*(?:accession|acc(?:ession)?\.? ?(?:no|nr|number|#)|mrn|nhs|patient (?:id|name|no)|hospital (?:no|number|id)|(?:study|series|sop) ?(?:instance ?)?uid|d\.?o\.?b\.?|date of birth)(?!\w)[ .:#]",
    re.IGNORECASE,
)
_TRACKED = re.compile(r"\W*tracking (?:unique )?identifier: [^;]{1,100}", re.IGNORECASE)
"""Which lesion a measurement is of, by a name that means nothing: "L1" is no vertebra."""
_PERSON = re.compile(
    r"\W*(?:(?:consultant|attending|resident|staff|chief|senior)? ?(?:radiologist|neuroradiologist|physician)|dr|drs|prof(?:essor)?|pd|oa|cc to|copy to|frcr|m\.?d\.?)(?![\w-])(?!\.? [\w-]+['’]s )",
    re.IGNORECASE,
)
_TITLED = re.compile(
    r"(?:,| )(?:m\.?d\.?|frcr|mbbs|facr|do|ph\.?d\.?|consultant(?: \w+)?|(?:neuro)?radiologist|facharzt\w*)[ .]*$",
    re.IGNORECASE,
)


def administrative(text: str) -> bool:
    """Whether a sentence holds nothing of the patient's body: an identifier, a date, a title, a signature, a greeting."""
    words = _WORD.findall(text)
    if len(words) > 25:
        return False
    heard = text.lower()
    if all(_DATE_OR_NUMBER.fullmatch(word) for word in words) and any(char.isdigit() for char in text):
        return re.search(r"(?<!\w)[cltsCLTS]\d", text) is None
    if _TRACKED.fullmatch(text):
        return True
    if _SIGNED.match(text):
        return not names_finding(heard)
    if len(words) <= 12 and (_PERSON.match(text) or _TITLED.search(text)):
        return (
            not names_finding(heard) and re.search(r"(?<!\w)(?:no|not|normal|informed|discussed)(?!\w)", heard) is None
        )
    return is_title(text)


def is_title(text: str) -> bool:
    """Whether a line only names an examination: "MRI of the left knee with contrast 12/03/2021"."""
    if len(text) > 200 or _HAS_EXAM.search(text) is None:
        return False
    return all(_OF_TITLES.fullmatch(word.rstrip(".")) for word in _WORD.findall(text))
