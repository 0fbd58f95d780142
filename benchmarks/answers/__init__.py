"""Questions as radiologists type them, over open texts, judged by rules that anybody can read."""
