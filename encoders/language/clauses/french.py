"""French: the words that decide what a clause says, and where a clause ends."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re

from spinecho.encoders.language.clauses.other_rules import Rules, cue, words

_OF = r"(?: (?:d'une?|d'|de l'|de la|de|du|des))?"
_EXCLUDED = r"(?:(?:formellement|totalement|complètement) )?(?:exclu(?:e?s?)|éliminée?s?|écartée?s?)"
_SEEN = r"(?:visibles?|visualisée?s?|retrouvée?s?|identifiée?s?|vue?s?|décelée?s?|décelables?|détectée?s?|détectables?|mises? en évidence|observée?s?|individualisée?s?|individualisables?|dilatée?s?|augmentée?s?|épaissie?s?|élargie?s?|présente?s?|notée?s?|objectivée?s?|perçue?s?|constatée?s?|déviée?s?|refoulée?s?|comprimée?s?)"

RULES = Rules(
    cues=(
        cue("family", "whole", r"mère|père|parents|frère|s(?:œ|oe)ur|tante|oncle|cousine?|grand-(?:mère|père)|(?:antécédents|atcd|histoire) famili(?:aux|ale?)|famili(?:al|aux|ale)s?(?! adenom)"),
        cue("negation", "after", r"ne (?:comprime(?:nt)?|franchit|infiltre(?:nt)?|touche(?:nt)?|refoule(?:nt)?|envahit|atteint) pas(?= (?:le|la|les|l')[ \w])"),
        cue("question", "after", r"(?<![^ ,;(])s(?:i(?= \w)|'il (?:existe|y a))|en cas d(?:e|')|(?:biopsie|contrôle|irm|scanner) pour confirmer|question :"),
        cue("hedge", "after", r"(?:limit|gên|perturb|entrav|empêch)(?:e|ent|ant) (?:l'|la |une )(?:évaluation|analyse|étude|interprétation|visualisation|caractérisation)(?: (?:de la|de l'|des|du|de|d'))?|(?:évaluation|analyse|étude|exploration|visualisation) (?:limitée|sous-optimale|incomplète|insuffisante|partielle|difficile) (?:de la|de l'|des|du|de|d')|(?:impossible|difficile) (?:à|de) (?:distinguer|différencier)(?: (?:de|d'))?|indiscernable d(?:e|')|non incompatibles? avec"),
        cue("masked", "after",
            rf"(?:pas|sans|absence|aucune?)(?: (?:d'|de))? ?(?:modifications?|changements?|augmentation(?: de taille)?|croissance|évolution|majoration|progression|différence|évolutivité)(?: (?:significative|notable|franche)s?)?{_OF}",
            r"(?:n'a|n'ont|n'est|ne sont) pas (?:significativement )?(?:augmenté|progressé|évolué|changé|grossi|diminué|modifié)\w*|pas (?:que|seulement|uniquement)|sans (?:injection|produit de contraste|contraste|gadolinium|et avec)(?: \w+)?|pas d'(?:examen|irm|imagerie) (?:antérieure?|comparati\w+|de comparaison)",
            r"ne (?:se )?(?:rehausse(?:nt)?|prend|prenant|comprime(?:nt)?|franchit|infiltre(?:nt)?|dépasse(?:nt)?|touche(?:nt)?|atteint|refoule(?:nt)?) (?:pas|plus)|non[- ](?:spécifiques?|compressi\w+|compliquée?s?|rehaussée?s?|obstructi\w+|récente?s?|aiguë?s?|transfixiante?s?|évolutif|évolutive)"),
        cue("hedge", "before",
            rf"(?:ne |n')?(?:peut|pouvant|peuvent|pourrait|saurait|étant) (?:pas )?être {_EXCLUDED}|(?:n'est|ne sont|n'étant) pas {_EXCLUDED}|(?:est|sont) à (?:évoquer|discuter|éliminer|envisager|considérer)",
            rf"non {_EXCLUDED}|à (?:évoquer|discuter|confirmer|envisager|considérer|contrôler)(?! ?:)|(?:n'est|ne sont) pas certaine?s?"),
        cue("negation", "either", r"(?:très )?peu (?:probables?|vraisemblables?|évocat\w+)|improbables?"),
        cue("negation", "after", rf"(?:pas|absence|aucun|sans|ni)(?: (?:d'|de))? ?(?:arguments?|signes?|critères?|suspicion|éléments?|évidence|preuve|images?)(?: (?:irm|indirects?|direct|net|d'imagerie|formel|évident|significatif|évocatrice?))*(?: (?:en faveur|pour|suspecte?|évocatrice?|évocateurs?))?{_OF}(?: une?)?"),
        cue("hedge", "after",
            r"(?:on )?ne (?:peut|permet(?:tant)?|pouvant|peuvent)(?: pas)?(?: d')? ?(?:exclure|éliminer|écarter)|sans (?:pouvoir|qu'on puisse) (?:exclure|éliminer|écarter)(?: une?)?",
            r"(?:forte )?suspicion|(?:fortement |très )?suspecte?s? (?:de|d'une?|d'|pour)|évoqu(?:ant|e|ent)(?: (?:en premier lieu |plutôt )?(?:une?|des))?|évocat(?:eur|rice|eurs|rices) (?:de|d'une?|d')|en faveur|faisant (?:évoquer|suspecter|discuter|craindre)|fait (?:évoquer|suspecter|discuter)",
            r"(?:peut|pourrait|pouvant|pourraient|peuvent|semble(?:nt)?|paraît)(?: (?:être|correspondre|évoquer|traduire|être en rapport|témoigner))|diagnostics? différentiels?|ddx?|à discuter ?(?=:)|à évoquer ?(?=:)|probablement|possiblement|vraisemblablement|éventuelle(?:ment)?|hypothèses?(?: diagnostiques?)?|doute sur|versus|vs"),
        cue("question", "after", r"(?:à la )?recherche|bilan(?: (?:de|d'extension|pré\w+))?|(?:à |pour |afin d')?(?:éliminer|rechercher|exclure|écarter)|exploration|motif|question"),
        cue("history", "after",
            r"antécédents?(?: (?:personnels?|chirurgica(?:l|ux)|médica(?:l|ux)))?|atcd|stat(?:us|ut) (?:post|après)|s/p|opérée?s? (?:d'|de|du|pour|en)|(?:anciennement )?traitée?s? (?:pour|en|par)|état après|^\w{3,}ectom(?:ies?|isée?s?)|notion (?:de|d')(?! \w+ familial)"),
        cue("history", "whole", r"en (?:19|20)\d\d(?= ?(?:[.,;)]|$))|il y a \w+ (?:ans|mois|semaines)"),
        cue("negation", "before",
            rf"non {_SEEN}|(?:n'est|ne sont|n'était|n'étaient|n'a|n'ont)(?: plus| pas)(?: été)? {_SEEN}|absente?s?|(?<=[:?=] )(?:non|absente?s?|aucune?|0|-+|nég\w*)(?= ?(?:[.,;)]|$))|\(-+\)",
            rf"(?:est |sont |a été |ont été )?{_EXCLUDED}|(?:a|ont) (?:totalement |complètement )?disparus?|(?:a|ont) complètement régressé|(?:s'est|se sont) (?:\w+ment )?(?:résorbée?s?|normalisée?s?)|(?:a|ont) été (?:exclu|éliminé|écarté)e?s?|négati(?:f|ve)s?"),
        cue("normal", "either",
            r"sans (?:particularités?|anomalies?|altérations?|lésions?(?= ?(?:[.,]|$)))(?: (?:notables?|décelables?|significatives?|visibles?|morphologiques?|de signal|particulières?|focales?))*|pas d'anomalie(?= (?:de signal|morphologique|décel\w+|notable|particulière))",
            r"(?:en |de )?(?:taille|signal|morphologie|aspect)?(?: et (?:de )?signal)? ?norma(?:l|le|les|ux|lement)|intègres?|indemnes?|perméables?|(?<!liquide )(?<!corps )libres?(?! dans)|en place|conservée?s?|respectée?s?|bien (?:aérée?s?|alignée?s?|vascularisée?s?)|alithiasiques?|symétriques?|dans les limites de la normale|régulie?(?:r|re|rs|res)|continus?|sans particularité|fine?s? et régulières?|homogènes?"),
        cue("negation", "after",
            rf"(?:il )?(?:n'y a|n'existe|n'est|n'a|on ne \w+|ne \w+)?(?: (?:pas|plus))(?: (?:été \w+|en évidence|retrouvé|vu))*{_OF}(?: d'une?)?|(?:on ne (?:met|retrouve|note|voit|visualise|observe|décèle)) (?:pas|plus)(?: en évidence)?|pas{_OF}|aucune?s?|sans|ni|(?:l')?absence{_OF}|exempte?s? de|négatif pour|disparition(?: complète)?{_OF}|résolution(?: complète)?{_OF}|résorption(?: complète)?{_OF}|régression complète{_OF}|indemnes? de"),
        cue("yes", "after", rf"présence{_OF}|mise en évidence{_OF}|il existe|on (?:note|retrouve|observe|visualise)(?! (?:pas|plus|l'absence))|hormis|en dehors{_OF}|à l'exception{_OF}|mis à part|(?:compatibles?|cadrant) avec|(?:bien )?connue?s?(?= (?:de|du))|en rapport avec"),
        cue("yes", "before", r"(?<=[:?=] )(?:oui|présente?s?|\++|positif)(?= ?(?:[.,;)]|$))|\(\++\)"),
        cue("hedge", "either", r"possibles?|probables?|suspectée?s?|suspicion|éventuel(?:le)?s?|douteu(?:x|se)s?|incertaine?s?|hypothétiques?"),
    ),
    cuts=re.compile(
        r"(?:(?<!\d),|,(?!\d))(?! ?\d+ ?(?:mm|cm|ml|x))"
        r"|[ ,]+(?:mais|cependant|toutefois|néanmoins|alors que|tandis que|bien que)(?!\w)"
        r"|(?<!compatible)(?<!compatibles)(?<!rapport)(?<!en accord)(?<!sans et)[ ,]+(?:et )?avec(?! (?:et sans|injection))(?!\w)"
        r"|(?<!avec et)[ ,]+(?:et |ou )?sans(?! et avec)(?!\w)"
        r"|[ ,]+et (?=pas|sans|absence|aucun|normal|intègre)"
        r"|[ ,]+(?:hormis|en dehors d|à l'exception)"
    ),
    joins=words("ou", "ni", "et", "or", "and"),
    small=words("le", "la", "les", "un", "une", "des", "du", "de", "d", "l", "il", "elle", "ils", "elles", "on", "y", "a", "est", "sont", "été", "être", "en", "au", "aux", "à", "ce", "cette", "ces", "et", "ou", "ni", "n", "ne", "se", "s", "par", "pour", "dans", "sur", "avec", "ailleurs", "notamment", "qui", "que", "plus", "gauche", "droite", "droit", "bilatéral", "bilatérale", "aspect", "taille", "signal", "morphologie", "existe", "note", "retrouve", "met", "évidence", "actuellement"),
    finding=words(
        r"(?:rompue?|rupture|rupturée?|déchirée?|fracturée?|déchirure|fissure|lésion|masse|hémorragie|hématome|infarctus|ischémie|(?:œ|oe)dème|épanchement|kyste|tumeur|métastase|fracture|sténose|atrophie|thrombose|anévrisme|abcès|hernie|protrusion|arthrose|nécrose|fistule|carcinome|adénome|méningiome|gliome|nodule|épaississement|dilatation|gliose|sclérose|\w+ite|hydrocéphalie|hypersignal|hypersignaux|rehaussement|collection)s?"),
)  # fmt: skip
