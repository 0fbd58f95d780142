"""Ages below a few years: in months, weeks and days, as "6/12" and "3/52", by days of life, and as "2y6m"."""

from __future__ import annotations

import math
import re
from datetime import date

from spinecho.db.filters.algebra import Between, Is, age_between, both
from spinecho.db.filters.coded import years
from spinecho.search.planning.age_context import AGO, LASTS_AFTER, THING, alone, beside_somebody, lasts, of_somebody
from spinecho.search.planning.pattern_parts import Read, Reading


def in_small(way: str) -> Read:
    """An age in months, weeks or days: "18 months old", "younger than 6 weeks". A month is a whole month."""

    def read(match: re.Match[str], _: date) -> Reading | None:
        groups = match.groupdict()
        name = {"m": "month", "w": "week", "d": "day", "t": "day"}[groups["small"][0].lower()]
        first, last = int(groups["n"]), int(groups.get("n2") or groups["n"])
        if (
            groups["small"].lower() in ("mo", "mos")
            and groups.get("n2") is None
            and lasts(match)
            and not groups.get("old")
        ):
            return None
        if (
            not 0 <= first <= last <= 999
            or AGO.match(match.string, match.end())
            or THING.match(match.string, match.end())
        ):
            return None
        low, below = years(first, name[0])[0], years(last, name[0])[1]
        number = f"{first} to {last}" if last > first else f"{first}"
        number += f" {name}" if number == "1" else f" {name}s"
        plain = re.match(r"older|younger|aged|älter|jünger", match.group(), re.IGNORECASE) is not None
        if not (
            groups.get("old")
            or groups.get("child")
            or groups.get("who")
            or plain
            or beside_somebody(match)
            or (way == "" and alone(match))
        ):
            return None  # "under 6 weeks of treatment", "over 3 months"
        match way:
            case "above":
                return Between("age", below, None), f"older than {number}", True
            case "from":
                return Between("age", low, None), f"{number} and older", True
            case "below":
                return Between("age", None, math.nextafter(low, -1.0)), f"younger than {number}", True
            case "until":
                return age_between(0.0, below), f"{number} and younger", True
            case _:
                found = age_between(low, below)
                if who := groups.get("who"):
                    return both(Is("sex", (who,)), found), f"{'female' if who == 'F' else 'male'}, {number}", True
                return found, number, True

    return read


def small_span(match: re.Match[str], _: date) -> Reading | None:
    """ "3-9 months": offered, unless it is of somebody; how long something lasts is none."""
    first, last, name = int(match["n"]), int(match["n2"]), match["small"][0].lower().replace("t", "d")
    somebody = beside_somebody(match) or match["aged"] is not None
    if not first <= last <= 999 or (not somebody and lasts(match)):
        return None
    in_words = f"{first} to {last} { {'m': 'months', 'w': 'weeks', 'd': 'days'}[name] }"
    return age_between(years(first, name)[0], years(last, name)[1]), in_words, somebody or alone(match)


_OF = {"12": "month", "52": "week", "7": "day"}
_ABOVE = re.compile(r"over|above|older|more|>", re.IGNORECASE)


def in_fractions(match: re.Match[str], _: date) -> Reading | None:
    """ "6/12" is six months, "3/52" three weeks, "5/7" five days, of somebody; else it is how long something lasts."""
    told = bool(match["old"] or match["aged"] or match["sign"])
    if not (told or beside_somebody(match)) or (not match["old"] and LASTS_AFTER.match(match.string, match.end())):
        return None
    if match["sign"] and not (match["old"] or beside_somebody(match) or alone(match)):
        return None
    name, last = _OF[match["of"]], int(match["n"])
    first = int(match["n0"] or last)
    low, below = years(first, name[0])[0], years(last, name[0])[1]
    in_words = f"{first} to {last} {name}s" if first < last else f"{last} {name}" + "s" * (last != 1)
    if not match["sign"]:
        return (age_between(low, below), in_words, True) if first <= last else None
    if _ABOVE.match(match["sign"]):
        return Between("age", below, None), f"older than {in_words}", True
    return Between("age", None, math.nextafter(low, -1.0)), f"younger than {in_words}", True


def of_life(match: re.Match[str], _: date) -> Reading | None:
    """ "Day 3 of life", "DOL 3", "first year of life"."""
    number = int(match["n"] or match["n2"] or 1)
    name = {"d": "day", "w": "week", "m": "month", "y": "year"}[(match["small"] or "day")[0].lower()]
    if name == "year" and match["first"]:
        return Between("age", None, number - 1), f"first {number} years" if number > 1 else "first year of life", True
    low, below = years(number, name[0])
    if match["first"]:
        return age_between(0.0, below), f"first {number} {name}s of life", True
    return age_between(low, below), f"{number} {name}s" if number != 1 else f"1 {name}", True


def years_and_months(match: re.Match[str], _: date) -> Reading | None:
    """ "2y6m"."""
    number, more = int(match["n"]), int(match["n2"])
    if number > 120 or more > 11 or (lasts(match) and not match["old"]):
        return None
    low, below = years(12 * number + more, "m")
    certain = bool(match["old"]) or beside_somebody(match)
    return age_between(low, below), f"{number} years and {more} months", certain


def months_of_a_person(match: re.Match[str], today: date) -> Reading | None:
    """ "Baby 9 months", "children of 18 months"."""
    return (
        in_small("")(match, today) if of_somebody(match) and not LASTS_AFTER.match(match.string, match.end()) else None
    )
