"""Spanish: the words that decide what a clause says, and where a clause ends."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re

from spinecho.encoders.language.clauses.other_rules import Rules, cue, words
from spinecho.encoders.language.vocabulary.spanish_adjectives import PARTICIPLES

_SEE = r"(?:observ|identific|visualiz|apreci|evidenci|objetiv|detect|demuestr|demostr|muestr|encuentr|encontr|reconoc|ve|halla|document)(?:an?|en?|ad[oa]s?|aron|ó)?"
_PART = r"(?:visibles?|(?:visualizad|identificad|observad|vist|detectad|dilatad|demostrad|aumentad|evidenciad|objetivad|encontrad|engrosad|agrandad|desplazad|desviad|comprimid|presente|valorad)[oae]?s?|distinguibles?|apreciables?)"

RULES = Rules(
    cues=(
        cue("family", "whole", r"madre|padre|padres|herman[oa]s?|t[íi][oa]|prim[oa]|abuel[oa]s?|antecedentes? familiares?|historia familiar|familiar(?:es)?"),
        cue("negation", "after", r"no (?:infiltra\w*|comprime\w*|desplaza\w*|contacta\w*|invade\w*|rebasa\w*|afecta\w*)(?= (?:con |a |al )?(?:el|la|los|las|al|ningun[oa]?) \w)"),
        cue("question", "after", r"(?<![^ ,;(])si(?= (?!bien)\w)|en caso de|(?:rm|tc|control|biopsia|seguimiento) para confirmar|cuestión:"),
        cue("hedge", "after", r"(?:limita\w*|dificulta\w*|impide\w*|restringe\w*) (?:la )?(?:valoración|evaluación|visualización|interpretación|caracterización) (?:de)|(?:valoración|evaluación|visualización) (?:\w+mente )?(?:limitada|subóptima|incompleta|insuficiente|parcial|dificultada) (?:de|para)|no (?:se )?(?:puede|pueden|permite|es posible) (?:diferenciar|distinguir)(?:se)?|indistinguible de|no incompatibles? con|no diagnóstic[oa]s? de"),
        cue("masked", "after",
            r"no (?:sol[oa]|solamente|únicamente)|(?:sin|no (?:hay|existen?|se \w+)|ausencia de) (?:(?:claros|grandes|signos de) )?(?:cambios|aumento(?: de tamaño)?|modificaciones|variaciones|variación|progresión|crecimiento|diferencias)(?: (?:significativ|relevante|aparente)\w*)?(?: (?:en|de|respecto|con respecto))?(?: (?:el|la|los|las|al|a la))?",
            r"sin (?:contraste|civ|gadolinio|y con|administración)(?: (?:de )?\w+)?|no (?:realzan?|capta|captante|infiltra\w*|comprime\w*|desplaza\w*|contacta\w*|invade\w*|rebasa\w*|ha(?:n)? (?:cambiado|crecido|variado|aumentado|disminuido|progresado|modificado)(?: de tamaño)?)(?!\w)(?= |[.,]|$)",
            r"no (?:específic[oa]s?|complicad[oa]s?|agud[oa]s?|recientes?|compresiv[oa]s?|obstructiv[oa]s?|transfixiantes?)|no (?:se )?disponen?\w* de"),
        cue("hedge", "before",
            r"no (?:(?:puede|pueden|podría) (?:ser )?|se (?:puede|pueden) )?(?:completamente |totalmente )?(?:descartables?|excluid[oa]s?|excluibles?|descartad[oa]s?)|no descartables?|(?:debe|deben|debería) (?:ser )?(?:considera|descarta|valora)\w*|a (?:considerar|valorar|descartar|confirmar)(?= ?(?:[.,;]|$))|no concluyentes?"),
        cue("hedge", "after",
            r"no (?:se )?(?:puede|pueden|podemos|es posible)(?: \w+mente)? (?:descartar|excluir)(?:se)?|no (?:se )?(?:descart|excluy)(?:an?|en?|amos)|sin (?:poder )?(?:descartar|excluir)|no permite (?:descartar|excluir)"),
        cue("hedge", "whole", r"(?:versus|vs)\.?(?= (?!normal)\w)|frente a"),
        cue("negation", "either", r"(?:muy )?poco (?:probables?|sugestiv\w+|verosímil)|improbables?"),
        cue("negation", "after",
            r"(?:sin|no (?:hay|existen?|se \w+|hubo)?|ausencia de|ningún) ?(?:claros? |claras? )?(?:signos?|evidencias?|criterios?|datos?|hallazgos?(?! (?:patol|signif|de inter|relev|rese|dest))(?! ?[.;,]|$)|indicios?|imágenes|sospecha|semiología)(?: (?:claros?|directos?|indirectos?|definitiv[oa]s?|sugestiv[oa]s?|sugerentes?|radiológic[oa]s?))*(?: (?:de|para|que sugieran?))?",
            r"(?:niegan?|negad[oa]s?)(?: (?:antecedentes?|historia)(?: personal(?:es)?)?(?: de)?)?"),
        cue("hedge", "after",
            r"(?:alta )?sospecha(?: clínica)?(?: de)?|(?:altamente |muy )?sospechos[oa]s? (?:de|para|por)|(?:altamente |muy )?sugestiv[oa]s? de|sugeren?tes? de|sugiere[n]?|sugerente|(?:podrían?|puede[n]?|pudiera[n]?) (?:\w+ )?(?:corresponder|tratarse|ser|representar|estar|deberse|sugerir|traducir)(?: (?:a|de))?",
            r"a (?:considerar|valorar)|diagnósticos? diferencial(?:es)?|ddx?|d/d|probablemente|posiblemente|en probable relación|impresiona de|parece(?:n)?(?: corresponder)?|plantea\w*"),
        cue("negation", "after", r"se (?:descartan?|excluyen?)"),
        cue("question", "after", r"(?:a |para |por )?descartar|motivo|(?:a |para )?valorar|estudio de(?!l)|búsqueda de"),
        cue("history", "after",
            r"antecedentes?(?: (?:personal(?:es)?|quirúrgicos?|médicos?|oncológicos?))?(?: de)?|status post|s/p|intervenid[oa]s?(?: quirúrgicamente)?(?: (?:de|por))?|operad[oa]s?(?: (?:de|por))?|tratad[oa]s? (?:por|de|con|en)|estado tras|^\w{3,}ectom(?:ías?|izad[oa]s?)|ap ?(?=:)"),
        cue("history", "whole", r"en (?:19|20)\d\d(?= ?(?:[.,;)]|$))|hace \w+ (?:años|meses|semanas)"),
        cue("negation", "before",
            rf"no {_PART}|(?:ya )?no (?:se )?{_SEE}(?= ?(?:[.,;]|$))|(?:es|son|está|están) ausentes?|ausentes?|(?:se )?(?:ha|han) (?:\w+mente )?(?:desaparecido|resuelto|reabsorbido|normalizado)|(?:está |están )?resuelt[oa]s? por completo|resuelt[oa]s?|(?:ha sido |han sido |queda |es )?(?:descartad|excluid)[oa]s?",
            r"(?<=[:?=] )(?:no|ausentes?|ningun[oa]|0|-+|neg\w*)(?= ?(?:[.,;)]|$))|\(-+\)|negativ[oa]s?(?! para)"),
        cue("normal", "either",
            r"sin (?:alteracion(?:es)?|hallazgos|particularidades|anomalías|lesiones(?= ?(?:[.,]|$)))(?: (?:significativ[ao]s?|patológic[oa]s?|relevantes?|de señal|destacables?|valorables?|focales|morfológicas?|reseñables?|de interés))*",
            r"(?:(?:de|con) )?(?:tamaño|señal|morfología|aspecto|calibre)?(?:,? (?:y|e) (?:señal|intensidad|morfología|calibre))? ?normal(?:es|mente)?|íntegr[oa]s?|conservad[oa]s?|respetad[oa]s?|permeables?|(?<!líquido )(?<!liquido )(?<!cuerpo )libres?|centrad[oa]s?|(?:bien |correctamente |normalmente )(?:neumatizad|alinead|airead)[oa]s?|dentro de (?:la normalidad|(?:los )?límites (?:normales|de la normalidad))|simétric[oa]s?|homogéne[oa]s?|de paredes? finas?|indemnes?"),
        cue("negation", "after", rf"(?:ya )?no (?:se )?(?:hay|existen?|{_SEE})|no|sin|ausencia(?: de)?|ningún|ningun[oa]s?|ni|tampoco|negativ[oa] para|exent[oa]s? de|desaparición(?: completa)? de|resolución(?: completa)? de|reabsorción(?: completa)? de|libres? de|(?:nula|escasa|poca) evidencia de|carecen? de|en ning(?:ún|una) (?:caso|momento|nivel)(?: se \w+)?"),
        cue("yes", "after", r"(?:pero )?sí(?= \w)|compatibles? con|salvo|excepto|a excepción de|se (?:observ|identific|aprecia|objetiv|visualiz|evidenci)(?:an?)?|existen?|presencia de|presenta|en relación con|conocid[oa]s?(?= de)"),
        cue("yes", "before", r"(?<=[:?=] )(?:sí|si|presentes?|\++|positiv[oa])(?= ?(?:[.,;)]|$))|\(\++\)"),
        cue("hedge", "either", r"posibles?|probables?|sospechad[oa]s?|sospecha|dudos[oa]s?|inciert[oa]s?|eventual(?:es)?"),
    ),
    cuts=re.compile(
        r"(?:(?<!\d),|,(?!\d))(?! ?\d+ ?(?:mm|cm|ml|x))(?! ?(?:muy )?(?:dudos[oa]s?|probables?|posibles?|inciert[oa]s?) ?(?:[.;]|$))"
        r"|[ ,]+(?:pero|sin embargo|aunque|mientras que|no obstante)(?!\w)"
        r"|(?<!compatible)(?<!compatibles)(?<!relación)(?<!sin y)[ ,]+(?:y )?con(?! (?:y sin|contraste|respecto))(?!\w)"
        r"|(?<!con y)[ ,]+(?:y |o )?sin(?! (?:y con|embargo|poder))(?!\w)"
        r"|[ ,]+y (?=no|sin|ausencia|ningun|normal)"
        r"|[ ,]+(?:salvo|excepto|a excepción)"
        rf"|[ ,]+(?:y )?(?=no (?:est[áa]n? )?{PARTICIPLES})"
    ),
    joins=words("o", "u", "ni", "y", "e", "or", "and"),
    small=words("el", "la", "los", "las", "un", "una", "unos", "unas", "de", "del", "al", "a", "en", "se", "es", "son", "está", "están", "ha", "han", "sido", "y", "e", "o", "u", "ni", "ya", "que", "por", "para", "con", "lo", "su", "sus", "este", "esta", "izquierdo", "izquierda", "derecho", "derecha", "bilateral", "bilaterales", "tamaño", "señal", "aspecto", "morfología", "hay", "observan", "observa", "existe", "existen", "identifica", "identifican", "aprecian", "actualmente", "previo"),
    finding=words(
        r"(?:rotura|rot[oa]|desgarro|desgarrad[oa]|fracturad[oa]|fisura|lesión|lesiones|masa|hemorragia|hematoma|infarto|isquemia|edema|derrame|quiste|tumor|tumores|metástasis|fractura|estenosis|atrofia|trombosis|aneurisma|absceso|hernia|protrusión|artrosis|necrosis|fístula|carcinoma|adenoma|meningioma|glioma|nódulo|engrosamiento|dilatación|gliosis|esclerosis|\w+itis|hidrocefalia|hiperintensidad|hiperintensidades|realce|colección)s?"),
)  # fmt: skip
