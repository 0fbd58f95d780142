"""What a child process is given of the environment, and where it may take modules from.

The folder in which somebody stands may be an archive, and what lies there is not run: children start with `-P`, with a
path of modules without the current folder, and with an environment that names what passes on. Passwords and tokens go
to no process that reads files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
"""Where our own packages lie."""
_MACHINE = (
    "PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME", "TZ", "TMPDIR", "TERM",
    "COLUMNS", "NO_COLOR", "LD_LIBRARY_PATH", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE",
)  # fmt: skip
_ACCOUNT = ("HOME", "USER", "LOGNAME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
_NETWORK = (
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "PGPASSWORD",
)  # fmt: skip
_FAMILIES = (
    "SPINECHO_", "HF_", "TRANSFORMERS_", "TORCH_", "CUDA_", "NVIDIA_", "OMP_", "OPENBLAS_", "MKL_", "KMP_",
)  # fmt: skip
_PATHS = frozenset(("PATH", "LD_LIBRARY_PATH"))


def reading_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For a process that reads untrusted bytes: the machine's language and folders, and nothing of the account's."""
    found = {name: _kept(name, environment[name]) for name in _MACHINE if environment.get(name)}
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**found, **one_thread, "PYTHONPATH": os.pathsep.join(module_path())}


def command_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For a `spinecho` command in a process of its own: also its settings, the account, the proxies, the devices."""
    known = {*_MACHINE, *_ACCOUNT, *_NETWORK}
    names = [name for name in environment if name in known or name.startswith(_FAMILIES)]
    found = {name: _kept(name, environment[name]) for name in names}
    return {**found, "PYTHONPATH": os.pathsep.join(module_path())}


def module_path(path: Sequence[str] | None = None) -> list[str]:
    """Where modules are looked for: not in the current folder, not in relative places, and always among our own."""
    here = Path.cwd().resolve()
    kept: list[str] = []
    for entry in sys.path if path is None else path:
        place = Path(entry)
        if entry and place.is_absolute() and place.resolve() != here and entry not in kept:
            kept.append(entry)
    return kept if str(ROOT) in kept else [*kept, str(ROOT)]


def _kept(name: str, value: str) -> str:
    """Lists of folders lose what is relative: an empty or relative entry is the current folder."""
    if name not in _PATHS:
        return value
    return os.pathsep.join(entry for entry in value.split(os.pathsep) if Path(entry).is_absolute())
