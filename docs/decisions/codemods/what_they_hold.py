"""Names by what they hold: `told` and `said` become warnings, messages, conditions, rows.

Run once, from the top: `python docs/decisions/codemods/what_they_hold.py`. A line is a file and `old>new` for its
names; `old>new@function` within one function alone. Strings stay, but for the names in an f-string's braces. Afterwards
the imports were sorted, and four names that were two things in one place were set by hand.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

NAMES = """
db/facts/fact_table.py: said>passage_blocks told_ids>block_ids
db/facts/snapshot_check.py: _told>_facts_of told>facts said>with_passages
db/files/moves.py: as_said>kept_facts said>report
db/files/runs.py: told>stored
db/filters/contradictions.py: _Said>_Conditions said>by_field
db/filters/occurring.py: _told>_listed
db/filters/selection.py: told>allowed_rows
db/filters/sql.py: said_in>passage_matches _said>_clause_conditions said>conditions
db/people/cohorts.py: told>shown_value
db/people/masking.py: told>shown
db/people/record.py: told>driver_message said>row_json@_digest said>value@_storable said>fault
db/people/record_place.py: told>driver_message
db/queries/facets.py: told>counted
db/queries/full_text.py: said>content
db/queries/lookup.py: told>counted
db/queries/sentences.py: said_in>passage_matches told>its_clauses
db/reports/rereading.py: told>read
db/reports/study_matching.py: untold>undecided said>warnings
db/reports/versions.py: untold>undecided
db/reports/withdrawal.py: told>columns
db/schema/check.py: told>driver_message told_of>in_reports said>damage
db/schema/clean.py: said>details
db/schema/copies.py: said>answer
db/schema/database.py: told>driver_message said>damage
db/schema/engines.py: told>driver_message said>details
db/schema/founding.py: said>fault told>revision
db/schema/trouble.py: told>driver_message said>message
db/schema/warm.py: told>done
db/store/predictions.py: said>conditions
db/store/storing.py: as_said>kept_facts
db/store/study_facts.py: told>by_series@tell_facts told>known tell_facts>put_facts
db/store/study_facts.py: said>stated Said>Facts as_said>kept_facts
db/vectors/kept_up.py: said>warnings
db/vectors/two_stage.py: told>proposed_among
encoders/acquisition/header_facts.py: told>compared
encoders/acquisition/rules.py: said>contrast
encoders/heads/fitting/head_figures.py: said>predicted
encoders/heads/targets.py: _UNTOLD>_UNKNOWN
encoders/language/clauses/assertions.py: said>given
encoders/language/clauses/judge.py: said>letters
encoders/language/clauses/measures.py: told>rows said>its_findings
encoders/language/expand.py: said>plain
encoders/language/findings.py: Said>Statement said_in>statements_in _said>_statement said>shared_words told>found_sizes
encoders/language/laterality.py: said>word
encoders/language/passages.py: told_of>kind_of_heading told>heading_kind told_sizes>with_sizes
encoders/language/places.py: said>stated
encoders/language/query_words.py: told>field_terms
encoders/language/sections.py: _TOLD>_HEADING_KINDS told_of>kind_of_heading
encoders/language/sentences.py: said>before
encoders/language/sizes.py: said>dictated
encoders/language/verbalise.py: said>phrase
encoders/language/vocabulary/reading.py: said>phrase
encoders/language/vocabulary/table.py: told>each
encoders/reading/dicom/codecs.py: _as_said>_as_declared
encoders/reading/dicom/repeats.py: told>numbered_places
encoders/reading/dicom/scan.py: said>layout
encoders/reading/torn.py: told>values
encoders/training/data/queries.py: told>answers
encoders/training/loop/devices.py: told>total
encoders/training/loop/log.py: told>figures
encoders/training/loop/loop.py: told>parts@_means told>pace@_figures
encoders/training/loop/state.py: told>record
encoders/training/model_card.py: told>numbers
encoders/training/objectives/align_vit.py: said>by_text
encoders/training/objectives/losses.py: told>contents _told>_content_of
encoders/training/objectives/masked.py: told>shown
indexer/corpus/from_archive.py: told>fields
indexer/facts_again.py: told>by_series tell_facts>put_facts
indexer/moves.py: told>header_texts
indexer/parts.py: told>answers
indexer/phantom/demo_archive.py: told>lines_of_reports
indexer/pipeline.py: said>warnings
indexer/reports/parsing/column_names.py: said>stated
indexer/reports/parsing/reading_task.py: Said>Statement said_in>statements_in told>statements
indexer/reports/parsing/report_head.py: said>stated
indexer/reports/parsing/text_file.py: said>contents
indexer/reports/rereading.py: told>read
indexer/reports/store.py: said>fault told>encoded
indexer/sources/refusals.py: _SAID>_REASONS
search/access/persons.py: said>content
search/answers/clause_agreement.py: said>stated
search/answers/hits.py: said>assertion_of_clause
search/answers/notes.py: said>messages
search/channels/lexical.py: said>text@spans said>passages@unheard
search/channels/retrieve.py: told>fit_by_id
search/cohorts/design.py: told>seeded
search/cohorts/export.py: told>made
search/cohorts/definition.py: Told>Asserted
search/cohorts/freezing.py: told>making
search/cohorts/pseudonyms.py: told>making@redacted_making told>public
search/evaluation/evaluate_archive.py: told>progress said>stated SAID>ASSERTING
search/evaluation/report_retrieval.py: SAID>ASSERTING
search/fusion.py: told>counted
search/planning/facts_in_words.py: said>in_words fields_said>fields_named
search/planning/planner.py: fields_said>fields_named told>lines
search/planning/spelling.py: said>corrected
search/relevance_feedback.py: said>sentences
search/self_test.py: _said>_in_words
ui/printing/console.py: said>text
ui/printing/failing.py: told>message_and_status said>reason
tests/search/test_facts_in_words.py: fields_said>fields_named
tests/search/test_agreement.py: said_in>statements_in
tests/search/test_few_questions.py: said>passages
tests/encoders/text/test_measures.py: Said>Statement said_in>statements_in
"""

_BRACED = re.compile(r"\{[^{}]+\}")


def spans(source: str) -> dict[str, list[range]]:
    """Lines of every function, by name."""
    found: dict[str, list[range]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def renamed(source: str, table: list[str]) -> str:
    """The source with names changed; a name that is there already is printed, since two would become one."""
    lines, where = source.splitlines(keepends=True), spans(source)
    everywhere, within = {}, []
    for entry in table:
        names, _, function = entry.partition("@")
        old, new = names.split(">")
        within += [(old, new, span) for span in where[function]] if function else []
        everywhere |= {} if function else {old: new}
        places = ["".join(lines[span.start - 1 : span.stop - 1]) for span in where[function]] if function else [source]
        if any(re.search(rf"(?<![\w.]){new}\b(?!=)", place) for place in places):
            print("  is there already:", entry)

    def new_name(name: str, line: int) -> str:
        mine = [new for old, new, span in within if old == name and line in span]
        return mine[0] if mine else everywhere.get(name, name)

    def in_braces(part: str, line: int) -> str:
        return re.sub(r"(?<![\w.'\"])[A-Za-z_]\w*", lambda name: new_name(name[0], line), part)

    changes = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        text, line = token.string, token.start[0]
        if token.type == tokenize.NAME:
            text = new_name(text, line)
        elif token.type == tokenize.STRING and "f" in text[:2].lower() and token.start[0] == token.end[0]:
            text = _BRACED.sub(lambda part, at=line: in_braces(part[0], at), text)
        if text != token.string:
            changes.append((token.start, token.end, text))
    for start, end, text in reversed(changes):
        line = lines[start[0] - 1]
        lines[start[0] - 1] = line[: start[1]] + text + line[end[1] :]
    return "".join(lines)


if __name__ == "__main__":
    for line in NAMES.strip().splitlines():
        name, _, table = line.partition(": ")
        print(name)
        path = Path(name)
        path.write_text(renamed(path.read_text(encoding="utf-8"), table.split()), encoding="utf-8")
