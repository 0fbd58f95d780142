"""Cues that come before those of `cues`: what looks like a doubt of a finding and is none, and further denials and doubts.

A doubt of what a thing is, or whether it matters, is no doubt that it is there: "a suspicious lesion", "likely reactive
nodes", "of uncertain significance". Each line is (kind, reach, patterns); `cues` compiles them.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from typing import Literal

Line = tuple[
    Literal["masked", "negation", "normal", "hedge", "question", "history", "yes"],
    Literal["after", "before"],
    tuple[str, ...],
]

_DESCRIBED = (
    r"(?:lesions?|mass(?:es)?|nodules?|foc(?:us|i)|nodes?|lymphadenopath(?:y|ies)|areas?|regions?|enhancement|signal|(?:micro-?)?calcifications?|collections?|thickening|uptake|spots?"
    r"|densit(?:y|ies)|opacit(?:y|ies)|changes?|abnormalit(?:y|ies)|findings?|effusions?|oedema|edema|hyperintensit(?:y|ies)|finding)"
)
"""Nouns that name what is seen and not what it is: of these a doubt is about their nature."""
_BETWEEN = r"(?:(?!(?:for|of|about|that|is|are|was|were|and|or|in|on|to|with|if|whether)(?!\w))[\w/-]+ ){0,4}?"
_NOT_OF = r"(?! (?:for|suggesting|suggestive|consistent|of (?:malign|metasta|cancer|recurren|infect|tumou?r))(?!\w))"
_QUALITY = (
    r"(?:benign|malignant|reactive|inflammatory|physiologic(?:al)?|degenerative|incidental|congenital|developmental|isch[a]?emic|vascular|cystic|ha?emorrhagic|infected|infective|infectious"
    r"|neoplastic|traumatic|metabolic|nonspecific|non-specific|chronic|age-related|secondary|symptomatic|asymptomatic|insignificant)"
)
_NATURE = r"(?:significance|a?etiology|origin|nature|age|cause|relevance|(?:malignant )?potential|chronicity|importance|behaviou?r|histology|pathogenesis|duration)"
_DOUBTFUL = r"(?:equivocal|borderline|questionable|doubtful|indeterminate)"
_LITTLE = rf"(?:{_DOUBTFUL}|minimal|minor|slight|trace|trivial|mild|subtle|tiny|faint|little)"
_REAL = r"(?:convincing|definite|significant|clear|obvious|true|real|appreciable|relevant|major|marked|gross|abnormal)"
_LOOKED = r"(?:assessment|evaluation|visuali[sz]ation|interpretation|characteri[sz]ation|depiction|detection|delineation|analysis|view)"
_TELL_APART = r"(?:distinguish(?:ed|able)?|differentiat(?:e|ed)|discriminated?|discern)"
_CANNOT = r"(?:cannot|can not|can't|could not|couldn't|(?:is |are )?(?:difficult|hard|impossible) to|(?:is |are )?(?:not possible|not able|unable) to|not (?:easily |clearly |readily )?)"

_FORM = (
    r"(?:shape|signal(?: intensity)?|configuration|contours?|outlines?|calib(?:re|er)|size|width|position|morphology|appearances?|architecture"
    r"|alignment|course|thickness|structure|form|margins?|echotexture|texture)"
)

ALTERNATIVE = re.compile(r"rather than|instead of|as opposed to")
"""After a doubt these weigh two things: "favours a cyst rather than a tumour" denies neither."""

_LONG_AGO = (
    r"(?:in the (?:remote |distant )?past|(?:many |several |some |\w+ )?years ago|in (?:his|her|their) (?:\w+[ -])?(?:teens|\w+ties|youth|childhood|adolescence)"
    r"|as an? (?:young )?(?:child|teenager|student|adult|infant)|in (?:childhood|infancy|adolescence)|in (?:19|20)\d\d)"
)
_ONCE = r"(?:previously|formerly|initially|originally|earlier|at first)"
_DOUBTED = r"(?:suspected|queried|questioned|presumed|postulated|considered|(?:thought|felt|believed)(?= to(?!\w)))"
_STANDS_NOW = r"(?=[^,;.]{1,100}?(?<!\w)(?:is|are|remains?|has|have|persists?|shows?|measures?|enhances?)(?!\w))"
"""What was doubted once is told of now: "the previously suspected tear is confirmed"."""
_EARLIER_DOUBT = (
    r"(?:previous|prior|earlier|former|initial|original) (?:\w+ )?(?:suspicion|concern) (?:of|for|about|regarding)"
)
DOUBTED_ONCE = re.compile(r"suspect|quer|question|presum|postulat|consider|thought|felt|believ|suspicion|concern")
"""In a cue of the past: what is denied after it was never there."""
_LOOKS = r"(?<!enhancement )(?<!thickening )(?<!quality )(?<!study )(?:is|are|was|were|remains?|appears?|looks?|seems?) (?:(?:also|all|both|well|fully|anatomically|normally|entirely|grossly|again) )*"
_ENDS = r"(?= ?(?:[.,;)]|$)| (?:and|with|without|throughout|bilaterally|at|on|in|for|but)(?!\w))"

LINES: tuple[Line, ...] = (
    (
        "masked", "after",
        (
            rf"(?<!not ){_ONCE} {_DOUBTED}(?: to (?:be|have|represent)(?!\w)|(?! to )){_STANDS_NOW}",
            rf"{_EARLIER_DOUBT}{_STANDS_NOW}",
            rf"(?:suspicious|worrisome|concerning|worrying|(?:low|high|intermediate)[ -]suspicion)(?= {_BETWEEN}(?:{_DESCRIBED}|cysts?|polyps?)(?!\w){_NOT_OF})",
            rf"(?:(?:most|very|quite) )?(?:likely|probably|possibly|presumably|perhaps|potentially)(?= {_QUALITY} {_BETWEEN}(?!(?:changes?|signal)(?!\w)){_DESCRIBED}(?!\w){_NOT_OF})",
            rf"(?:resolved|cured|healed)(?= [^,;.]{{1,60}}? {_LONG_AGO}(?!\w))",
            r"(?:(?<=, )|(?<=lesion )|(?<=lesions )|(?<=nodule )|(?<=nodules )|(?<=mass )|(?<=focus )|(?<=foci )|(?<=cyst ))indeterminate(?= ?(?:[.,;)]|$))",
            rf"of (?:uncertain|unclear|indeterminate|doubtful|questionable|unknown|undetermined) (?:clinical |biological |diagnostic )?{_NATURE}",
            rf"{_DESCRIBED} (?:(?!not(?!\w)|no(?!\w)|nor(?!\w)|neither(?!\w)|if(?!\w)|whether(?!\w))[\w/-]+ ){{0,6}}?(?:is|are|was|were|remains?|appears?|looks?) (?:\w+ly )?(?:suspicious|worrisome|concerning|worrying)(?= ?(?:[.,;)]|$))",
            r"(?<=, )(?:such as|including)|(?<![^ ])excluding(?= [^,.;]{1,60}, (?:the|there|no|nothing)(?!\w))",
            r"(?:(?:congenitally|surgically) )?(?<!surgically )(?:corpus callosum|septum pellucidum|vermis) (?:is |was |appears )?(?:\w+ly )?absent",
        ),
    ),
    (
        "hedge", "before",
        (
            r"(?:is|are|was|were) (?:difficult|hard|impossible|not possible) to (?:comment (?:up)?on|assess|evaluate|judge|interpret|characteri[sz]e|comment|determine)",
        ),
    ),
    ("negation", "before", (r"(?:seems?|is|are|appears?) (?:little|hardly|barely|scarcely) (?:probable|likely|possible)",)),
    ("hedge", "after", (r"(?:one|we|i|this|which|these|that) evok(?:es?|ed)(?: an?| the)?",)),
    ("hedge", "after", (r"susp\.?(?: (?:for|of))?(?= [a-z])|poss\.?(?= [a-z])|prob\.?(?= [a-z])|c/f(?= [a-z])",)),
    (
        "normal", "before",
        (
            rf"{_LOOKS}(?:unaffected|unimpaired|unharmed|undisplaced|undeviated|unobstructed|pristine|competent|capacious|congruent|aligned|taut|adequate|aerated|pneumati[sz]ed|continuous|concentric|covered"
            rf"|smooth(?: and (?:regular|thin))?|regular|homogeneous|thin-walled|non-?dilated|non-?enlarged|in continuity|in (?:good|normal|anatomic(?:al)?|satisfactory) (?:alignment|position)"
            rf"|of (?:homogeneous|uniform|good) (?:signal|calibre|caliber|thickness)|(?:commensurate|in keeping) with (?:the )?(?:patient's )?age|without (?:any )?abnormality|centrally (?:placed|located|sited)|located centrally|anatomic(?:al)?|(?:of )?equal(?: in)?(?: (?:size|volume|signal|calibre|caliber|height|length|thickness|and|or))*){_ENDS}",
            rf"(?:shows?|has|have|displays?|demonstrates?) (?:an? |the |its |their )?(?:\w+ly )?(?:regular|usual|expected|physiological|homogeneous)(?:,? (?:and )?(?:regular|smooth|homogeneous|symmetrical?|usual))? {_FORM}(?:(?:,| and|, and) {_FORM}){{0,3}}",
            r"(?:exits?|pass(?:es)?|courses?|drains?|fills?|moves?|empt(?:y|ies)|runs?|opens?) (?:freely|normally|unimpeded|unobstructed)",
            r"(?:lies?|sits?|remains?|is|are) (?:normally |well |centrally )*within (?:its|the|their) (?:bicipital |normal )?(?:groove|sulcus|position|sheath)",
        ),
    ),
    (
        "negation", "before",
        (
            r"(?:is|are|was|were|seems?) (?:the |by far the )?least likely",
            r"(?:is|are|was|were) nowhere (?:to be )?(?:seen|found)|(?:does|do|did) not feature",
            r"none (?:is |are |was |were )?(?:\w+ly )?(?:enlarged|abnormal|dilated|thickened|inflamed|suspicious|pathological|involved)",
            r"(?:is|are|was|were|has been|have been)? ?not (?:proven|shown|seen|established|confirmed) n?or (?:suggested|suspected|proven)",
        ),
    ),
    (
        "negation", "after",
        (
            r"(?:no|without|nil)(?: [\w-]+){0,3}? changes (?:of|to suggest|suggesting|suggestive of|consistent with|in keeping with|compatible with|typical of|characteristic of|indicating|indicative of)",
            r"(?:refut|disprov)(?:es?|ed|ing)|(?:hardly|barely|scarcely) any",
            r"negative (?!(?:[\w-]+ )?(?:famil|fhx?(?!\w)|f\.?h))(?:[\w-]+ ){1,3}?for|(?<= and )against(?= )|(?<= but )against(?= )",
            r"(?<![^,;:(])0(?= (?!mm|cm|ml|t(?:esla)?(?!\w)|degrees?|of|to|out|points?|h(?:ours?)?(?!\w)|s(?:ec\w*)?(?!\w)|ms|and|or)[a-z])|(?<=[,;:(] )0(?= (?!mm|cm|ml|t(?:esla)?(?!\w)|degrees?|of|to|out|points?|h(?:ours?)?(?!\w)|s(?:ec\w*)?(?!\w)|ms|and|or)[a-z])",
            r"(?:no|without) (?:\w+ )?evidence (?:for,? or against|for or against)",
        ),
    ),
    (
        "hedge", "before",
        (
            r"(?:would|could|might) (?:also |still )?be (?:an? |the |one )?(?:\w+ )?(?:possibility|consideration|differential)",
            r"(?:is|are|would be|remains?|was) (?:the |an? |another )?(?:\w+ )?alternatives?(?: diagnos[ei]s)?(?! to)",
            r"(?:seems?|appears?|thought|felt|believed|suspected|presumed|assumed|considered|likely) to be (?:present|there)",
            r"(?:has|have|had) (?:not|never) (?:yet )?been (?:\w+ly )?(?:excluded|ruled out)",
            r"(?:is|are|was|were) (?:(?:partially|partly|largely|completely|somewhat|mostly) )?obscured",
            r"(?:poorly|suboptimally|inadequately|incompletely) (?:seen|visuali[sz]ed|imaged|shown|demonstrated|depicted)(?= ?(?:[.,;)]|$))",
            r"(?:is|are|was|were) (?:poorly|suboptimally|inadequately|incompletely) (?:seen|visuali[sz]ed|imaged|shown|demonstrated|depicted)(?= (?:without|on|by|due|because|in|given|owing)| ?(?:[.,;)]|$))",
            r"(?:is|are|was|were) not to be (?:\w+ly )?(?:judged|assessed|evaluated|appraised)",
            r"(?:is |are )?feared|(?:could|may|might|would|can) (?:easily )?(?:be|have been) (?:missed|overlooked|masked|hidden)",
            r"(?:could|may|might|can|would) (?:also )?(?:look|appear) (?:like this|similar|identical|the same)",
            r"(?:has|have|must|should|needs?)(?: to)? be (?:borne|kept) in mind|(?:cannot|should not) be (?:ignored|disregarded|overlooked)",
            r"(?:is|are|was|were|has been)? ?not (?:well|fully|adequately|completely|reliably|optimally) (?:assessed|evaluated|assessable|characteri[sz]ed)",
        ),
    ),
    (
        "hedge", "after",
        (
            rf"(?:limit(?:s|ed|ing)|hamper(?:s|ed|ing)|preclud(?:es|ed|ing)|degrad(?:es|ing)|impair(?:s|ed|ing)|obscur(?:es|ing)|hinder(?:s|ed|ing)|compromis(?:es|ed|ing)|restrict(?:s|ed|ing)|reduc(?:es|ed|ing)|poor|suboptimal|incomplete|inadequate|insufficient) (?:the |our |adequate |full |accurate |detailed |further |optimal |diagnostic )*{_LOOKED} (?:of|for)",
            rf"{_LOOKED} (?:of|for)(?= [\w /-]{{1,60}}? (?:is|are|was|were|remains?) (?:\w+ly )?(?:limited|suboptimal|incomplete|inadequate|hampered|degraded|compromised|poor|impossible|difficult|restricted|precluded|non-?diagnostic)(?!\w))",
            rf"{_CANNOT} ?(?:be )?(?:\w+ly )?{_TELL_APART}(?: (?:between|from))?|indistinguishable from",
            r"(?:is|are|was|were) (?:most |very |quite |more |felt |thought )?(?:likely|probable) (?:to be )?(?:due|owing|because|secondary|attributable)(?: to| of)?",
            r"(?:without|not) (?:being )?(?:able|possible) to (?:\w+ly )?(?:exclude|rule out)",
            r"not (?:inconsistent|incompatible) with|not (?:diagnostic|specific|pathognomonic|conclusive) (?:of|for)|not definite for",
            r"(?:not (?:enough|sufficient)|insufficient) (?:to (?:call|diagnose|support|confirm|establish)|for(?: a diagnosis of)?)|(?:falls?|falling) short of",
            r"(?:not|without|nor) excluding|(?:limited|low|poor|reduced|insufficient|not|in)[ -]?(?:sensitivity for|sensitive (?:for|to))",
            r"(?:cannot|can't|could not|unable to|not able to|not possible to|impossible to|difficult to) (?:comment on|assess|evaluate|judge|appraise)(?: for)?(?! (?:whether|if)(?!\w))",
            r"not (?:\w+ly )?(?:convinced|persuaded) (?:of|about|by|that)|low threshold for|(?<!no )(?:a |the )?(?:faint |slight )?hint of|appears? to have|allegedly|reportedly|(?:would|could|might) (?:support|fit|suit|match)(?: with)?",
            r"(?:insufficient|inadequate|not (?:enough|sufficient)) evidence (?:of|for)(?: (?:a|the) diagnosis of)?",
            rf"(?:no|without)(?: {_REAL})?,? or (?:(?:only|just|at (?:the )?(?:most|best),?) )?(?:very )?{_LITTLE},?|(?:no|without)(?: {_REAL})?, at (?:the )?(?:most|best),? {_LITTLE},|at (?:most|best),? {_DOUBTFUL},",
            r"(?:nonspecific|non-specific) for|overlap(?:s|ping)? with",
            r"(?:i |we )?(?<!no )wonder(?:s|ed|ing)?(?: (?:about|if|whether|whether this is|if this is))?",
            r"(?:(?<=, )|(?<=- )|(?<=; )|(?<![^ ]))question(?= (?!is|was|are|of|whether|if|about|mark|as|to|posed|raised|from|asked|answered|in)[a-z])",
            r"(?<!readily )(?<!more )(?<!less )(?<!most )(?<!clearly )(?<!is )(?<!are )(?<!was )(?<!were )(?<!be )(?<!become )(?<!becomes )(?<!mean )(?<!the )(?<!also )apparent(?= (?!diffusion|on|in|at|to|as|for|only|when|from|between|and|after|within|during|normal|life)[a-z])",
            r"(?:seemingly|apparently)(?= (?!normal|intact|unremarkable|healthy|uninvolved|well|since|after|has|had|was)[a-z])",
            r"borderline(?= (?!for(?!\w)|ovarian|serous|mucinous|tumou?r|resectable|between|of(?!\w)|personality|lesions?)[a-z])",
            r"(?:i|we) (?:think|believe)(?: (?:that )?(?:this|it|these|there) (?:is|are|represents?|was))?(?: an?)?",
            r"reminiscent of|resembl(?:es?|ing)|mimick?(?:s|ing)|simulat(?:es|ing)|(?:conceivable|plausible|imaginable) that",
        ),
    ),
    (
        "history", "before",
        (rf"(?:was|were|had been|has been|have been) {_ONCE} (?:\w+ly )?(?:suspected|queried|questioned|presumed|postulated|considered)",),
    ),
    (
        "history", "after",
        (
            rf"(?<!not ){_ONCE} {_DOUBTED}(?: (?:to (?:be|have|represent)|of having|as)(?: an?)?)?",
            _EARLIER_DOUBT,
        ),
    ),
    (
        "history", "after",
        (r"interval(?: surgical)?(?= (?:resection|excision|removal|\w+ectomy|craniotomy|laminectomy)(?!\w))",),
    ),
    (
        "question", "before",
        (
            r"(?<=[a-z] )(?:risk (?:assessment|stratification|evaluation|scor\w+)|screening|surveillance)(?= ?(?:[.,;)]|$)| (?:is |was |has been )?(?:requested|mri?|examination|study|programme?|protocol|only|and)(?!\w))",
        ),
    ),
    (
        "question", "after",
        (
            r"(?:biops(?:y|ies)|sampling|correlation|follow-?up|mri|ct|ultrasound|imaging|contrast|histology|arthrography|angiography|examination|scan|test(?:ing|s)?)(?: \w+){0,3}? (?:to|for) (?:confirm|confirmation of|prove|establish)(?: or (?:exclude|refute|rule out))?",
            r"(?:to|please|kindly) confirm(?= )|whether(?= (?:there|this|the|any|it|an?)(?!\w))",
            r"exclusion of(?= .{1,60}(?<!\w)(?:requires?|needs?|would|necessitates?)(?!\w))",
            r"(?:clinical )?question:(?= )|(?<![^ ,;(])(?:were|had) there (?:been |to be )?(?:an?|any|true|real)(?= )",
        ),
    ),
)  # fmt: skip

CHANCE_IS_LOW = re.compile(
    r"(?<!\w)(?:the )?(?:possibility|likelihood|probability|chance|(?:index of )?suspicion|concern) (?:of|for) (?:[\w'/-]+ ){0,5}?[\w'/-]+(?P<low>(?: (?:is|was|are|were|appears?|seems?|remains?)(?: \w+ly| very| rather| quite| deemed| considered| therefore| felt to be| thought to be){0,2}|:) (?:low|remote|negligible|minimal|slim|small|tiny))(?!\w)"
)
"""The likelihood of a finding, called low: what names it is no doubt of its own, `low` denies."""

NO_MORE = re.compile(
    r"(?<![\w-])(?:no|without|nor)(?: (?:any|significant|appreciable|interval|further|obvious|definite|convincing|real|major|overall|clear|evidence of|signs? of))*"
    r" (?:growth|progression|enlargement|expansion|worsening|deterioration|increase)(?: in (?:size|extent|number|volume|calibre|caliber))?"
    r"(?= ?(?:$|[.,;):]|(?:of|in|since|compared|over|from|on|at|after|during|relative|or|and|is|was)(?!\w)))"
)
"""A denial of change: the growth is denied, what does not grow is there."""

REASON = re.compile(r"(?<!\w)(?:due to|because of|owing to|on account of|secondary to|given|in view of|by)(?= )")
"""What a doubt is owed to is there: "not excluded because of motion artefact"."""
SPOILS = re.compile(
    r"(?<!\w)(?:motion|movement|arte?ifacts?|artefacts?|metal\w*|blood|gas|susceptibility|habitus|noise|pulsation|hardware|implants?|claustrophobia)(?!\w)"
)

SUPPOSED_OF = re.compile(
    r"(?<!\w)(?:if|whether|unless|should|when|once) (?P<what>(?:the|this|that|these|those) (?:(?!is |are |was |were |has |have |does |do )[\w/-]+ ){1,6}?)"
    r"(?=(?:is|are|was|were|has|have|does|do|grows?|enlarges?|progress(?:es)?|changes?|increases?|becomes?|persists?|remains?|causes?)(?!\w)"
    r"(?! (?:\w+ly )?(?:present|suspected|confirmed|found|seen|proven|there|identified)(?!\w)))"
)
"""What a condition is asked of is there, with "the": "if the collection is infected"."""

DOUBT_IN_LIST = re.compile(
    r"(?:suspicious|possibl[ey]|potential(?:ly)?|questionabl[ey]|likely|probabl[ey]|suspected|suspicion|equivocal|concerning|worrisome|presumed|either|suspicion of|(?:cause|source|a?etiology) of)"
)
OR_OTHER = re.compile(r"(?<!\w)n?or(?: (?:any|other|any other|definite|another|obvious|specific)){0,2} $")
"""What may stand before a doubt that belongs to a denied list: "no stone, mass or other cause of obstruction"."""

PURPOSE = re.compile(
    r" (?:to (?:suggest|indicate|support|explain|account|imply|represent|confirm)|suggest(?:ing|ive of)|indicat(?:ing|ive of)|suspicious (?:for|of)|concerning for|worrisome for)(?!\w)"
)
"""Where a denial goes on after the place that it names: "no filling defect in the arteries" "to suggest embolism"."""

OF_ITS_NATURE = re.compile(rf"(?<=indeterminate)(?= {_BETWEEN}(?:{_DESCRIBED}|cysts?|polyps?)(?!\w){_NOT_OF})")
"""After an adjective that doubts what a thing is: the thing is there."""
