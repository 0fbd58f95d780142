"""How well vectors retrieve: pure functions over arrays, and the same over an indexed archive (`archive`).

Every figure carries its pool, its number of queries, its chance level and a 95 % interval. See docs/evaluation.md.
"""

from spinecho.encoders.measuring.candidates import text_groups
from spinecho.encoders.measuring.figures import EmptyPool, EvaluationError, Figure, Measured
from spinecho.encoders.measuring.labels import by_label
from spinecho.encoders.measuring.pairs import paired, paired_scores
from spinecho.search.evaluation.filtered import filtered_recall
from spinecho.search.evaluation.texts import by_text, by_text_scores

__all__ = [
    "EmptyPool",
    "EvaluationError",
    "Figure",
    "Measured",
    "by_label",
    "by_text",
    "by_text_scores",
    "filtered_recall",
    "paired",
    "paired_scores",
    "text_groups",
]
