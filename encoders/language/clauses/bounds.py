"""The words that bound clauses for `assertions`, and those that look like denials and are none.

Each table is one pattern over lower-case text. English, and German's commonest. The words that decide are in
`clause_cues`.
"""

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
    r" (?:be )?(?:\w+ly )?(?:be )?(?:excluded?|ruled? out|discounted|dismissed|eliminated|discarded)",
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
    rf"(?:no|not|without|nor) {_HOW}(?:size )?(?:change(?!s (?:of|to|suggest\w*|consistent|in keeping|compatible|typical|characteristic|indicat\w+)(?!\w))s?|alteration|difference|growth|progress(?:ion|ed)|{_COMPARED}"
    r"|increase|decrease|reduction|enlargement|shrunk|grown|improve(?:ment|d)|regress(?:ion|ed)"
    r"|resolved|healed|surprising(?:ly)?|unexpected(?:ly)?|uncommon(?:ly)?)(?: (?:in|of|to) (?:the )?(?:size|extent|number|appearance))?(?! or(?!\w)|, [\w -]{1,40},? or(?!\w))",
    r"(?:has|have) not (?:\w+ly )?(?:changed|grown|increased|decreased|progressed|resolved|improved|enlarged|shrunk)",
    # What an earlier study did not show is there now.
    r"not (?:previously|formerly) (?:suspected|seen|present|visible|visuali[sz]ed|evident|identified|noted|apparent|described|known)",
    r"not (?:\w+ )?(?:seen|present|visible|visuali[sz]ed|evident|identified|noted|apparent|there|described)(?: \w+)? (?:on|in|at)"
    r" (?:the |any |a )?(?:prior|previous|earlier|old|older|last|preceding|comparison)(?: (?:mri?|ct|study|scan|exam|examination|imaging))?",
    r"not (?:only|just|merely|necessarily)",
    r"not (?:normal|intact|patent|unremarkable|preserved|clear|well seen|symmetrical|in normal)",
    r"(?:no|without|not) (?:longer )?(?:normal|preserved)",
    r"(?:loss|lack|absence|effacement|disruption|reversal|straightening|replacement) of (?:the |its )?"
    r"(?:normal|expected normal|usual|physiological)[\w -]*?(?=[,.;]| in | at | on |$)",
    r"(?:the|its|their) (?:normal|expected|usual|physiological) (?:[\w-]+ ){1,5}?(?:is|are|was|were|has been|have been) (?:\w+ly )?(?:lost|effaced|disrupted|reversed|straightened|obliterated|abolished|replaced|obscured)",
    r"(?:agenesis|aplasia|congenital absence|absence|absent)(?: of)? (?:the |both |left |right )*(?:\w+ )?(?:corpus callosum|septum pellucidum|vermis|kidney|uterus|gallbladder"
    r"|(?:\w+ ){0,5}tendon|bicipital groove|olfactory bulbs?|flow voids?|pituitary stalk|bright spot|artery|vein|muscle|ligament|spleen|thymus|ovar(?:y|ies)|vena cava|arter(?:y|ies)|veins|muscles|kidneys|rib|sacrum|coccyx|thyroid|testis|nerves?|falx(?: cerebri)?|[apm]ca|ivc|pcom|acom|a1|(?:abdominal wall )?musculature|abdominal wall muscles|adrenals?|bladder)",
    r"(?:^|(?<=[.;:,] )|(?<= and )|(?<= but ))(?:the |both |left |right |his |her |their )*(?:gallbladder|kidney|uterus|spleen|thymus|thyroid(?: gland)?|adrenal(?: gland)?|ovar(?:y|ies)|testis|appendix|prostate|bladder|breast|stalk) (?:is|are|was|were) (?:(?!surgically)\w+ly )?absent",
    r"(?:partial(?:ly)?|incomplete(?:ly)?|not (?:yet )?(?:fully |completely )?|near(?:ly)?[ -]complete(?:ly)?|(?:almost|nearly|virtually|practically|all but|just about)"
    r"(?: completely| entirely| fully)?|largely|mostly|some|slowly|partly) (?:resolved|resolution|resolving|disappeared|vanished|cleared|subsided|settled|abated|gone|regressed|normali[sz]ed)",
    r"(?:with and )?without (?:and with )?(?:(?:the )?(?:administration|injection|use) of )?(?:intravenous |iv |i\.v\. |gadolinium |gd )*"
    r"(?:contrast(?! enhancement (?:is|was|of))(?: (?:medium|media|agent|material|administration|enhancement))?|gadolinium|sedation"
    r"|fat[- ](?:sat\w*|suppress\w*)|complications?|incident)",
    r"with and without",
    r"no (?:intravenous |iv )?(?:contrast|gadolinium|sedation) (?:\w+ )?(?:was|were|is|administered|given|injected|used)[\w ]*",
    r"no (?:\w+ )?(?:prior|previous|earlier|old|comparison|relevant)(?: \w+)? (?:stud(?:y|ies)|exams?|examinations?|imaging|scans?"
    r"|films?|mris?|images|comparisons?)(?: (?:is|are|was|were))?(?: available)?",
    r"(?:not|never) (?:administered|given|injected|performed|acquired|obtained|available|included|tolerated|done|possible|repeated)",
    r"(?:(?<=\()|(?<=, )|(?<=data )|(?<=images )|(?<=image ))not (?:shown|depicted)|not (?:pictured|displayed|imaged)|not (?:seen|visible|included) at this level",
    r"no (?:doubt|question)|without (?:a )?(?:doubt|question)|not in doubt",
    r"not (?:all|every|each)(?: of)?|no (?:fewer|less) than|not (?:a )?(?:few|uncommon|infrequent|unusual)|no(?:t)? more than",
    r"(?:not|no) (?:larger|smaller|bigger|longer(?= than)|greater|worse|better|different)(?: in \w+)?(?: than| from| to|(?= ?(?:[.,;]|$)))",
    r"(?:did|does|do|has|have) not (?:yet )?(?:respond|regress|shrink|resolve|heal|improve)(?:ed)?",
    r"not (?:absent|negative|free of|excluding|without)|never without|cannot be denied|undeniabl[ey]",
    r"no (?:contraindications?|consent|sedation|allerg(?:y|ies)|known allerg(?:y|ies))",
    r"normal variants?|variant of normal|variant anatomy",
    r"normal[- ](?:pressure|tension) (?:hydrocephalus|glaucoma)",
    r"(?:near|almost|not quite|slightly (?:above|below|outside)|upper limits? of|lower limits? of|than|far from|short of|(?:well |clearly )?(?:above|below|outside|beyond|over|under)) (?:the )?normal",
    r"(?:as soon as|if|when|where(?:ver)?|as far as) possible",
    r"no(?:\.|s\.) ?\d+",
    r"(?:nicht|keine?) (?:nur|änderung|wesentliche änderung|größenänderung|befundänderung)",
)

