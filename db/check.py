from __future__ import annotations


def first_damage(database):
    return ""
