"""Anatomy called normal in whatever words: "the sulci are in line with age", "the disc has held its height".

A list of cues knows the plain words ("normal", "intact"). Most others say something normal only of a part of the body
("open", "even", "good", "holds"), so here the clause is read as a statement: its subject is anatomy and nothing else,
its predicate is one of a few forms of normality, and what follows names neither a finding nor a deviation:

    anatomy  is | looks  regular, even, in one piece, as expected, where it should be, in line with age
    anatomy  of | shows | keeps | holds  (its) usual  size, signal, course ...
    anatomy  runs | fills | opens  freely, evenly, without interruption
    usual | regular  size, signal, course ...  of  anatomy

"A formation of regular margins" has another subject, "kidneys small and smooth" a word more, "regular except on the
left" an exception: none of them is normal. The reverse is told of anatomy too: what has "not kept its height", or
"fails to reach its usual size", is there with something wrong.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from dataclasses import replace

from spinecho.encoders.language.clauses.bounds import SMALL_WORDS
from spinecho.encoders.language.clauses.segment import Judged
from spinecho.encoders.language.finding_words import names_finding
from spinecho.encoders.language.vocabulary.reading import read

_HOW = (
    r"(?:(?:nicely|perfectly|entirely|completely|fully|quite|very|well|evenly|widely|all|both|each|again|also|otherwise"
    r"|just|exactly|still|absolutely|grossly|essentially|broadly|normally|nice and|anatomically|roughly|about|everywhere) )*"
)
_OTHERWISE = (
    r"(?:not|no longer|never|nor|neither|cannot|can't|\w+n't|hardly|barely|scarcely|fail\w*|los[est]\w*|lack\w*|absent|disappear\w*"
    r"|reduc\w+|decreas\w+|increas\w+|diminish\w+|less|more|most|than|but|except\w*|excluding|apart|aside|other than|bar|barring|save|only"
    r"|revers\w+|effac\w+|wide(?:r|ned)?|small(?:er|ish)?|larg(?:er|ish)|bigger|bright(?:er)?|dark(?:er)?|black|white|high(?:er)?|low(?:er)? in"
    r"|thick(?:er|ish)?|thinner|narrow\w*|irregular\w*|asymmetr\w+|uneven|unequal|unusual|displac\w+|far from|until|ago|used to"
    r"|previously|formerly|once|if|whether|may|might|could|possibl[ey]|probabl[ey]|likely|uncertain|unclear|doubt\w*|quer(?:y|ied)"
    r"|limit\w*|blurr?\w*|obscur\w*|indent\w*|angulat\w*|distort\w*|tortuous|kink\w*|gap|step|break|missing|replac\w+|worse\w*|poor\w*"
    r"|trabeculated|crowd\w+|tilt\w*|deviat\w+|rotat\w+|flat(?:ter|ten\w*)?|beaked|lobulat\w+|nodular|coarse\w*|pale|delayed|slow\w*|although|though"
    r"|despite|shrunken|shrivelled|collapsed|stretched|lax|wavy|buckl\w+|redundant|bow(?:ed|ing)|variant|against|towards?|resected|removed)"
)
"""Words that tell of something else than the norm."""
_USUAL = (
    r"(?:normal|usual|ordinary|regular|expected|proper(?! (?:hepatic|digital|plantar|palmar|ovarian))|correct|appropriate|adequate|good|healthy|physiological|anatomic(?:al)?"
    r"|customary|even|equal|uniform|homogeneous|symmetric(?:al)?|(?<!al )smooth(?! muscles?)|sufficient|satisfactory|undisturbed|unremarkable"
    r"|inconspicuous|unsuspicious|unaltered|age[- ](?:appropriate|typical|related normal|conform|adequate|adapted)"
    r"|well[- ](?:kept|preserved|held|maintained|conserved)|preserved|conserved|maintained|fine|decent|matched|crisp"
    r"|clean|quiet|parallel|orthotopic(?! (?:liver|heart|kidney|lung|neobladder))|harmonious|fair|well[- ](?:defined|delineated|outlined|attached|developed|shaped))"
)
_PROPERTY = (
    r"(?:sizes?|widths?|calib(?:re|er)s?|diameters?|dimensions?|shapes?|forms?|configurations?|contours?|outlines?|margins?"
    r"|borders?|surfaces?|(?:flow )?signals?(?: intensit(?:y|ies))?|intensit(?:y|ies)|thickness|heights?|lengths?|volumes?|bulk"
    r"|positions?|locations?|place|course|alignment|(?:inner |internal )?structure|(?:inner |internal )?architecture|texture"
    r"|echotexture|morphology|appearances?|aspect|representation|depiction|presentation|differentiation"
    r"|distinction|demarcation|(?:water|fluid) content|water|hydration|curvature|tapering|branching|filling"
    r"|opacification|flow|pneumati[sz]ation|aeration|ventilation|coverage|congruity|continuity|integrity|minerali[sz]ation"
    r"|myelination|gyration|sulcation|folding|development|maturation|proportions?|builds?|make-?up|ind(?:ex|ices)|relations?|insertions?|fib(?:re|er)s?)"
)
_ONE = rf"(?:(?!(?:{_OTHERWISE}|thin|low|raised|elevated|intermediate|mixed|heterogeneous|abnormal)(?!\w))[\w-]+ )"
_SHOULD = (
    r"(?:it|they|one|we|i|you|these|this|he|she) (?:(?:should|ought to|would|wants?|expects?|hopes?|belongs?)(?!\w))"
    r"(?: (?:be|have|lie|run|expect|wish|want|like|hope|it|them|to be|to|for|of|see))*"
)
_AGE = r"(?:the |his |her |their |this |patient's |the patient's )*(?:ages?|norms?|years|expectations?|anatomy)"
_ENDS = (
    r"(?= ?(?:[.,;:)!]|$)| (?:and|with|without|throughout|bilaterally|at|on|in|for|from|to|of|along|all|over|today|here"
    r"|again|also|within|between|around|as|across|everywhere|both|full stop|comma|period)(?!\w))"
)
_BE = (
    r"(?:(?:is|are|was|were|being|remains?|appears?|looks?|seems?|lies?|sits?|stays?|runs?|shows?|has|have|had|been|remained"
    r"|stayed|presents? (?:itself|themselves)?|present (?:itself|themselves)) )*"
)
_SOUND = (
    r"(?:(?:smooth|regular|thin|delicate|normal|even|usual|sharp)(?:ly)?[- ](?:walled|sized|edged|contoured|margined|bordered|outlined|shaped)"
    r"|clear|wide(?! (?:open|apart))|complete|alike|taut|slim|sound|whole|unbroken|uninterrupted|continuous|open|(?<!a[lr] )(?<!ry )(?<!left )(?<!right )central(?:ly (?:placed|located|sited))?|cent(?:red|ered)|congruent"
    r"|aligned|slender|respected|in order|in place|in one piece|in continuity|hydrated|aerated|aired|seated|anchored|attached|inserted|orderly|pneumati[sz]ed|ventilated"
    r"|(?:freely|well|firmly|securely|normally|widely|evenly|equally|regularly|properly|correctly|symmetrically) (?:open|aligned|aerated|aired|seated|anchored"
    r"|ventilated|pneumati[sz]ed|hydrated|formed|developed|spread|distributed|placed|located|positioned|configured|shaped|filled"
    r"|centred|centered|rounded|minerali[sz]ed|myelinated|covered|delineated))"
)
_KEEPS = (
    r"(?:(?:has|have) )?(?:keeps?|holds?|retains?|maintains?|conserves?|preserves?|kept|held|retained|maintained|conserved"
    r"|preserved|keeping|holding|retaining)"
)
_SHOWS = (
    r"(?:(?:is|are|was|were) )?(?:of|with|shows?|showed|has|have|demonstrates?|displays?|exhibits?|gives?(?: back)?|returns?"
    r"|follows?|takes?|in|possess(?:es)?|reach(?:es)?|presents?(?: with)?)"
)
_MANNER = (
    r"(?:freely|true|normally|smoothly|regularly|comfortably|centrally|unimpeded|unobstructed|undisturbed|unbroken|uninterrupted"
    r"|symmetrically|evenly|straight|well|throughout|properly|correctly|promptly|as (?:usual|normal|expected|(?:it|they) should)"
    rf"|in (?:the|its|their|an?) {_USUAL} (?:way|manner|fashion|place|position|course|pattern)"
    r"|without (?:any )?(?:interruption|hindrance|kink(?:ing)?|deviation|delay|break|gap|step)"
    r"(?:,? (?:or|and|nor) (?:interruption|hindrance|kink(?:ing)?|deviation|delay|break|gap|step))?)"
)
_GOES = (
    r"(?:(?:runs?|cours(?:es|ing)|pass(?:es|ing)?|tapers?|tapering|fills?|filling|opacif(?:y|ies)|opens?|moves?|tracks?|tracking"
    r"|sits?|sitting|lies?|lying|enters?|exits?|drains?|empt(?:y|ies)|travels?|continues?|inserts?|develops?|folds?|branch(?:es)?"
    r"|descends?|ascends?|lines? up|joins?|articulates?|glides?|floats?|floating|contracts?|relaxes|closes?|ventilates?|extends?|spreads?) )"
)
_AS_SHOULD = (
    rf"(?:just |exactly |all |still |much |pretty )*(?:(?:as|where|what|how|the way)|(?:an? |the |its |their )(?:{_USUAL} )?"
    rf"{_PROPERTY}(?: (?:that|which))?) {_SHOULD}"
)
_WITH_AGE = (
    r"(?:(?:in |fully |entirely |quite )*(?:in )?(?:line|keeping|agreement|accordance|conformity|harmony) with"
    r"|(?:appropriate|adequate|suitable|right|normal|typical|good|fine|fit|conform|proportionate|commensurate|adapted|usual|expected|fitting)"
    rf"(?: in {_PROPERTY})? (?:for|to|with)) (?:an? (?:\w+ ){{1,2}}(?:of|at) )?{_AGE}"
)

_OF_SUBJECT = re.compile(
    r"(?<!\w)(?:"
    + "|".join(
        (
            rf"{_BE}{_HOW}(?:{_USUAL}|{_SOUND})(?:(?:,| and|, and) {_HOW}(?:{_USUAL}|{_SOUND}))*(?: (?:in|for) {_PROPERTY}(?: and {_PROPERTY})?)?{_ENDS}",
            rf"{_SHOWS} (?:an? |the |its |their |both )?{_HOW}(?:{_USUAL}|full|straight(?= course))(?:(?:,| and|, and) {_HOW}{_USUAL})* {_ONE}??{_PROPERTY}(?:(?:,| and|, and) (?:{_USUAL} )?{_PROPERTY})*",
            rf"(?<=[:-] ){_HOW}{_USUAL}(?:(?:,| and|, and) {_HOW}{_USUAL})* {_ONE}??{_PROPERTY}(?:(?:,| and|, and) {_PROPERTY})*(?= ?(?:[.,;)]|$))",
            rf"{_KEEPS} (?:up |on |to )*(?:its|their|the|all its|all their) {_HOW}(?:{_USUAL} )*{_ONE}??{_PROPERTY}",
            rf"(?:has |have |is |are )?(?:holds?|held|holding)(?: up)?(?: {_HOW}(?:nicely|well|good|up|perfectly))?(?= ?(?:[.,;)]|$))",
            rf"(?:{_SHOWS} )?{_BE}{_AS_SHOULD}",
            rf"{_BE}(?:just |all |much |entirely )*as (?:is |are |was |were |to be |would be |one )?{_HOW}(?:usual|expected|normal|customary|appropriate|wished|desired)",
            rf"{_BE}{_HOW}{_WITH_AGE}",
            rf"{_GOES}(?:through |over |along |down |up )?{_HOW}{_MANNER}",
            r"(?:mirrors?|match(?:es)?|resembles?|equals?) (?:each other|one another|the (?:other|opposite|left|right)(?: side| one)?|its fellow)",
            r"(?:(?:can|could|may) be|is|are|was|were) (?:well |easily |clearly )?(?:followed|traced|tracked) (?:throughout|everywhere|from end to end|in full|in (?:its|their) entirety|(?:along|over|for) (?:its|their|the) (?:whole |entire |full )?(?:length|course)|(?:along|over) all)",
            rf"{_BE}(?:beyond (?:reproach|doubt normal)|in proportion|within the norm|roomy)",
            r"(?:is|are|forms?|remains?) an? (?:unbroken|uninterrupted|continuous|complete|closed|smooth|regular|even) (?:ring|line|band|layer|ribbon|circle|sheet|contour|surface|column|tube)",
            rf"{_BE}(?:measures? )?within (?:the |its |their )?(?:normal|expected|usual|reference|physiological|age-related) (?:ranges?|limits?|bounds|values)",
            r"(?:has|have|with|leaves?) (?:plenty of|ample|enough|sufficient|adequate) (?:room|space)",
            r"(?:leaves?|leaving) nothing to be (?:desired|wished)",
        )
    )
    + r")(?!\w)"
)
"""After an anatomical subject: what is said of it is normal."""
_KEPT = re.compile(
    rf"{_BE}{_HOW}(?:kept|held|retained)(?:(?:,| and) {_HOW}{_USUAL})*(?!\w)(?= ?(?:[.,;)]|$)| (?:and|on|in|at|throughout)(?!\w))"
)
"""Of a property alone: "the joint lines are kept"; what else is kept or retained need not belong there."""
_OF_OBJECT = re.compile(
    rf"(?:an? |the )?{_HOW}{_USUAL}(?:(?:,| and|, and) {_USUAL})* (?:{_ONE}?{_PROPERTY}(?:(?:,| and|, and) {_PROPERTY})*(?: |$))+(?:is |are )?(?=(?:of|in|for|within|at|on|throughout)(?!\w))"
    rf"|{_HOW}(?:{_USUAL}|slender|open|unbroken|continuous)(?:(?:,| and) {_USUAL})* (?:is|are) (?=(?:the|both|all)(?!\w))"
)
"""Before an anatomical name."""
_ATTRIBUTE = re.compile(rf"(?:an? |the )?{_HOW}(?:{_USUAL}|slender|congruent|well[- ]\w+)(?:(?:,| and) {_USUAL})* ")
"""All that is said of an anatomical name: "Slender bile ducts."."""

_OPENS = re.compile(
    r"^[ ,;:(-]*(?:(?:and|okay|ok|next|now|then|so|comma|of|i see|we see|one sees|there (?:is|are)|also|on both sides|both|all)[ ,:]+)*"
)
_BESIDE = re.compile(
    rf"(?<!\w)(?:{_PROPERTY}|its|their|his|her|each|every|other|remaining|rest|visuali[sz]ed|imaged|included|depicted|examined|covered|seen"
    r"|evaluated|assessed|demonstrated|left|right|bilateral(?:ly)?|upper|lower|anterior|posterior|proximal|distal|medial|lateral"
    r"|superior|inferior|cranial|caudal|deep|superficial|large|great|big|main|major|named|native|adult|two|three|four|five|several"
    r"|lumbar|thoracic|cervical|sacral|intracranial|cerebral|spinal|abdominal|pelvic|visible|system|regions?|transition|lines?|groups?"
    r"|structures?|walls?|roots?|gr[ae]y|white|matter|present(?:s|ing)? (?:itself|themselves)|layers?|segments?|parts?|portions?|levels?|axis|ha?emopoietic|red|yellow|fills?|covers?|comma|between|about|around|with|i see|we see|one sees|okay|next|now"
    r"|(?:round|central|straight|sharp|crisp|thin|long)(?= and(?!\w)| ?,)|l|r|lt|rt)(?!\w)"
)
"""Beside an anatomical name these make no other subject of it."""
_DEVIATES = re.compile(rf"(?<!\w){_OTHERWISE}(?!\w)|\?|\d ?%")
_GOES_ON_OTHERWISE = re.compile(
    r"[ ,;]*(?:except\w*|apart|aside|save|bar|barring|other than|excluding|with the exception|(?:but|although|though|however|yet)"
    r"(?! (?:no|not|without|there|the|an?|with)(?!\w)))(?!\w)"
)
"""After the clause: it was not all."""
_APART = re.compile(r"[ ,:]*(?:- ?|which )?")
_NEXT = re.compile(r"[ ,;]*(?:no|not|without|and|with|shows?|the|there|which|is|are|has|have)(?!\w)")
"""After a statement: not one more adjective, which may take it back ("homogeneous, enlarged")."""
_BUT = re.compile(
    r"[ ,]*(?:but|although|though|yet|however|albeit)(?: (?:\w+ly|now|also|still|somewhat|rather|too|it|they|is|are))*"
    r" (?!un)(?:\w{3,}ed|small(?:er)?|large(?:r)?|bigger|thin(?:ner)?|thick(?:er)?|wide(?:r)?|narrow(?:er)?|short(?:er)?|bright(?:er)?"
    r"|dark(?:er)?|arthritic|atrophic|asymmetrical|asymmetric|high|low|oedematous|edematous|steep|flat|tortuous|hypoplastic)"
    r"(?= ?(?:[.,;)]|$)| (?:in|on|at|for|by|to|throughout)(?!\w))"
)
"""Something wrong that has no subject of its own: "The liver is smooth" - "but enlarged"."""
_VERB_FOLLOWS = re.compile(r" *(?:is|are|was|were|has|have|does|do|did|not|cannot|fails?)(?!\w)")
_SHUT = re.compile(r"(?<!\w)(?:foramen ovale|ductus|urachus|processus vaginalis|canal of nuck|oval foramen)(?!\w)")
_HOLLOW = re.compile(
    r"vein|portal|branch|arter|vessel|sinus|airway|trache|bronch|duct|cistern|foram|ureter|lumen|tube|aqueduct|outlet|recess|aorta|cava|trunk"
    r"|jugular|carotid|anastomos|urethra|choana|meatus|canals|orifice|ventric"
)
"""What should be open; an open fontanelle, dura or spinal canal is a finding or none."""
_BETTER_WIDE = re.compile(r"airway|trache|bronch|foram|outlet|orifice|recess|(?:spinal|auditory) canal")
_TELLS = re.compile(
    r"(?<!\w)(?:is|are|was|were|has|have|shows?|contains?|holds?|harbours?|harbors?)(?!\w)"
    r"(?! (?:\w+ly )?(?:seen|noted|shown|identified|demonstrated|found|visible|present|observed|preserved|maintained|given)(?!\w))"
)
"""A statement about what was named: "the expected location of the kidney" - "is empty"."""
_LOST = re.compile(
    r"(?<!\w)(?:is|are|was|were|has been|have been|has|have) (?:\w+ly |now |no longer )?(?:lost|effaced|disrupted|obliterated"
    r"|blurred|abolished|disappeared|gone|missing|lacking|interrupted|reduced|diminished|replaced|vanished|destroyed)(?!\w)"
)
_MISSING = re.compile(r"(?:(?:is|are|was|were|has|have) )?(?:missing|lacking|gone|disappeared|vanished)")
_GROWN = re.compile(
    r" (?:\w+ly |yet |been )*(?:formed|developed|descended|ossified|rotated|migrated|divided|canali[sz]ed|recanali[sz]ed)"
    r"(?= ?(?:[.,;:)]|$)| (?:in|on|at|yet|to|with)(?!\w))"
)
"""What a part of the body has not done has left it amiss."""
_ABSENCE = re.compile(r"(?:absence|lack|non-?visuali[sz]ation) of")
_ABSENCE_ENDS = re.compile(r"(?<!\w)(?:in|with|without|since|due|after|is|are|was|were|on|at|from|as|and)(?!\w)|[,;:(]")
_SPARE = re.compile(
    r"(?<!\w)(?:nodes?|vessels?|collaterals?|flow|voids?|gas|air|fluid|fat|contrast|signals?|blood|bile|urine|stools?|spots?|septa\w*|margins?|cells?)(?!\w)"
)
"""Nothing is amiss where these are absent, or it is told otherwise."""
_BORN = re.compile(
    r"(?<!\w)(?:congenital|complete|partial|near|focal|surgical|bilateral|unilateral|isolated|total|known|there|is|are|shows?|consistent|keeping|in|with)(?!\w)"
)
_SEEN_AS = re.compile(rf"(?<!\w)(?:flow voids?|bright spots?|{_PROPERTY})(?!\w)")
"""What is gone is missed; nodes that are gone are not."""
_NORMALLY = re.compile(
    r"(?<!\w)(?:(?:the|its|their) )?(?:normal|normally|usual|usually|expected|physiological|regular) (?=\w)"
)
_NOT_CALLED = re.compile(
    r"(?<!\w)(?:not|never|\w+n't|cannot|hardly) (?:call|describe|consider|regard|term|label|rate|pass|accept)(?!\w)[^,;]*$"
)
WITH_NO = re.compile(r"[ ,]*(?:and )?(?:with (?:no|nil)|without)(?!\w)")
NO_LONGER = re.compile(r"(?:\w+ )?(?:no longer|not|never)(?: (?:any more|quite|\w+ly))* *")
_NONE_OF = re.compile(r"(?:no|without|nil)(?:(?: evidence| signs?)(?: of)?)?(?: any| an?)?")
_NOT_SO = re.compile(r"(?<!\w)(?:no longer|never|hardly|barely|far from)(?: \w+ly| quite| any more)* $")
_PROPERTIES = re.compile(rf"(?<!\w){_PROPERTY}(?!\w)")
_HAVING = re.compile(
    r"(?<!\w)(?:reach(?:es|ed)?|show\w*|have|has|had|attain\w*|keep|hold|retain|call\w*|look\w*|appear\w*|display\w*|follow\w*|lie|sit|run|present\w*"
    r"|demonstrate|been|with|say|consider|describe|like|yet|longer|quite|entirely|fully|completely|perfectly|exactly|really|all|seem|give|return|close|open|fill|drain|move|track|contract|line up|excrete|function|ventilate|empty|develop\w*)(?!\w)"
)
_THE_NORM = re.compile(
    rf"(?<!\w)(?:{_USUAL}(?!\w)(?! (?:variants?|pressure))|{_SOUND}(?!\w)|(?:kept|held|keep|hold|retain(?:ed)?|reach(?:ed)?|maintain(?:ed)?) "
    rf"(?:its|their) |(?:freely|normally|well|properly|correctly|fully|completely|promptly)(?= ?(?:[.,;)]|$)| (?:in|on|at)(?!\w))|{_AS_SHOULD}|{_WITH_AGE})"
)


_LONGEST = 400
"""Characters of a statement that says nothing but normality."""


def as_normal(heard: str, part: Judged) -> Judged:
    """The part, absent by normality where it says nothing but that of anatomy, present where it denies just that."""
    if part.end - part.start > _LONGEST:
        return part
    if part.by == "nothing" and part.assertion == "present":
        cue = _normality(heard, part)
        return replace(part, assertion="absent", by="normal", cue=cue, aside=False) if cue else part
    if part.by in ("negation", "normal") and _denies_the_norm(heard, part):
        return replace(part, assertion="present", by="nothing", reaches_on=False)  # the word that says so is kept
    return part


def told_of_it(heard: str, last: Judged, one: Judged) -> Judged | None:
    """ "Liver" - "regular in size", "The liver" - "which is of usual size" as one statement, if it is one."""
    if last.by != "nothing" or one.by != "nothing" or one.end - last.start > _LONGEST:
        return None
    opened = _APART.match(heard, one.start)
    rest = heard[one.end :].strip(" .)")
    if opened is None or (rest and not _NEXT.match(rest)) or not _is_anatomy(heard[last.start : last.end]):
        return None
    found = _OF_SUBJECT.match(heard, opened.end(), one.end)
    if found is None or not _adds_nothing(heard[found.end() : one.end]) or _GOES_ON_OTHERWISE.match(heard, one.end):
        return None
    return replace(one, start=last.start, assertion="absent", by="normal", cue=found.span(), aside=False)


def of_normal(heard: str, last: Judged, one: Judged) -> bool:
    """ "Ovarian parenchyma" - "with normal signal" is one statement."""
    if one.by != "normal" or last.by != "nothing" or last.aside:
        return False
    opens = heard[one.start : one.cue[0]].strip(" ,")
    return opens in ("with", "of", "and of") and not names_finding(heard[last.start : last.end], of_normal=True)


def something_wrong(heard: str, last: Judged, one: Judged) -> bool:
    """Whether `one` says what is wrong with the anatomy that `last` calls normal."""
    return last.by == "normal" and one.by == "nothing" and _BUT.match(heard, one.start, one.end) is not None


def _normality(heard: str, part: Judged) -> tuple[int, int] | None:
    """Where the words of normality stand, if the part says nothing else."""
    text = heard[part.start : part.end]
    if _GOES_ON_OTHERWISE.match(heard, part.end):
        return None
    for match in _OF_SUBJECT.finditer(text):
        of_finding = names_finding(match.group().replace("spread", ""), of_normal=True)
        before, wide = text[: match.start()], re.search(r"(?<!\w)wide(?!\w)", match.group())
        shut = "open" in match.group() and (_SHUT.search(text) or not _HOLLOW.search(before))
        shut = shut or (wide is not None and not _BETTER_WIDE.search(before))
        if not (of_finding or shut) and _is_anatomy(text[: match.start()]) and _adds_nothing(text[match.end() :]):
            return part.start + match.start(), part.start + match.end()
    for match in _KEPT.finditer(text):
        before = text[: match.start()]
        if re.search(rf"(?<!\w)(?:{_PROPERTY}|lines?|spaces?|planes?|lordosis|kyphosis)(?!\w)", before) and (
            _is_anatomy(before) and _adds_nothing(text[match.end() :])
        ):
            return part.start + match.start(), part.start + match.end()
    opened = _OPENS.match(text)
    start = opened.end() if opened else 0
    for pattern, whole in ((_OF_OBJECT, False), (_ATTRIBUTE, True)):
        found = pattern.match(text, start)
        if found is None or names_finding(found.group(), of_normal=True) or _VERB_FOLLOWS.match(heard, part.end):
            continue
        rest = text[found.end() :]
        if (
            (_is_anatomy(rest) and _kinds(rest) == {"anatomy"})
            if whole
            else (_names_anatomy(rest) and _adds_nothing(rest) and not _TELLS.search(rest))
        ):
            return part.start + found.start(), part.start + len(text[: found.end()].rstrip())
    return None


def _kinds(text: str) -> set[str]:
    """What is named, where "cord signal" is no finding, as no property alone is."""
    named = [mention for mention in read(text)[0] if mention.concept != "normal"]
    if any(mention.kind == "finding" for mention in named):
        named = [mention for mention in read(_PROPERTIES.sub(" ", text))[0] if mention.concept != "normal"]
    return {mention.kind for mention in named}


def _is_anatomy(text: str) -> bool:
    """Whether words name parts of the body and say nothing of them."""
    if names_finding(_without_anatomy(text), of_normal=True):
        return False
    kinds = _kinds(text)
    return "anatomy" in kinds and "finding" not in kinds and not _left(text, _BESIDE)


def _without_anatomy(text: str) -> str:
    """Names of anatomy may hold what elsewhere names a finding: "lordosis"."""
    letters = list(text)
    for mention in read(text)[0]:
        if mention.kind == "anatomy":
            letters[mention.start : mention.stop] = " " * (mention.stop - mention.start)
    return "".join(letters)


def _left(text: str, *idle: re.Pattern[str]) -> bool:
    """Whether words are left beside names, small words and those that are `idle`."""
    letters = list(text)
    for mention in read(text)[0]:
        letters[mention.start : mention.stop] = " " * (mention.stop - mention.start)
    said = "".join(letters)
    for pattern in idle:
        said = pattern.sub(" ", said)
    return any(char.isalnum() for char in SMALL_WORDS.sub(" ", said))


def _names_anatomy(text: str) -> bool:
    return any(mention.kind == "anatomy" for mention in read(text)[0])


def _adds_nothing(text: str) -> bool:
    """Whether what follows tells neither of a finding nor of a deviation."""
    if _DEVIATES.search(text) or names_finding(text, of_normal=True):
        return False
    return not any(mention.kind == "finding" and mention.concept != "normal" for mention in read(text)[0])


def _denies_the_norm(heard: str, part: Judged) -> bool:
    """ "The disc" has "not kept its height"; "the normally crisp outline of the duct is lost"."""
    text = heard[part.start : part.end]
    before, after = heard[part.start : part.cue[0]], heard[part.cue[1] : part.end]
    if part.by == "normal":
        if _NOT_CALLED.search(before) or _NOT_SO.search(before):
            return True
        norm, lost = _NORMALLY.search(text), _LOST.search(text)
        return norm is not None and lost is not None and norm.end() < lost.start() and _of_anatomy(text)
    lost = _LOST.search(heard[part.cue[0] : part.cue[1]])
    normally = _NORMALLY.search(before) is not None and _of_anatomy(before)
    gone = _MISSING.fullmatch(heard, *part.cue)
    missed = gone is not None and (gone.group().endswith("ing") or _SEEN_AS.search(before) is not None)
    if _not_there(heard, part, before, after):
        return True
    if (lost and normally) or (missed and _is_anatomy(before) and not names_finding(after)):
        return True
    found = _THE_NORM.search(after)
    if found is None or _left(after[: found.start()], _HAVING, _BESIDE):
        return False
    if _NONE_OF.fullmatch(heard, *part.cue) and names_finding(after[found.end() :]):
        return False  # "in the spine no open defect": a word of the finding
    subject = next((one for one in read(before)[0] if one.kind in ("anatomy", "finding")), None)
    if subject is None and _PROPERTIES.search(after):
        return not names_finding(after, of_normal=True) and "finding" not in _kinds(after)
    return subject.kind == "anatomy" if subject else _of_anatomy(f"{before} {after}")


def _not_there(heard: str, part: Judged, before: str, after: str) -> bool:
    """ "Congenital absence of the ACL", "the rostrum is not formed": a part of the body that should be there."""
    if _ABSENCE.fullmatch(heard, *part.cue):
        until = _ABSENCE_ENDS.search(after)
        missed = after[: until.start()] if until else after
        return _is_anatomy(missed) and not _SPARE.search(missed) and not _left(before, _BESIDE, _BORN)
    if heard[part.cue[0] : part.cue[1]].endswith(" developed"):
        return _is_anatomy(before)
    if _GROWN.match(after) is None or names_finding(before, of_normal=True):
        return False
    kinds = _kinds(before)
    return "finding" not in kinds and (bool(kinds) or _left(before))


def _of_anatomy(text: str) -> bool:
    kinds = _kinds(text)
    return "anatomy" in kinds and "finding" not in kinds and not names_finding(_LOST.sub(" ", text), of_normal=True)
