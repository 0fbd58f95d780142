"""A text in parts: its language, sections, sentences; which say nothing of the patient."""
