"""Guessing the character set of bytes that are not UTF-8. Every guess is told to the user as one.

Europe writes single accented letters between ASCII ones, capitals where words begin; Cyrillic, Greek and Asian text is
made of runs of high bytes.
Among the sets whose rules the bytes keep, the one is taken in which they give the commonest characters of its language.
"""

from __future__ import annotations

import codecs
import re

_RUN = re.compile(rb"[\x80-\xff]+")
_EUROPE = "cp1252"
_ASIA = ("cp932", "euc_jp", "gb18030", "cp949", "big5")
_CYRILLIC = ("cp1251", "koi8_r", "cp866", "iso8859_5")
_GREEK = ("cp1253",)
_BEFORE_WINDOWS = ("cp850", "mac_roman")
_LETTERS = frozenset("äöüßéèêëàâáãåçñóôòõíîïìúûùæøœ")
_COMMONEST = frozenset("äöüßéóíáñú")
"""Where one letter alone has to tell two sets apart."""
_WORDS = frozenset("àóéúè")
_SIGNS = frozenset("µ°²³±–—“”„‘’•¿¡…½¼¾×·«»§®©ºª€ \u00a0")
_COMMON_CYRILLIC = frozenset("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэ")


def guess_wide(sample: bytes) -> str:
    """UTF-16 without its mark, told by the zeros in every other byte of Latin text; '' for anything else."""
    even, odd = sample[0::2], sample[1::2]
    if len(sample) < 8 or not odd:
        return ""
    for name, zeros, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > 0.7 * len(zeros) and letters.count(0) < 0.02 * len(letters):
            try:
                codecs.getincrementaldecoder(name)().decode(sample)
            except UnicodeError:
                continue
            return name
    return ""


def guess_charset(sample: bytes) -> str:
    """The likeliest character set by Python's name; Windows-1252 where nothing speaks for another."""
    high = sum(len(run) for run in _RUN.findall(sample))
    runs = [run for run in _RUN.findall(sample) if len(run) > 3]
    if high == 0:
        return _EUROPE
    europe, sure = _european(sample)
    if sure:
        return europe
    best, most = europe, 0.55
    for name in _ASIA:
        text = _decoded(sample, name)
        if text is not None and (share := _asian(text, name)) > most:
            best, most = name, share
    if best != europe or sum(map(len, runs)) < 0.6 * high:
        return best
    for names, judge in ((_CYRILLIC, _cyrillic), (_GREEK, _greek)):
        for name in names:
            text = _decoded(sample, name)
            if text is not None and (share := judge(text)) > most:
                best, most = name, share
    return best


def _european(sample: bytes) -> tuple[str, bool]:
    """Windows-1252, or the set of DOS or of old Macs where that gives letters and Windows's gives signs amid words.

    And whether it can be no other: nearly all are one or two letters amid ASCII ones.
    """
    shares = {name: _accented(sample.decode(name, "replace")) for name in (_EUROPE, *_BEFORE_WINDOWS)}
    best = max(shares, key=lambda name: shares[name])
    taken = best if shares[best] > 0.8 and shares[best] > shares[_EUROPE] + 0.2 else _EUROPE
    runs = _RUN.findall(sample)
    return taken, len(runs) > 2 and shares[taken] > 0.9 and sum(len(run) < 3 for run in runs) > 0.9 * len(runs)


def _accented(text: str) -> float:
    """The share of the characters beyond ASCII that are letters of Western Europe, or signs that part no word."""
    good, beyond = 0.0, 0
    for at, char in enumerate(text):
        if ord(char) < 128:
            continue
        beyond += 1
        before, after = text[max(0, at - 1) : at], text[at + 1 : at + 2]
        if char in _LETTERS:
            good += (1.0 if char in _COMMONEST else 0.97) * (before.isalpha() or after.isalpha() or char in _WORDS)
        elif char.isupper() and char.lower() in _LETTERS:
            good += 0.95 * (not before.islower() and (after.isalpha() or before.isupper()))
        elif char in _SIGNS:
            good += not (before.isalpha() and after.isalpha())
    return good / beyond if beyond else 0.0


def _decoded(sample: bytes, name: str) -> str | None:
    """The sample in a character set, None where it breaks its rules; a character cut off at the end does not."""
    try:
        return codecs.getincrementaldecoder(name)().decode(sample)
    except UnicodeError:
        return None


def _asian(text: str, name: str) -> float:
    """The share of the characters beyond ASCII that are common in the language of an Asian set."""
    beyond = [char for char in text if ord(char) > 127]
    if len(beyond) < 2:
        return 0.0
    kana = sum("\u3041" <= char <= "\u30fe" for char in beyond)
    hangul = sum("\uac00" <= char <= "\ud7a3" and len(char.encode("euc_kr", "ignore")) == 2 for char in beyond)
    han = [char for char in beyond if "\u4e00" <= char <= "\u9fff"]
    signs = sum("\u3000" <= char <= "\u303f" or "\uff01" <= char <= "\uff5e" for char in beyond)
    if name in ("cp932", "euc_jp"):
        if not kana and signs + len(han) < len(beyond):
            return 0.0
        first = sum(_fits(char, "shift_jis") and char.encode("shift_jis")[0] <= 0x97 for char in han)
        return (kana + first + signs) / len(beyond) if kana else 0.9 * first / len(beyond)
    if name == "cp949":
        return (hangul + 0.2 * len(han) + signs) / len(beyond)
    if name == "gb18030":
        first = sum(_fits(char, "gb2312") and char.encode("gb2312")[0] <= 0xD7 for char in han)
        return 0.98 * (first + signs) / len(beyond)
    first = sum(_fits(char, "big5") and char.encode("big5")[0] <= 0xC6 for char in han)
    return 0.97 * (first + signs) / len(beyond)


def _cyrillic(text: str) -> float:
    """The share of letters beyond ASCII that are common small ones of Russian: case tells the sets apart."""
    beyond = [char for char in text if ord(char) > 127]
    return sum(char in _COMMON_CYRILLIC for char in beyond) / len(beyond)


def _greek(text: str) -> float:
    beyond = [char for char in text if ord(char) > 127]
    return sum("\u03ac" <= char <= "\u03ce" for char in beyond) / len(beyond)


def _fits(char: str, name: str) -> bool:
    try:
        char.encode(name)
    except UnicodeError:
        return False
    return True
