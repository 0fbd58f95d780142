"""The Hugging Face hub, or a mirror in its layout, as a `Repository`."""

from __future__ import annotations

from pathlib import Path

from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.fetching import Listed, Listing

_ANSWERS_WITHIN = 30.0


class HubRepository:
    """A model's repository at its newest commit, or another `revision`. endpoint: of a mirror, None for the hub.

    What its library raises is told by its own `HTTPError`: that is of `requests`, `httpx` or `httpx2`, by its version.
    """

    def __init__(self, repository: str, *, endpoint: str | None = None, revision: str = "main") -> None:
        self._repository, self._endpoint, self._revision = repository, endpoint, revision
        self._commit = ""

    def listing(self) -> Listing:
        """What it holds, with the digests that the hub states. Nothing is fetched."""
        from huggingface_hub import HfApi  # noqa: PLC0415
        from huggingface_hub.errors import HTTPError, RepositoryNotFoundError  # type: ignore[attr-defined] # noqa: PLC0415

        try:
            found = HfApi(endpoint=self._endpoint).model_info(
                self._repository, revision=self._revision, files_metadata=True, timeout=_ANSWERS_WITHIN
            )
        except RepositoryNotFoundError as error:
            raise EncoderUnavailable(
                f"there is no repository {self._repository!r}, or it is private: run 'hf auth login' first"
            ) from error
        except (OSError, ValueError, HTTPError) as error:
            raise EncoderUnavailable(
                f"{self._repository} could not be asked for ({type(error).__name__}): fetch it where a network is "
                f"('hf download {self._repository} --local-dir FOLDER'), bring the folder here, and give --from FOLDER"
            ) from error
        self._commit = found.sha or self._revision
        card = found.card_data
        licence = str((card.get("license_name") or card.get("license") or "") if card is not None else "")
        files = tuple(
            Listed(
                one.rfilename,
                int(one.size or 0),
                one.lfs.sha256 if one.lfs is not None else "",
                "" if one.lfs is not None else one.blob_id or "",
            )
            for one in found.siblings or ()
        )
        return Listing(self._repository, self._commit, licence, bool(found.gated), files)

    def bring(self, name: str, folder: Path) -> None:
        """Download one file of the commit that was listed; goes on where an earlier try was cut short."""
        from huggingface_hub import hf_hub_download  # noqa: PLC0415
        from huggingface_hub.errors import GatedRepoError, HTTPError  # type: ignore[attr-defined] # noqa: PLC0415

        try:
            hf_hub_download(self._repository, name, revision=self._commit, local_dir=folder, endpoint=self._endpoint)
        except GatedRepoError as error:
            raise EncoderUnavailable(
                f"{self._repository} is given out only after its terms are accepted: accept them at "
                f"https://huggingface.co/{self._repository}, then run 'hf auth login' and this command again"
            ) from error
        except (OSError, ValueError, HTTPError) as error:
            raise EncoderUnavailable(
                f"{name} of {self._repository} could not be fetched ({type(error).__name__}); run the command again"
            ) from error
