"""What others published and can be plugged in: a literal table of names, sources, licences, digests and costs.

Facts are from the public repositories and model cards that `source` names. Where a digest of the weights was seen
there, it stands here, and a file with another is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Sees(StrEnum):
    """What a network is given at once."""

    STUDIES = "whole studies"
    SLABS = "slabs of a volume"
    SENTENCES = "sentences"


@dataclass(frozen=True, slots=True)
class Size:
    """Of a transformer, for what it computes: numbers of a token, layers, tokens of one picture, pictures a volume."""

    width: int
    depth: int
    tokens: int
    pictures: int = 16

    @property
    def gigaflops(self) -> float:
        """A volume, or a sentence: two for each weight and token, and attention of every token to every other."""
        linear = 2 * 12 * self.width**2 * self.depth * self.tokens
        attention = 4 * self.tokens**2 * self.width * self.depth
        return self.pictures * (linear + attention) / 1e9


@dataclass(frozen=True, slots=True)
class Published:
    """One encoder that others published.

    kind: what stands before the colon of an encoder's name, "" for a sentence encoder, which goes with --text-model.
    megabytes: of its weights. dim: of its vectors. trained_on, figure: what it was made from, and what its authors
    measured, in their pool; source: where that stands. sha256: of files of weights, as the hub states them.
    caution: what is to be known before it is used.
    """

    name: str
    kind: str
    repository: str
    sees: Sees
    aligned: bool
    licence: str
    licence_url: str
    megabytes: int
    dim: int
    size: Size
    trained_on: str
    figure: str
    source: str
    regions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    gated: bool = False
    sha256: Mapping[str, str] = field(default_factory=dict)
    caution: str = ""

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return asdict(self) | {"sees": str(self.sees), "sha256": dict(self.sha256)}


_HUB = "https://huggingface.co/"
_MIT = "https://opensource.org/license/mit"
_APACHE = "https://www.apache.org/licenses/LICENSE-2.0"

PUBLISHED: tuple[Published, ...] = (
    Published(
        name="hlip", kind="hlip", repository="zch0414/clip-vit_base-slice_scan_study-dualdinotxt1568",
        sees=Sees.STUDIES, aligned=True, licence="MIT", licence_url="https://github.com/Zch0414/hlip",
        megabytes=790, dim=768, size=Size(768, 12, 1568, 1), regions=("brain",),
        trained_on="220,000 brain MR studies of 3.13 million scans, and 240,000 head CT studies, with their reports",
        figure="the large network of this kind, zero-shot balanced accuracy on Pub-Brain-5: 91.5 % normal or not, "
        "57.1 % tumours, 64.7 % diseases; AUC 80.3 on the MR-RATE test split",
        source="arXiv 2505.21862; README of github.com/Zch0414/hlip at 1abc1d3 (2026-04)",
        caution="the card of its weights states no licence of its own, as far as could be seen",
    ),
    Published(
        name="medsiglip", kind="clip", repository="google/medsiglip-448", sees=Sees.SLABS, aligned=True,
        licence="Health AI Developer Foundations terms of use",
        licence_url="https://developers.google.com/health-ai-developer-foundations/terms", gated=True,
        megabytes=3513, dim=1152, size=Size(1152, 27, 1024),
        trained_on="chest X-rays, skin, eyes, tissue, slices of CT and MR with what was written of them, photographs",
        figure="zero-shot and linear-probe AUC of chest X-rays, skin, eyes and tissue; none of MR",
        source="developers.google.com/health-ai-developer-foundations/medsiglip/model-card",
    ),
    Published(
        name="biomedclip", kind="open-clip", repository="microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
        sees=Sees.SLABS, aligned=True, licence="MIT", licence_url=_MIT, megabytes=784, dim=512, size=Size(768, 12, 197),
        trained_on="15 million figures of PubMed Central with their captions (PMC-15M)",
        figure="retrieval, classification and questions about figures of papers; none of MR volumes",
        source="arXiv 2303.00915; " + _HUB + "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
        sha256={
            "open_clip_pytorch_model.bin": "52cc993c5c5ff962bd0c60931874bc001e7e9b41666a385530f4a036294576be",
        },
        caution="its card says that it is meant for research alone",
    ),
    Published(
        name="dinov2", kind="backbone", repository="facebook/dinov2-base", sees=Sees.SLABS, aligned=False,
        licence="Apache-2.0", licence_url=_APACHE, megabytes=346, dim=768, size=Size(768, 12, 257), languages=(),
        trained_on="142 million photographs without labels (LVD-142M)",
        figure="classification and segmentation of photographs; none of medical pictures",
        source="arXiv 2304.07193; " + _HUB + "facebook/dinov2-base",
        sha256={"model.safetensors": "d73036b56966966d07975d696bde331762f37297e2f095de8cea0040c3aa0841"},
    ),
    Published(
        name="multilingual-e5-small", kind="", repository="intfloat/multilingual-e5-small", sees=Sees.SENTENCES,
        aligned=False, licence="MIT", licence_url=_MIT, megabytes=471, dim=384, size=Size(384, 12, 30, 1),
        languages=("en", "de", "fr", "es", "other"),
        trained_on="pairs of texts from the web in about a hundred languages",
        figure="retrieval in eleven languages (Mr. TyDi); none of reports",
        source="arXiv 2402.05672; " + _HUB + "intfloat/multilingual-e5-small",
        sha256={"model.safetensors": "1a55775f53449dac10a2bcbc312469fac40b96d53198c407081a831f81c98477"},
    ),
    Published(
        name="pubmedbert-base-embeddings", kind="", repository="NeuML/pubmedbert-base-embeddings",
        sees=Sees.SENTENCES, aligned=False, licence="Apache-2.0", licence_url=_APACHE, megabytes=438, dim=768,
        size=Size(768, 12, 30, 1), trained_on="titles and abstracts of PubMed",
        figure="mean Pearson correlation 95.64 over three sets of PubMed, all-MiniLM-L6-v2 93.44; none of reports",
        source=_HUB + "NeuML/pubmedbert-base-embeddings at b028af2",
    ),
)  # fmt: skip
"""Every one, in the order in which they are listed."""


def published(name: str) -> Published | None:
    """By its name, or the name of its repository; None for one that is not in the table."""
    bare = name.partition(":")[2] or name
    return next((one for one in PUBLISHED if bare in (one.name, one.repository)), None)
