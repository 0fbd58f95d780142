"""German: the words that decide what a clause says, and where a clause ends."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re

from spinecho.encoders.language.clauses.other_rules import Rules, cue, words

_SEEN = (
    r"(?:nachweisbar|nachweislich|abgrenzbar|erkennbar|sichtbar|vorhanden|darstellbar|gesehen|abzugrenzen|nachzuweisen|zu (?:erkennen|sehen|finden|verzeichnen)|gefunden|beobachtet|erkannt"
    r"|nachgewiesen|identifizierbar|identifiziert|vorliegend|erweitert|vergrößert|verbreitert|verdickt|dargestellt|abgebildet|auffindbar|detektierbar|objektivierbar|eingeengt|verlagert|gestaut|festgestellt|verschoben|mehr)"
)
_SURE = r"(?:(?:sicher|eindeutig|mit sicherheit|vollständig|gänzlich|ganz|zuverlässig|mehr) )*"
_EXCLUDED = r"(?:auszuschlie(?:ß|ss)en|auszuschl\.?|ausschlie(?:ß|ss)bar|ausgeschlossen)(?: werden)?"

RULES = Rules(
    cues=(
        cue("family", "whole", r"mutter|vater|eltern|bruder|schwester|tante|onkel|großmutter|großvater|großeltern|familienanamnese|fam\.? ?anamnese|familiär(?:e[nrsm]?)?(?: (?:vorbelastung|belastung|disposition))?"),
        cue("question", "after", r"(?:falls|sofern)(?= \w)|(?<![^ ,;(])wenn(?= \w)|im falle (?:einer|eines|von)|bei persistierende[nrm]"),
        cue("hedge", "after", r"(?:eingeschränkte|limitierte|reduzierte|erschwerte) (?:beurteilbarkeit|beurteilung|abgrenzbarkeit|aussagekraft)(?: (?:der|des|von|für|bezüglich))?|nicht (?:zu )?(?:unterscheiden|differenzieren) von|nicht unvereinbar mit"),
        cue("masked", "after", r"(?:sehr )?(?:wahrscheinlich|vermutlich|möglicherweise|am ehesten|eher|a\. ?e\.) (?:reaktiv|degenerativ|benign|gutartig|entzündlich|postoperativ|unspezifisch)e[nrsm]? (?=\w*(?:lymphknoten|läsion|herd|veränder|erguss|ödem|raumforderung|signal|anreicherung))"),
        cue("masked", "after",
            r"nicht (?:nur|zuletzt)|kein(?:e[rn]?)? (?:(?:wesentliche[rn]?|signifikante[rn]?|relevante[rn]?|neue|sichere) )*(?:\w*(?:änderung(?:en)?|zunahme|abnahme|progress|progredienz|dynamik|wachstum|regredienz|rückbildung))(?: (?:des|der|von))?",
            r"ohne (?:(?:wesentliche|signifikante|relevante) )*(?:\w*(?:änderung(?:en)?|zunahme|abnahme|progress|dynamik|progredienz))",
            r"ohne (?:und mit )?(?:i\.? ?v\.? )?(?:km|kontrastmittel\w*|gadolinium|kontrast)(?!\w)(?: gabe)?|nicht (?:wesentlich )?(?:verändert|größenprogredient|größer|kleiner|zugenommen|abgenommen|geändert)",
            r"kein(?:e[nr]?)? (?:\w+ )?(?:vor(?:untersuchung(?:en)?|aufnahmen?)|vergleich\w*)(?: \w+)?(?: vor)?",
            r"(?:infiltriert|komprimiert|reichert|überschreitet|verlagert|erreicht|berührt|kontaktiert|enhanced|verdrängt|obstruiert)\w* [^,;]{0,60}?nicht(?: \w+)?|nicht (?:infiltriert|erreicht|überschritten)",
            r"nicht[- ](?:traumatisch|aktiv|obstruktiv|kompressiv|komprimierend|raumfordernd|kalkhaltig|transmural)\w*"),
        cue("negation", "after",
            r"kein(?:e[nrsm]?|erlei)? (?:\w+ )?(?:v\.? ?a\.?|verdacht|hinweise?|anhalt|nachweis|zeichen|befund)(?: (?:auf|für|von|eine[rsn]?))*"),
        cue("hedge", "before",
            rf"(?:(?:kann|können|ist|sind|konnte) )?(?:nicht|kaum) {_SURE}{_EXCLUDED}",
            r"nicht (?:sicher )?(?:abgrenzbar|abzugrenzen|zu (?:differenzieren|unterscheiden|trennen)) (?:von|gegen\w*)(?= \w)|(?:kommt|kommen) (?:\w+ )?in (?:betracht|frage)|in (?:betracht|frage) kommend|in erwägung zu ziehen|zu (?:diskutieren|erwägen)"),
        cue("hedge", "after",
            rf"nicht {_SURE}{_EXCLUDED}(?: ist| sind)?",
            r"(?:(?:hochgradiger|dringender|hochgr\.|starker|klinischer) )?(?:v\.? ?a\.?|verdacht auf|verdachts?diagnose)",
            r"(?:verdächtig|suspekt)\w* (?:auf|für)|hinweis(?:e|end)? (?:auf|für)|am ehesten(?: (?:einem|einer|im sinne))?|a\.? ?e\.|möglicherweise|wahrscheinlich\w*|vermutlich\w*|mutmaßlich\w*|fraglich\w*|unklar ob|eher(?! unwahrsch)",
            r"dd|d\.d\.|differen[tz]ial ?-?diagnos\w*|diff\.? ?diagn?\.?|(?:könnte|könnten|dürfte|dürften)|kann (?=[^,;]{0,60}entsprechen)|evtl\.?|eventuell\w*|ggf\.?|mögliche[rsn]?|potentiell\w*"),
        cue("question", "after",
            r"(?:(?:zum|z\.|zur) ?)?(?:ausschlu(?:ss|ß)|a\.a\.)(?: (?:einer|eines|von))?|frage(?:stellung)? (?:nach)?|fragestellung|abklärung|suche nach|z\.? ?a\.?(?= )|bitte um"),
        cue("history", "after",
            r"z\.? ?n\.?(?!\w)|zustand nach|z\. nach|st\.? ?p\.?|st\.? ?n\.|status (?:post|nach)|anamnestisch\w*|früher\w*|ehemalig\w*|vorbekannte?r? z\.n\.|bei (?:z\.? ?n\.?|zustand nach)|(?:19|20)\d\d(?= [a-zäöü])|vorgeschichte|eigenanamnese|operiert\w* (?=\w)|vorbestehend(?= \w+ (?:19|20)\d\d)|^\w{3,}(?:ektomie|ektomiert\w*|plastik)"),
        cue("history", "before", r"(?:in|im jahr|von|seit) (?:19|20)\d\d operiert|(?:operiert|reseziert|entfernt)(?: worden)?"),
        cue("negation", "before",
            rf"(?:(?:ist|sind|war|waren|wurde|wurden|wird|werden|kann|können) )?(?:aktuell |derzeit |hier )?nicht (?:(?:sicher|eindeutig|mehr|wesentlich|pathologisch|relevant|signifikant) )*{_SEEN}(?: werden)?",
            r"erg(?:eben|ibt|aben|ab) sich nicht|(?:liegt|liegen|lag|lagen|besteht|bestehen|bestand|findet sich|finden sich|zeigt sich|zeigen sich|kommt|kommen|ist|sind) nicht(?: mehr)?(?: (?:vor|zur darstellung|zu \w+))?",
            r"(?:lässt|lassen|ließ|ließen|läßt) sich (?:\w+ )?nicht (?:mehr )?(?:sicher )?\w+|fehl(?:t|en)(?!\w)|(?:ist |sind )?(?:sicher )?ausgeschlossen|(?:ist |sind )?auszuschlie(?:ß|ss)en|negativ|(?:sehr |eher )?unwahrscheinlich(?= ?(?:[.,;]|$))",
            r"(?<=[:?=] )(?:nein|nicht|keine[rs]?|-+|neg\.?|0)(?= ?(?:[.,;)]|$))|\(-+\)|(?:hat sich |haben sich |ist |sind )?(?:vollständig|komplett|ganz|gänzlich) (?:zu)?(?:rückgebildet|rückgegangen|regredient|resorbiert|aufgelöst|abgeheilt|verschwunden)|verschwunden"),
        cue("negation", "after",
            r"kein(?:e[nrsm]?|erlei)?|k\. ?(?=nachweis|anhalt|hinweis)|ohne|o\.(?= (?:nachweis|anhalt|hinweis|n\.))|weder|noch(?= [^,;]{0,40}$)|fehlende[rsn]?(?: nachweis)?|negativ (?:für|auf)|unwahrscheinlich\w*|vollständige rückbildung|frei von|ausgeschlossen(?:e[nr]?)?|nicht(?= \w)"),
        cue("normal", "either",
            r"(?:altersentsprechend |weitgehend |im übrigen |sonst |ansonsten )*(?:unauffällig\w*|regelrecht\w*|regulär\w*|altersentsprechend\w*|normgerecht\w*|altersgerecht\w*|zeitgerecht\w*|physiologisch\w*)(?: \w*(?:befunde?|darstellung|abbildung))?",
            r"normal(?:e[nrsm]?)?(?: (?:weit|groß|konfiguriert|breit|hoch))?|normal(?:weit|groß|kalibrig|konfiguriert)\w*|intakt\w*|(?:gut )?erhalten\w*|o\. ?(?:p\. ?)?b\.?|frei(?: (?:durchgängig|belüftet|perfundiert|abgrenzbar|einsehbar))?(?! flüss)|durchgängig(?: \w+bar)?|mittelständig|steinfrei|zart|schlank|seitengleich|orthotop|kontinuitätserhaltend|kein pathologischer befund"),
        cue("yes", "after", r"(?<!kein )(?:nachweis|darstellung|vorliegen) (?:einer|eines|von|multipler)|bis auf|abgesehen von|außer|mit ausnahme|vereinbar mit|passend zu|im sinne (?:einer|eines|von)|typisch für|bei bekannte[rmn]|bekannte[rsmn]?"),
        cue("yes", "before", r"(?<=[:?=] )(?:ja|\++|pos\.?|positiv)(?= ?(?:[.,;)]|$))|\(\++\)"),
        cue("hedge", "before", r"möglich|denkbar|fraglich|wahrscheinlich|vermutet|vd\.|nicht sicher beurteilbar|(?:nicht|nur eingeschränkt) beurteilbar"),
    ),
    cuts=re.compile(
        r"(?:(?<!\d),|,(?!\d))(?! ?\d+ ?(?:mm|cm|ml|x))"
        r"|[ ,]+(?:aber|jedoch|allerdings|hingegen|dagegen|sondern|wobei|während|obwohl)(?!\w)"
        r"|(?<!vereinbar)(?<!zusammen)[ ,]+(?:und )?mit(?! (?:und ohne|ausnahme|sicherheit))(?!\w)"
        r"|(?<!mit und)[ ,]+(?:und |oder )?ohne(?!\w)"
        r"|[ ,]+und (?=kein|ohne|unauff|regelrecht|normal|intakt|nicht)"
        r"|[ ,]+(?:bis auf|abgesehen von|bei (?=z\.|zustand|bekannt))"
    ),
    joins=words("oder", "und", "noch", "sowie", "bzw\\.", "or", "and"),
    small=words("der", "die", "das", "des", "dem", "den", "ein", "eine", "eines", "einer", "einem", "einen", "es", "sich", "hier", "hierbei", "dabei", "auch", "aktuell", "derzeit", "ist", "sind", "wird", "werden", "wurde", "wurden", "war", "waren", "zeigt", "zeigen", "findet", "finden", "besteht", "bestehen", "liegt", "liegen", "lässt", "kommt", "und", "oder", "in", "im", "am", "an", "bei", "zur", "zum", "von", "vom", "auf", "für", "nach", "mit", "noch", "nur", "jedoch", "aber", "insbesondere", "handelt", "um", "links", "rechts", "bds", "beidseits", "vor", "werden", "in form", "kann", "könnte", "entsprechen", "sonst", "ansonsten", "im übrigen", "insgesamt"),
    finding=words(
        r"\w*(?:riss|rissen|gerissen|rupturiert\w*|ruptur|läsion|läsionen|raumforderung\w*|blutung\w*|infarkt\w*|ischämie\w*|ödem\w*|erguss|herd\w*|zyste\w*|tumor\w*|metasta\w*|fraktur\w*|stenose\w*|atrophie|thrombose\w*|aneurysma\w*|hämatom\w*|abszess\w*"
        r"|prolaps\w*|vorfall\w*|protrusion\w*|arthrose\w*|nekrose\w*|fistel\w*|hernie\w*|karzinom\w*|adenom\w*|meningeom\w*|gliom\w*|nodul\w*|verdickung\w*|erweiterung\w*|gliose\w*|sklerose\w*|itis|hydrozephalus|erweiterte?[rsn]?|vergrößerte?[rsn]?)"),
)  # fmt: skip
