"""What programs hand over: numbers of NumPy and pandas are taken, what cannot be meant is said with what helps.

Both doors, `spinecho.open` and `spinecho.connect`, read the arguments of their methods here, by what the signatures
say, before anything is asked, kept or sent: so the same is refused with the same words, whichever door it came to.
"""

from __future__ import annotations

import functools
import inspect
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

from spinecho.errors import QueryError

P = ParamSpec("P")
T = TypeVar("T")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UID = "give its UID, as in hits[0].study.uid"
_SHOWN_AS = {"uid": "a study", "study": "a study", "fields": "a field"}
"""Arguments that are called otherwise in a sentence."""
_REMEDIES = {
    "words": "give a sentence, as in 'acute infarct, left MCA territory'", "uid": _UID, "study": _UID,
    "name": "give the name under which it is kept", "series_uid": "give its UID, as in study.series[0].uid",
    "on": "write it like on=['pregnant']", "off": "write it like off=['pregnant']",
    "fields": "name fields one by one, as in facets('sex', 'age')", "scopes": "write it like scopes=['read']",
    "label": "give a label by which you know the token again",
}  # fmt: skip


def whole(name: str, value: object) -> int:
    """A whole number as Python's own, which can be stored and sent. Raises `QueryError`; a flag is no number."""
    if isinstance(value, bool) or type(value).__name__ == "bool":  # NumPy 1 calls its own bool_, NumPy 2 bool
        raise QueryError(f"{name}={value!r} is no whole number; give one, as in {name}=10")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise QueryError(f"{name}={value!r} is no whole number; give one, as in {name}=10") from None


def results(k: object) -> int:
    """How many results are asked for. Raises `QueryError`."""
    wanted = whole("k", k)
    if wanted < 1:
        raise QueryError(f"k is {wanted}; ask for at least 1 result")
    return wanted


def text(name: str, value: object, remedy: str) -> str:
    """A text as Python's own. remedy: what to give in its place. Raises `QueryError`."""
    if not isinstance(value, str):
        shown = repr(value) if value is None or isinstance(value, bool | int | float) else type(value).__name__
        raise QueryError(f"{name} is to be text, not {shown}; {remedy}")
    return _SURROGATE.sub("\ufffd", str.__str__(value))  # half a letter can neither be stored nor sent


def texts(name: str, values: object, remedy: str) -> tuple[str, ...]:
    """Several texts; one text alone is none, as it would be taken letter by letter. Raises `QueryError`."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise QueryError(f"{name} is to be a list of texts, not {type(values).__name__}; {remedy}")
    return tuple(text(f"an entry of {name}", one, remedy) for one in values)


def flag(name: str, value: object) -> bool:
    """True or False, NumPy's too. A word is neither: "no" would count as True. Raises `QueryError`."""
    if isinstance(value, bool):
        return value
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise QueryError(f"{name}={_short(value)} is neither True nor False")


def number(name: str, value: object) -> float:
    """A number. Raises `QueryError`; a flag is none, and no word is."""
    if not isinstance(value, bool | str | bytes) and type(value).__name__ not in ("bool", "bool_"):
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            pass
    raise QueryError(f"{name}={_short(value)} is no number; give one, as in {name}=10")


def one_of(name: str, value: object, allowed: Iterable[str]) -> str:
    """One of some words. Raises `QueryError` that names them."""
    words = tuple(map(str, allowed))
    if not isinstance(value, str) or value not in words:
        raise QueryError(f"{name}={_short(value)} is none of: {', '.join(words)}")
    return str.__str__(value)


def verdicts(name: str, value: object) -> dict[str, int]:
    """Verdicts by study UID. Raises `QueryError` for what is no table of them, and for another verdict."""
    if not isinstance(value, Mapping):
        raise QueryError(f"{name} is to be verdicts by study UID, as in {{uid: 1}}, not {type(value).__name__}")
    found = {}
    for uid, verdict in value.items():
        if hasattr(verdict, "__len__") or verdict not in (-1, 0, 1):  # of NumPy too; a list of one is none
            raise QueryError(f"{_short(verdict)} is no verdict: 1 fits, -1 does not, 0 takes it back")
        found[text("a study", uid, _UID)] = int(verdict)
    return found


def read_arguments(function: Callable[P, T]) -> Callable[P, T]:
    """The same function; its arguments are read by their annotations before it begins. Raises `QueryError`.

    What the table has no reader for (filters, paths, definitions, functions) is read where it is used.
    """
    signature = inspect.signature(function)
    readers = {name: found for name, one in signature.parameters.items() if (found := _reader(one)) is not None}

    @functools.wraps(function)
    def read(*given: P.args, **named: P.kwargs) -> T:
        try:
            bound = signature.bind(*given, **named)
        except TypeError:
            return function(*given, **named)  # Python says by itself which argument there is not
        for name, reader in readers.items():
            if name in bound.arguments:
                bound.arguments[name] = reader(bound.arguments[name])
        return function(*bound.args, **bound.kwargs)

    return read


def reads_arguments(kind: type[T]) -> type[T]:
    """The same class; the arguments of its public methods are read as by `read_arguments`."""
    for name, method in list(vars(kind).items()):
        if not name.startswith("_") and inspect.isfunction(method):
            setattr(kind, name, read_arguments(method))
    return kind


def _reader(parameter: inspect.Parameter) -> Callable[[Any], Any] | None:
    """What reads an argument by its annotation; None where nothing does."""
    name, said = parameter.name, str(parameter.annotation)
    kind = said.removesuffix(" | None")
    called = _SHOWN_AS.get(name, name)
    remedy = _REMEDIES.get(name, f"write it like {name}=" + ("['...']" if kind.startswith("Sequence") else "'...'"))
    readers: dict[str, Callable[[Any], Any]] = {
        "bool": lambda value: flag(name, value),
        "int": lambda value: results(value) if name == "k" else whole(name, value),
        "float": lambda value: number(name, value), "str": lambda value: text(called, value, remedy),
        "Sequence[str]": lambda value: texts(name, value, remedy),
        "Mapping[str, int]": lambda value: verdicts(name, value),
    }  # fmt: skip
    read = readers.get(kind)
    if read is None:
        return None
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return lambda values: tuple(map(read, values))
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return None
    return read if said == kind else lambda value: None if value is None else read(value)


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:80]}…"
