"""Settings, read once: from the command line, then the environment, then defaults."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spinecho.db.people.record import FILE
from spinecho.db.schema.engines import Location, read_location
from spinecho.db.vectors.servers.place import read_place
from spinecho.encoders.registry import DEFAULT
from spinecho.errors import SettingsError

NO_RECORD = "SPINECHO_NO_RECORD"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where everything lives and which encoder answers."""

    home: Path
    """Database, index builds and cache (SPINECHO_HOME, else ~/.spinecho)."""
    encoder: str = DEFAULT
    """Which encoder reads and answers, by its name (SPINECHO_ENCODER)."""
    text_model: str | None = None
    """Another sentence encoder, by its name on a hub or its folder (SPINECHO_TEXT_MODEL)."""
    device: str = "auto"
    """auto, cpu or cuda (SPINECHO_DEVICE)."""
    user: str = ""
    """Whose thumbs and cohorts are kept and used (SPINECHO_USER, else the account's name)."""
    smallest_count: int = 0
    """Counts of people below this are shown as "<5", others rounded; 0 for none (SPINECHO_SMALLEST_COUNT)."""
    roles: Path | None = None
    """Who may do what, where people sign in: a TOML file (SPINECHO_ROLES, else roles.toml in the home)."""
    idle_minutes: int = 60
    """After so long without a click a signed-in person signs in again; 0 for never (SPINECHO_IDLE_MINUTES)."""

    viewer_url: str = ""
    """Where a study opens elsewhere: http(s) with {study_uid} in it (SPINECHO_VIEWER_URL)."""

    server: str = ""
    """URL of a PostgreSQL database, in place of the home's SQLite file (SPINECHO_DATABASE)."""

    vectors: str = ""
    """A server that searches a copy of the vectors: pgvector, or milvus://host:19530 (SPINECHO_VECTORS)."""

    recorded: str = ""
    """Where the record of who did what is: a file, a folder or a PostgreSQL URL (SPINECHO_RECORD, else the home)."""
    no_record: bool = False
    """Goes without a record, on a machine used alone (--no-record; SPINECHO_NO_RECORD=1 for what that starts)."""

    identified: str = ""
    """Folder of the database of identities (SPINECHO_IDENTITIES, else the home)."""
    identified_key: str = ""
    """The file of its key (SPINECHO_IDENTITIES_KEY, else identities.key in the home)."""

    @property
    def identities(self) -> Path:
        """Whom the pseudonyms of a de-identified archive, or of copies, stand for: a SQLite file."""
        return (Path(self.identified) if self.identified else self.home) / "identities.sqlite"

    @property
    def identities_key(self) -> Path:
        """The key under which pseudonyms are made and identities are sealed."""
        return Path(self.identified_key) if self.identified_key else self.home / "identities.key"

    @property
    def record(self) -> Location:
        """The record's SQLite file, or the server's URL."""
        given = read_location(self.recorded) if self.recorded else self.home
        folder = isinstance(given, Path) and (given == self.home or given.is_dir() or self.recorded.endswith("/"))
        return given / FILE if isinstance(given, Path) and folder else given

    @property
    def database(self) -> Location:
        """The home's SQLite file, or the server's URL."""
        return self.server or self.home / "spinecho.sqlite"

    @property
    def secrets(self) -> Path:
        """Where a provider for signing in is named, see docs/reading-room.md."""
        return self.home / "secrets.toml"

    @property
    def builds(self) -> Path:
        """Where index builds lie."""
        return self.home / "builds"


