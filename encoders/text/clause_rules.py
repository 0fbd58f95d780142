"""The words behind `assertions`: each table one pattern, over lower-case text. English, and German's commonest."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re


def _words(*patterns: str, ending: str = "") -> re.Pattern[str]:
    return re.compile(r"(?<![\w~])(?:" + "|".join(patterns) + r")(?!\w)" + ending)


_HOW = r"(?:(?:any|significant|appreciable|substantial|definite|interval|obvious|convincing|other|further|major|overall|real)\s+){0,3}"

# "No increased in size" compares; before a noun ("no enlarged lymph nodes") the same words describe what is denied.
_COMPARED = (
    r"(?:changed|altered|increased|decreased|reduced|enlarged(?= (?:since|compared|relative|in size|further)))"
    r"(?! (?!(?:in|of|to|since|from|compared|on|at|and|or|over|as|by|when|versus|relative|with|but|however|than)(?!\w))[a-z])"
)

UNDECIDED = _words(
    # A negated exclusion is a doubt, and so is an exclusion still to be done.
    r"(?:cannot|can not|can't|could not|couldn't|not|not entirely|not completely|not confidently|never)"
    r" (?:be )?(?:\w+ly )?(?:be )?(?:excluded?|ruled? out|discounted|dismissed)",
    r"(?:difficult|hard|impossible|insufficient|unable) to (?:\w+ly )?(?:exclude|rule out|discern|determine)",
    r"not (?:possible|able) to exclude",
    r"(?:to |please |must |should )?(?:rule out|exclude)",
    r"r/o",
    r"nicht (?:sicher )?(?:auszuschließen|auszuschliessen|ausgeschlossen)",
    r"(?:zum|z\.) ausschluss",
    r"(?:less|more|most|very|quite|as) likely",
    r"not (?:certain|sure|clear|definite)(?: whether| if)?",
)

NOT_A_NEGATION = _words(
    rf"(?:no|not|without|nor) {_HOW}(?:size )?(?:changes?|alteration|difference|growth|progress(?:ion|ed)|{_COMPARED}"
    r"|increase|decrease|reduction|enlargement|shrunk|grown|improve(?:ment|d)|regress(?:ion|ed)"
    r"|resolved|healed|surprising(?:ly)?|unexpected(?:ly)?|uncommon(?:ly)?)(?: (?:in|of|to) (?:the )?(?:size|extent|number|appearance))?",
    r"(?:has|have) not (?:\w+ly )?(?:changed|grown|increased|decreased|progressed|resolved|improved|enlarged|shrunk)",
    # What an earlier study did not show is there now.
    r"not (?:previously|formerly) (?:seen|present|visible|visuali[sz]ed|evident|identified|noted|apparent|described|known)",
    r"not (?:\w+ )?(?:seen|present|visible|visuali[sz]ed|evident|identified|noted|apparent|there|described)(?: \w+)? (?:on|in|at)"
    r" (?:the |any |a )?(?:prior|previous|earlier|old|older|last|preceding|comparison)(?: (?:mri?|ct|study|scan|exam|examination|imaging))?",
    r"not (?:only|just|merely|necessarily)",
    r"not (?:normal|intact|patent|unremarkable|preserved|clear|well seen|symmetrical|in normal)",
    r"(?:no|without|not) (?:longer )?(?:normal|preserved)",
    r"(?:loss|lack|absence|effacement|disruption|reversal|straightening|replacement) of (?:the |its )?"
    r"(?:normal|expected normal|usual|physiological)[\w -]*?(?=[,.;]| in | at | on |$)",
    r"(?:agenesis|aplasia|congenital absence|absence|absent)(?: of)? (?:the |both |left |right )*(?:\w+ )?(?:corpus callosum|septum pellucidum|vermis|kidney|uterus|gallbladder"
    r"|(?:\w+ ){0,5}tendon|bicipital groove|olfactory bulbs?|flow voids?|pituitary stalk|bright spot|artery|vein|muscle|ligament|spleen|thymus|ovar(?:y|ies)|vena cava|arter(?:y|ies)|veins|muscles|kidneys|rib|sacrum|coccyx|thyroid|testis|nerves?)",
    r"(?:partial(?:ly)?|incomplete(?:ly)?|not (?:yet )?(?:fully |completely )?|near(?:ly)?[ -]complete(?:ly)?|almost"
    r"(?: completely)?|largely|mostly|some|slowly) (?:resolved|resolution|resolving)",
    r"(?:with and )?without (?:and with )?(?:(?:the )?(?:administration|injection|use) of )?(?:intravenous |iv |i\.v\. |gadolinium |gd )*"
    r"(?:contrast(?! enhancement (?:is|was|of))(?: (?:medium|media|agent|material|administration|enhancement))?|gadolinium|sedation"
    r"|fat[- ](?:sat\w*|suppress\w*)|complications?|incident)",
    r"with and without",
    r"no (?:intravenous |iv )?(?:contrast|gadolinium|sedation) (?:\w+ )?(?:was|were|is|administered|given|injected|used)[\w ]*",
    r"no (?:\w+ )?(?:prior|previous|earlier|old|comparison|relevant)(?: \w+)? (?:stud(?:y|ies)|exams?|examinations?|imaging|scans?"
    r"|films?|mris?|images|comparisons?)(?: (?:is|are|was|were))?(?: available)?",
    r"(?:not|never) (?:administered|given|injected|performed|acquired|obtained|available|included|tolerated|done|possible|repeated)",
    r"not (?:shown|depicted|pictured|displayed|imaged)|not (?:seen|visible|included) at this level",
    r"no (?:doubt|question)",
    r"normal variants?|variant of normal|variant anatomy",
    r"normal[- ](?:pressure|tension) (?:hydrocephalus|glaucoma)",
    r"(?:near|almost|not quite|slightly (?:above|below|outside)|upper limits? of|lower limits? of|than) normal",
    r"(?:as soon as|if|when|where(?:ver)?|as far as) possible",
    r"no(?:\.|s\.) ?\d+",
    r"(?:nicht|keine?) (?:nur|änderung|wesentliche änderung|größenänderung|befundänderung)",
)

NEGATION = _words(
    r"no(?!-)|not|none|nor|neither|never|nothing|cannot|can't|n't|without|w/o|negative|nil|non(?!-)",
    r"(?:doesn|isn|aren|wasn|weren|don|didn|hasn|haven)['’]t",
    r"(?:absence|lack|exclusion|disappearance|clearing) of|lacks|lacking|devoid of|free (?:of|from)|spared?|sparing(?: of)?",
    r"absent|den(?:y|ies|ied)|fail(?:s|ed)? to|failure to",
    r"(?:ruled|rules) out|excluded|excludes|unlikely|no longer",
    r"(?:has |have |had |now |since |is |are )*(?:completely |fully |entirely |totally |interval )?resolved"
    r"|(?:complete |full |interval |total )?resolution of|(?:complete|total) regression of|disappeared|vanished",
    r"suggest(?:s|ed|ing|ive)?(?: of)? (?:an? |the )?(?:absence|lack)(?: of)?",
    r"kein(?:e[nrsm]?)?|ohne|nicht|ausschluss|ausgeschlossen|weder|negativ",
)

NORMAL = _words(
    r"normal(?:ly)?|normal-\w+|unremarkable|within (?:normal|physiological) limits|wnl|nad|intact|patent|preserved|maintained",
    r"well[- ](?:aerated|preserved|maintained|pneumati[sz]ed|defined and normal)|(?:is|are|appears?|remains?) (?:clear|midline|symmetrical?)",
    r"symmetrical and (?:of )?normal|age[- ]appropriate|appropriate for (?:the )?(?:patient.s )?age|(?:is|are) free(?! (?:fluid|air))|physiological|(?:is|are|remains?|lies?|lie) in the midline|satisfactory|normocephalic",
    r"unauffällig\w*|regelrecht\w*|altersentsprechend\w*|o\.?b\.?|normgerecht|normal(?:e[nrsm]?|weit)",
)

# "cannot" alone denies; as "cannot be excluded" it is UNDECIDED, which arrives here as question marks.
HEDGE = _words(
    r"(?:may|might|could|would)(?: (?:also|well|possibly|potentially|either|be|perhaps|conceivably)){0,2}(?! be (?:seen|observed|identified|appreciated|noted|demonstrated|used|shown|visuali[sz]ed|measured|delineated))"
    r" (?:represent|be|reflect|indicate|suggest|relate|correspond|have|include|due|mimic|fit|account|signify|denote|favou?r)\w*",
    r"might|perhaps|maybe|possib(?:le|ly|ility|ilities)|potential(?:ly)?|probabl[ey]|probabilit(?:y|ies)|likely|likelihood",
    r"presum(?:ed|ably|ptive)|suspect(?:ed|s)?|suspicious|suspicion|concern(?:ing)?(?: (?:for|of|about|is raised))"
    r"|worrisome|worrying",
    r"questionabl[ey]|query|querying|equivocal|indeterminate|inconclusive|ambiguous|uncertain|unclear|doubtful",
    r"suggest(?:s|ed|ing|ive|ion)?|appears? to (?:be|represent)|favou?r(?:s|ed|ing)?|thought to (?:be|represent)|felt to (?:be|represent)",
    r"differential(?! (?:enhancement|signal|function))|differentials|ddx?|d/d|versus|vs\.?",
    r"(?:should|must|to|can|could) be (?:considered|entertained|raised)|considerations?|considered|consider",
    r"v\. ?a\.|verdacht|verdächtig\w*|möglich\w*|wahrscheinlich\w*|fraglich\w*|vermutlich|mutmaßlich|dd|am ehesten|vereinbar",
    ending=r"|\?",
)

_DONE = (
    r"(?:surger(?:y|ies)|operations?|resections?|craniotom\w+|craniectom\w+|\w+ectom(?:y|ies)|\w+otom(?:y|ies)|\w+plast(?:y|ies)|biops(?:y|ies)"
    r"|radiotherapy|radiation|radiosurgery|chemotherapy|chemoradiation|brachytherapy|fusion|repair|reconstruction|replacement|embolization|embolisation"
    r"|clipping|coiling|shunt(?:ing)?|stent(?:ing)?|ablation|transplant(?:ation)?|arthroscopy)"
)
_THEN = (
    r"(?:in (?:\w+ )?(?:19|20)\d\d|(?:\w+ ){1,3}(?:years?|months?|weeks?) (?:ago|earlier|previously|before)|last (?:year|month)|as a (?:child|teenager)"
    r"|in (?:childhood|infancy))"
)
# What is told of the patient's past and not of this scan. "Old infarct" and "postoperative changes" are of the scan.
HISTORY = _words(
    r"(?<!natural )(?<!time )history|hx|anamnes\w+|status[- ]post|s/p|z\. ?n\.|zustand nach|previously treated|formerly",
    r"underwent (?!(?:an? |the |\w+ )?(?:mri?|mr|imaging|scan\w*|ct|contrast)(?!\w))",
    rf"(?:(?:previous|prior|former|earlier|past|remote) (?:[\w/-]+ ){{0,5}})?{_DONE}(?: [\w/-]+){{0,6}} {_THEN}",
    rf"had (?:an? )?(?:[\w-]+ ){{1,5}}{_THEN}",
)
_SEEN = r"(?:is|are|was|were|has|have|shows?|seen|noted|demonstrated|again|measures?|persists?|remains?)"
HISTORY_OPENING = re.compile(
    rf"[ ,]*(?:(?:previous|prior|past|remote)(?! (?:mri?|mr|ct|scan|study|studies|exam\w*|imaging|images)(?!\w))|treated (?:with|for|by)"
    rf"|(?:[\w-]+ ){{0,4}}{_DONE}(?=(?: [\w/-]+){{0,6}} {_THEN}))(?!\w)(?!.*(?<!\w){_SEEN}(?!\w))"
)
NOW = re.compile(r"[ ,]*(?:and |but )?(?:now|currently|today|new|presents?|presenting|at present)(?!\w)")

# A clause that names an examination, and nothing that was found by it.
EXAMINATION = _words(
    r"mri?|mra|mrcp|mr-\w+|images?|imaging|scans?|section|slice|view|sequence|angiogra\w+|tomogra\w+|t1|t2|t1w|t2w|flair|stir|\w+-weighted|weighted"
)

SHOWS = re.compile(r"(?<!\w)(?:show\w*|demonstrat\w+|reveal\w*|depict\w*|confirm\w*|display\w*|illustrat\w*) ?")

SUBORDINATE = _words("although", "though", "even though", "while", "whilst", "whereas", "despite", "obwohl")

ASIDE = re.compile(
    r"[ ,;]*(?:but|however|although|though|yet|while|whilst|whereas|except|apart|aside|other than|save|barring|besides|with"
    r"|jedoch|aber|bis auf|außer|abgesehen|hingegen|which|;)(?!\w)"
)

# "Apart from X there is no abnormality" says that X is there.
EXCEPTION = re.compile(
    r"[ ,]*(?:apart from|aside from|other than|except(?:ing)?(?: for)?|besides|save for|barring|with the exception of|bis auf|abgesehen von)(?!\w)"
)

SPLIT = re.compile(
    r";"
    r"|[ ,]+(?:but|however|although|though|yet|whilst|while|whereas|except(?:ing)?(?: for| that)?|apart from|aside from|other than"
    r"|save for|barring|besides|jedoch|aber|bis auf|abgesehen von|hingegen)(?!\w)"
    r"|[ ,]+(?:and |or |but )?(?:with(?=\s+(?:no|normal)(?!\w))|without(?!\w))"
    r"|(?<!consistent)(?<!compatible)(?<!keeping)(?<!associated)(?<!correlat)(?<!correlated)(?<!correlate)(?<!patient)(?<!treated)"
    r"(?<!compared)(?<!comparison)(?<!line)[ ,]+(?:and )?with(?! (?:respect|regard|contrast|gadolinium|iv|intravenous|prior|previous|the prior"
    r"|history)(?!\w))(?!\w)"
    r"|[ ,]+(?:and|or) (?=(?:no|not|without|there|new|now|currently)(?!\w))"
    r"|[ ,]+(?:and|but) (?=(?:do|does|did|is|are|was|were|has|have|had) not(?!\w))"
    r"|[ ,]+and (?=(?:the|a|an|this|these|it|its) (?:[\w-]+ ){1,4}(?:is|are|was|were|has|have|shows?|demonstrates?)(?!\w))"
    r"|,"
    r"|(?<=[a-z)])(?<!z\.n)\. "
    r"|(?<=\w) (?:[-–—]|--) "
)

_VERB = (
    r"(?:is|are|was|were|has|have|shows?|showed|demonstrates?|contains?|measures?|measuring|lies|sits|persists?|remains?|"
    r"enhances?|indicates?|reveals?|extends?|appears?|compress(?:es)?|indents?|abuts?|displaces?|invades?|involves?)"
)
# After "no X, ...": a new subject with its verb, unless the verb only closes the denied list ("..., or shift is seen").
OWN_CLAUSE = re.compile(
    r"[ ,]*(?:and )?(?:there (?:is|are|was|were|has|remains?)(?!\w)"
    r"|(?!or(?!\w)|nor(?!\w))(?=[^,]*(?<!\w)"
    + _VERB
    + r"(?!\w))(?![^,]*(?:is|are|was|were) (?:\w+ly )?(?:seen|identified|detected|noted|visible|demonstrated|evident|found|shown"
    r"|visuali[sz]ed|appreciated|observed|present)[ .]*(?:in [\w ]+|on [\w ]+)?\.?$)"
    r"|(?:the|a|an|there|another|multiple|marked|moderate|mild|severe|small|large|new) [^,]*(?<!\w)"
    + _VERB
    + r"(?!\w))"
)

INTRO = re.compile(
    r"(?:on|in|at|within|following|after|compared|relative|since|during|as|again|additionally|also|further(?:more)?|moreover|of note"
    r"|specifically|in particular|overall|otherwise|incidentally|by comparison|currently|today|elsewhere|post|for|given|to|from|under"
    r"|regarding|throughout|and|im|in der|am)(?: (?!(?:is|are|was|were|has|have|shows?)(?!\w))[^ ]+){0,7}"
)

ABNORMAL = re.compile(
    r"abnormal|lesion|mass|tear|torn|infarct|h[a]?emorrh|bleed|(?:o)?edema|tumou?r|cyst|stenos|compress|herniat|protru|extru|bulg|atroph"
    r"|enlarg|thicken|thinn|restrict|enhancing|hyperintens|hypointens|fractur|effusion|metasta|nodul|foc(?:us|i)\b|plaque|\d ?(?:mm|cm)\b"
    r"|swelling|swollen|occlu|thromb|dilat|displac|deform|degenerat|absent|loss|gliosis|syrinx|scler|hypoplas|dysplas|malform"
    r"|narrow|ruptur|aneurysm|abscess|necros|fistul|dissect|sublux|erosion"
)
