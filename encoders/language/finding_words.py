"""Words that name a finding, as against anatomy: "the lesion does not enhance" has a lesion, "the ligament is not torn" has none.

Stems and endings, not a vocabulary: which finding it is does not matter here.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re

_ENDINGS = (
    r"\w{3,}(?:omas?|omata|itis|itides|osis|oses|opath(?:y|ies)|myelopath\w+|coeles?|celes?|rrh?ages?|rrhagic|plasias?|malacia|ectas(?:is|es|ia)|megaly|olysis|olisthesis"
    r"|aemia|emia|plegia|trophy|trophic|penia|ectopia|dynia)"
)
_STEMS = (
    r"abnormal|anomal|lesion|mass(?:es)?\b|tear|torn|infarct|isch[a]?emi|bleed|blood|clot|o?edema|tumou?r|neoplas|cancer|carcin|malignan|adeno(?!id)|cyst(?!ic duct|ic artery)|stenos"
    r"|compress|hernia|protru|extru|prolaps|bulg|sequestr|atroph|enlarg|thicken|thinn|restrict|enhanc|hyper(?!tens)|hypo(?!phys|thal|glossal|pharyn|gastr)|fractur|effusion|metasta|nodul|nodes?\b"
    r"|foc(?:us|i)\b|plaque|deposit|swell|swollen|occlu|thromb|embol|dilat|displac|deform|degenerat|loss|glio|syrinx|syring|scler|malform|narrow|ruptur"
    r"|aneurysm|abscess|empyem|collection|necro|fistul|sinus tract|dissect|sublux|dislocat|erosi|stones?\b|calcul|calcif|polyp|diverticul|fibroid|ascites|fluid|gas\b|shift"
    r"|hydroceph|hydro(?:neph|salp|ureter|myel)|disease|defect|spondyl|desiccat|disruption|discontinu|rupture|sprain|strain|contusion|bruis|injur|scar|fibros|cirrho|steato|fatty"
    r"|spur|osteophyt|impinge|infiltrat|inva(?:sion|d|ding)|involve|spread|recurren|resid|remnant|signal (?:change|alteration|void|increase)|high signal|low signal|increased signal|bright"
    r"|micro(?:bleed|h)|lacun|encephal(?:itis|omal)|gliotic|leuk|demyelin|cavern|angio(?!gr)|outpouching|duplicat|ectop|agenesis|pathol|siderosis|siderotic|artefact|artifact"
    r"|(?:resection|surgical) cavit|post-?(?:operative|surgical) (?:change|seroma|collection|scar)|stroke|seizure|headache|pain|weakness|avn|gbm|pres\b|dva\b|avm|shunt|leak|obstruct|stricture|distal? phalanx lesion|cleft|fissur|ganglion(?! cell)|neuroma|phlegmon|infect|inflam|haemato|hemato"
    r"|opacit|consolid|scolio|kypho|listhes|modic|pars defect|insufficienc|regurgit|septations?|debris|component|spots?\b|dots?\b|trabecul\w+ oedema|uptake|#"
    r"|niche\b|raumforderung|läsion|blutung|riss|ödem|erguss|prolaps|vorfall|herd|zyste|metastas|infiltration|verdick|einblutung|thrombose"
)
FINDING = re.compile(
    rf"(?<!\w)(?:{_ENDINGS}(?!\w)|(?:micro|macro|pseudo|multi|poly|osteo|chondro|lipo|pneumo|non-?|un|intra\w+-|peri\w+-|ring-)?(?:{_STEMS}))"
    r"|\d ?(?:mm|cm)(?!\w)"
)

_OF_THE_SCAN = re.compile(
    r"(?<!\w)(?:(?:contrast|gadolinium|gd|non-contrast)[- ]enhanced|enhanced (?=(?:axial|sagittal|coronal|t1|t2|mri?|images?))|fluid[- ]attenuated|weakness of the study|strain imaging|syndesmos[ie]s|anastomos[ie]s|cavernous (?:sinus(?:es)?|segments?|carotid|portions?)|corp(?:us|ora) cavernos\w+)(?!\w)"
)
# What is measured or shown of anatomy too: "normal enhancement", "the nodes are not enlarged".
_NEUTRAL = re.compile(
    r"(?<!\w)(?:hernial orifices?|(?:lymph )?nodes?|blood(?: flow| pool| vessels?)?|fluid(?: signal|-attenuated\w*| attenuated)|(?:contrast )?enhance(?:ment|s)?(?: pattern)?|restriction of|restricted to"
    r"|fluid[- ]sensitive|spots?|processes|sinus tracts?|flow voids?|signal voids?|enhanced|defects?|cleft|csf fluid|fatty(?= (?:bone )?(?:marrow|planes?|tissues?)(?!\w))|lesion-to-\w+|components?|bright spot|csf|scler(?:a|ae)|adenoid\w*|hypothalam\w*)(?!\w)"
)


def names_finding(text: str, *, of_normal: bool = False) -> bool:
    """Whether lower-case `text` names a finding. `of_normal`: beside a word for normal, where more is neutral."""
    text = _OF_THE_SCAN.sub(" ", text)
    return FINDING.search(_NEUTRAL.sub(" ", text) if of_normal else text) is not None
