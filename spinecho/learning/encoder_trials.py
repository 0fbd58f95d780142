"""Others' encoders tried on an archive: what is fetched and under which terms, and whether it is better here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.encoders.catalogue import PUBLISHED, Published, published
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.fetching import (
    Fetched,
    FolderRepository,
    Listing,
    Repository,
    Tell,
    fetch,
    repository_of,
    wanted_files,
)
from spinecho.encoders.registry import CHECKPOINTS
from spinecho.setup.settings import Settings

if TYPE_CHECKING:
    from spinecho.encoders.measuring.figures import Figure

__all__ = ["LicenceNotAccepted", "Terms", "Wanted", "bring", "judged", "wanted"]

_MAIN = ("report to scan, one region and sequence", "report to scan")


class LicenceNotAccepted(EncoderUnavailable):
    """Weights are fetched only after their licence was seen and accepted; `terms` says what it is."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        super().__init__(f"{terms}. Nothing was fetched: accept the licence with --accept-licence, accept_licence=True")


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms weights are given out, and what they take. on_card: as the repository's card states it."""

    repository: str
    licence: str
    licence_url: str
    on_card: str
    gated: bool
    caution: str
    files: int
    megabytes: float

    def __str__(self) -> str:
        """One sentence for a person."""
        known = f"{self.licence} ({self.licence_url})" if self.licence else "not known here"
        card = f", its card states {self.on_card!r}" if self.on_card else ", its card states none"
        gated = "; given out only after its terms are accepted on its page" if self.gated else ""
        caution = f"; {self.caution}" if self.caution else ""
        return f"{self.repository}: licence {known}{card}{gated}{caution}; {self.files} files, {self.megabytes:,.0f} MB"

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. name: the folder's within the home, and the encoder's behind its kind."""

    name: str
    kind: str
    repository: str
    entry: Published | None

    @property
    def encoder(self) -> str:
        """As it is named once it lies in the home; "" for a sentence encoder."""
        return f"{self.kind}:{self.name}" if self.kind else ""


def wanted(name: str) -> Wanted:
    """From a name of the table ("biomedclip"), or a kind and a repository ("clip:OWNER/MODEL", "text:OWNER/MODEL").

    Raises EncoderUnavailable.
    """
    kind, colon, rest = name.partition(":")
    entry = published(name)
    if entry is not None and (not colon or kind in (entry.kind, "text")):
        return Wanted(entry.name, entry.kind, entry.repository, entry)
    owner, slash, model = rest.partition("/")
    if kind in (*CHECKPOINTS, "text") and owner and slash and model and not model.startswith("."):
        return Wanted(model, "" if kind == "text" else kind, rest, None)
    names = ", ".join(one.name for one in PUBLISHED)
    raise EncoderUnavailable(
        f"{name!r} is none that is known here: {names}; or give KIND:OWNER/MODEL, text:OWNER/MODEL"
    )


def bring(
    settings: Settings,
    asked: Wanted,
    *,
    source: str = "",
    digest: str = "",
    accept: Callable[[Terms], bool],
    tell: Tell | None = None,
) -> Fetched | None:
    """Fetch what is asked for into the home, verified; None where it lies there already.

    source: a folder in the repository's layout, or the address of a mirror of the hub; "" for the hub. accept: is shown
    the terms before anything is fetched. Raises EncoderUnavailable, and LicenceNotAccepted.
    """
    folder = settings.home / "encoders" / asked.name
    if folder.is_dir() and any(folder.iterdir()):
        if (held := repository_of(folder)) != asked.repository:
            raise EncoderUnavailable(f"{folder} is taken by {held or 'another encoder'}; move it away first")
        return None
    repository = _repository(asked, source)
    listing = repository.listing()
    terms = _terms(asked, listing)
    if not accept(terms):
        raise LicenceNotAccepted(terms)
    return fetch(repository, listing, folder, entry=asked.entry, kind=asked.kind, digest=digest, tell=tell)


def _repository(asked: Wanted, source: str) -> Repository:
    if source and not source.startswith(("http://", "https://")):
        return FolderRepository(Path(source).expanduser(), asked.repository)
    from spinecho.encoders.hub_repository import HubRepository  # noqa: PLC0415

    return HubRepository(asked.repository, endpoint=source or None)


def _terms(asked: Wanted, listing: Listing) -> Terms:
    entry = asked.entry
    small, weights = wanted_files(listing, kind=asked.kind)
    files = [*small, *weights]
    return Terms(
        asked.repository,
        entry.licence if entry else "",
        entry.licence_url if entry else "",
        listing.licence,
        listing.gated or bool(entry and entry.gated),
        entry.caution if entry else "",
        len(files),
        sum(one.size for one in files) / 1e6,
    )


def judged(figures: Mapping[str, tuple[Figure | None, Figure | None]]) -> tuple[bool, str]:
    """(whether the other encoder is better than the one that answers, why): reports find their scans more often.

    Better is what has its whole 95 % interval above the present value, and does not find less among all scans.
    """
    main = next((name for name in _MAIN if figures.get(name, (None, None))[1] is not None), None)
    if main is None:
        return False, "it does not compare words with scans: 'spinecho adapt' learns that from reports once it answers"
    before, after = figures[main]
    everything = figures.get(_MAIN[1], (None, None))
    if before is None or after is None:
        return True, f"R@10 of {main}: {after.value if after else 0:.2f}; the encoder that answers cannot be asked that"
    said = f"R@10 of {main}: {before.value:.2f} before, {after.value:.2f} with it"
    if after.ci95 is None or after.ci95[0] <= before.value:
        return False, f"{said}: not certainly better here"
    if everything[0] is not None and everything[1] is not None and everything[1].value < everything[0].value:
        return False, f"{said}, and less often among all scans: not offered"
    return True, f"{said}, 95 % interval {after.ci95[0]:.2f} to {after.ci95[1]:.2f}: better here"
