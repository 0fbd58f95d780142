"""Cues in everyday words: how colleagues deny, doubt or tell of the past without the terms of a report.

"Off the cards", "on the fence", "coiled 04/2013 for". Lines as in `further_cues`, which they stand before; where a line
of another kind holds the same words ("neither shown nor put to bed"), the earlier one has them.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

from spinecho.encoders.language.clauses.further_cues import Line

_END = r"(?= ?(?:[.,;:!)]|$))"
_IS = r"(?:(?:thus|therefore|hence|so) )?(?:(?:is|are|was|were|seems?|remains?|looks?|has been|have been)(?: (?:now|still|thus|therefore|very much|currently|all))? )?"
_NAMED = r"(?:[\w'/-]+ ){1,5}?"
"""What is asked or denied, between two parts of a phrase: "lay" "appendicitis" "to rest"."""
_DONE_TO = (
    r"(?:coiled|clipped|excised|resected|drained|aspirated|curetted|curretted|ablated|rfa'?e?d|embolised|embolized|shunted|operated(?: upon)?|op'?d|op\.?|nephrectomised|decompressed"
    r"|irradiated|treated|tx'?d|rx'?d|gamma[- ]?knifed|cyberknifed|debulked|evacuated|fixed|pinned|plated|nailed|lasered|sclerosed|stented|bypassed|amputated|enucleated|repaired|rtx|dxt|rt|radiotherapy|chemo(?:therapy)?|surgery)"
)
_PROCEDURES = r"(?:\w{3,}ectom(?:y|ies)|\w{3,}otom(?:y|ies)|\w{3,}plast(?:y|ies)|\w{3,}desis|decompression|excision|resection|clipping|coiling|bypass|tace|rfa|rtx|dxt|wle|radiotherapy|chemotherapy|chemo|nucleotomy|surgery|drainage|embolisation|embolization|transplant(?:ation)?|op(?:eration)?|repair|fusion)"
_YEAR = r"(?:(?:19|20)\d\d|'\d\d|\d\d?[/.](?:\d\d?[/.])?(?:(?:19|20)\d\d|\d\d)(?!\d))"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)\w*\.?"
_DOCUMENTS = r"mri?s?|mr|cts?|xrs?|x-?rays?|scans?|stud(?:y|ies)|exam(?:ination)?s?|imaging|films?|radiographs?|ultrasounds?|us|reports?|letters?|notes?|records?|chart|file|summary|summaries|entry|entries|pacs|book|booklet|papers?|correspondence|operation|op|surgery|microfiche|registry|archive"
_NOT_STILL = r"(?!.*(?<!\w)(?:still|again|unchanged|stable|persist\w*|remains?|as before|(?:is|are) (?:now |currently |today |slightly |much )*(?:larger|smaller|bigger|less|more|similar|the same|visible|seen|present|gone|resolved)|(?:has|have) (?:\w+ly )?(?:grown|increased|decreased|enlarged|progressed|resolved|regressed|changed))(?!\w))"
"""What an earlier examination showed is of now where the sentence goes on to say so."""
_NEARLY = (
    r"(?:all but|almost(?: all)?|nearly|practically|just about|more or less|not (?:yet |quite |altogether )?(?:quite|entirely|fully|completely|wholly|altogether|all)"
    r"|mostly|largely|partly|partially|incompletely|in (?:large |great )?part|for the most part|to a (?:large|great|certain|good) (?:extent|degree))(?: (?:completely|entirely|fully|all|now))?"
)
_GONE = (
    r"(?:resolved|cleared|gone|disappeared|vanished|subsided|settled|abated|regressed|normali[sz]ed|healed|reabsorbed|resorbed|absorbed|melted|dried|faded"
    r"|evaporated|dissipated|dissolved|receded|died)"
)
"""What is nearly gone is there."""
_LOOKED = r"(?:i|we|one|you|anyone|mri?|mr|ct|imaging|this (?:scan|study|exam(?:ination)?|mri?)|these (?:images|sequences|scans)|the (?:scan|study|images|mri?))"
_TO_SEE = (
    r"(?:see|show|find|detect|identify|make out|demonstrate|appreciate|tell|discern|pick up|reveal|speak of|mention)s?"
)
_UNDONE = (
    r"(?:ruled out|excluded|dismissed|discounted|discarded|refuted|eliminated|laid to rest|put to bed|crossed off|struck off|missed|overlooked|confirmed|proven"
    r"|diagnosed|accepted|called)"
)
_UNSEEN = r"(?:unnoticed|undetected|unseen|unrecogni[sz]ed|unappreciated|unreported|missed|overlooked|hidden|invisible|inapparent|obscured|masked|undiagnosed)"
_OPEN_AIR = r"(?:the (?:air|balance))"
_EARLY = r"(?:toddler|schoolchild|schoolgirl|schoolboy|newborn|preterm|pre-?schooler|youngster|kid|teen)"
_THEN = (
    rf"(?:as an? {_EARLY}|while (?:still )?(?:at (?:school|college|university)|in (?:the (?:army|navy|forces)|college)|an? (?:child|student|boy|girl))|(?:in|during) (?:military|national) service|(?:in|during|at) (?:(?:high|primary|secondary|elementary|grade|middle) school|college|university)(?= ?(?:[.,;)]|$))"
    r"|in the (?:first|second|third|early) (?:week|month|year|day)s? of life|neonatally|in the neonatal period|(?:\w+|\d+) (?:winters|summers|decades|days) (?:ago|back)|a (?:decade|lifetime|while) (?:ago|back)|\d+ ?/ ?(?:12|52|7) (?:ago|back|earlier|previously)"
    r"|back in (?:the )?[\w'-]+(?: \w+)?(?= ?(?:[.,;)]|$)))"
)

EVERYDAY: tuple[Line, ...] = (
    # There, however little is left or made of it.
    (
        "yes", "before",
        (
            rf"(?:(?:has|have|had|is|are|was|were|been) )*{_NEARLY} {_GONE}(?: (?:away|up|down))?",
            r"(?:(?:i|we) )?(?:would )?(?:read|make|made|attach) (?:nothing|little|no (?:meaning|significance|importance)) (?:in|of|to|into)(?: (?:it|this|that|them|these))?(?= ?(?:[.,;)]|$))",
        ),
    ),
    (
        "masked", "before",
        (
            r"beyond (?:all |any |every |reasonable |a )*(?:doubt|question|dispute)",
            r"staring (?:us|one|me|you) in the face|plain (?:to see|for all to see)",
        ),
    ),
    (
        "masked", "after",
        (
            r"neither (?:growth|shrinkage|increase|decrease|progress(?:ion)?|regress(?:ion)?|change|larger|bigger|smaller|better|worse|improvement|deterioration|enlargement)(?: \w+)? nor (?:growth|shrinkage|increase|decrease|progress(?:ion)?|regress(?:ion)?|change|larger|bigger|smaller|better|worse|improvement|deterioration|enlargement)(?: (?:in|of))?",
            r"(?:un)?suspected by (?:nobody|no one|none)|(?:do not|don't)[ -]touch(?: lesion)?(?= ?[:.,;)])|(?:is |are )?(?:un)?likely to (?:need|require|benefit|undergo|be (?:managed|treated|operated|offered))",
        ),
    ),
    # Left open, in words of every day.
    (
        "hedge", "before",
        (
            rf"{_IS}(?<!not )(?<!n't )(?:not beyond (?:all |any |reasonable )*(?:doubt|reproach|question|dispute)|on the fence|in the balance|up in the air|left (?:wide )?open|(?:still |very much |wide )?open to (?:debate|question|doubt|dispute)|an open question|50 ?[/:-] ?50|fifty[- ]fifty|a (?:toss[- ]up|coin[- ]?toss)|anyone's guess|(?:hard|difficult|too close) to call|unresolved|undecided|not settled|unsettled|moot|in the (?:frame|running|mix)|on the (?:cards|radar))(?!\w)",
            rf"(?:still )?hangs? in {_OPEN_AIR}|(?:the )?jury (?:is )?(?:still )?out{_END}|(?:i am|i'm|we are|we're)?(?: still)? ?(?:in|of) two minds(?: (?:about|over) (?:it|this))?",
            r"(?:until|till|unless) (?:\w+ly |it is |it has been )?(?:excluded|ruled out|disproved|refuted|dismissed|(?:proven|proved|shown|demonstrated) otherwise)",
            r"(?:needs?|deserves?|merits?|wants?|worth) (?:entertaining|considering|consideration|excluding|thinking (?:about|of)|ruling out|bearing in mind)",
            r"(?:may|might|could|can|would)(?: (?:well|easily|just))? (?:have )?(?:slip(?:ped)? (?:by|past|through)|escaped?(?: (?:notice|detection|us))?|lurk|hide|go unseen|gone unnoticed|be lost)",
            rf"{_IS}(?:beyond|outside|not within) the (?:remit|scope|reach|field of view|limits?)(?: of)?(?: (?:this|the|our|today's))?(?: (?:scan|study|examination|technique|mri?))?",
            rf"{_IS}not (?:addressed|answered|tested|studied|looked (?:at|for))(?: (?:by|on|in|with))?(?: (?:this|the|today's)(?: (?:scan|study|examination|mri?|question))?)?",
            rf"{_IS}(?:to be |yet to be )?ruled in or (?:ruled )?out",
            rf"{_IS}(?:neither|not) (?:\w+ly )?(?:shown|proven|proved|confirmed|established|demonstrated|seen|made|diagnosed|affirmed) n?or (?:\w+ly )?(?:put to bed|excluded|ruled out|refuted|dismissed|disproved|denied|discounted|discarded|laid to rest)",
            rf"if (?:real|genuine|true|at all(?: present)?|not artefactual|not artifactual){_END}",
            rf"(?:is |are |as )?(?:an?|the|another|my|our)? ?(?:other|main|chief|second|close|distant|likely|strong|leading|next) (?:contender|candidate|runner-up|front-?runner|second|favourite|favorite|guess){_END}",
            r"(?:cannot|can't|could not|couldn't|can not|not|hard to|difficult to|impossible to)(?: be)? (?:told|tell|separated?|prised?) (?:apart|from)(?: from)?",
            r"(?:provided|providing|assuming)(?: that)? (?:the|his|her|their|this|it|there|we|you)(?!\w)",
            rf"(?:is|are) (?:the |a |one )?(?:thing|things|one|complication|danger)s? to (?:watch (?:out )?for|look out for|be aware of)|to be (?:watched|looked out) for{_END}",
            r"(?:is|are) not (?:something|one|a thing|an? \w+)? ?(?:that )?(?:i|we|one|you) (?:can|could|would|dare|am able to|are able to)(?: safely| confidently)? (?:take off|strike off|cross off|exclude|rule out|dismiss|discount|drop)(?: the (?:table|list))?",
            rf"(?:would|could|might|may|can|will)(?: \w+)? (?:(?:go|pass|remain|stay|lie|be|have (?:gone|been|remained|stayed))(?: \w+ly)? {_UNSEEN}|elude(?: us| detection)?){_END}",
            r"(?:slides?|moves?|drops?|falls?|slips?|climbs?|rises?|goes|comes|stands|ranks|sits|is|are)(?: (?!not)\w+)? (?:up|down|further (?:up|down)|(?:high|low)(?:er|est)?(?: up| down)?(?: on| in)?|(?:at |to |near )?(?:the )?(?:top|bottom|head|foot) of|on) (?:the|our|my) (?:list|differential|ranking)(?: of \w+)?",
            rf"(?<!not )(?<!less )(?:preferred|favou?red) (?:to|over)(?= (?!be(?!\w)))|(?:would be |is )?my (?:first )?(?:guess|bet|money|favourite|favorite){_END}",
        ),
    ),
    (
        "hedge", "after",
        (
            r"(?:(?:(?:(?:at )?(?:the )?)?(?:top|head|bottom|high|low|higher|lower|highest|lowest|first|second|third|next|further|up|down)(?: (?:up|down|place))?(?: (?:of|on|in)|(?<=down)|(?<=up)) (?:the|our|my) (?:list|differential|ranking))|further (?:up|down)|lower down|(?:leading|main|first|second|next|other|alternative|preferred) (?:contender|candidate|runner-?up|choice|option|guess|diagnos[ei]s)|runner-?up|alternatives?|favou?red)(?: (?:is|are|stands?|comes?|was|were|lies?))?(?::|,|(?<=is)|(?<=are)|(?<=stands)|(?<=comes))(?= )",
            r"(?:cannot|can't|can not|could not|couldn't|(?:un|not )able to|impossible to|hard to|difficult to|not possible to|(?:does|do|did|would|will)(?: not|n't))(?: (?:always|reliably|safely|really|here|\w+ly))* (?:split|separate|tell|distinguish|differentiate|discriminate|disentangle|sort out|decide|choose|adjudicate|arbitrate)(?: between)?(?= [^.;]{1,60}(?<!\w)(?:from|apart|and|or|versus|vs)(?!\w))",
            r"neither (?:\w+ly )?(?:proves?|confirms?|supports?|establish(?:es)?|affirms?|shows?) nor (?:\w+ly )?(?:refutes?|excludes?|disproves?|rules? out|den(?:y|ies)|dismiss(?:es)?)",
            r"(?:the )?jury (?:is )?(?:still )?out (?:as regards|as to|regarding|on|over|about|concerning)",
            r"(?:i|we) (?:would ?n[o']t|would not|wouldn't|won't|will not|am not|do not|don't)(?: \w+)? (?:hang (?:my|our) hat on|bet on|put money on|commit (?:myself |ourselves )?to|swear to|insist on|go as far as|stake)(?: an?| the)?",
            r"(?:cannot|can't|could not|couldn't|hard to|difficult to|unable to)(?: \w+)? (?:convince|persuade|satisfy) (?:myself|ourselves|oneself)(?: (?:either way|fully|entirely|completely))? (?:of|about|that|as to|over)",
            r"(?:i |we )?(?:would |'d )?(?:lean|inclin|veer|gravitat)(?:s|es?|ed|ing)?(?: more| rather)? (?:to|towards?)",
            r"(?:reads?|smells?|strikes me|impresses(?: me)?|comes across|my (?:first )?(?:guess|bet|money) is)(?: to me)?(?: (?:as|like|of|on))+(?: (?:an?|the))?",
            r"(?:tentative(?:ly)?|provisional(?:ly)?)(?: (?:labell?ed|called|diagnosed|read|put down|classed|diagnosis|dx|label)(?: (?:as|of|is))?)?|(?:working|provisional|tentative) (?:diagnosis|dx|label|hypothesis)(?: (?:is|of|was|being|remains)(?= )|:)|for want of a better (?:word|name|diagnosis)",
            r"(?:toss-?up|toss up|coin[- ]?toss|torn|undecided|choice|tie|oscillat\w+) between",
            r"(?:raises?|raising|conjures?|invokes?|awakens?)(?: up)? the (?:spectre|specter|ghost|thought|idea|notion|fear) of",
            r"(?:in (?:the )?first (?:line|instance)|first and foremost)(?= (?!we|i|the (?:patient|study|scan)|was|is)[a-z])",
            r"(?:felt |thought |deemed )?(?:just about )?(?:acceptable|passable) (?:for|as)|(?:could|would|might) (?:well )?pass (?:for|as)",
            r"(?<!in)(?<!not )compatible w/|(?:thought|believed|fancied|imagined) (?:he|she|they|we|i) (?:saw|had seen|could see)",
            r"(?:a )?sitting duck for|at the mercy of|in danger of|(?:be )?(?:wary|beware|mindful) of|watch out for|keep an eye (?:out )?(?:for|on)",
        ),
    ),
    (
        "hedge", "before",
        (
            rf"{_IS}(?<!not )(?<!n't )(?:touch and go|a coin flip|arguable|a matter of (?:opinion|debate|taste)|in the eye of the beholder|sub judice|on the table|the front-?runner|odds-on|the favou?rite|circumstantial)(?!\w)|heads the (?:list|differential)",
            r"(?:is |are )?(?:not )?(?:beyond|within|in|outside) the (?:realms?|bounds) of (?:possibility|the possible)",
            rf"remains? to be (?:proven|proved|seen|confirmed|determined|established|excluded|shown|clarified)|(?:cannot|can't|could not) be (?:verified|nailed down|substantiated|settled|answered|pinned down|upheld or refuted)|(?<=: )(?:unknown|not known|n/k|tbc|tbd|t\.b\.c\.?|pending|awaited|unsure|\+ ?/ ?-){_END}|(?<=\w )(?:\+ ?/ ?-|tbc|awaits confirmation){_END}",
            r"(?:can|could|may) be neither (?:confirmed|proven|shown) nor (?:excluded|ruled out|refuted)|(?:cannot|can't|can not|could not|couldn't|not)(?: be)? (?:\w+ly )?(?:discarded|refuted|negated|denied with certainty|settled)|(?:is|are|has|have) yet to be (?:established|confirmed|proven|shown|excluded|seen)|(?:may|might|could) (?:lie|be|fall) (?:below|beyond|under) the (?:resolution|limits?|threshold|sensitivity)(?: of [\w ]{1,20})?|not to (?:be )?excluded? (?:with certainty|safely|for sure)",
            r"(?:cannot|can't|could not|can not) be (?:commented (?:up)?on|judged|opined(?: on)?|adjudicated)|(?:may|might|could|can)(?: well)? be (?:obscured|masked|hidden|concealed|buried|overlooked|underestimated)|not (?:judge?able|sufficiently judged|to be judged)|(?:is|are) (?:surmised|dubious|undetermined|moot)|(?<=\w )undetermined(?= ?(?:[.,;)]|$))|yes ?/ ?no ?\?|(?<=: )(?:n/?a|cannot opine)(?= ?(?:[.,;)]|$))",
            r"would (?:only )?be (?:difficult|hard|easy|impossible) to (?:see|detect|find|recogni[sz]e|miss|overlook|make out|exclude)|(?:looms?|lurks?|niggles?|(?:still )?bothers?) ?(?:at|in|the|me|us|large)?(?!\w)",
        ),
    ),
    (
        "hedge", "after",
        (
            r"(?:non-?diagnostic|inadequate|suboptimal|insufficient|unsuitable|not (?:ideal|optimal|suitable|tailored|designed|adequate|protocolled|intended)|blind spot|too coarse)(?: to (?:look for|search for|assess|detect|exclude)| for(?: the (?:detection|assessment|exclusion|diagnosis|evaluation) of)?)(?= )",
            r"no (?:firm |definite |reliable )?(?:conclusions?|statement|comment|opinion|verdict|judge?ment)(?: \w+){0,4}? (?:about|on|regarding|as to|concerning|of)|(?:verdict|judge?ment|decision|opinion|jury) (?:on|about|regarding)|(?:i |we )?reserve judge?ment (?:on|about)|(?:i'd |i would |i |we )?keep an open mind (?:about|on|as to)",
            r"(?:i|we|one|this (?:scan|study|examination))(?: \w+)? (?:cannot|can't|could not|couldn't)(?: \w+){0,4}? (?:swear to|speak to|vouch for|say (?:whether|if)|tell (?:whether|if)|commit to|be drawn on)(?: there (?:is|are|was))?",
            r"(?:i|we) (?:would|wouldn't|would not|'d)(?: not)?(?: be)? (?:surprised|astonished)? ?(?:by|to (?:see|find))(?= (?!no(?!\w)))|(?:i|we) (?:would(?: not|n't)|wouldn't) (?:be surprised (?:by|if)|bet [\w ]{1,12}? on)",
            r"(?:my |our )?(?:hunch|gut feeling|best guess|first guess|guess|money|bet|working assumption|unspoken worry|nagging worry)(?: is| was|:)(?: that)?",
            r"(?:assessment|evaluation|judge?ment|detection|exclusion|visuali[sz]ation) of(?= .{1,50}(?<!\w)(?:is|are|was|were) not (?:possible|feasible|reliable|achievable))|(?:exam(?:ination)?|study|scan|sequence|mri?|quality) (?:is |was )?(?:\w+ly )?limited (?:for|as to|regarding)|(?:more likely than not|diagnostic hypothesis:?|(?:gives?|giving|leaves?) (?:me |us )?the impression of|evocative of|inkling of|misgivings about|c/f|(?:depones?|depone|plead|pleads|pleading) for|for or against)(?= )|nothing (?:decisive|conclusive|definite|definitive) (?:for|about|regarding|as to)(?: or against)?|no answer to (?:the )?question of",
            r"(?:mri?|mr|ct|scan|study|sequence|technique|protocol|resolution|us|ultrasound) (?:cannot|can't|is not able to|is unable to)(?: \w+ly)? (?:detect|exclude|demonstrate|resolve|depict|assess|see|pick up)|(?:is |are )?(?:not the (?:modality|method|test|sequence) of choice|better suited|not (?:so |very )?(?:sensitive|good|suited|useful)) (?:for|to detect)|(?:contrast|gadolinium|follow-?up|further \w+|thin slices?) (?:is |are |would be )?(?:needed|necessary|required) to (?:detect|exclude|see|assess|diagnose)",
            r"s/o|\+ ?/ ?-(?= [a-z])|(?:orients?|orientate[sd]?) (?:to|towards?)(?= )|(?:thinking|danger) of|think (?:about|of)|question mark (?:over|on|about)|on the assumption of|not (?:classic(?:al)?|typical|characteristic|pathognomonic) (?:for|of)|ominous for|(?:would not|wouldn't) bet against|normal variant or",
            r"(?:smacks?|redolent|a whiff|whiff|a flavou?r|flavou?r) of|hints? (?:at|towards?)|(?:findings|features|appearances|picture|pattern|everything|all|this) (?:all )?points? (?:to|towards?|in the direction of)|(?:flirting|toying) with|verg(?:es|ing) on|border(?:s|ing) on|on the (?:brink|verge|cusp) of|alternatively|looks? like(?: an?)?|(?:the )?(?:spectre|specter|ghost) of",
        ),
    ),
    (
        "question", "before",
        (r"should (?:then |also |again |next )?be (?:looked for|sought|searched for|checked for|thought of)(?: again)?",),
    ),
    (
        "question", "after",
        (
            r"(?:i|we|one)(?: \w+)? (?:want|like|wish|need) to be (?:sure|certain|satisfied) (?:that )?(?:this|it|there|these)(?: (?:isn't|is not|is no|aren't|are no|is n't))?(?: (?:an?|any|just|some))?",
            rf"(?:has|have|had|with)(?= (?!to |been ){_NAMED}in mind(?!\w))|should(?= {_NAMED}(?:set in|appear|arise|ensue|supervene|return|come back)(?!\w))",
            r"(?:concern(?:s|ed)?|worried|worries|anxious|asking|enquir\w+|inquir\w+|query) re(?:\.|garding)?:?(?= )|(?:anxious|nervous|fearful|paranoid|scared|frightened|apprehensive) (?:about|of)",
            r"(?:please |to |and )*(?:ensure|make sure|be sure|check|verify|reassure)(?: that)?(?: there (?:is|are))?(?: no| not)(?: an?| any)?|(?:please |to )?(?:confirm|prove|verify) (?:or|/) ?(?:refute|exclude|disprove|rule out|deny)|(?:touching wood|fingers crossed|hopefully|hoping|hope)(?: that)? (?:it|this|there)(?: is|'s)?(?: not| no|n't)|(?:touching wood|fingers crossed)(?: that)? it isn't",
            r"(?:risk factors?|tendency|propensity|disposition|susceptible|susceptibility|liability) (?:for|to)|(?:prophyla\w+|safeguard|insurance|precaution) (?:against|for)|(?:to |in order to )(?:prevent|avoid|forestall|avert|pre-?empt)|prevention of|(?:may|might|could|can|will|would) (?:\w+ )?(?:develop|progress to|turn into|evolve into|end in|lead to|go on to|result in|precipitate|provoke)",
            r"(?:watch|low threshold(?: to \w+)?|safety-?net(?:ting)?(?: advice)?(?: given)?|protocolled|belt and braces scan|on the hunt|fishing|scan(?:ned)? looking|hunting) for|in search of|on the look-?out for|(?:impending|threatened|imminent)(?= )|(?:threatened by|under (?:the )?threat of|fertile ground for|the stage is set for|an accident waiting to happen:)|(?:lest there be|god forbid|heaven forfend)",
            rf"should(?= {_NAMED}be (?:confirmed|found|present|proven|seen|shown|there|excluded)(?!\w))|(?:depending|contingent|conditional) (?:on|upon)(?: whether)?|(?:histology|biopsy|cytology|results?|confirmation) (?:awaited|pending)(?: (?:re|for|regarding|of))?|were(?= {_NAMED}to (?:supervene|develop|occur|persist|recur|appear|be (?:found|seen|confirmed))(?!\w))|assuming(?= [a-z])",
            r"(?:to |please )?(?:determine|establish|ascertain|clarify)(?: the)? (?:presence|existence) of|(?:clarification|confirmation) of(?= .{1,50}(?<!\w)(?:requested|sought|desired|needed|required|please))|(?:please )?(?:advise|comment|opine) (?:on|about|regarding|re)(?= )|\w+ (?:asks?|asked|enquires?|inquires?|wonders?) about|to (?:rule in|differentiate|distinguish)(?= )|(?:thinks?|believes?|convinced|fears?) (?:that )?(?:he|she|they) (?:has|have|might have|may have)|keep(?= .{1,40} in mind(?!\w))|(?:vigilance|alert|vigilant) (?:for|to)|vulnerable to|whether(?= .{1,40}(?<!\w)is (?:present|there|real))",
            r"(?:please )?(?:tell|inform|let) (?:us|me)(?: know)? (?:whether|if)(?: there is)?|(?:must|do|should|may|to|would) ?n[o']t (?:be )?miss|whether or not(?: there is)?|(?:desires?|requests?|wants?|asks? for|requires?) (?:the )?exclusion of|(?:inquiry|enquiry|inquiries|opinion|advice) (?:about|re|regarding|on)|safety-?netted for",
            r"(?:just )?(?:to be )?on the safe side (?:re|regarding|as to|about)|to (?:cover ourselves|put (?:our|their|his|her) minds? at (?:rest|ease)) (?:re|regarding|about)|for peace of mind (?:re|regarding|about)",
        ),
    ),
    # Denied, in words of every day.
    (
        "negation", "before",
        (
            rf"{_IS}(?:(?:well and )?truly )?(?:off the (?:cards|table|list|menu)|out of the (?:question|picture|running|frame)|not (?:in play|on the cards|in question|a consideration)|laid to rest|put to bed|(?:no longer|not) a (?:worry|concern)|groundless|unfounded|unwarranted|baseless|without foundation)(?!\w)",
            r"(?:proved|proven|proves|turned out|shown)(?: to be)? (?:groundless|unfounded|unwarranted|baseless|negative|wrong|without foundation)",
            r"(?:do|does|did) not (?:come|enter) into (?:it|play|question|consideration|the picture)",
            rf"(?:and |but )?(?:(?:not|none|nothing|no) (?:that|which) {_LOOKED}(?: \w+ly)?(?: (?:can|could|would|am able to|are able to))?(?: \w+ly)? {_TO_SEE}|(?:not|none|nothing) (?:as|so) far as {_LOOKED}(?: (?:can|could))? {_TO_SEE}){_END}",
            rf"(?:and |but )?(?:not|none) (?:any ?(?:more|longer)|at present|currently|today){_END}",
            rf"(?:and |but )?(?:not|none) (?:on|in|at|by|to) (?:this|these|today's|my|the (?:present|current|available))(?: (?!which|that)[\w-]+){{1,2}}{_END}",
            rf"(?:is|are|was|were|now|all)(?: (?:now|all|thankfully|happily))? (?:history|a thing of the past|a memory){_END}",
            r"(?:finds?|found|has|have|had) no (?:\w+ ){0,2}(?:counterpart|correlate|equivalent|match)(?: (?:on|in|at|by) (?:mri?|mr|this (?:scan|study|mri?|examination)|today's \w+|the (?:present|current) \w+|our \w+|these images))",
            rf"{_IS}not (?:in|on) the (?:cards|radar|table|frame|running|mix|picture|list|differential)|{_IS}not (?:an? |the )?(?:contender|candidate|front-?runner|favou?rite){_END}",
            rf"(?:thankfully|fortunately|luckily|happily|mercifully|clearly|certainly|definitely|surely|decidedly|reassuringly),? (?:not|none|absent|no){_END}",
            r"(?:has |have |is |are )?(?:now |since |fully |completely |all )*(?:reabsorbed|resorbed|melted away|dried up|faded(?: away)?|evaporated|dissipated|gone away)(?: (?:in full|completely|entirely|fully))?(?= ?(?:[.,;)]|$)| (?:under|on|with|after|since|following)(?!\w))",
            rf"nowhere(?= ?(?:[.,;)]|$)| (?:along|in|on|within|at|near|else|around|to be)(?!\w))|(?:both|all(?: of (?:them|these))?) (?:missing|lacking|absent){_END}",
            r"(?:and |but )?(?:not|never) (?:a single |even )?one(?: of them)? (?:was |is )?(?:found|seen|identified|detected|visible|there|present)",
            r"(?:and |but |i |we )*(?:c[oa]m(?:e|ing) (?:up|away) empty(?:[- ]handed)?|dr(?:ew|awn?) a blank)|in vain|to no avail|without success|(?:and|but) found (?:none|nothing)|without finding (?:one|any|it)",
            r"(?:is |are |was |were )?(?:\w+ly )?(?:denied|refuted|disproved|disproven|contradicted) by|r/o'?e?d|r\.o\.'?d",
            r"(?:do|does|did)(?: not|n't) (?:show up|figure|emerge|come to light|stand out|crop up)|(?:is|are|was|were) (?:eliminated|discarded|struck|removed)(?: from the differential)?(?= ?(?:[.,;)]|$))|(?:is|are|was|were) ?not (?:delineable|delineated|perceived|perceptible|highlighted)|not (?:delineable|perceptible)",
            r"(?:(?:is|are|was|were|could|can) )?(?:not|never|cannot|couldn't)(?: be)? (?:picked up|individuali[sz]ed|objectified|objectivi[sz]ed|registered|evidenced|made out|picked out|elicited|captured|spotted|come across|tracked down|to be had)|(?:has |have )?ceased to be \w+",
            r"(?:has|have|had) (?:never|not) been (?:diagnosed|documented|recorded|proven|demonstrated|an issue)|(?:is|are|was|were) not the (?:diagnosis|answer|cause|culprit|explanation|problem)|(?:was|were|is|are|has been) (?:considered|thought of|entertained|queried|suggested|raised) (?:and|but|then) (?:rejected|dismissed|discarded|discounted|excluded|ruled out|refuted|dropped)",
            r"(?:can|may|could) be (?:struck|crossed|taken|scratched) (?:off|from)(?: the| our)?(?: list| differential)?|(?:proved|was|is|turned out(?: to be)?) (?:only )?(?:a )?(?:false alarm|non-starter|red herring|wild goose chase|overcalled|misread|an overcall|far-?fetched|implausible|inconceivable|untenable|spurious|undetectable)(?!\w)|(?:is|are) (?:now )?undetectable|would be (?:far-?fetched|implausible|inconceivable)|(?:has|have)? ?(?:failed to|never|did not|didn't) (?:materiali[sz]ed?|eventuated?|come to pass|transpired?)|does(?:n't| not) (?:come|enter) into it",
            rf"not in (?:this|these|the present|the current|today's) (?:[\w-]+ ?){{1,2}}{_END}",
        ),
    ),
    (
        "negation", "after",
        (
            r"n/(?:k/)?[ceh]/o(?: of)?|no [ceh]/o(?: of)?",
            r"(?:falls?|falling|fell|stops?|stopping|stopped) (?:well |just )?short of(?= (?!the normal|normal|the usual))(?: an?)?",
            r"(?:one|you|i|we)(?: would|'d| will)? (?:have|need|had) to (?:work|look|search|try|squint|strain|be)(?: \w+){0,3} to (?:find|see|call|make out|spot)(?: (?:this|it))?(?: an?)?",
            r"(?:had been|was|were|has been|once|initially|previously|at first|wrongly|mistakenly) (?:taken|passed off) (?:for|as)(?= (?:an? |the |signs of )(?!\w* ?(?:scan|mri|biops|operat|surg|walk|test|theatre|ct)))(?: an?| the)?",
            rf"(?:lay|laid|put)(?= {_NAMED}to (?:rest|bed)(?!\w))|(?:strike|struck|cross(?:ed)?|scratch(?:ed)?|take|taken)(?= {_NAMED}(?:off|from) (?:the|our|my) (?:list|table|differential)(?!\w))",
            r"pertinent negatives?:?|(?:complete (?:regression|resolution|remission)|restitutio ad integrum) of|regression of(?= .{1,40}, complete)|sine(?= [a-z])|(?:unremarkable|normal|clean|clear|negative) (?:study|scan|mri?|examination|images?) (?:with (?:respect|regard) to|regarding|as regards|for)|normal (?:anatomy|vessels?|structures?|variants?|tissue) (?:mimicking|simulating|resembling)|contrary to the (?:\w+ )?(?:suspicion|question|concern) of|(?:concern|worry|fear|suspicion)s? (?:about|of|for|over)(?= .{1,40} to rest)",
            r"never (?:been )?(?:diagnosed with|known to have|suffered from|had)(?: an?)?|no (?:abnormality|pathology|changes?|lesion|findings?) (?:in the (?:form|sense|shape) of|such as|like|by way of)|remains?(?= [a-z]+-free(?!\w))",
            r"never (?:been )?(?:diagnosed with|known to have|suffered from|had)(?: an?)?|no (?:abnormality|pathology|changes?|lesion|findings?) (?:in the (?:form|sense|shape) of|such as|like|by way of)|remains?(?= [a-z]+-free(?!\w))",
            rf"criteria for(?= {_NAMED}(?:are|is|were) not (?:fulfilled|met|satisfied)(?!\w))|(?:screen(?:ing)?|search|check|look|hunt|survey|query|queries)(?: for)?(?= {_NAMED}(?:is |was |proved )?(?:clear|negative|fruitless|unrewarding|unsuccessful|unrevealing|stood down|in vain|to no avail){_END})|(?:survey |search )?(?:unrewarding|unrevealing) for",
            r"(?:nad|unremarkable|normal|negative|clear|quiet|all clear|clean bill of health|nothing|satisfactory) (?:with (?:regard|respect|reference) to|as (?:regards|far as)|in (?:terms|respect) of|regarding|concerning|from the point of view of|re)|(?:un|not )(?:complicated|affected|marred|touched) by|spared (?:by|from)|escaped(?= )",
            r"(?:precludes?|tells? against|eliminates?|is against|militates? against|speaks? against|disproves?|negates?|contradicts?|bet against|would bet against|anything but|is hardly|a far cry from|far removed from)(?= )|not so much as (?:an?|the) (?:hint|trace|suspicion|sign|suggestion) of|(?:vanishingly|very|extremely|negligibly) (?:small|low) (?:chance|risk|probability|likelihood|odds) of|(?:i|we)(?:'d| would) be (?:astonished|amazed|very surprised|surprised) if (?:this|it|these) (?:were|was|is|are|turned out to be)",
            r"(?:mistaken|misread|misinterpreted|misdiagnosed) (?:for|as)|what (?:looked|appeared|passed)(?: like| as| to be)?(?= .{1,60}(?<!\w)(?:is|are|was|were) (?:normal|artefact\w*|artifact\w*|only|just|merely|simply))|(?:the )?(?:alleged|apparent|supposed|purported|so-called|presumed|suspected)(?= .{1,50}(?<!\w)(?:is|are|was|were) (?:spurious|artefactual|artifactual|an? (?:artefact|artifact)|not real|normal anatomy)(?!\w))|(?:diagnosis|label|suggestion|idea|notion|claim) of(?= .{1,50}(?<!\w)(?:does not hold|is (?:untenable|incorrect|wrong|mistaken|refuted|rejected)|cannot be (?:upheld|sustained|supported|maintained)|can be (?:dropped|dismissed|removed))(?!\w))",
            r"puts? paid to|(?:nil|nothing|none|little) (?:in the way of|by way of)|not (?:a|the (?:slightest|faintest|least)) (?:trace|hint|shred|sign|whiff|suggestion|suspicion)(?: of)?",
            r"(?:bare|barren|innocent|clean|shorn) of(?! (?:contrast|artefact|artifact))|lack(?:s|ing)(?! (?:of|its|the|their|normal|contrast|iv|both)(?!\w))",
            r"reassuring(?:ly)? (?:as far as|as regards|as to|regarding|with (?:regard|respect) to|in terms of)",
            r"(?:it'd|it would|would) be (?:most |very |highly |extremely |rather |quite |really )?(?:odd|unusual|strange|surprising|exceptional|extraordinary) for (?:this|it|these|such(?: a)?)(?: \w+)?(?: to be| to represent)?(?: an?)?",
            r"[ø∅⌀](?= (?!\d)\w)|(?<=there is )know(?= )|(?<=there are )know(?= )|know(?= (?:evidence|signs?|acute|focal|significant|abnormal|definite|obvious)(?!\w))",
        ),
    ),
    # Told of the past, in words of every day.
    (
        "history", "before",
        (
            rf"(?:was |were )?{_DONE_TO}(?: and \w+)?(?: (?:on|in|at|with|by|elsewhere|abroad)(?: [\w-]+)?)?,? ?\(?(?:{_MONTH} )?{_YEAR}\)?(?!\w)",
            r"(?:was|were) (?:\w+ly )?(?:drained|aspirated|curetted|ablated|coiled|clipped|embolised|embolized|shunted|debulked|stented|ligated|irradiated|decompressed)(?! (?:lesion|cyst|aneurysm|collection)s?(?!\w))",
            rf"(?:(?:which|that) )?(?:(?:mr|mrs|ms|miss|dr|prof|professor)\.? \w+|we|they|colleagues|the surgeons?|neurosurgery) (?:took out|removed|excised|resected|operated on|clipped|coiled|drained)(?: (?:in|on) {_YEAR})?",
            rf",? ?(?:\w+|\d+) (?:years?|months?|yrs?|weeks?) out(?: (?:from|of) \w+)?{_END}|,? ?end of (?:treatment|therapy)(?: {_YEAR})?",
            r"(?<!\w-)(?<!since )(?<!from )(?<!of )(?<!than )(?<!to )(?<!with )'\d\d(?= ?(?:[.,;()]|$| and ))",
        ),
    ),
    (
        "history", "after",
        (
            rf"(?:first |last |previously )*(?:presented|seen|referred|admitted|transferred|discharged|attended|reviewed|hospitali[sz]ed|assessed|missed|invalided)(?: (?!with(?!\w)|for(?!\w))[\w.'-]+){{0,6}}? (?:in )?(?:{_YEAR}|last (?:year|spring|summer|autumn|winter))(?: season)? (?:with|for)|(?:reports?|admits?|recalls?|recollects|remembers) having had|self-?reported|recollects?|reported a past",
            rf"(?:(?:the|an?|her|his|our|their) )?(?:(?:{_YEAR}|old|earlier|previous|prior|past|outside|original|first|last|comparison|theatre|discharge|legacy|referral|registry|ed|gp|er|ae|a&e|army|pacs|packet of|royal flying doctor|road-to-health|red|problem|archived|closed|inactive) )*(?:{_DOCUMENTS})(?: (?:abroad|elsewhere))?,?(?: (?:of|from|in|on|dated|at))?(?: [a-z]+)? \(?{_YEAR}\)?(?:: ?| \(|,? (?:had )?(?:had|showed|(?<=had )shown|displayed|found|noted|identified|depicted|revealed|demonstrated|described|mentioned|recorded|reported|refers? to|referred to|states?|stated|said|says|cites?|cited|lists?|listed|attests? to|documents?|documented|gives?|gave|was for|is headed|are headed|was read as|was interpreted as|was reported as|reads?)(?= )){_NOT_STILL}",
            rf"(?:(?:the|an?|her|his|our|their) )?(?:{_YEAR}|earlier|previous|prior|original|first|last|old|outside|yellowed|legacy|archived) (?:{_DOCUMENTS})(?::(?= )| (?:had )?(?:showed|(?<=had )shown|displayed|found|noted|identified|depicted|revealed|demonstrated|described|mentioned|recorded|reported|refers? to|referred to|stated?|said|cites?|cited|lists?|listed|attests? to|documented|gave|was for|was read as|was interpreted as|was reported as)(?= )){_NOT_STILL}",
            rf"(?:at (?:the time of )?(?:the|his|her|their) (?:last|previous|prior|first|initial|index|earlier) (?:scan|mri?|ct|visit|admission|consultation|appointment|presentation|operation)(?:,? there (?:was|were)| (?=[\w -]{{1,40}} (?:was|were) (?:recorded|noted|seen|found|present)))){_NOT_STILL}",
            rf"(?:per|as per|according to) (?:the )?(?:[\w']+ ){{0,3}}?(?:{_DOCUMENTS}) (?:of|from) {_YEAR},(?= )|as per {_YEAR} (?:{_DOCUMENTS}),(?= )|(?:mdt|mdm|tumou?r board|clinic|ward round|outpatients?) {_YEAR}:|(?:reason|indication) for (?:the )?{_YEAR} (?:surgery|operation|procedure|scan|admission):?|(?:claim|admission|surgery|operation) of {_YEAR} (?:was )?for|off (?:all )?(?:treatment|therapy|medication) for|(?:treated|known treated|old treated) case of|(?:completed|finished|concluded) (?:treatment|therapy|chemo\w*|radiotherapy) (?:of|for)|(?:condition|state|status) (?:after|following|post)|exeresis of|carried (?:a|the) (?:diagnosis|label) of|(?:had )?been (?:queried|labelled|read|called|interpreted) in {_YEAR} as|historically,?(?= )|ever had(?= )",
            rf"(?:(?:(?:the|an?|his|her) )?(?:previous|prior|old|earlier|past|pre-?operative|pre-?treatment|pre-?therapy|yesteryear's|comparison) (?:imaging|mri?|mr|cts?|scans?|reports?|exams?|stud(?:y|ies)|films?|correspondence|letters?|notes|records?|doctors?)(?::(?= )| (?:with|had|had raised|raised|demonstrated|displayed|told|notes?|noted|mentions?)(?= (?!been|an? (?:similar|comparable)|no(?!\w))))|at (?:the )?(?:last|previous|prior) (?:follow-?up|review|visit|check),){_NOT_STILL}",
            r"(?:operated|post-?operative|post-?op|old|treated|known operated) case of|st\.? ?p\.|(?:surgical|endoscopic|complete|partial|subtotal) (?:removal|excision|extirpation|evacuation) of|surgeri[sz]ed for|(?:\w+|\d+) (?:years?|months?|yrs?|weeks?|days?) post(?= (?!op|contrast|injection|gad|surg|partum|menopaus|treat|radio|chemo|trauma)[a-z])|(?:according to|as per) (?:the )?(?:old|previous|earlier|outside) \w+(?: \w+)?,?|(?:pre-?operative|original|initial|former|previous) diagnosis (?:was|of|:|had been)|before (?:surgery|treatment|the operation),? (?:there (?:was|were)|he had|she had)|was under (?:\w+ )?care for|(?:previously|formerly) on (?:treatment|therapy|medication) for|(?:formerly|earlier|initially|originally) (?:read|labell?ed|called|interpreted|reported) as",
            rf"(?:on the {_YEAR} (?:{_DOCUMENTS})(?= [\w' -]{{1,40}} (?:was|were) (?:seen|found|noted|present|described))|(?:the )?{_YEAR} (?:reader|radiologist|report) (?:described|saw|noted|reported|called)|last year's (?:{_DOCUMENTS}) (?:was positive for|showed|had|noted|described)|review of the {_YEAR} \w+ (?:shows?|showed)|(?:pathology|histology|biopsy|cytology) {_YEAR}:|on sick leave in {_YEAR} with|lost to follow-?up after|preceding (?:{_DOCUMENTS}):|pre-?(?:19|20)\d\d:|in (?:his|her|the) anamnesis(?: there is)?|already had(?= .{{1,40}} (?:once|before))){_NOT_STILL}",
            r"(?:previously|formerly) (?:noted|documented|reported|described|diagnosed|recorded)(?= [\w/-]+(?: [\w/-]+){0,3} ?(?:[.;]|$))",
            r"(?<!no )(?<!with )(?:historic|historical|bygone|erstwhile)(?= (?!control|data|compar|imag|stud|scan|mri|report|film|smoker)[a-z])|(?:inactive|closed|archived|resolved|past|old) (?:problems?|episodes?|diagnos[ei]s|entries)(?: list)?:|problem list,? archived:|legacy (?:diagnosis|entry)(?: on the ris)?:|(?:back then|in those days|at that time)(?:,? (?:the diagnosis|it|this|he|she) (?:was|had)(?: called)?|:)",
            rf"(?:her|his|their|the) {_YEAR} (?=[\w -]{{1,40}} (?:was|were) (?:managed|treated|operated|dealt|repaired))|(?:rehabilitated|recovering|convalesc\w+) (?:after|from)|in the (?:wake|aftermath) of|in the years (?:after|since|following)|back when (?:he|she|they) had|(?:has|having) (?:weathered|been through|got over|overcome)|veteran of|went under the knife for|had(?= .{1,40} (?:seen to|dealt with|taken care of)(?!\w))|gives a past account of|has form for|has a past that includes",
            rf"(?<!awaiting )(?<!for )(?<!before )(?<!planned )(?<!being ){_DONE_TO}(?: [\w/.'-]+){{0,3}}? (?:{_YEAR} )?(?:for|due to|because of|on account of|owing to)(?= (?!further|follow|review|assessment|evaluation|comparison|re))(?: an?)?",
            rf"(?:(?<=had )|(?<=underwent )|(?<=p\. )|(?<=previous )|(?<=prior )|(?<=old ))(?:[\w-]+ ){{0,3}}?{_PROCEDURES}(?: [\w/.'-]+){{0,3}}? (?:for|of|due to|because of)(?: an?)?",
            rf"(?<!awaiting )(?<!for ){_PROCEDURES}(?: [\w/.'()-]+){{0,4}}? {_YEAR}\)? (?:for|due to|because of|on account of)(?: an?)?",
            r"(?:lost|losing) (?:an?|his|her|their|the|one) (?:\w+ ){1,3}(?:to|from|because of)|surviv(?:ed|or of)|recovered from|(?:was |been )?cured of|overcame|got over",
            r"formerly|one-?time|erstwhile|once(?: upon a time)?(?: (?:was|had|been))? (?:labell?ed|diagnosed|told|called|treated|had)(?: (?:as|with|for|of))?|(?:previously|initially|originally) (?:labell?ed|told|called)(?: (?:as|with|of))?|used to (?:have|suffer from|get)",
            r"(?:two|three|four|five|several|multiple|numerous|\d+) (?:previous |prior |earlier )?(?:episodes|bouts|attacks|spells) of",
            r"(?:gives?|gave|tells?|told|relates?|recounts?)(?: (?:us|me))?(?: an?| the)?(?: (?:story|tale|account|history))? of",
            rf"(?:(?:discharge|clinic|referral|gp|transfer|old|yellowing|previous|outside|earlier) )*(?:letters?|notes|records|charts?|file|summary)(?: of| from| in)?(?: {_YEAR})? (?:speaks?|mentions?|tells?|states?|records?|documents?|lists?)(?: of)?",
            r"(?:\w+|\d+) (?:years?|months?|weeks?|days?|yrs?|decades?) (?:on|out|down the line) from|end of (?:treatment|therapy) for",
            rf"(?:(?:(?:the|a|an|his|her) )?(?:reference|index|baseline|pre-?op(?:erative)?|pre-?treatment|pre-?therapy|previous|prior|last) (?:mri?|mr|ct|scan|study|exam(?:ination)?|imaging)(?:,? (?:of |from |dated )?{_YEAR})?(?::(?= [a-z])| (?:had(?: (?:shown|revealed))?|there'?d been|there had been|reads?|noted|mentioned)(?= ))){_NOT_STILL}",
        ),
    ),
    (
        "history", "before",
        (
            _THEN,
            rf"(?:in|during|of|from) (?:the )?(?:early |late |mid[- ]?)?(?:19|20)?\d0s{_END}|(?:some time|a long time|many moons|ages|yonks|(?:a |one |two |three |several |\d+ )?(?:christmas(?:es)?|season|seasons|decades?)) ago|(?:last|the previous|in the previous|during the last) (?:spring|autumn|summer|winter|decade|century|season|admission){_END}|the year before last",
            rf"(?:earlier|later) in life|in (?:his|her|their) (?:younger|student|school|early|\w+ (?=youth)|misspent (?=youth)|salad|army|playing) ?(?:days|years|youth)|in (?:his|her) (?:heyday|prime)|before the age of \w+|at birth{_END}|(?:before|prior to) (?:(?:his|her|their|the) )?(?:move|retirement|marriage|emigration|pregnanc(?:y|ies))(?: to \w+)?|when (?:(?:he|she|they) (?:was|were)|living|playing|working|aged|still|at)(?= )|during (?:his|her) time (?:in|at|as)|at (?:uni|university|school|college){_END}|in (?:days gone by|a previous life|the dim and distant past|the pre-\w+ era|lockdown)|way back(?: when)?|of yesteryear|pre-covid|on (?:his|her|their|the) (?:last|previous|first) admission",
            rf",? ?(?:(?:surgically|conservatively|medically|non-?operatively|successfully|fully) )*(?:managed|treated|dealt with|handled|looked after|seen to|taken care of|rehabilitated)(?: (?:surgically|conservatively|medically|non-?operatively|elsewhere|abroad|operatively|successfully))*(?:,? (?:in )?{_YEAR}|,? last (?:year|month|summer|spring|autumn|winter)|{_END})|op'?d (?:once|twice|before)|previously (?:noted|documented|recorded|reported|diagnosed){_END}",
            r"(?:was|were) (?:treated|managed|cured) (?:with|by|in)(?! (?:the|progress))|in (?:early|late|young|mid) (?:adulthood|childhood|adolescence)|in the (?:fifties|sixties|seventies|eighties|nineties|noughties)|in (?:his |her |their )?school days|before (?:immigration|emigration|moving)(?: to \w+)?|(?:remembered )?from the old (?:chart|notes|file)|as per (?:the )?(?:previous|old|earlier) [\w ]{1,20}(?= ?(?:[.,;)]|$))",
            rf"(?:had been|was|were) (?:present|there|visible|seen|shown) (?:on|in|at) (?:the |a |her |his )?{_YEAR} (?:{_DOCUMENTS})|(?:(?:many |some |\w+ )?(?:years|long|eons|aeons)) ago|(?:before|prior to) the pandemic|during (?:(?:his|her|their) )?(?:(?:first|second|third|last|previous|an earlier) pregnancy|childhood|adolescence)|as (?:newborn|child|teenager|infant|adolescent){_END}|of yore|in bygone (?:years|days|times)|(?:is|are) bygone|per old (?:notes|records|charts?)",
            r"(?:treated|managed|operated|removed|seen to) (?:elsewhere|abroad|locally|privately) (?:\w+ )?(?:years|months|decades|long) (?:ago|back)",
            rf"(?:of|from|in) {_YEAR} (?:was|were|had been) (?:managed|treated|operated|dealt with|repaired|resected)|(?:was|were) (?:flagged|queried|raised|suggested|called|reported|noted|seen|described) (?:on|at|in) (?:the|a|an|his|her) {_YEAR} (?:{_DOCUMENTS})|had been (?:the|an?) (?:reason|indication|talk|diagnosis|problem)(?: (?:for|of)(?: [\w' ]{{1,30}})?)?",
        ),
    ),
    (
        "hedge", "after",
        (r"(?:plausible|dubious|unconfirmed|alleged|purported|supposed|hypothetical|hypothesi[sz]ed|theoretical|putative|conjectured)(?= (?!cause|reason|risk|mechanism|explanation)[a-z])",),
    ),
)  # fmt: skip
