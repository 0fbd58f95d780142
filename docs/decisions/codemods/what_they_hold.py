"""Names by what they hold: `told` and `said` become warnings, messages, conditions, rows.

Run once for each table, from the top: `python docs/decisions/codemods/what_they_hold.py`. A line is a file and
`old>new` for its names; `old>new@function` within one function alone. Strings stay, but for the names in an f-string's
braces. Afterwards the imports were sorted, and a few names that were two things in one place were set by hand.
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
REST = """
benchmarks/answers/__main__.py: told>known@main told>known@_tell_facts told>flags_given@_tell_wrong
benchmarks/answers/__main__.py: told>by_kind@_tell_identifiers told>figures@_tell_seconds _tell_wrong>_print_wrong
benchmarks/answers/__main__.py: _tell_identifiers>_print_identifiers _tell_facts>_print_facts
benchmarks/answers/__main__.py: _tell_seconds>_print_seconds
benchmarks/answers/corpus.py: told>digested@digest told>row@_roco told>template@_templates told>studies_rows@_idc
benchmarks/answers/corpus.py: told>by_name@_header told>sexes@sex_in
benchmarks/answers/home.py: told>known@_store told>report_passages@_report
benchmarks/answers/identifiers.py: told>named@one
benchmarks/answers/judge.py: told>loaded@load_questions told>table@_question told>sides@_found told>start@_affirmed
benchmarks/answers/judge.py: told>statements@_denied said>statement Said>Statement
benchmarks/answers/reading.py: told>distances said>statement Said>Statement
benchmarks/answers/measure.py: told>sample
benchmarks/answers/volumes.py: told>grades_of@main told>by_uid@_rows_of_studies told>text_by_uid@_label
benchmarks/clauses.py: said>claimed@table told>given@table
benchmarks/runtime.py: said>printed
benchmarks/vocabulary.py: said>words
benchmarks/model/card.py: told>figures_shown
benchmarks/model/measure.py: told>lesions_of
benchmarks/search.py: told>message
benchmarks/text_search.py: told>first_passage
benchmarks/ui.py: told>times@marks told>print_seconds
db/filters/occurring.py: said>named
encoders/language/vocabulary/table.py: told>choices
encoders/networks/bert_network.py: told>to_compare
encoders/networks/slice_network.py: told>to_compare@slice_network told>output Told>Output
encoders/runtime/frozen.py: told>to_compare
encoders/sandbox/object_tasks.py: told>element_json
search/answers/hits.py: told>predicted_facts
search/answers/listing.py: said>messages
search/channels/lexical.py: told>known_words
search/cohorts/attrition.py: told>warnings_shown told_notes>notes_shown said>text@told_notes said>text@_note
search/planning/planner.py: said>messages
search/planning/query_plan.py: said>messages
search/snapshot.py: sentences_said>sentences_of told>words_found@search told>chosen@_reports_of said>messages
spinecho/lists.py: told>warnings_shown
spinecho/results.py: told>predicted_facts
spinecho/wiring.py: told>answer@take_apart said>stated@indexing_process
spinecho/remote/problems.py: said>explained
spinecho/roles.py: said>claim
ui/cli/builds.py: told>measured@make_build told>setting@tune
ui/cli/db.py: told>sentence
ui/cli/record.py: said>word
ui/cli/why.py: told>shares
ui/printing/usage.py: said>told_as_json
ui/server/api/app.py: said>meaning
ui/server/api/bearer.py: said>decoded
ui/server/api/browser.py: said>sent_cookie told>signed_in
ui/server/api/dicomweb/accept.py: said>accepted
ui/server/api/dicomweb/pictures.py: told>facts
ui/server/api/dicomweb/retrieving.py: told>facts@value told>facts@_retrieved told>facts@_part told>facts@_metadata
ui/server/api/edge.py: told>answer_sent _Told>_AnswerSent
ui/server/api/jobs.py: told>lines said>last_sent
ui/server/api/paging.py: said>signed
ui/server/api/repeats.py: said>body_json
ui/server/cohort_facts.py: told>warnings_shown
ui/server/guard.py: told>secrets_given
ui/server/one.py: told>options
ui/server/serve.py: said>sentence
ui/training/measures.py: told>losses
ui/training/train_runs.py: told>summary
ui/views/archive/map.py: told>size_shown
ui/views/archive/page.py: told>by_value
ui/views/archive/jobs.py: said>amounts@_told said>asked_for@_buttons _told>_summary
ui/views/cohorts/charts.py: said>labels
ui/views/cohorts/page.py: told>warnings_shown@_shown told>edited@_edited said>message@cohorts_page
ui/views/cohorts/page.py: said>message@_builder said>message@_as_toml
ui/views/cohorts/rules_component.py: said>message
ui/views/cohorts/starters.py: said>title
ui/views/evaluate/page.py: told>what@_start said>label@_compared
ui/views/search/facets.py: told>shown@chips told>by_value@_choice said>age_words@chips said>words@_settle
ui/views/search/form.py: said>chip_text
ui/views/search/page.py: told>acted@_act told>title@_title said>message@search_page
ui/views/search/results.py: told>counted@_summary _told>_predictions told>predicted_facts@_told
ui/views/session/signed.py: said>message
ui/views/study/page.py: told>acted@_spot told>left_out@_report told>choices@_priors told>acted@_choose
ui/views/study/page.py: told>acted@_turn_to told>acted@_ask said>message@_scan
ui/views/study/viewer.py: told>head_json
ui/views/upload.py: said>trouble_text
search/cohorts/freezing.py: told_notes>notes_shown
db/people/feedback.py: Said>SentenceVectors sentences_said>sentences_of
search/relevance_feedback.py: Said>SentenceVectors sentences_said>sentences_of
tests/search/test_channels.py: Said>SentenceVectors
tests/benchmarks/test_answers.py: Said>Statement said>statement
tests/search/test_cohorts.py: told>warnings_shown
tests/search/test_split.py: told>warnings_shown
"""
"""What was left of them, run later."""

_BRACED = re.compile(r"\{[^{}]+\}")


def spans(source: str) -> dict[str, list[range]]:
    """Lines of every function, by name."""
    found: dict[str, list[range]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
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
    for line in REST.strip().splitlines():
        name, _, table = line.partition(": ")
        print(name)
        path = Path(name)
        path.write_text(renamed(path.read_text(encoding="utf-8"), table.split()), encoding="utf-8")
