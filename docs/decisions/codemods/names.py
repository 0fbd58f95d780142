"""No two files of one name that mean different things (`db/vectors/plan.py` becomes `index_plan.py`), and no circles.

Run once, after `rooms.py` and from the same place: `python docs/decisions/codemods/names.py`.
"""

from __future__ import annotations

from rooms import move

MOVES = """
encoders/heads: heads/fitting/calibration heads/fitting/head_metrics
encoders/acquisition: acquisition/tables>rule_tables acquisition/words>whole_words
encoders/language:
  language/clauses/findings language/clauses/finding_words language/spelling>stems language/query>query_words
encoders/language/vocabulary: language/vocabulary/levels>spine_levels
encoders/networks/clip: networks/clip/sentences>texts
encoders/networks/vit: networks/vit/grid>patch_grid networks/vit/config>sizes
encoders/preparing: preparing/levels>grey_levels preparing/sampling>volume_sampling
encoders/reading: reading/values>headers
encoders/reading/dicom: reading/charsets reading/grid>voxel_grid
encoders/training: training/export>model_card training/loop/config>run_config
encoders/training/data: training/data/sampling>batch_sampling training/loop/shards
encoders/training/objectives: training/objectives/matching>pair_matching
db/facts: facts/agreement>snapshot_check facts/changes>fact_changes facts/columns>fact_columns facts/table>fact_table
  facts/files>snapshots
db/filters: filters/values>conditions
db/queries: queries/words>full_text
db/reports: reports/matching>study_matching
db/vectors: vectors/plan>index_plan
indexer/reports: reports/facts>report_facts
indexer/reports/parsing: reports/parsing/head>report_head reports/parsing/tables>table_files
  reports/parsing/columns>column_names
indexer/sources: sources/links>symbolic_links
search/access: access/people>persons
search/answers: answers/agreement>clause_agreement
search/channels: channels/examples>by_example
search/cohorts: cohorts/matching>matched_controls cohorts/changes>list_changes
search/planning: planning/plan>query_plan
ui/cli: self_test
ui/training: training/plan>train_plan training/jobs>train_jobs training/runs>train_runs
ui/views/cohorts: views/cohorts/examples>starters
ui/views/session: views/session/links>page_links views/session/processes>long_work
"""

if __name__ == "__main__":
    move(MOVES, {}, {})
