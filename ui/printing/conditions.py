"""Filter options that every search command shares."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from spinecho.db.errors import FilterError
from spinecho.db.filters.algebra import (
    ALL,
    COMPUTED_TOO,
    Between,
    Filter,
    Is,
    both,
    of_field,
    parse_condition,
)
from spinecho.filters import typed_filter

_OPTIONS: dict[str, Any] = {
    "where": Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            help="Filter: sequence=T2,FLAIR, age>=40, plane!=axial, description~knee, predicted.sequence=T2, "
            "predicted.score>=0.8, label.group=patient, says:absent(haemorrhage), joined by and, or, not and "
            "parentheses. Repeatable: all of them must hold.",
        ),
    ],
    "region": Annotated[str | None, typer.Option("--region", help="Body region, e.g. brain.")],
    "sequence": Annotated[str | None, typer.Option("--sequence", help="Sequence, e.g. FLAIR.")],
    "plane": Annotated[str | None, typer.Option("--plane", help="axial, coronal, sagittal or oblique.")],
    "contrast": Annotated[str | None, typer.Option("--contrast", help="Contrast agent: yes or no.")],
    "side": Annotated[str | None, typer.Option("--side", help="Of a breast, joint or limb: left, right or both.")],
    "technique": Annotated[str | None, typer.Option("--technique", help="E.g. Dixon, MP2RAGE, EPI, 'single shot'.")],
    "b_value": Annotated[str | None, typer.Option("--b-value", help="b-value in s/mm2: 1000, 0-100, 800- or >=800.")],
    "dixon": Annotated[
        str | None, typer.Option("--dixon", help="Dixon image: water, fat, in phase, opposed phase or fat fraction.")
    ],
    "component": Annotated[
        str | None, typer.Option("--component", help="Part of the signal: magnitude, phase, real or imaginary.")
    ],
    "computed": Annotated[
        str | None, typer.Option("--computed", help="Computed image: ADC, FA, trace, subtraction, MIP and others.")
    ],
    "vendor": Annotated[str | None, typer.Option("--vendor", help="Manufacturer, e.g. Siemens.")],
    "sex": Annotated[str | None, typer.Option("--sex", help="F, M or O; female, male or other.")],
    "age": Annotated[
        str | None,
        typer.Option("--age", help="Whole years: 40-60, 70-, -18 or 55; months, weeks, days: 18m, 6w-12w, -10d."),
    ],
    "include_derived": Annotated[
        bool, typer.Option("--include-derived", help="Show computed images (ADC, FA, ...) and localizers too.")
    ],
}
_SAME = ("sequence", "plane", "contrast", "side", "technique", "dixon", "component", "computed", "vendor", "sex")
_WORDS = {"region": "body_region", **{name: name for name in _SAME}}


def with_filters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filter options; it receives them as one `where: Filter`."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        options = {name: given.pop(name) for name in _OPTIONS}
        command(**given, where=read_filter(**options))

    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "where"]
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if name == "include_derived" else None,
            annotation=annotation,
        )
        for name, annotation in _OPTIONS.items()
    ]
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *added]}
    return run


def read_filter(
    where: list[str] | None = None,
    *,
    age: str | None = None,
    b_value: str | None = None,
    include_derived: bool = False,
    **words: str | None,
) -> Filter:
    """The conjunction of everything given. Raises `FilterError` for a condition that cannot be read.

    A finding in `says(...)` is looked for under every name that is known for it.
    """
    parts = [typed_filter(condition) for condition in where or ()]
    parts += [
        Is(_WORDS[name], tuple(part.strip() for part in value.split(",")))
        for name, value in words.items()
        if value is not None
    ]
    if age is not None:
        parts.append(_age(age))
    if b_value is not None:
        parts.append(of_field("b_value", b_value.strip()))
    if include_derived:
        parts.append(COMPUTED_TOO)
    return both(*parts) if parts else ALL


def _age(text: str) -> Filter:
    low, dash, high = (part.strip() for part in text.partition("-"))
    remedy = f"cannot read the age {text!r}; write 40-60, 70-, -18, 55 or 6m-18m"
    if not low and not high:
        raise FilterError(remedy)
    try:
        if any(char.isalpha() for char in text):
            if not dash or high[:1].isalpha():  # "6-weeks"
                return parse_condition(f"age={text}")
            parts = [parse_condition(f"age>={low}")] if low else []
            return both(*parts, *([parse_condition(f"age<={high}")] if high else []))
        first, last = (float(part) if part else None for part in (low, high))
    except (ValueError, FilterError):
        raise FilterError(remedy) from None
    return Between("age", first, last if dash else first)
