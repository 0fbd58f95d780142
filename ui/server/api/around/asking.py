"""Who asks: a personal token, a token of the provider, or the account that started the server; and what they may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import SimpleCookie
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from spinecho.access.roles import read_roles, role_of, verified_address
from spinecho.db.people.tokens import PREFIX
from spinecho.search.access.by_uid import ByUid
from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.access.personal_archive import Access, Person, PersonalArchive, Refused, Role, digest_of
from spinecho.ui.server.api.around.bodies import body_of, check_body
from spinecho.ui.server.api.around.parameters import check_parameters
from spinecho.ui.server.api.around.problems import OutOfScope, Unauthenticated
from spinecho.ui.server.api.around.service import Service
from spinecho.ui.server.guard import proof_of, same
from spinecho.ui.token_owner import TokenRefused, known_token

BEARER = HTTPBearer(auto_error=False, description="A personal token (spinecho token create) or one of the provider.")
_EVERY = frozenset(("read", "write", "manage", "metrics"))


@dataclass(frozen=True)
class Caller:
    """A person by what they showed. key: what their requests are counted under."""

    person: Person
    scopes: frozenset[str]
    key: str


@dataclass
class Asked:
    """One request of one person."""

    service: Service
    caller: Caller
    request: Request
    needs: Needs
    token: str = field(repr=False)
    stages: dict[str, float] = field(default_factory=dict)

    def still_may(self) -> bool:
        """Whether who asked may ask now as well: the token lives, and its owner has the role; else it is on record."""
        try:
            self.needs.asked_again(self)
        except (Unauthenticated, Refused):
            return False
        return True

    @property
    def person(self) -> Person:
        """Who asks."""
        return self.caller.person

    @cached_property
    def archive(self) -> PersonalArchive:
        """Their access to the archive."""
        return self.service.archive(self.person)

    @cached_property
    def by_uid(self) -> ByUid:
        """The same by UIDs."""
        return ByUid(self.archive)

    @cached_property
    def cohorts(self) -> PersonalCohorts:
        """The same to cohorts."""
        return PersonalCohorts(self.archive, self.service.settings.builds)

    @cached_property
    def access(self) -> Access:
        """Who asks, before the record, without an engine."""
        return Access(self.person, self.service.record)


class Needs:
    """What a route takes: a scope of the token and a role of the person; both are looked at before anything is done."""

    def __init__(self, scope: str, role: Role = Role.VIEWER, what: str = "ask") -> None:
        self.scope, self.role, self.what = scope, role, what

    def __call__(
        self,
        request: Request,
        shown: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)] = None,
        body: Annotated[bytes, Depends(body_of)] = b"",
    ) -> Asked:
        """Raises `Unauthenticated`, `TooMany`, `OutOfScope` and `Refused`, each with a row of the record."""
        service: Service = request.app.state.service
        token = "" if shown is None else shown.credentials
        caller = who_asks(service, request, token)
        request.state.caller = caller.key
        request.state.left = service.buckets.take(caller.key)
        asked = Asked(service, caller, request, self, token)
        self._require(asked)
        check_parameters(request)
        check_body(body)
        return asked

    def asked_again(self, asked: Asked) -> None:
        """Look at what was shown once more, and answer from here on to who it is now. Raises as before."""
        asked.caller = who_asks(asked.service, asked.request, asked.token)
        for kept in ("archive", "by_uid", "cohorts", "access"):
            asked.__dict__.pop(kept, None)
        self._require(asked)

    def _require(self, asked: Asked) -> None:
        if self.scope not in asked.caller.scopes:
            asked.access.note("refused", facts_scope=self.scope)
            raise OutOfScope(f"this token has no scope {self.scope!r}; make one with it: spinecho token create")
        asked.access.require(self.role, self.what)


def who_asks(service: Service, request: Request, token: str) -> Caller:
    """Raises `Unauthenticated`; that a token was refused is on record."""
    if token.startswith(PREFIX):
        return _by_token(service, token)
    if service.door.alone:
        return _alone(service, request, token)
    if not token:
        cookies = {name: one.value for name, one in _cookies(request.headers).items()}
        claims = None if service.sessions is None else service.sessions.claims(cookies)
        if claims is None:
            raise Unauthenticated("nobody is known without a token: send Authorization: Bearer TOKEN")
        return _by_claims(service, claims)
    if service.provider is None:
        raise Unauthenticated("this bearer token is not taken; spinecho token create makes one")
    return _by_claims(service, service.provider.claims(token))


def _by_claims(service: Service, claims: Mapping[str, Any]) -> Caller:
    """Who the provider vouches for, by the role of today."""
    roles = read_roles(service.settings.roles)
    role, name = role_of(claims, roles), verified_address(claims, roles)
    if role is None or name is None:
        _refused(service, str(claims.get("email") or "somebody"), "no role")
        raise Unauthenticated("the provider gives no verified address that has a role here")
    return Caller(Person(name, role), _EVERY, digest_of(name))


def _by_token(service: Service, secret: str) -> Caller:
    try:
        found, person = known_token(
            service.database, service.record, service.settings, secret, signed=service.signed, way="api"
        )
    except TokenRefused as error:
        raise Unauthenticated(str(error)) from None
    return Caller(person, frozenset(found.scopes), f"token {found.id}")


def _alone(service: Service, request: Request, token: str) -> Caller:
    """The account of a machine used alone, as the pages know it: by the secret of the first address, or its cookie."""
    secret = service.door.secret
    me = Caller(Person(service.settings.user or "somebody", Role.MANAGER), _EVERY, "account")
    if not secret or (token and same(token, secret)):
        return me
    cookies = (value.value for name, value in _cookies(request.headers).items() if name.startswith("spinecho-"))
    if not token and any(same(value, proof_of(secret)) for value in cookies):
        return me
    raise Unauthenticated("send Authorization: Bearer TOKEN: a personal token (spinecho token create)")


def _cookies(headers: Mapping[str, str]) -> SimpleCookie:
    try:
        return SimpleCookie(headers.get("cookie", ""))
    except Exception:
        return SimpleCookie()


def _refused(service: Service, name: str, why: str, **facts: int) -> None:
    service.record.append(user=name, role="none", action="refused", facts={"way": "api", "why": why, **facts})
