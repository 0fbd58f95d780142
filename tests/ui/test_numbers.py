"""Numbers that cannot be meant: in options, filters, definitions and addresses they are usage errors, no tracebacks."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import DemoHome
from typer.testing import CliRunner

from spinecho.encoders.checkpoint import CheckpointError, load_checkpoint
from spinecho.encoders.config_toml import ConfigError, parse_toml
from spinecho.encoders.errors import EncoderError
from spinecho.encoders.hub import json_of, safetensors_in
from spinecho.encoders.sandbox import limits
from spinecho.encoders.sandbox.limits import TEXT_BYTES, check_weights, read_small, table_text
from spinecho.errors import SpinechoError
from spinecho.search.cohorts.definition import from_plain, read_definition
from spinecho.search.fusion import FusionError, Weights
from spinecho.setup.boxes import check_form, read_box
from spinecho.ui.cli.app import app
from spinecho.ui.printing.conditions import read_filter
from spinecho.ui.views.session.page_links import row_id

FEW = ("1" + "0" * 20, "9" * 5000, "nan", "1e400", "")
HUGE = ("1" + "0" * 20, "-1" + "0" * 20, "9" * 400, "9" * 5000, "nan", "inf", "-inf", "1e400", "0x10", "", " ")
NUMBERS = st.one_of(
    st.integers().map(str), st.floats().map(repr), st.sampled_from(HUGE), st.integers(10**18, 10**40).map(str)
)


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, command


def numeric() -> list[tuple[tuple[str, ...], Any, Any]]:
    found = []
    for path, command in leaves(typer.main.get_command(app)):
        for parameter in command.params:
            if parameter.type_descriptor.annotation in (int, float):
                found.append((path, command, parameter))
    return found


def test_every_number_of_an_option_has_a_smallest_and_a_largest_value() -> None:
    found = numeric()
    assert len(found) > 20
    unbounded = [
        (path, one.name) for path, _, one in found if (one.min is None or one.max is None) and not one.callback
    ]
    assert not unbounded


@pytest.mark.parametrize(("path", "command", "parameter"), numeric(), ids=lambda one: getattr(one, "name", None))
def test_a_number_that_cannot_be_meant_is_a_usage_error(
    path: tuple[str, ...], command: Any, parameter: Any, tmp_path: Path
) -> None:
    for value in FEW:
        given: list[str] = []
        for one in command.params:
            argument = not one.opts[0].startswith("-")
            if one is parameter:
                given += [value] if argument else [f"{one.opts[-1]}={value}"]
            elif argument and one.required:
                given.append("1" if one.type_descriptor.annotation is int else "x")
        given += ["--home", str(tmp_path / "none")] if any("--home" in one.opts for one in command.params) else []
        result = CliRunner().invoke(app, [*path, *(["--"] if value[:1] == "-" and parameter.opts[0][0] != "-" else []),
                                          *given], prog_name="spinecho")  # fmt: skip
        assert result.exit_code == 2, (path, given, result.output[-300:])
        assert isinstance(result.exception, SystemExit), (path, given, result.exception)


@pytest.mark.parametrize(
    "form", ["age>={}", "age={}", "field_strength<{}", "date>={}", "predicted.score>={}", "study_uid={}",
             "patient_id={}", "accession_number~{}", "derived={}"],
)  # fmt: skip
def test_filters_read_or_refuse_any_number(demo_home: DemoHome, form: str) -> None:
    for value in FEW:
        given = ["facets", "sequence", "--where", form.format(value), "--home", str(demo_home.home)]
        result = CliRunner().invoke(app, given)
        assert result.exit_code in (0, 2)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception


@given(NUMBERS, NUMBERS)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
def test_ages_and_boxes_read_or_refuse_any_number(one: str, other: str) -> None:
    for text in (one, f"{one}-{other}", f"-{one}", f"{one}-"):
        with contextlib.suppress(SpinechoError):
            read_filter([], age=text)
    for text in (f"{one},0,0,{other},1,1", f"{one}:{other},0:1,0:1"):
        with contextlib.suppress(SpinechoError):
            check_form(text)
            read_box(text, (4, 4, 4))


def test_the_age_that_was_typed_is_read_by_the_command(demo_home: DemoHome) -> None:
    for value in FEW:
        result = CliRunner().invoke(app, ["facets", "sex", f"--age={value}", "--home", str(demo_home.home)])
        assert result.exit_code in (0, 2)
        assert result.exception is None or isinstance(result.exception, SystemExit)


SAMPLES = (
    "[sample]\nstudies = {}", "[sample]\nstudies = 5\nseed = {}", "[split]\ntrain = {}\nvalidation = 0.0\ntest = 0.0",
    "[match]\ncases = {{ filter = 'sex=F' }}\ncontrols = {}", "[[window]]\nto_days = {}", "[[window]]\nfrom_days = {}",
    "[match]\ncases = {{ filter = 'sex=F' }}\nage_within = {}", "[index]\nseed = {}",
    "[[include]]\ntext = 'x'\nat_least = {}",
)  # fmt: skip


@pytest.mark.parametrize("form", SAMPLES)
def test_definitions_read_or_refuse_any_number(tmp_path: Path, form: str) -> None:
    path = tmp_path / "c.toml"
    for value in ("1" + "0" * 20, "9" * 400, "9" * 5000, "nan", "inf", "-inf", "1e308", "-1"):
        path.write_text(f'name = "c"\n{form.format(value)}\n')
        if value == "-1":
            with contextlib.suppress(ConfigError):
                read_definition(path)
            continue
        with pytest.raises(ConfigError) as refused:
            read_definition(path)
        assert len(str(refused.value)) < 700


@given(st.text(max_size=30) | NUMBERS)
def test_an_address_names_a_row_or_nothing(text: str) -> None:
    number = row_id(text)
    assert number is None or 0 <= number < 2**63


def test_what_is_too_large_or_no_file_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large, deep = tmp_path / "large.toml", "[" * 100_000
    large.write_bytes(b"# " + b"x" * TEXT_BYTES)
    for error in (ConfigError, FusionError, CheckpointError):
        with pytest.raises(error, match="bytes"):
            read_small(large, error)
        with pytest.raises(error, match="regular file"):
            read_small(tmp_path, error)
    with pytest.raises(ConfigError, match="bytes"):
        read_definition(large)
    with pytest.raises(ConfigError):
        parse_toml(f"x = {deep}", name="x")
    (tmp_path / "fusion.json").write_text(f'{{"weights": {deep}')
    with pytest.raises(FusionError):
        Weights.load(tmp_path / "fusion.json")
    (tmp_path / "fusion.json").write_text('{"weights": {"sentences": NaN, "scans": 1, "words": 1}}')
    with pytest.raises(FusionError):
        Weights.load(tmp_path / "fusion.json")
    (tmp_path / "config.json").write_text(deep)
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path, kind="tower")
    with pytest.raises(EncoderError):
        json_of(tmp_path / "config.json", name="x")
    with pytest.raises(ConfigError):
        from_plain({"name": "c", "sample": {"studies": 10**20}}, name="c")


def test_weights_are_looked_at_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    safetensors.numpy.save_file({}, path)
    check_weights(path, CheckpointError)
    card = {"kind": "tower", "config": {}, "preparation": {}, "dim": 1, "sha256": "0" * 64}
    (tmp_path / "config.json").write_text(json.dumps(card))
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}")
    for read in (lambda: load_checkpoint(tmp_path, kind="tower"), lambda: safetensors_in(tmp_path, name="x")):
        with pytest.raises(EncoderError, match="header"):
            read()
    monkeypatch.setattr(limits, "WEIGHTS_BYTES", 4)
    with pytest.raises(CheckpointError, match="may have"):
        check_weights(path, CheckpointError)


def test_a_table_is_read_whole_or_refused_in_words(tmp_path: Path) -> None:
    """Of questions, pairs and labels: a pipe would be waited for, for good."""
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "latin.csv").write_bytes(b"study_uid,label\n1,\xfc\n")
    (tmp_path / "marked.csv").write_bytes(b"\xef\xbb\xbfstudy_uid,label\n")
    for name, words in (("pipe.csv", "no regular file"), ("latin.csv", "not UTF-8"), ("none.csv", "cannot be read")):
        with pytest.raises(ValueError, match=words):
            table_text(tmp_path / name, ValueError)
    assert table_text(tmp_path / "marked.csv", ValueError).startswith("study_uid")
