"""What alignment minimises: images and texts that belong together come close, the others go apart.

The papers give: InfoNCE over a batch in both directions (Radford et al., CLIP, arXiv 2103.00020); several positives
of one anchor, each with its own log-probability, averaged (Khosla et al., arXiv 2004.11362, L_out); the sigmoid loss,
which judges every pair alone (Zhai et al., SigLIP, arXiv 2303.15343). Our choices: pairs can be left out of a loss, as
two studies that were reported in nearly the same words are neither a pair nor a counter-example; and two texts that
differ in a side or in a denial are never "nearly the same", however close their vectors, for they are the hardest
negatives.

Images are rows, texts are columns: n series against m texts, so several series of a study share one column.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from spinecho.encoders.language.laterality import sides
from spinecho.encoders.language.passages import passages


def info_nce(
    image: Tensor,
    text: Tensor,
    positives: Tensor,
    *,
    scale: Tensor | float,
    weights: Tensor | None = None,
    ignored: Tensor | None = None,
) -> Tensor:
    """Scalar: the mean of image-to-text and text-to-image cross-entropy, with several positives a row or column.

    image (n, d), text (m, d): made unit here. positives (n, m) bool. scale: 1 / temperature, learnable.
    weights (n, m), at least 0: how much a positive pair counts (a text made from the header less than a report).
    ignored (n, m) bool: pairs that are no negatives either; a positive pair cannot be ignored.
    Anchors without a positive add nothing; where there are none at all the loss is 0 and still has a gradient.
    Raises ValueError for shapes that do not fit.
    """
    logits = _cosines(image, text, positives, weights, ignored) * scale
    count = positives.to(logits.dtype) if weights is None else positives * weights.to(logits.dtype)
    if ignored is not None:
        logits = logits.masked_fill(ignored & ~positives, -torch.inf)
    return (_toward(logits, positives, count) + _toward(logits.T, positives.T, count.T)) / 2


def _toward(logits: Tensor, positives: Tensor, count: Tensor) -> Tensor:
    """Cross-entropy of each row with its positives; a row counts as its positives' mean weight."""
    surprise = -functional.log_softmax(logits, dim=1)
    surprise = torch.where(positives, surprise, torch.zeros_like(surprise))  # 0 x inf is not a number
    many = positives.sum(1).clamp(min=1)
    total = (count.sum(1) / many).sum()
    return ((surprise * count).sum(1) / many).sum() / total.clamp(min=torch.finfo(logits.dtype).tiny)


def sigmoid_loss(
    image: Tensor,
    text: Tensor,
    positives: Tensor,
    *,
    scale: Tensor | float,
    bias: Tensor | float,
    weights: Tensor | None = None,
    ignored: Tensor | None = None,
) -> Tensor:
    """Scalar: each pair judged alone as a pair or none, summed over pairs and divided by the number of images.

    Arguments as of `info_nce`; `bias` starts at about -10 and `scale` at 10 in the paper, as most pairs are none.
    """
    logits = _cosines(image, text, positives, weights, ignored) * scale + bias
    surprise = -functional.logsigmoid(torch.where(positives, logits, -logits))
    if weights is not None:
        surprise = torch.where(positives, surprise * weights.to(surprise.dtype), surprise)
    if ignored is not None:
        surprise = surprise.masked_fill(ignored & ~positives, 0.0)
    return surprise.sum() / max(1, len(image))


def _cosines(image: Tensor, text: Tensor, positives: Tensor, weights: Tensor | None, ignored: Tensor | None) -> Tensor:
    """(n, m) in float32 at least: bfloat16 holds too few digits for a temperature of 0.01."""
    if image.ndim != 2 or text.ndim != 2 or image.shape[1] != text.shape[1]:
        raise ValueError(f"images {tuple(image.shape)} and texts {tuple(text.shape)} must be (n, d) and (m, d)")
    wanted = (len(image), len(text))
    for name, given in (("positives", positives), ("weights", weights), ("ignored", ignored)):
        if given is not None and given.shape != wanted:
            raise ValueError(f"{name} must be {wanted}, images by texts, not {tuple(given.shape)}")
    with torch.autocast(image.device.type, enabled=False):
        wide = torch.promote_types(image.dtype, torch.float32)
        return functional.normalize(image.to(wide), dim=1) @ functional.normalize(text.to(wide), dim=1).T


class Duplicates(NamedTuple):
    """Which texts stand for one another. Both (m, m) bool and symmetric; no pair is in both.

    same: equal in words, so each is a positive of the other's images; true on the diagonal.
    near: suspected false negatives, to be left out of the loss.
    """

    same: Tensor
    near: Tensor


def false_negatives(
    texts: Sequence[Hashable], text_vectors: Tensor | None = None, threshold: float = 0.95
) -> Duplicates:
    """Duplicate and templated reports of a batch.

    texts: m strings, compared without case, accents' encoding, punctuation and spacing; or group ids, compared as they
    are. text_vectors (m, d), of any frozen encoder, find those that are nearly the same: cosine `threshold` or more.
    Two strings that name other sides or deny other numbers of sentences are not nearly the same.
    Raises ValueError for vectors that are not one for each text.
    """
    names = [_normalised(text) if isinstance(text, str) else text for text in texts]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    groups = torch.tensor([numbers[name] for name in names], dtype=torch.long)
    same = groups[:, None] == groups
    if text_vectors is None:
        return Duplicates(same, torch.zeros_like(same))
    if text_vectors.ndim != 2 or len(text_vectors) != len(names):
        raise ValueError(f"{len(names)} texts need as many vectors, not {tuple(text_vectors.shape)}")
    unit = functional.normalize(text_vectors.detach().float().cpu(), dim=1)
    near = (unit @ unit.T >= threshold) & ~same
    near &= near.T.clone()  # a product of floats need not be symmetric to the last bit
    contents = {number: _content_of(texts[number]) for number in near.any(1).nonzero().flatten().tolist()}
    for one, other in near.nonzero().tolist():
        near[one, other] = contents[one] == contents[other]
    return Duplicates(same, near)


def pairing(owner: Tensor, duplicates: Duplicates) -> tuple[Tensor, Tensor]:
    """(positives, ignored), both (n, m) bool, for n images of which image i was reported in text `owner[i]`."""
    device = owner.device
    return duplicates.same.to(device)[owner], duplicates.near.to(device)[owner]


def _normalised(text: str) -> str:
    """Words alone; a point or comma within a number is kept, so 1.2 cm is not 12 cm."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = [
        sign if sign.isalnum() or sign in "+-<>%" or _within_number(plain, at) else " " for at, sign in enumerate(plain)
    ]
    return " ".join("".join(kept).split())


def _within_number(text: str, at: int) -> bool:
    return text[at] in ".," and 0 < at < len(text) - 1 and text[at - 1].isdigit() and text[at + 1].isdigit()


def _content_of(text: Hashable) -> object:
    """What a vector hardly tells: the sides that are named, and how many sentences affirm and deny."""
    if not isinstance(text, str):
        return None
    return sides(text), frozenset(Counter(passage.assertion for passage in passages(text)).items())