def read_settings(
    *,
    home: Path | None = None,
    encoder: str | None = None,
    text_model: str | None = None,
    device: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """What was given, else what the environment says, else the defaults."""
    chosen = home or Path(environment.get("SPINECHO_HOME") or Path.home() / ".spinecho")
    return Settings(
        home=_no_file(_sayable(chosen.expanduser().absolute())),
        encoder=encoder or environment.get("SPINECHO_ENCODER") or DEFAULT,
        text_model=text_model or environment.get("SPINECHO_TEXT_MODEL") or None,
        device=device or environment.get("SPINECHO_DEVICE") or "auto",
        user=environment.get("SPINECHO_USER") or _account(),
        smallest_count=_whole(environment, "SPINECHO_SMALLEST_COUNT"),
        viewer_url=_address(environment.get("SPINECHO_VIEWER_URL") or ""),
        roles=_roles(environment.get("SPINECHO_ROLES") or "", chosen),
        idle_minutes=_whole(environment, "SPINECHO_IDLE_MINUTES", "60"),
        server=_server(environment.get("SPINECHO_DATABASE") or ""),
        vectors=_vectors(environment.get("SPINECHO_VECTORS") or ""),
        recorded=_place(environment.get("SPINECHO_RECORD") or ""),
        no_record=environment.get(NO_RECORD) == "1",
        identified=_whole_place(environment.get("SPINECHO_IDENTITIES") or ""),
        identified_key=_whole_place(environment.get("SPINECHO_IDENTITIES_KEY") or ""),
    )


def as_environment(settings: Settings) -> dict[str, str]:
    """All settings but who asks as variables for a process that stands in another folder: paths are whole."""
    kind, colon, place = settings.encoder.partition(":")
    found = {
        "SPINECHO_HOME": str(settings.home),
        "SPINECHO_ENCODER": f"{kind}{colon}{whole_path(place)}" if colon else settings.encoder,
        "SPINECHO_DEVICE": settings.device,
    }
    if settings.text_model:
        found["SPINECHO_TEXT_MODEL"] = whole_path(settings.text_model)
    of_home = settings.roles is None or settings.roles == settings.home / "roles.toml"
    found |= {"SPINECHO_IDENTITIES": settings.identified, "SPINECHO_IDENTITIES_KEY": settings.identified_key}
    found |= {"SPINECHO_DATABASE": settings.server, "SPINECHO_VIEWER_URL": settings.viewer_url}
    found |= {"SPINECHO_VECTORS": settings.vectors}
    found |= {"SPINECHO_SMALLEST_COUNT": str(settings.smallest_count), NO_RECORD: "1" if settings.no_record else ""}
    found |= {"SPINECHO_IDLE_MINUTES": str(settings.idle_minutes)}
    return found | {"SPINECHO_ROLES": "" if of_home else str(settings.roles), "SPINECHO_RECORD": settings.recorded}


def whole_path(name: str) -> str:
    """A path that is there, from the root; what is none, such as a model's name on a hub, as it is."""
    place = Path(name).expanduser()
    return str(place.absolute()) if place.exists() else name


def _whole(environment: Mapping[str, str], name: str, default: str = "0") -> int:
    value = environment.get(name) or default
    if not (value.isdecimal() and value.isascii() and len(value) <= 9):
        raise SettingsError(f"{name}={value!r} is no whole number; give one, such as 5, or take it out")
    return int(value)


def _roles(given: str, home: Path) -> Path:
    if given and not Path(given).expanduser().is_file():
        raise SettingsError(f"SPINECHO_ROLES={given!r} is no file; name the TOML file that says who may do what")
    return Path(given or home / "roles.toml").expanduser().absolute()


def _sayable(home: Path) -> Path:
    """Raise `SettingsError` for a path whose bytes are no letters here: no database and no index can be told it."""
    try:
        str(home).encode()
    except UnicodeEncodeError as error:
        raw = os.fsencode(home)
        try:
            named, remedy = raw.decode(), "set LC_ALL=C.UTF-8"
        except UnicodeDecodeError:
            named, remedy = raw.decode(errors="backslashreplace"), "rename that folder, or name another with --home"
        raise SettingsError(f"the home {named} has a name that is no text in this locale; {remedy}") from error
    return home


def _no_file(home: Path) -> Path:
    """Raise `SettingsError` where a file lies at the home's place, or at one above it: nothing could lie below it."""
    for place in (home, *home.parents):
        if os.path.lexists(place):
            if os.path.exists(place) and not os.path.isdir(place):  # noqa: PTH110, PTH112  (they raise nothing)
                raise SettingsError(f"the home {home} cannot be: {place} is a file; name a folder with --home")
            break
    return home


def _address(template: str) -> str:
    if template and not (template.startswith(("https://", "http://")) and "{study_uid}" in template):
        raise SettingsError(
            f"SPINECHO_VIEWER_URL={template!r}: give an address such as "
            "https://ohif.example/viewer?StudyInstanceUIDs={study_uid}"
        )
    return template


def _server(url: str) -> str:
    if url and isinstance(read_location(url), Path):
        raise SettingsError("SPINECHO_DATABASE is the URL of a PostgreSQL database: postgresql://user@host/name")
    return url


def _vectors(given: str) -> str:
    if given:
        try:
            read_place(given)
        except ValueError as error:
            raise SettingsError(f"SPINECHO_VECTORS: {error}") from error
    return given


def _place(given: str) -> str:
    """A URL as it is, a path whole: processes in other folders are to find the same. Raises `StoreError`."""
    if not given or not isinstance(read_location(given), Path):
        return given
    ending = "/" if given.endswith("/") else ""
    return f"{Path(given).expanduser().absolute()}{ending}"


def _whole_place(given: str) -> str:
    return str(Path(given).expanduser().absolute()) if given else ""


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        return "somebody"
