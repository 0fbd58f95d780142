"""Where a new statement begins without a comma, as dictation leaves them out: "no dysplasia the hippocampi are symmetric"."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from collections.abc import Iterator

from spinecho.encoders.language.clauses.bounds import INTRO
from spinecho.encoders.language.finding_words import names_finding
from spinecho.encoders.language.vocabulary import concepts

_PARTICIPLE = r"\w+ing"
_NOT_BEHIND = (
    r"yet|of|in|on|at|to|from|with|by|for|and|or|nor|but|that|which|who|whom|whose|what|where|when|whenever|if|unless|whether|while|whilst|as|than|then|so|because|since|until|till|although|though|however"
    r"|near|along|within|without|into|onto|over|under|between|around|behind|beneath|beside|besides|below|above|across|through|throughout|towards?|upon|against|beyond|despite|during|before|after|like|via|per|versus|vs"
    r"|is|are|was|were|be|been|being|has|have|had|does|do|did|not|no|any|all|both|half|only|even|just|especially|particularly|the|a|an|this|these|those|its|their|his|her|our|other|same"
    r"|shows?|showed|shown|demonstrates?|demonstrated|reveals?|revealed|confirms?|confirmed|suggests?|suggested|indicates?|indicated|means?|meant|thinks?|thought|believes?|believed|suspects?|suspected|feels?|felt|notes?|noted"
    r"|states?|stated|says?|said|reports?|reported|doubts?|doubted|exclud\w+|ensures?|proves?|proved|assum\w+|impl(?:y|ies|ied)|presum\w+|conclud\w+|know|known|find|found|sure|certain|clear|likely|unlikely|possible"
    r"|evidence|signs?|indications?|proofs?|hints?|clues?|suggestions?|suspicions?|concern\w*|questions?|quer(?:y|ies)|fear\w*|reasons?|chances?|risks?|possibilit(?:y|ies)|impressions?|opinions?|views?|beliefs?|notions?|ideas?|hop\w+|facts?"
    r"|feelings?|worr(?:y|ies|ied)|likelihood|probabilit(?:y|ies)|convinced|convincing|persuaded|satisfied|confident|happy|aware|time|moment|way|case|extent|degree|provided|given|once|much|more|less|asks?|asked|tells?|told|hears?|heard|sees?|saw"
    r"|wonder\w*|agrees?|agreed|argu\w+|appears?|seems?|determine|determined|decides?|decided|such|doubtful|unclear|uncertain|questionable|debatable|unsure|unaware"
    r"|contains?|contained|harbou?rs?|holds?|gives?|yields?|bears?|carr(?:y|ies)|displays?|exhibits?|exerts?|causes?|produces?|reach(?:es)?"
    rf"|{_PARTICIPLE}|probably|possibly|presumably|perhaps|maybe|potentially|conceivably|clinically|radiologically|currently|today|overall|otherwise|again|therefore|thus|hence|also|still|now|rather|instead|except|bar|save"
)
_VERB = r"(?:is|are|was|were|appears?|remains?|looks?|measures?|shows?|demonstrates?|contains?|does|do|has|have|enhances?|lies|extends?)"
_NO_VERB = rf"(?!(?:{_NOT_BEHIND.replace(_PARTICIPLE + '|', '')})(?!\w))"
_OF_ITS_OWN = rf"(?:the|both|there|his|her|their|this|these)(?: {_NO_VERB}[\w/-]+){{0,4}} {_VERB}(?!\w)"
_SUBJECT = re.compile(
    rf"(?<=\w) (?={_OF_ITS_OWN})"
    rf"|(?<!\w)(?:risk|risks|concern|suspicion|query|question|indication|reason)(?!\w)[\w /-]{{1,60}}:(?= {_OF_ITS_OWN})"
)
_DESCRIBED = re.compile(
    r"(?<=\w) (?=(?:an? )?(?:small|tiny|mild|moderate|severe|minimal|minor|scattered|multiple|several|incidental|chronic|trace|subtle) "
    r"(?!(?:in|or|and|to|but|for|as|enough|size|is|are|of|bowel|vessels?|cells?|sclerosis|myeloma|system)(?!\w))[a-z]\w+(?![^,;.:]* n?or ))"
)
"""Behind the name of a finding, where an adjective opens what is found next: "no suspicious mass mild enhancement"."""
_THEN_NOW = re.compile(r"(?<=[12][09]\d\d) (?=an? [\w-]+ (?:[\w-]+ ){1,6}?(?:is|are|measures)(?!\w))")
_DENIED = re.compile(r"(?<=\w) (?=no (?!longer|more|further|change|doubt|other|need|way)[a-z]{3,})(?!.* no ?[.,;]?$)")
_LAST_WORD = re.compile(r"[\w'/-]+$")
_ENDS_A_NAME = re.compile(
    r"intact|normal|patent|unremarkable|clear|joint|disease|shift|\w*(?:fractures?|mass(?:es)?|tears?|lesions?|nodules?|infarcts?|bleeds?|(?:h|hem|haem)orrhages?|h?a?ematomas?|oedema|edema|effusions?|stenos[ie]s|herniations?|ruptures?|thrombosis|dissection|aneurysms?"
    r"|omas?|itis|osis|pathy|ectomy|plasty|otomy|collections?|cysts?|stones?|calculi|calculus|metastas[ie]s|bodies|strokes?|abscess(?:es)?|deposits?|hydrocephalus|restriction)"
)
_REFUSES = re.compile(_NOT_BEHIND)
_PREDICATE = re.compile(
    r"(?<!\w)(?:is|are|was|were) (?:\w+ly )?absent(?= (?:no|there|status post|s/p|following|after)(?!\w))"
    r"|(?<!\w)(?:is|are|appears?|remains?|looks?) (?:(?:both|all|otherwise|entirely|well|grossly|symmetric(?:al)?|clear|intact|normal|patent|unremarkable|and|or|fully|completely|\w+ly) ){0,4}"
    r"(?:normal|intact|patent|unremarkable|preserved|maintained|symmetric(?:al)?|clear)"
    r"(?= (?:incidental(?:ly)?|small|mild(?:ly)?|moderate(?:ly)?|severe(?:ly)?|tiny|minimal|multiple|several|scattered|chronic|old|large|there|no|status post)(?!\w))"
)


_WHY_NOT = re.compile(
    r"(?:not|cannot|n't)(?: be)? (?:\w+ly )?(?:traced|seen|assessed|visuali[sz]ed|evaluated|identified|appreciated|separated|delineated)(?: \w+ly)?"
    r"(?= (?:in view of|because of|due to|owing to|given|as a result of|on account of)(?!\w))"
    r"|(?:spared|uninvolved|unaffected) by(?= (?:the|this) )|(?:improbable|unlikely)(?= in (?:the|this) )"
    r"|(?:is|are|has|have|was|were) (?:(?!not(?!\w)|no(?!\w))[\w-]+ ){0,3}[\w-]+(?= and (?!it |this |there |which |that )(?:[\w-]+ ){1,3}(?:is|are|has|have)(?!\w))"
)
"""What hides a thing is there, as is where another is unlikely; two predicates are two statements."""


def new_statements(heard: str) -> Iterator[int]:
    """Places of the blanks in lower-case `heard` behind which one begins."""
    for match in (*_SUBJECT.finditer(heard), *_DENIED.finditer(heard)):
        denied = match.re is _DENIED
        if match.group().endswith(":"):
            yield match.end()
            continue
        at = match.start()
        last = _LAST_WORD.search(heard, max(0, at - 40), at)
        said = heard[max(heard.rfind(mark, 0, at) for mark in ",;:.(") + 1 : at].strip()
        if last is None or _REFUSES.fullmatch(last.group()) is not None or INTRO.fullmatch(said) is not None:
            continue
        if not denied or names_finding(said) or any(one.kind == "finding" for one in concepts(said)):
            yield at
    for match in _THEN_NOW.finditer(heard):
        yield match.start()
    for match in _DESCRIBED.finditer(heard):
        last = _LAST_WORD.search(heard, max(0, match.start() - 40), match.start())
        if last is not None and _ENDS_A_NAME.fullmatch(last.group()) is not None:
            yield match.start()
    for pattern in (_PREDICATE, _WHY_NOT):
        for match in pattern.finditer(heard):
            yield match.end()
