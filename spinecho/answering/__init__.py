"""What an open archive answers, as plain values: hits, studies, counts, evidence, cohorts."""