NOW = re.compile(r"[ ,]*(?:and |but )?(?:now|currently|today|new|presents?|presenting|at present)(?!\w)")

# A clause that names an examination, and nothing that was found by it.
EXAMINATION = _words(
    r"mri?|mra|mrcp|mr-\w+|images?|imaging|scans?|section|slice|view|sequence|angiogra\w+|tomogra\w+|t1|t2|t1w|t2w|flair|stir|\w+-weighted|weighted"
)

SHOWS = re.compile(r"(?<!\w)(?:show\w*|demonstrat\w+|reveal\w*|depict\w*|confirm\w*|display\w*|illustrat\w*) ?")

SUBORDINATE = _words("although", "though", "even though", "while", "whilst", "whereas", "despite", "obwohl")

ASIDE = re.compile(
    r"[ ,;:]*(?:despite|in spite of|notwithstanding|but|however|beyond|just|only|merely|simply|although|though|yet|while|whilst|whereas|except|apart|aside|other than|save|barring|besides|with"
    r"|jedoch|aber|bis auf|außer|abgesehen|hingegen|which|;|in (?:this|an?|our|the)(?: [\w-]+){0,4} (?:patient|man|woman|male|female|boy|girl|child|lady|gentleman))(?!\w)"
)

# "Apart from X there is no abnormality" says that X is there.
EXCEPTION = re.compile(
    r"[ ,]*(?:apart from|aside from|other than|except(?:ing)?(?: for)?|besides|save for|save(?= an? )|bar(?= (?:an?|one|some|for)(?!\w))|but for|barring|with the (?:sole |only |single )?exception of|bis auf|abgesehen von)(?!\w)"
)

