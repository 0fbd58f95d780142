from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinecho.encoders.language import verbalise as module
from spinecho.encoders.language.verbalise import SEQUENCES, TEMPLATES, verbalise

FACTS = {"sequence": "T1", "region": "brain", "plane": "sagittal", "contrast": "yes", "sex": "F", "age_years": 61.4}


def said(facts, seed=0):
    return verbalise(facts, np.random.default_rng(seed))


def test_many_templates_and_many_words():
    assert len(set(TEMPLATES)) >= 12
    found = {said(FACTS | {"labels": ["old infarct", "small vessel disease"]}, seed) for seed in range(200)}
    assert len(found) > 100
    assert {text.index("infarct") < text.lower().find("small") for text in found if "infarct" in text} == {True, False}


def test_a_seed_gives_the_same_words():
    assert said(FACTS, 3) == said(FACTS, 3)


@settings(max_examples=300)
@given(
    facts=st.fixed_dictionaries(
        {},
        optional={
            "sequence": st.sampled_from(["T2", "unknown", "", "FISP"]),
            "region": st.sampled_from(["lumbar spine", "knee", ""]),
            "plane": st.sampled_from(["axial", "unknown"]),
            "contrast": st.sampled_from(["yes", "no", "unknown"]),
            "sex": st.sampled_from(["F", "M", "O", "", None]),
            "age_years": st.sampled_from([None, 4.0, 83.6]),
            "labels": st.sampled_from([[], ["meniscal tear"], None]),
        },
    ),
    seed=st.integers(0, 10_000),
)
def test_what_is_not_known_leaves_no_trace(facts, seed):
    text = said(facts, seed)
    assert "unknown" not in text
    assert "None" not in text
    assert not re.search(r"[{}\[\]]|\s[,.;:)]|[,.;:]{2}|\(\)|\s\s|^\W|[,;:]$", text.replace("+C", "C")), text
    spoken = any(facts.get(name) not in ("", "unknown", None, [], "O") for name in facts)
    assert bool(text) == spoken


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_says_something_true(template, monkeypatch):
    monkeypatch.setattr(module, "TEMPLATES", (template,))
    text = said({"sequence": "FLAIR", "region": "prostate"}, 1).lower()
    assert any(name.lower() in text for name in SEQUENCES["FLAIR"])
    assert "prostate" in text
    assert "contrast" not in text
