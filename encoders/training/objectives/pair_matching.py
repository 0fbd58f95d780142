"""Image-text matching: a second look at pairs that the contrastive loss finds alike.

The paper (Li et al., ALBEF, arXiv 2107.07651) gives: a classifier of pairs, trained beside the contrastive loss, whose
negatives are drawn in proportion to how alike the batch finds them. Our choices: text and image meet in one layer of
cross-attention from the text's vector to the image's tokens, instead of a six-layer fusion encoder, so that a pair
costs little more than a cosine; a suspected false negative is never drawn.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class MatchingHead(nn.Module):
    """Logits of "this text was written about this image" from a text vector and an image's tokens.

    text: dimension of text vectors; tokens: width of image tokens; width, a multiple of heads: of what is in between.
    """

    def __init__(self, *, text: int, tokens: int, width: int = 256, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.ask = nn.Sequential(nn.LayerNorm(text), nn.Linear(text, width))
        self.norm = nn.LayerNorm(tokens)
        self.answer = nn.Linear(tokens, 2 * width)
        self.judge = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Linear(width, 1))

    def forward(self, text: Tensor, tokens: Tensor, seen: Tensor | None = None) -> Tensor:
        """text (n, d), tokens (n, t, w), seen (n, t) bool: which tokens are no padding. Gives (n,) logits."""
        asked = self.ask(text)
        key, value = self.answer(self.norm(tokens)).chunk(2, dim=-1)
        query, key, value = (part.unflatten(-1, (self.heads, -1)) for part in (asked[:, None], key, value))
        mask = None if seen is None else seen[:, None, None]
        heard = functional.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), attn_mask=mask
        )
        found = heard.transpose(1, 2).flatten(1)
        logits: Tensor = self.judge(torch.cat([asked, found, asked * found], dim=1))
        return logits[:, 0]


class HardNegatives(NamedTuple):
    """For each image a text, (n,), and for each text an image, (m,): -1 where nothing in the batch is a negative."""

    texts: Tensor
    images: Tensor


def hard_negatives(
    similarity: Tensor, positives: Tensor, *, ignored: Tensor | None = None, generator: torch.Generator | None = None
) -> HardNegatives:
    """Drawn with probability softmax(similarity) among pairs that are neither positive nor ignored.

    similarity (n, m): logits, e.g. scaled cosines; positives, ignored (n, m) bool. `generator` lives on their device.
    """
    barred = positives if ignored is None else positives | ignored
    logits = similarity.detach().float().masked_fill(barred, -torch.inf)
    return HardNegatives(_drawn(logits, generator), _drawn(logits.T, generator))


def _drawn(logits: Tensor, generator: torch.Generator | None) -> Tensor:
    drawn = torch.full((len(logits),), -1, dtype=torch.long, device=logits.device)
    able = torch.isfinite(logits).any(1)
    if bool(able.any()):
        drawn[able] = torch.multinomial(logits[able].softmax(1), 1, generator=generator)[:, 0]
    return drawn


def matching_loss(
    head: MatchingHead,
    text: Tensor,
    tokens: Tensor,
    *,
    owner: Tensor,
    negatives: HardNegatives,
    seen: Tensor | None = None,
) -> Tensor:
    """Scalar: binary cross-entropy over each image with its own text and with the hard negatives of both ways.

    text (m, d); tokens (n, t, w) with seen (n, t); owner (n,): each image's text. As each image brings one true pair
    and up to two false ones, both answers count half.
    """
    images = torch.arange(len(tokens), device=tokens.device)
    for_images, for_texts = negatives.texts >= 0, negatives.images >= 0
    which_image = torch.cat([images, images[for_images], negatives.images[for_texts]])
    texts = torch.arange(len(text), device=text.device)
    which_text = torch.cat([owner, negatives.texts[for_images], texts[for_texts]])
    logits = head(text[which_text], tokens[which_image], None if seen is None else seen[which_image]).float()
    true, false = logits[: len(images)], logits[len(images) :]
    losses = [functional.softplus(-true).mean()] + ([functional.softplus(false).mean()] if len(false) else [])
    return torch.stack(losses).mean()