HARD = re.compile(
    r";|\|(?= )|(?<=\w) \* (?=\w)|~(?! ?\d)|<(?:br|/?(?:p|li|div|tr|td|ul|ol))\b[^<>]{0,40}>|\\\.br\\|(?<=\w) \+ (?=\w)|(?=\[ ?[x✓✔]? ?\] )"
    r"|(?:(?<= no)|(?<=yes)|(?<= n)|(?<= y)|(?<=one)|(?<=nil)|(?<=[-+)]))\. (?=[\w?(])"
)
"""After these a list does not go on."""

_VERBS = r"(?:contains?|shows?|has|have|measures?|demonstrates?|enhances?|extends?|compress(?:es)?|displaces?|abuts?|remains?|is|are|was|were)"
SOFT = re.compile(
    r"(?<!and)(?<!or) / (?!or )|: (?=(?:just|only|merely|simply)(?!\w))"
    r"|[ ,]+beyond (?=(?:minor|mild|minimal|minimally|age|some|a few|small|known|expected|slight|trivial|scattered|moderate|simple)(?!\w))"
    r"|[ ,]+(?:despite|in spite of|notwithstanding)(?!\w)"
    r"|[ ,]+(?:but|however|although|though|yet|whilst|while|whereas|except(?:ing)?(?: for| that)?|apart from|aside from|other than"
    r"|save for|save(?= an? )|bar(?= (?:an?|one|some|for)(?!\w))|but for|barring|besides|jedoch|aber|bis auf|abgesehen von|hingegen)(?!\w)"
    r"|[ ,]+(?:and |or |but )?(?:with(?=\s+(?:no|normal)(?!\w))|without(?!\w))"
    r"|(?<!consistent)(?<!compatible)(?<!keeping)(?<!associated)(?<!correlat)(?<!correlated)(?<!correlate)(?<!patient)(?<!treated)"
    r"(?<!compared)(?<!comparison)(?<!line)(?<!accordance)(?<!agreement)(?<!conformity)(?<!harmony)[ ,]+(?:and )?with(?! (?:respect|regard|contrast|gadolinium|iv|intravenous|prior|previous|the prior"
    r"|history)(?!\w))(?!\w)"
    r"|[ ,]+(?:and|or) (?=(?:no|not|without|there|new|now|currently)(?!\w))"
    r"|[ ,]+(?:and|but) (?=(?:do|does|did|is|are|was|were|has|have|had) not(?!\w))"
    r"|[ ,]+and (?=(?:the|a|an|this|these|it|its) (?:[\w-]+ ){1,4}(?:is|are|was|were|has|have|shows?|demonstrates?|remains?|appears?)(?!\w))"
    r"|[ ,]+(?:and|but) (?=(?:reports?|admits?|complains?|describes?|endorses?) )"
    r"|,"
    r"|(?<=\w) (?:[-–—]|--) "
    r"|[ ,]+and (?=(?:normal|intact|unremarkable|patent|preserved)(?!\w))"
    rf"|[ ,]+and (?={_VERBS}(?!\w))"
    r"|[ ,]+(?:rather than|instead of|as opposed to)(?!\w)"
    r"|[ ,]+in (?:this|a|an|our|the)(?: [\w-]+){0,4}? (?:patient|man|woman|male|female|boy|girl|child|lady|gentleman)(?:,? (?:with|who|known)|(?= on))(?!\w)"
    r"|(?<!that)(?<!whether)(?<!if)(?<!unless)(?<!doubt)(?<!say)(?<!but)(?<!and)(?<!or)(?<!as)(?<!than)(?<!where)(?<!when)(?<!because)(?<!though)(?<!since)(?<!while)(?<!note)(?<!think)(?<!how)(?<!clinically)(?<!radiologically)"
    r"(?<!perhaps)(?<!maybe)(?<!possibly)(?<!probably)(?<!presumably)(?<!likely)(?<!potentially)(?<!conceivably)"
    r"[ ,]+(?=(?:this|it|these|there) (?:is|are|was|were|likely|may|represents?)(?!\w))"
    r"|[ ,]+(?=(?:so|hence|therefore|thus) (?!far|called))"
    r"|(?<!of)(?<!in)(?<!to) (?=which(?!\w))"
    r"| (?=\?\w)"
)

