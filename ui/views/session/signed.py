"""Who is at the screen: the account of a machine used alone, or a person signed in by OpenID Connect.

Streamlit keeps the sign-in (`st.login`); here lie the role that a person has and the end of an idle session.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from spinecho import steady
from spinecho.access.people import Fact, Person, Recorder, Role
from spinecho.access.roles import read_roles, role_of, signs_in, verified_address
from spinecho.setup.settings import Settings
from spinecho.ui.views.session.whole import whole

_SIGNS_IN: dict[Path, bool] = {}
"""By file of secrets, for the whole life of the process: a file that is taken away does not open the room."""


@dataclass
class _Seen:
    """When each signed-in person last did something here, for the whole process, in seconds of `steady`."""

    at: dict[str, float] = field(default_factory=dict)
    signed_in: dict[tuple[str, float], float] = field(default_factory=dict)
    """When each sign-in was, by who and what the provider's clock said: the same count, from when it was first met."""
    recorded: set[tuple[str, str, float]] = field(default_factory=set)
    """(what, who, when they signed in): ends and refusals that are on record."""
    lock: threading.Lock = field(default_factory=threading.Lock)


@st.cache_resource
def _seen() -> _Seen:
    return _Seen()


def asks_for_sign_in(settings: Settings) -> bool:
    """Whether a provider is configured (a table `auth` in the secrets). Raises `RolesError` for secrets with a fault.

    Decided once: whoever changes it starts the room again.
    """
    secrets = settings.secrets
    if secrets not in _SIGNS_IN:
        _SIGNS_IN[secrets] = signs_in(secrets)
    return _SIGNS_IN[secrets]


def who(settings: Settings, record: Recorder) -> Person | None:
    """The person, or None, with the way in drawn, where nobody is signed in. Raises `RolesError`.

    That somebody came in, was kept out, or was idle for too long is on record before anything is drawn.
    """
    if not asks_for_sign_in(settings):
        return Person(settings.user or "somebody", Role.MANAGER)
    if not st.user.is_logged_in:
        _door("Sign in to search this archive.")
        return None
    claims = st.user.to_dict()
    roles = read_roles(settings.roles)
    address = verified_address(claims, roles)
    if address is None:
        _once(record, "sign-in-refused", _name(claims), claims, verified=False)
        _refuse("The provider does not say that your address is verified, so you have no role here.")
        return None
    name = _name(claims)
    if _idle(claims, name, settings.idle_minutes):
        _once(record, "sign-in-ended", name, claims, idle_minutes=settings.idle_minutes)
        _door("Nothing was done here for a while, so the session has ended.", again=True)
        return None
    role = role_of(claims, roles)
    if role is None:
        _once(record, "sign-in-refused", name, claims)
        _refuse(f"{name} has no role here.")
        return None
    if st.session_state.get("signed-in") != (name, str(role)):  # also where the role changed meanwhile
        record.append(user=name, role=str(role), action="sign-in", facts={})
        st.session_state["signed-in"] = (name, str(role))
    return Person(name, role)


def _once(record: Recorder, action: str, name: str, claims: Mapping[str, Any], **facts: Fact) -> None:
    """One row for each sign-in, however often its page is drawn again."""
    seen, key = _seen(), (action, name, _issued(claims))
    with seen.lock:
        known = key in seen.recorded
    if not known:
        record.append(user=name, role="none", action=action, facts=facts)
        with seen.lock:
            seen.recorded.add(key)


def sign_out_button(settings: Settings, person: Person, record: Recorder) -> None:
    """Who is signed in, and the way out; nothing on a machine used alone."""
    if asks_for_sign_in(settings):
        st.text(f"{person.name} ({person.role})")
        st.button("Sign out", key="sign-out", on_click=_sign_out, args=(person, record))


def _sign_out(person: Person, record: Recorder) -> None:
    try:
        record.append(user=person.name, role=str(person.role), action="sign-out", facts={})
    finally:  # nobody is kept in because their leaving cannot be recorded
        whole(st.logout)()


@st.fragment(run_every=30)
def _watch(settings: Settings) -> None:
    """Ends an idle session while its page stays open: looks at the clock, and counts as nothing done."""
    claims = st.user.to_dict()
    if st.user.is_logged_in and _idle(claims, _name(claims), settings.idle_minutes, touch=False):
        st.rerun()


def watch(settings: Settings) -> None:
    """Keep an eye on the clock where people sign in."""
    if asks_for_sign_in(settings) and settings.idle_minutes:
        _watch(settings)


def _idle(claims: Mapping[str, Any], name: str, minutes: int, *, touch: bool = True) -> bool:
    """Whether neither the sign-in nor the last click is recent; a click counts from now on where it is not."""
    now, seen, issued = steady.seconds(), _seen(), _issued(claims)
    with seen.lock:
        if issued:
            seen.signed_in.setdefault((name, issued), now - max(0.0, time.time() - issued))
        known = (seen.signed_in.get((name, issued)), seen.at.get(name))
        last = max((at for at in known if at is not None), default=None)
        idle = bool(minutes) and last is not None and now - last > 60 * minutes
        if touch and not idle:
            seen.at[name] = now
    return idle


def _issued(claims: Mapping[str, Any]) -> float:
    """When the sign-in was, in seconds; 0 where the token does not say."""
    issued = claims.get("iat")
    return float(issued) if isinstance(issued, int | float) and not isinstance(issued, bool) else 0.0


def _name(claims: Mapping[str, Any]) -> str:
    return str(claims.get("email") or claims.get("preferred_username") or claims.get("sub") or "somebody")


def _refuse(message: str) -> None:
    st.markdown("#### Spinecho")
    st.text(f"{message} Ask those who look after this archive.")
    st.button("Sign out", on_click=whole(st.logout))


def _door(message: str, *, again: bool = False) -> None:
    st.markdown("#### Spinecho")
    st.text(message)
    st.button("Sign in again" if again else "Sign in", key="sign-in", type="primary", on_click=whole(st.login))
    st.caption("For retrieval, teaching and research. Not a diagnostic device.")
