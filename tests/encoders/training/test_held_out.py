"""One digest for all: whom training leaves out is whom everything is measured on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.measuring.held_out import SHARE, is_held_out, learned_here, learning_of, measured_on
from spinecho.encoders.registry import CHECKPOINTS, ENCODERS
from spinecho.encoders.training.data.examples import Facts
from spinecho.encoders.training.data.shards import held_out
from spinecho.encoders.training.run_config import TrainError
from spinecho.training_runs.train_plan import DataPlan, open_data

OTHERS_WEIGHTS = {"clip", "open-clip", "backbone", "hlip"}
"""Published by others, who never had the archive."""


@given(patient=st.text(max_size=20), study=st.text(min_size=1, max_size=20), share=st.floats(SHARE, 0.9))
def test_whom_an_encoder_may_be_measured_on_training_has_left_out(patient: str, study: str, share: float) -> None:
    facts = Facts("key", study, patient, "archive")
    if measured_on("tower:folder")(patient or study):
        assert held_out(facts, share)
    assert held_out(facts, SHARE) == is_held_out(patient or study)


def test_every_kind_of_encoder_is_known_to_learn_here_or_not_to() -> None:
    """A new kind has to be put on one side."""
    assert {kind for kind in CHECKPOINTS if not learned_here(f"{kind}:x")} == OTHERS_WEIGHTS
    assert not any(map(learned_here, ENCODERS))
    assert "may have learned" in learning_of("tower:x")
    assert "may" not in learning_of("adapted:x")


@pytest.mark.parametrize("kind", ["tower", "vit", "mlm"])
def test_reports_of_whom_everything_is_measured_on_are_not_learned_from(kind: str, tmp_path) -> None:
    with (
        pytest.raises(TrainError, match=r"hold out 0\.2 at least"),
        open_data(DataPlan(home=tmp_path, held_out=0.1), kind=kind),
    ):
        pass