DEFINITE = re.compile(
    r"(?<!\w)(?:in|within|inside|around|surrounding|adjacent to|near|along|from|through|involving|at|that) (?:the|this|that|these|those|its|known)(?!\w)"
    r"|(?<!\w)to (?:explain|account for) (?:the|this|these|his|her)(?!\w)|(?:(?<=possibility )|(?<=explanation ))for (?:the|this)(?!\w)"
    r"|(?<=enhancement )(?<!no evidence of )of the(?!\w)|(?<=growth )of the(?!\w)|(?<=displacement )of the(?!\w)|(?<=rupture )of the(?!\w)|(?<=extension )of the(?!\w)|(?<=progression )of the(?!\w)|(?<=enlargement )of the(?!\w)|(?<=change )in the(?!\w)"
    r"|(?<=complication )of (?:the|this)(?!\w)|(?<=complications )of (?:the|this)(?!\w)|(?<!\w)of (?:the )?(?:known|observed|existing)(?!\w)"
)
"""Before a finding inside a denial: it is taken to be there."""

PATIENT = re.compile(
    r"[ ,;]*(?:and |but |so )?(?:the patient|patient|pt|she|he|now|presents?|presenting|asymptomatic|screening|personal|no|new|currently)(?!\w)"
)

OWN_FINDING = re.compile(
    r"[ ,/;]*(?:and |but )?(?:(?:a|an|the|there is|with|has) )?(?:small|mild(?:ly)?|moderate(?:ly)?|severe(?:ly)?|large|marked(?:ly)?|multiple|several|few|some|scattered|tiny|minimal|minor|chronic|old|residual|stable"
    r"|known|unchanged|background|incidental|diffuse|extensive|prominent|bulky|partial|complete|two|three|four|five|six|(?:an?|one) |\d+(?:\.\d+)? ?(?:mm|cm)|grade|persistent|again|postoperative|post-?surgical|wide(?= defect)|developmental|trivial|trace|slight|subtle|faint|punctate|patchy|early|advanced|(?:low|high)[- ]grade|degenerative|just|only)(?!\w)"
)
"""How a list of denials ends in telegraphic reports: "no shift, small lacune"."""

_VERB = (
    r"(?:is|are|was|were|has|have|shows?|showed|demonstrates?|contains?|measures?|measuring|lies|sits|persists?|remains?|"
    r"enhances?|indicates?|reveals?|extends?|appears?|compress(?:es)?|indents?|abuts?|displaces?|invades?|involves?|obscures?|degrades?|hinders?|precludes?)"
)
# After "no X, ...": a new subject with its verb, unless the verb only closes the denied list ("..., or shift is seen").
OWN_CLAUSE = re.compile(
    r"[ ,]*(?:and )?(?:there (?:is|are|was|were|has|remains?)(?!\w)|(?:but )?(?:reports?|admits?|complains?|describes?|endorses?) "
    r"|(?!or(?!\w)|nor(?!\w))(?=[^,]*(?<!\w)"
    + _VERB
    + r"(?!\w))(?![^,]*(?:is|are|was|were|has been|have been|has|have) (?:\w+ly )?(?:seen|identified|detected|noted|visible|demonstrated|evident|found|shown"
    r"|visuali[sz]ed|appreciated|observed|present|developed|occurred|appeared|arisen|formed)[ .]*(?:(?:in|on|since|at) [\w ]+)?\.?$)"
    r"|(?:the|a|an|there|another|multiple|marked|moderate|mild|severe|small|large|new) [^,]*(?<!\w)"
    + _VERB
    + r"(?!\w))"
)

