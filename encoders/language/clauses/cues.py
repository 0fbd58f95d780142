"""The words that decide what a clause says, each with what it decides and how far it reaches.

A cue reaches what follows it ("no X"), what stands before it ("X is not seen"), or whichever side holds words ("unlikely").
A `verb` denies what its subject does and not that the subject is there ("the lesion does not enhance"). Where two cues
share words, the one in the earlier table has them. English, and German's commonest.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from spinecho.encoders.language.clauses.bounds import NOT_A_NEGATION
from spinecho.encoders.language.clauses.earlier_examinations import of_this_examination, shown_earlier
from spinecho.encoders.language.clauses.everyday_cues import EVERYDAY
from spinecho.encoders.language.clauses.framed import framed
from spinecho.encoders.language.clauses.further_cues import ALTERNATIVE, CHANCE_IS_LOW, LINES
from spinecho.encoders.language.finding_words import names_finding

Kind = Literal["masked", "negation", "normal", "hedge", "question", "history", "family", "yes"]
Reach = Literal["after", "before", "either", "verb", "whole"]


@dataclass(frozen=True, slots=True)
class Cue:
    """heard[start:end] decides `kind`."""

    start: int
    end: int
    kind: Kind
    reach: Reach


_BE = r"(?:(?:is|are|was|were|be|been|being|has|have|had|remains?|appears?|seems?|could|can|would|will|may|might)(?:n't)? )*"
_SEEN = (
    r"(?:seen|identified|detected|noted|visible|visuali[sz]ed|demonstrated|demonstrable|evident|found|shown|appreciated|appreciable|observed|present"
    r"|apparent|discernible|discerned|recogni[sz]ed|recogni[sz]able|delineated|documented|confirmed|established|encountered|there|suspected|suggested"
    r"|depicted|included|recurred|returned|reappeared|a feature|a concern|an issue|reproduced|displayed|developed|occurred|persist(?:ed)?|in evidence|palpable|reported|noticed|borne out|substantiated|corroborated|expected)"
)
_SHOWS = (
    r"(?:see|find|identify|detect|show|demonstrate|reveal|appreciate|visuali[sz]e|observe|support|suggest|represent|have|contain|confirm|constitute|discern|recogni[sz]e"
    r"|meet|exhibit|disclose|display|indicate|favou?r|note|raise|fit|match|correspond)"
)
_NOT = r"(?:not|never|no longer|nowhere|n['’]t)"
_HOW = r"(?:(?:\w+ly|any|yet|really|well|at all|even|also|currently|longer|quite|the) ){0,2}"
_DOES_NOT = r"(?:(?:do|does|did|can|could|will|would|may|might)(?: not|n['’]t)|cannot|can't)"
_EXCLUDED = r"(?:excluded|ruled out|discounted|dismissed|eliminated|out ?ruled)"
_RELATIVES = (
    r"(?:(?:grand|step|half[- ])?(?:mother|father|parents|sister|brother|son|daughter)s?|aunts?|uncles?|cousins?|siblings?|niece|nephew|grandparents?|mum|mom|dad"
    r"|(?:first|second|third)[- ]degree relatives?|(?:blood|close|several|affected) relatives?|relatives? with|mutter|vater|schwester|bruder|großmutter|großvater|tante|onkel)"
)
DONE = (
    r"(?:surger(?:y|ies)|operations?|op\b|resections?|craniotom\w+|craniectom\w+|\w+ectom(?:y|ies)|\w+otom(?:y|ies)|\w+plast(?:y|ies)|biops(?:y|ies)|excisions?|removal|evacuation"
    r"|(?:chemo-?)?radiotherapy|radiochemotherapy|immunotherapy|radiation|radiosurgery|chemotherapy|chemoradiation|chemo|brachytherapy|fusion|repair|reconstruction|replacements?|embolization|embolisation|lumpectomy"
    r"|clipping|coiling|shunt(?:ing)?|stent(?:ing)?|ablation|transplant(?:ation)?|arthroscopy|microdis[ck]ectomy|decompression|drainage|turp|turbt|aclr|pclr|thr|tkr|tka|tha|cabg|orif|tavi|tavr|evar|tevar|lscs|bso|tah|acdf|tlif|plif|alif|rygb|dhs|hartmann'?s|whipple'?s|resektion|operation|bestrahlung)"
)
THEN = (
    r"(?:in (?:\w+ )?(?:19|20)\d\d|(?:(?:about|over|some|nearly|almost|approximately|a|few|several|many|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|couple of|\d+) ){1,3}(?:years?|months?|weeks?|yrs?) (?:ago|earlier|previously|before|back)|(?:last|the previous) (?:year|month|summer|winter)|years ago|as an? (?:young )?(?:child|teenager|infant|baby|boy|girl|neonate|student|adult|man|woman)|in (?:his|her|their) (?:(?:early|late|mid)[ -])?(?:teens|twenties|thirties|forties|fifties|sixties|seventies|youth|childhood|adolescence)"
    r"|in (?:childhood|infancy|adolescence)|(?:at|in|from) age \d+|at the age of \w+|(?<!man )(?<!lady )(?<!boy )(?<!girl )(?<!patient )(?<!male )(?<!child )(?<!infant )(?<!pt )(?<!person )(?<!of )(?<!brain )(?<!disc )(?<!spine )aged (?:\d+|one|two|three|four|five|six|seven|eight|nine|ten)(?= ?(?:[.,;)]|$| and ))|(?<!since )(?<!from )(?<!of )(?<!than )(?<!with )(?<!to )(?<!in )\(?(?:19|20)\d\d\)?(?= ?(?:[.,;)]|$))|in the (?:remote |distant )?past|elsewhere in (?:19|20)\d\d|per (?:the )?(?:chart|history)|vor \w+ (?:jahren|monaten|wochen))"
)
_NOT_WHAT_IS_LEFT = r"(?<!changes of )(?<!evidence of )(?<!sequelae of )(?<!signs of )(?<!changes from )(?<!due to )(?<!from )(?<!appearances of )(?<!changes after )"
_WHAT = r"(?:(?: of| for)(?: (?:an?|the|his|her|this|left|right|both))*(?: [\w-]+){1,2}?(?= ?(?:[.,;)]|$| (?:in|with|on|is|are|was|were|has|have|shows?|and|there|the|for|no)(?!\w))))?"
OPERATED = re.compile(
    rf"(?<![\w-])(?:after|following|since|post|nach|upon|(?<=changes )(?:of|from)|(?<=sequelae )of|(?<=scarring )(?:of|from)|(?:at|in|within) the (?:site|level|region|area|bed) of)(?: (?:an?|the|his|her|their|this|previous|prior|earlier|recent|remote))*(?: (?!the(?!\w)|an?(?!\w)|of(?!\w)|and(?!\w)|imaging)[\w/-]+){{0,3}}? {DONE}(?!\w){_WHAT}(?: {THEN})?"
    r"(?![\w /-]{0,30}(?:changes?|scar\w*|defects?|cavit\w+|seroma|images?|imaging|scan|mri|sequences?)(?!\w))"
)
"""An operation as the setting of what is found: it is of the past, what is said around it is not."""
PROCEDURE = re.compile(
    r"[ ,;(-]*(?:(?:(?:left|right|bilateral|total|partial|subtotal|complete|simple|radical|hemi|open|laparoscopic|\w+al|\w+ar|[a-z]\d+(?:[-/][a-z]?\d+)?|and) ){0,4}"
    r"(?!(?:laparo|osteo|rectal|an)tom(?:y|ies))(?:\w+ectom(?:y|ies)|cranioto\w+|lamino\w+om(?:y|ies)|\w+plast(?:y|ies)|\w+desis|\w+odeses))[ .,;)]*"
)
"""An operation alone is one that was done."""
_NO_SCAN = r"(?! (?:\w+ )?(?:mri?s?|mr|ct|cts|scans?|stud(?:y|ies)|exam\w*|imaging|images?|radiograph\w*|x-?rays?|ultrasound|films?|reports?|mra|mrcp|angiogra\w+|pet)(?!\w))"
_AFTERMATH = r"(?!.{0,80}(?<!\w)(?:images?|imaging|scan|mri|sequences?|radiograph|t1|t2w?|stir)(?!\w))(?![\w /-]*(?:changes?|scar\w*|defects?|appearances?|cavit\w+|seroma|collection|oedema|edema|enhancement|contrast|gad\w*|images?|imaging|scan|mri|sequences?|t1|radiograph|cavity)(?!\w))"


def _cue(kind: Kind, reach: Reach, *patterns: str, bare: str = "") -> tuple[Kind, Reach, re.Pattern[str]]:
    return kind, reach, re.compile(r"(?<![\w~])(?:" + "|".join(patterns) + r")(?!\w)" + bare)


TABLES: tuple[tuple[Kind, Reach, re.Pattern[str]], ...] = (
    *(_cue(kind, reach, *patterns) for kind, reach, patterns in (*EVERYDAY, *LINES)),
    # A negated exclusion is a doubt, and so is an exclusion still to be done.
    _cue(
        "hedge", "before",
        r"(?:(?:is|are|was|were|has been|have been) )?(?:suspected|thought|felt|believed|presumed|assumed|postulated|suggested) (?:(?:to (?:be|have been)|as) )?(?:an? |the )?(?:(?:likely|possible|probable|most|main|underlying|potential) )*(?:cause|reason|source|culprit|explanation|origin|responsible|contributory|causative|causal)(?: (?:for|of) (?:the |his |her |this |these )?(?:\w+ ){0,2}\w+)?",
        r"(?:may|might|could|would)(?: (?:\w+ly|also|well|still|then|of course|therefore))? (?:be (?:present|there(?! (?:is|are))|possible|involved|implicated|coexistent|thought of)|exist|coexist|have to be (?:considered|entertained|excluded|ruled out)|need to be (?:considered|excluded|ruled out))",
        r"(?:cannot|can not|can't|could not|couldn't|is not|not|neither)(?: \w+ly)?(?: be)? (?:(?:confirmed|proven|diagnosed|established|affirmed) (?:or|nor) (?:excluded|ruled out|refuted|dismissed)|(?:excluded|ruled out) (?:or|nor) (?:confirmed|proven|established))",
        rf"{_BE}(?:cannot|can not|can't|could not|couldn't|not|never|nor) (?:yet )?(?:be )?(?:\w+ly )?(?:be )?(?:\w+ly )?{_EXCLUDED}",
        rf"{_BE}(?:difficult|hard|impossible|insufficient) to (?:\w+ly )?(?:exclude|rule out|discern|determine|assess|evaluate|confirm)",
        rf"{_BE}(?:cannot|can not|can't|could not|couldn't|not|in-?adequately|in-?completely|poorly|suboptimally|limited)(?: be)?(?: \w+ly)? (?:assessed|assessable|evaluated|evaluable|commented on|characteri[sz]ed|determined)(?: (?:for|fully|well))?",
        rf"{_BE}(?:limited|non-?diagnostic|incompletely (?:assessed|evaluated|imaged)|not (?:well|adequately|optimally|fully|completely) (?:seen|visuali[sz]ed|imaged|shown|demonstrated|depicted))(?= (?:without|on|by|due|because|in|given|owing)| ?(?:[.,;)]|$))",
        r"(?:kann |können )?nicht (?:sicher |sicher auszu)?(?:auszuschließen|auszuschliessen|ausgeschlossen)(?: werden)?",
        rf"{_BE}(?:a |an |the )?(?:small|high|real|slight|distinct) (?:possibility|probability)",
        rf"{_BE}not proven(?= ?(?:[.,;)]|$))",
    ),
    _cue(
        "hedge", "after",
        rf"(?:cannot|can not|can't|could not|couldn't|{_DOES_NOT}|not|unable to|difficult to|impossible to|insufficient to|not possible to|not able to)(?: \w+ly)? (?:exclude|rule out|r/o|discount|dismiss)(?: (?:the )?(?:possibility|presence) of)?",
        r"(?:not possible|impossible|unable|cannot|can't|could not|difficult|hard)(?: \w+ly)?(?: to)? (?:say|state|tell|be (?:sure|certain|said|stated|claimed|determined)|determine|know)(?: (?:that|whether|if))?(?: there (?:is|are|was))?(?: (?:no|not|any|an?))?",
        r"neither (?:confirmed|proven|confirm\w*) nor (?:excluded|ruled out|exclude\w*):?",
        r"(?:intermediate|high|small) (?:probability|likelihood|possibility) (?:of|for)|possibility of(?! \w+ (?:is|are) (?:remote|low))",
        r"not (?:certain|sure|clear|definite)(?: whether| if)?|not (?:clearly|definitely|definitively|obviously|typical|classical|convincingly|necessarily)(?! (?:seen|identified|visible|visuali[sz]ed|demonstrated|present|shown|evident|detected)(?!\w))(?: (?:an?|the|for|of))?",
        r"(?:i |we )?(?<!no )(?<!without )(?<!a )doubt(?:s|ed)?(?: (?:that|if|whether))?(?: (?:this|it|these) (?:is|are|represents?))?|(?<!is )(?<!are )(?<!was )(?<!were )doubtful(?: (?:whether|if|for))?",
    ),
    _cue(
        "question", "before",
        rf"(?:should|must|needs? to|has to|have to|ought to|to) (?:first |also )?be {_EXCLUDED}|(?:needs?|requires?|for) (?:exclusion|excluding|ruling out)",
    ),
    # What another person had.
    _cue(
        "family", "whole",
        r"(?:(?:strong|positive|known|significant|relevant|no|negative|unremarkable|maternal|paternal) )*famil(?:y|ial) (?:medical )?(?:history|hx|h/o)|(?:no |positive |negative |strong )?f\.?h\.?x\.?|fh(?= ?[:+])|fam\.? ?(?:hx|history)|(?:positive|negative) fhx",
        rf"(?:(?:his|her|the patient's|patient's|twin|maternal|paternal|identical|elder|younger|older|half|a|whose|one|two) )*{_RELATIVES}(?! (?:cysts?|vesicles?|lesions?|nodules?|hospital|department|unit|cent(?:re|er)|institution|site|reports?|states?|says|noticed|noted|describes?|denies|is (?:concerned|worried)|brought)(?!\w))",
        r"(?:maternal|paternal) (?:side|family|line|history)|runs in the family|in (?:the|her|his) family|family members?|familienanamnese|familiäre (?:vorbelastung|belastung|anamnese)",
    ),
    _cue("masked", "after", NOT_A_NEGATION.pattern.removeprefix(r"(?<![\w~])(?:").removesuffix(r")(?!\w)"),
         r"(?:absent|negative|normal) (?:to|0)(?= |$)"),
    # Done, and gone.
    _cue(
        "history", "before",
        rf"{_BE}(?:surgically|post-?operatively|iatrogenically) absent|absent (?:after|following|post|due to|from|owing to) (?:prior |previous |earlier )?(?:surgery|{DONE})",
        r"(?:(?:was|were|has been|have been|had been|which was|previously|surgically) )+(?:removed|excised|resected|taken out|operated|evacuated|amputated|enucleated)(?! (?:cavity|bed|margin|level))(?: (?:on|elsewhere|abroad|at another hospital))?",
        r"treated(?= (?:in )?(?:19|20)\d\d(?!\w))",
        rf"(?:removed|excised|resected|taken out|operated|evacuated)(?= (?:from|on|in|elsewhere|abroad|{THEN})(?!\w)| ?(?:[.,;)]|$))",
        rf"(?:was|were) (?:performed|done|carried out|undertaken|treated|diagnosed|repaired|clipped|coiled|embolised|embolized|ablated|drained|irradiated)(?: [\w/-]+){{0,5}}? {THEN}",
    ),
    # All that is abnormal denied is normality.
    _cue(
        "normal", "either",
        r"(?:no|without|nil)(?: (?:evidence of|signs? of|an?|any|acute|significant|other|further|obvious|gross|definite|structural|demonstrable|relevant|major|overt|specific|convincing|additional|intracranial|focal|detectable|visible|discernible|pathological|clinically))*"
        r" (?:abnormalit(?:y|ies)|abnormal findings?|pathology|anomal(?:y|ies)|findings? of (?:note|pathological (?:value|significance|relevance)))(?! of)(?: (?:is |was )?(?:detected|seen|identified|demonstrated|found|shown|noted))?|nothing (?:abnormal|acute|focal|of note)(?: (?:is |was )?(?:detected|seen|found))?|nil (?:acute|focal|of note|significant)(?! (?!(?:bar|save|except|apart|but|other|besides)(?!\w))\w)",
        r"(?:no|without) faults?(?: (?:to find|found))?(?: (?:with|in))?|(?:nothing|nil|none) (?:wrong|the matter|amiss|untoward|unusual|remarkable|particular|out of the ordinary|to (?:add|remark|report|mention|criticise|criticize))(?: (?:with|about|at|on|to))?|(?:no|without|nil)(?: any)? (?:particularit(?:y|ies)|peculiarit(?:y|ies)|complaints?)",
        r"negative (?:study|mri?|scan|exam(?:ination)?|mra|mrv|investigation)|healthy|nad|clear (?=(?:(?:paranasal|mastoid|lung|visuali[sz]ed|maxillary|ethmoid|frontal) )*(?:sinus(?:es)?|mastoids?|lungs?|air cells|orbits))",
    ),
    # There no more, or never.
    _cue(
        "negation", "before",
        rf"(?:{_BE}{_NOT}|cannot|can't|couldn't|(?:is|are|was|were)n't) (?:{_BE})?{_HOW}(?:be |been )?{_HOW}{_SEEN}",
        rf"{_BE}(?:now |since |completely |fully |entirely |totally |interval )*(?:resolved|settled|subsided|abated|receded|normali[sz]ed|dissolved|disappeared|vanished|cleared(?: up)?|gone|(?<!not )(?<!yet )(?:(?<=has )|(?<=have )|(?<=fully )|(?<=completely ))healed|regressed completely|completely regressed)",
        rf"{_BE}(?:now |therefore |thus |thereby |effectively |reliably |confidently |been |since )*{_EXCLUDED}(?! (?:by (?!(?:the |this |an? |our |today's )?(?:mr|ct|imag|scan|stud|exam|biops|angio|ultras|diffusion|swi|cardiac|surger|clinic|lab|previous|prior|outside))|from the (?:study|analysis)))",
        rf"{_BE}(?:felt |thought |considered |deemed |judged )?(?:to be )?(?:(?:most|very|highly|extremely|rather|quite|also) )?(?:unlikely|improbable)(?! to| that)",
        r"(?:is|are|was|were|seems?|appears?|remains?) (?:(?:very|rather|quite|considered|extremely) )?(?:remote|negligible|very low)",
        r"(?:is|are|was|were) (?:no longer|lacking|missing|wanting|out)|(?:is |are )?conspicuous by (?:its|their) absence|(?:is |are |was |were )?(?:not|less) favou?red(?! to)|fail(?:s|ed)? to be (?:shown|seen|demonstrated|identified|found|confirmed)|(?:did|does|do) not (?:\w+ )?(?:recur|reappear|return|materiali[sz]e)|(?:is|are|of) (?:a |an )?(?:very )?low (?:probability|likelihood|possibility)(?! (?:of|for|that))",
        rf"{_BE}not (?:\w+ly )?(?:(?:thought|felt|considered|deemed|believed|judged) )?(?:to be )?(?:at all |very |particularly )?(?:likely|probable)(?! to)|{_BE}not supported|(?:does|do|did) not (?:exist|develop|occur|materiali[sz]e)|(?:is |are |was |were )?non-?existent|(?:is|are|was|were) no more(?= ?(?:[.,;)!]|$)| on the)",
        r"(?:has|have|had|carries) (?:a |an )?(?:very |extremely )?low (?:probability|likelihood|possibility|chance)(?! (?:of|for|that))",
        r"none (?:seen|identified|visible|found|present|detected|noted|demonstrated|evident|shown|apparent)",
        r"(?:liegt|liegen|lag|lagen) nicht vor|(?:lässt|lassen|ließ|ließen) sich nicht (?:sicher )?(?:nachweisen|abgrenzen|erkennen|darstellen|sehen)|(?:kommt|kommen) nicht zur darstellung|(?:ist|sind) nicht zu (?:sehen|erkennen)",
        r"(?:was|were|has been|have been|is|are)?(?: \w+ly)? ?(?:looked for|searched for|sought)(?: \w+ly)?,? (?:and|but) (?:was |were |is |are )?not (?:seen|found|identified|detected|present|visible|confirmed|demonstrated|there)",
        r"none (?:is|are|was|were|being|has|have)(?: \w+)? (?:seen|identified|found|present|visible|demonstrated|noted|there|shown|detected)|neither (?:is|are|was|were) (?:\w+ )?(?:seen|present|identified|found|visible|demonstrated)",
        r"(?:nicht|nirgends) (?:mehr )?(?:abgrenzbar|nachweisbar|erkennbar|sichtbar|vorhanden|darstellbar|gesehen|abzugrenzen|nachzuweisen)|(?:wurde |ist |sind )?ausgeschlossen",
    ),
    _cue(
        "negation", "after",
        rf"(?:(?:i|we) )?{_DOES_NOT} {_HOW}{_SHOWS}(?:s|ed|ing)?(?: (?:any|an?|the))?(?: (?:evidence|signs?|features?) (?:of|for))?",
        rf"(?:it|there|here) (?:is|are|was|were|has been) {_NOT} (?:{_HOW})(?:observed|seen|appreciated|found|identified|detected|noted|visuali[sz]ed|evidenced|objectified|any)",
        r"(?:no|without|nil)(?: (?:\w+ ){0,4}(?:evidence|e/o|signs?|features?|suggestion|indication|demonstration|argument|hint|trace|proof)(?: (?:of|for|to suggest|in favou?r of|suggesting|suggestive of))?)",
        r"(?:little|scant) evidence (?:of|for)(?: (?:a|the) diagnosis of)?",
        r"(?:unremarkable|clear) for(?! (?:age|the|his|her|their|an?|patient|someone|this)(?!\w))|clear of|(?:very |extremely )?low (?:(?:index of )?suspicion|probability|likelihood|chance|possibility) (?:for|of|that)|little (?:to suggest|to support|evidence of)|negative (?:with regards? to|as regards|regarding|as to|with respect to)",
        r"no(?!-)|without|w/o|zero(?! (?:degrees?|gap|filling|te|echo|point|b|dose|intensity|order|time|line|slice)(?!\w))|nor|neither|never|nothing|nil|none of (?:which|these|them|the)|negative (?:for|of)|neg\.? (?:for|of)|-ve (?:for)?|\(-\)(?= ?\w)",
        r"(?:absence|lack|exclusion|disappearance|clearing|clearance|resolution|negativity) of|lacks|lacking|devoid of|free (?:of|from)",
        r"(?:interval |complete |full |total |near )*(?:resolution|disappearance) of|(?:complete|total) (?:regression|remission|response) of|cr of|den(?:y|ies|ied|ying)",
        r"(?:ha(?:s|ve) )?(?:reliably |effectively )?(?:rules|ruled) out|(?:appearances|findings|features|images|results|sequences|scans|these|they) (?:\w+ly )?(?:exclude|rule out)|(?:has |have |thereby |thus )(?:reliably |effectively )?(?:excluded?|excludes|ruled out)|excludes",
        r"fail(?:s|ed|ure|ing)? to (?:demonstrate|show|reveal|identify|detect|find|confirm|visuali[sz]e)(?: any)?|unable to (?:identify|demonstrate|see|find|visuali[sz]e)",
        r"argues? (?:strongly )?against|(?:speaks?|evidence|is|are|strongly|mitigates?|militates?) against|(?<!or )rather than|instead of|as opposed to|not (?:those|that|the appearances?) of(?: an?)?",
        r"not (?:be |been )?(?:an?|any|the|due|related|in keeping|compatible|consistent|suspicious|suggestive|concerning|worrisome|indicative|caused|attributable)(?: (?:to|with|for|of))?",
        r"suggest(?:s|ed|ing|ive)?(?: of)? (?:an? |the )?(?:absence|lack)(?: of)?|unlikely(?: (?:to (?:be|represent)|that(?: (?:this|it|these)(?: (?:is|are|represents?))?)?))?",
        r"(?:inconsistent|incompatible) with(?: an?)?|(?<!flow )(?<!signal )void of|non-?contributory for|keinerlei|frei von|sans|pas d(?:e(?: l)?|['’]une?|['’])|absence d(?:e|['’])|aucune?",
        r"kein(?:e[nrsm]?)?(?: (?:hinweise?|nachweis|anhalt|zeichen)(?: (?:auf|einer?|für|eines))?)?|ohne|weder|noch(?= \w+ noch)|(?<!zum )ausschluss(?: (?:einer?s?|von|eines))?|\[ ?\]",
    ),
    # What a thing does not do.
    _cue(
        "negation", "verb",
        rf"{_DOES_NOT}|(?:has|have|had|is|are|was|were|isn't|aren't|wasn't|weren't)(?: \w+ly)? not|(?:isn|aren|wasn|weren|hasn|haven|doesn|don|didn)['’]t|fail(?:s|ed)? to|not|nicht",
        r"neither(?= \w+(?:s|es)(?: \w+)* nor)",
    ),
    # Asked for, so not known.
    _cue(
        "question", "after",
        r"(?:please |kindly |to |in order to |must |should |for |need to |want to |would like to |is requested to )*(?:r/o|r\.o\.?|rule[ -]?out|ruling out|exclude|excluding(?! the)|query|querying|qy|\?)",
        r"(?:(?:please|to|for) )*(?:evaluate|evaluation|eval|assess|assessment|asses|look|looking|search|searching|screen|screening|check|checking|investigate|investigation|work-?up|surveillance|monitor|r/v|review)\.?(?: \w+){0,3}? (?:for|of any)(?! (?:an?y? )?(?:follow|response))",
        r"(?:screen|screening|check|eval|evaluate|asses)(?= (?!the|extent|response|its|of|for|known|\w+ (?:of|response))\w+)",
        r"(?:(?:evaluate|evaluation of|assess|assessment of|determine|delineate|establish|clarify) (?:[\w'/-]+ ){0,8}?)(?:and|or|with|if|whether)? ?any",
        r"(?:concern(?:s|ed|ing)?|reason|question|worry|worried|suspicion|fear|looking|look|query|queries|differential|requested|referred) (?:is |are |raised |exists )?(?:for(?! (?:the )?(?:exam|study|scan))|of|about|regarding|whether|if)|concern (?:over|is|was)",
        r"correlat(?:e|ion|ing)(?: \w+){0,3} (?:for|with (?:signs|symptoms))(?: (?:signs?|symptoms?|evidence) of)?|frage nach|zum ausschluss(?: (?:einer?s?|von))?|(?:z\.|a\.|v\.) ?(?:a\.|ausschluss)|fraglich\w*|verdacht(?: auf)?|ausschluss (?=\w+\?)|explain",
        r"looking for an? (?:explanation|cause|source) (?:for|of)|to look for|(?:cause|source|aetiology|etiology) of|such as(?= )|(?:is|are|was|were|could|can|may|might|does|do|has|have|any)(?= (?!there (?:no|an?|\d|is|are)).{0,120}\?)",
        r"(?:if|should(?= (?:\w+ ){1,5}(?:develop|occur|persist|recur|worsen))|in case of|in the event of|whenever|unless)(?= )|(?:when|where|wherever|once)(?= (?:[\w-]+ ){1,5}?(?:is|are) (?:present|found|suspected|confirmed|proven|infected|malignant)(?!\w))",
        r"(?:at )?(?:increased |high(?:er)? |low |some |considerable )?risks? (?:of|for|include\w*|:|assessment)|risks?,? including|(?:prone|predispos\w+) to|complications? (?:such as|include\w*|may)",
    ),
    # Told of the past.
    _cue(
        "history", "after",
        r"(?<!natural )(?<!time )(?<!relevant )(?<!hour )(?<!day )(?<!week )(?<!month )(?<!days )(?<!weeks )(?<!months )(?:(?:past|prev\.?|previous|prior|remote|known|long-?standing|medical|surgical|distant|personal|clinical) )*(?:history|hx)(?: of| for|:)?|h/o|p[ms]h(?:x)?(?:\.|:)?|pshx:?|past (?:hx|medical|surgical)\w*|anamnes\w+|antecedents?:?|status[- ]post|s/p|sp(?= \w+ectomy)|z\. ?n\.|(?:zustand|status) nach|vorbekannt\w*",
        r"(?:previously|formerly|recently|partially|earlier) (?:treated|had|underwent|diagnosed|resected|operated|excised|removed|irradiated|embolised)(?: (?:with|for|by))?|known to have had",
        rf"(?:under(?:went|gone|going)|(?:has|have|had) (?:previously |already )?had(?= (?:an? )?[\w -]{{1,40}}))(?! (?:an? |the |\w+ )?(?:mri?|mr|imaging|scan\w*|ct|contrast)(?!\w))|(?:diagnosed|treated|operated|irradiated|managed|hospitali[sz]ed|excised|resected)(?: (?:with|for|by|on|from)){{0,2}}(?= [^,;]{{0,80}}?(?:{THEN}|for|with))",
        rf"post(?=[ -](?:[\w-]+ ){{0,2}}{DONE}(?!\w)){_AFTERMATH}",
        rf"{_NOT_WHAT_IS_LEFT}(?:previous|prev\.?|prior|past|recent|remote|earlier|former|old)(?= (?:[\w/-]+ ){{0,4}}{DONE}(?!\w)){_AFTERMATH}",
        rf"(?:(?<!\w )|(?<=reports )|(?<=admits )|(?<=describes )|(?<=with )(?<!consistent with )(?<!compatible with )(?<!keeping with ))(?:previous|prev\.?|prior|past){_NO_SCAN}(?! (?:\w+ ){{0,2}}(?:seen|described|noted|reported|identified|resection cavity))(?! [^,;]{{0,200}}(?:, (?:which|now|still|again|unchanged|stable)[^,;]{{0,60}})?(?<!\w)(?:is|are|was|were|has|have|shows?|seen|noted|demonstrated|again (?:seen|noted|shown|visible|demonstrated|identified)|measures?|persists?|remains?)(?!\w))",
        rf"(?:two|three|four|five|six|several|multiple|many|numerous|\d+) (?:previous|prior|past|earlier){_NO_SCAN}(?= [\w -]{{1,50}}(?:[.,;)]|$))(?![^.,;)]*(?<!\w)(?:(?:in|of|at|within|involving) (?:the|both|left|right|[ctl]\d)|is|are|was|were|has|have|shows?|seen|noted|again)(?!\w))",
        r"(?:previous|prev\.?|prior|past|recent|earlier|former)(?: (?:episodes?|bouts?|attacks?|diagnos[ie]s|therapy|treatment|history))(?: (?:of|with|for))?|an? (?:episode|bout|attack) of|ex(?=-\w)|childhood(?= \w+)",
    ),
    _cue(
        "history", "after",
        r"(?:(?<=for )|(?<=with )(?<!consistent with )(?<!compatible with )(?<!keeping with )|(?<=child )|(?<=patient ))(?:(?:known|previously|prior|fully|completely|surgically|recently) )*(?:resected|excised|repaired)"
        r"(?= (?!(?:with|by|for|in|on|at|and|or|margins?|specimens?)(?!\w))[\w-]+)"
        r"(?! [^,;.]*(?<!\w)(?:recurren\w*|re-?tear\w*|re-?rupture\w*|\w*leak\w*|residual|beds?|cavit\w+|sites?|margins?|enhanc\w+|failure|complication\w*)(?!\w))",
    ),
    _cue("history", "whole", THEN, r"in remission|in the past"),
    # Hedged.
    _cue(
        "hedge", "before",
        r"(?:is|are|was|were|being) (?:(?:strongly|most|therefore|also|still|clinically|highly) )*(?:favou?red|suspected|questioned|queried|presumed|postulated|possible|likely|probable|doubtful|equivocal|questionable)(?= (?:over|on|in|at|here|by|clinically|given|because|due|until|till|unless|despite|although|though|but|after|from|even|if|when|since|for (?:now|the moment)|pending|without)(?!\w)| ?(?:[.,;)!]|$))",
        r"(?:is|are|was|were|seems?|appears?) (?:felt |thought |considered |deemed )?(?:to be )?(?:less|more|most|rather|quite) (?:likely|probable)(?! to)",
        r"(?:should|must|to|can|could) (?:also )?be (?:considered|entertained|raised|suspected)|remains? (?:unclear|uncertain|possible|a possibility|open|questionable|in the differential)|(?:is|are) (?:raised|debatable|on the list)|not entirely clear",
        r"(?:is|are|was|were|remains?) (?:(?:also|still|a|one|the|another|in|on|high|higher|low) )*(?:differential(?: diagnosis)?|(?:diagnostic )?consideration|possibility|possibilities|list)(?! (?:for|of|includ\w+|between))",
        r"(?:needs?|has|have) to be considered|(?:is|are|was|were|seems?|remains?) (?:conceivable|imaginable|thinkable|plausible|suggested)(?= (?:over|on|in|at|here|by|clinically|given|because|due|from)(?!\w)| ?(?:[.,;!)]|$))",
    ),
    _cue(
        "hedge", "after",
        r"(?:would|i|we) question",
        r"(?:may|might|could|would|can)(?: (?:also|well|possibly|potentially|either|be|perhaps|conceivably|still|just|therefore|of course)){0,3}(?! be (?:seen(?! with)|observed|identified|appreciated|noted|demonstrated|used|shown|visuali[sz]ed|measured|delineated|followed|traced|tracked|made out|outlined|recogni[sz]ed|found|helpful|useful|considered|repeated|performed|obtained))"
        r" (?:represent|be|reflect|indicate|suggest|relate|correspond|have|include|due|mimic|fit|account|signify|denote|favou?r|explain|harbou?r)\w*(?: (?:an?|the|to|for|with|of|seen|due|compatible|consistent|related|secondary|part|caused by))*",
        r"(?:could|can|may|might) (?:also )?be seen (?:with|in(?= (?!the|left|right|this|these|both)))|would be (?:compatible|consistent|in keeping) with|(?:compatible|consistent|in keeping) with either",
        r"(?:suspicious|suspicion|worrisome|concerning|suspected|worrying|equivocal|questionable|doubtful)(?: (?:for|of|about|to be))|raises? (?:the )?(?:possibility|question|suspicion|concern)(?:s)?(?: (?:of|for|about))?",
        r"suggest(?:s|ed|ing|ive|ion)?(?: (?:of|for|that))?|favou?r(?:s|ed|ing)?|in favou?r of|(?:thought|felt|believed|considered|presumed|assumed) to (?:be|represent|reflect)|appears? to (?:be|represent)|there appears?|seems? to (?:be|represent)",
        r"(?:the )?(?:differential|differentials|ddx?|d/d)(?: (?:diagnos[ei]s|considerations?))?(?: (?:includ\w+|would include|is|are|between|of|for|comprises))?:?(?! (?:enhancement|signal|function))|considerations? (?:includ\w+|would be|are)|consider(?:ing)?(?! (?:\w+ )?(?:follow|repeat|mri|ct))",
        r"(?<!not )(?<!in)compatible with(?: an?)?",
        r"(?:(?:most|very|quite) )?(?:probably|possibly|presumably|perhaps|maybe|conceivably|potentially) (?:(?:entirely|all|both|partly|in part|at least partly|largely) )?(?:due|secondary|related|owing|attributable) to(?: an?)?|(?:probably|possibly|presumably|perhaps|maybe) (?:because of|caused by|from|the result of|a result of|a consequence of|on the basis of|explained by)(?: an?)?",
        r"(?:less|more|most|very|quite|as|too) (?:likely|probabl[ey])(?: (?:to be|an?|due to|represent\w*))?|likely(?: (?:to be|representing|represent|reflecting|due to))?|(?:statistically|conceivably|arguably)(?: an?)?|if not(?= \w)|unless",
        r"(?:either|whether)(?= (?:an? )?[\w -]{1,40} or (?:an? )?\w)",
        r"(?:chance|probability|likelihood|odds) of|(?:to be )?(?:differentiat\w+|distinguish\w*|discriminat\w+) (?:between|from)|am ehesten|vereinbar mit|vermutlich|mutmaßlich|wahrscheinlich\w*|möglich\w*|verdächtig\w*|dd|prob\.|poss\.|susp\.|\?\?+|"
        r"questionabl[ey]|presum(?:ed|ably|ptive)|suspect(?:s|ing)?|possibly|perhaps|maybe|might|at most equivocal",
    ),
    _cue(
        "hedge", "before",
        rf"{_BE}(?:(?:also|still|strongly|clinically|a|one|the|another|in|on) )*(?:differential(?: diagnosis)?|(?:diagnostic )?consideration|possibility|possibilities|concern)(?! (?:for|of|includ\w+|between))",
        r"versus|vs\.?",
    ),
    _cue(
        "hedge", "either",
        r"possib(?:le|ility|ilities)|potential(?:ly)?|probabl[ey]|probabilit(?:y|ies)|likelihood|suspected|suspicious|suspicion|equivocal(?: for)?|indeterminate|inconclusive|ambiguous|uncertain(?: (?:if|whether))?"
        r"|unclear(?: (?:if|whether))?|concern|concerning|worrisome|worrying|considered|consideration|questioned|queried|atypical for|vereinbar|d/d|ddx?|speculative|borderline for|in question",
    ),
    # Denied or affirmed by a word beside the name: "ascites nil", "fracture: N", "effusion (+)".
    _cue(
        "negation", "either",
        r"absent|excluded|spared|negative|neg(?:\.|(?!\w))|(?:\(-+\)|-ve|nil|none)|unlikely|resolved|nicht|ausgeschlossen|negativ|gone|uninvolved",
    ),
    _cue("yes", "after", r"positive for|\(\+\)(?= ?\w)|\+ve for|\[ ?[x✓✔] ?\]|presence of"),
    # Normality.
    _cue(
        "normal", "either",
        r"normal(?:ly)?(?: (?:in|of|for|appearances? of|study|scan|mri?|mr|mrcp|mra))?|normal-\w+|(?:completely |entirely |grossly |otherwise |essentially |virtually )?unremarkable|(?:with)?in (?:normal|physiological) limits|wnl|nad|intact|patent|preserved|maintained",
        r"(?:fully|well|normally|completely) (?:formed|developed)|well[- ](?:aerated|preserved|maintained|pneumati[sz]ed|defined and normal)|(?:is|are|appears?|remains?|looks?|seems?) (?:clear|midline|symmetrical?|dry|ok|okay|fine|good|healthy)",
        r"symmetrical and (?:of )?normal|symmetric(?:al)?(?= (?:in|and)(?!\w))|age[- ]appropriate|appropriate for (?:the )?(?:patient.s )?age|(?:is|are) free(?! (?:fluid|air|to))|physiological|(?:is|are|remains?|lies?|lie) in the midline|satisfactory|normocephalic|sparing(?: of)?",
        r"unauffällig\w*|regelrecht\w*|altersentsprechend\w*|o\.?b\.?|normgerecht|normal(?:e[nrsm]?|weit)|intakt\w*|erhalten\w*",
    ),
    _cue("normal", "before", r"(?:ok|okay|clear|fine|nl|free|dry|symmetric(?:al)?)(?= ?(?:[.,;)]|$))"),
    _cue("hedge", "before", r"likely|unsure"),
)  # fmt: skip

_BARE = (
    ("negation", re.compile(r"(?<=[a-z]s )(?<!rads )0(?= ?(?:[,;)]|\.(?!\d)|$))|(?<=[\w)] )(?:no|n|nil|none|nope|nein|-|\(-+\)|neg\.?|-ve)(?= ?(?:[.,;)]|$))|(?<=[:?=] )(?:no|n|nil|none|nope|not so|not here|not at all|certainly not|definitely not|nein|-+|neg\.?|0(?: ?(?:mm|cm))?)(?= ?(?:[.,;)]|$))|(?<=\w)\(-+\)|(?<=\w )0 ?(?:mm|cm)(?= ?(?:[.,;)]|$))")),
    ("yes", re.compile(r"(?<=[\w)] )(?:yes|y|\++|\(\++\)|present|ja|\+ve|pos\.?)(?= ?(?:[.,;)]|$))|(?<=[:?=] )(?:yes|y|\++|ja|present|positive|pos\.?|\+ve)(?= ?(?:[.,;)]|$))|(?<=\w)\(\++\)")),
)  # fmt: skip
_CAUSE = re.compile(
    r"(?<!\w)(?:may|might|could|would|can)(?: (?:\w+ly|also|well|still|then))? (?:be (?:(?:the|an?) (?:(?:likely|possible|underlying|main) )*(?:cause|reason|source|culprit|explanation)|responsible|causative|to blame)|account for|explain)(?: (?:the|this|these|her|his|of|for)(?: [\w-]+){0,2}?(?= ?(?:[.,;)]|$| (?:on|in|at)(?!\w))))?(?!\w)"
)
_DESCRIBED = re.compile(
    r"[ -]*(?:and )?(?:the|this|these|those|its|such|an?|which|that|small|mild|moderate|severe|large|marked|multiple|known|\d)(?!\w)"
)
"""What is described is there, whatever it may be the cause of: "the disc herniation may account for the pain"."""
_QUESTION = re.compile(r"(?<![\w)\"'?])\?+ ?(?=\w)|\?+")
_FREE = re.compile(r"(?:^|(?<=[.,;:] ))(?P<what>[a-z]+)(?P<cue>-free)(?!\w)(?! (?:survival|interval|period))")
"""Denies the word that it is joined to: "oedema-free marrow"."""


_ELSEWHERE = re.compile(r"(?<!\w)(?:of|in|to|within|into|from|at|no|without)(?!\w)")


def cues(heard: str) -> Iterator[Cue]:
    """The sentence's cues in order, none sharing words with another."""
    found: list[Cue] = []
    taken = bytearray(len(heard))

    def take(kind: Kind, reach: Reach, start: int, end: int) -> None:
        if not any(taken[start:end]):
            taken[start:end] = b"\x01" * (end - start)
            found.append(Cue(start, end, kind, reach))

    for match in _CAUSE.finditer(heard):
        before = heard[max(match.start() - 200, 0) : match.start()]
        opening = before[max(before.rfind(mark) for mark in ".;:,(") + 1 :]
        of_it = before.endswith(("which ", "that "))
        take("masked" if of_it or _DESCRIBED.match(opening) else "hedge", "before", *match.span())
    for start, end, side in shown_earlier(heard):
        take("history", side, start, end)
    for start, end, half in framed(heard):
        take(half, "after", start, end)
    for match in CHANCE_IS_LOW.finditer(heard):
        take("masked", "after", match.start(), match.start("low"))
        take("negation", "before", match.start("low") + 1, match.end())
    for match in _FREE.finditer(heard):
        if names_finding(match["what"]):
            take("negation", "before", *match.span("cue"))
    for kind, reach, pattern in TABLES:
        for match in pattern.finditer(heard):
            if kind == "history" and of_this_examination(heard, *match.span()):
                continue
            if (
                kind == "masked"
                and match.group().endswith("absent")
                and _ELSEWHERE.search(heard, *_before(heard, match))
            ):
                continue  # "invasion of the rectum and bladder is absent": the invasion is
            if match.end() > match.start():
                take(kind, reach, *match.span())
    for match in _QUESTION.finditer(heard):
        follows = heard[match.end() : match.end() + 1]
        opens = (match.start() == 0 or heard[match.start() - 1] in " (,:;-/") and (follows.isalnum() or follows == "(")
        take("question", "after" if opens else "before", *match.span())
    doubted = -1
    for cue in sorted(found, key=lambda cue: cue.start):
        weighs = cue.kind == "negation" and ALTERNATIVE.fullmatch(heard, cue.start, cue.end) is not None
        doubts = weighs and doubted >= 0 and not re.search(r"[;.:]", heard[doubted : cue.start])
        if doubts or cue.kind == "hedge":
            doubted = cue.end
        yield replace(cue, kind="hedge") if doubts else cue


def _before(heard: str, match: re.Match[str]) -> tuple[int, int]:
    """What of the same statement stands before it."""
    return max(heard.rfind(mark, 0, match.start()) for mark in ".;:") + 1, match.start()


def bare_answer(heard: str, start: int, end: int) -> Cue | None:
    """A bare yes or no that closes heard[start:end]: "hydronephrosis no", "effusion: y"."""
    for kind, pattern in _BARE:
        for match in pattern.finditer(heard, start, end):
            return Cue(match.start(), match.end(), "yes" if kind == "yes" else "negation", "before")
    return None