INTRO = re.compile(
    r"(?:on|in|at|within|following|after|compared|relative|since|during|as|again|additionally|also|further(?:more)?|moreover|of note"
    r"|specifically|in particular|overall|otherwise|incidentally|by comparison|currently|today|elsewhere|post|for|given|to|from|under"
    r"|regarding|throughout|and|im|in der|am)(?: (?!(?:is|are|was|were|has|have|shows?)(?!\w))[^ ]+){0,7}"
)

PERSON = re.compile(
    r"(?<!\w)(?:patient|man|woman|male|female|boy|girl|child|infant|lady|gentleman|\d+ ?(?:[mf]|yo|y/o|yr))(?!\w)"
)
"""Who is spoken of, with nothing found."""

GIVEN = re.compile(
    r"[ ,]*(?:known|k/c/o|known case of|bekannte\w*)(?!\w)(?!.*(?<!\w)(?:is|are|measur\w+|unchanged|stable|again|shows?|persists?)(?!\w))"
)
"""What was known before, as against what is seen."""

AFTER_EXCEPTION = re.compile(
    r" (?=the (?:[\w-]+ ){1,4}(?:is|are|appears?|remains?) (?:otherwise |entirely |completely )?(?:normal|unremarkable|intact|within normal)(?!\w))"
)
"""Where "apart from X" ends without a comma."""

SMALL_WORDS = re.compile(
    r"(?<!\w)(?:the|an?|and|or|but|is|are|was|were|be|been|has|have|had|it|this|that|there|they|these|those|which|also|now|however|yet"
    r"|still|to|of|in|on|at|by|for|from|as|we|i|he|she|any|both|all|either|again|here|today|so|if|und|oder|aber|ist|sind|die|der|das)(?!\w)"
)

ADJUNCT = re.compile(
    r"[ ,.:)-]*(?:$|(?:in|on|at|for|by|from|to|of|within|throughout|given|as|with|without|during|after|before|between|along|over|since|today|now"
    r"|currently|here|again|also|clinically|so far|elsewhere|otherwise|this time|and|but|or|because|due|\w+ly|both|im|in der|bei|links|rechts)(?!\w))"
)

ALL_ABNORMAL = re.compile(r"abnormal|anomal|patholog|findings|nothing|nil|study|scan|mri?")

COMPARES = re.compile(
    r"(?<!\w)(?:unchanged|stable|since (?:the|last|prior|previous|(?:19|20)\d\d)|compar\w+|changed|(?:mri?|ct|scan|study|imaging|examination) (?:[\w-]+ ){0,3}(?:in|of|from|dated) )"
)

PRESENT_AS_EXPECTED = re.compile(
    r"[ ,;]*(?:the |both |left |right |its |an? |two |fetal |foetal |and )*(?:corpus callosum|(?:cavum )?sept(?:um|i) pellucid(?:um|i)|(?:cerebellar )?vermis|kidneys?|uterus|gallbladder"
    r"|olfactory bulbs?|flow voids?|pituitary stalk|(?:posterior pituitary )?bright spot|spleen|thymus|ovar(?:y|ies)|testes|thyroid(?: gland)?|adrenals?(?: glands?)?|(?:urinary )?bladder|stomach|nasal bones?"
    r"|(?:both )?(?:globes|lenses|orbits|hands|feet)) ?:? ?(?:(?:is|are|was|were) )?(?P<cue>(?:both |all )?present)"
    r"(?: and (?:of )?(?:normal\w*|orthotopic|unremarkable|regular|symmetric(?:al)?|well[- ]formed|in (?:normal|usual|the usual|its usual) (?:position|place|location))[\w ]*)?[ .,;)]*"
)
"""Structures whose absence is a finding: said to be there, they are as they should be."""
