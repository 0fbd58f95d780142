"""Masked-language-model continuation on reports: a text network reads on in its own field before it is aligned.

Devlin et al. 2019 (arXiv:1810.04805) give the objective: 15 % of the tokens are to be guessed; of these 80 % are shown
as [MASK], 10 % as another token, 10 % as they are. That continuing on text of the field helps is Gururangan et al.
2020 (arXiv:2004.10964); whole words instead of pieces is a later option of BERT's authors. Ours: what is read is a run
of sentences from one section, impression and findings far more often than the rest, whose templates repeat.

A network that was tuned for sentences loses some of that tuning: align it afterwards, or continue a plain BERT.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn

from spinecho.encoders import hub
from spinecho.encoders.errors import EncoderError, EncoderUnavailable
from spinecho.encoders.language.parts.sections import Section, section_spans
from spinecho.encoders.language.parts.sentences import sentence_spans
from spinecho.encoders.networks.model_files import ModelFiles, describe, find_folder
from spinecho.encoders.networks.sentence_encoder import load_tokenizer

SECTION_WEIGHTS: dict[Section, float] = {
    "impression": 0.4, "findings": 0.4, "indication": 0.05, "technique": 0.05, "comparison": 0.05, "other": 0.05,
}  # fmt: skip
"""How often a section is read, of those that a report has."""

NOT_ASKED = -100
"""The label of a token that is not to be guessed."""
_MASKS = ("[MASK]", "<mask>")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json",
                    "merges.txt", "spiece.model", "sentencepiece.bpe.model")  # fmt: skip


@dataclass(frozen=True, slots=True)
class MlmConfig:
    """How text is masked. `tokens` is the longest run, within the network's own limit."""

    share: float = 0.15
    masked: float = 0.8
    random: float = 0.1
    whole_words: bool = False
    tokens: int = 128

    def __post_init__(self) -> None:
        if not (0 < self.share < 1 and self.masked >= 0 and self.random >= 0 and self.masked + self.random <= 1):
            raise ValueError(f"share must lie within 0..1, masked and random add up to at most 1: {self}")
        if self.tokens < 4:
            raise ValueError(f"tokens must be at least 4, not {self.tokens}")


class Masked(NamedTuple):
    """One text: ids as shown, labels the true ids where one is asked for and `NOT_ASKED` elsewhere; both (t,) int64."""

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]


class EmptyReport(EncoderError):
    """A report without a word has nothing to be read on in."""


class MlmObjective(nn.Module):
    """An objective for `fit`: reports in, loss out. Everything random comes from the generator that is handed in."""

    def __init__(self, name_or_path: str, config: MlmConfig | None = None, *, seed: int = 0) -> None:
        """A folder or a model's name. `seed` is that of a head that has to be made. Raises EncoderUnavailable."""
        super().__init__()
        folder = find_folder(name_or_path)
        self.config = config or MlmConfig()
        self._files = describe(folder, name=name_or_path)
        self.network, self.fresh_head = _network(self._files, seed)
        limit = min(self.config.tokens, self._files.max_tokens)
        self._tokenizer: Any = load_tokenizer(self._files.folder, name=name_or_path, max_tokens=limit)
        self._pad = int(self._files.config.get("pad_token_id") or 0)
        masks = [at for mask in _MASKS if (at := self._tokenizer.token_to_id(mask)) is not None]
        if not masks:
            raise EncoderUnavailable(f"the tokenizer of {name_or_path} has none of {_MASKS}; take a masked model")
        self._mask = int(masks[0])
        added = set(self._tokenizer.get_added_tokens_decoder())
        special = {self._pad, self._mask, *added, *self._tokenizer.encode("").ids}
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=True).values()
        self._ordinary = np.array(sorted(set(vocabulary) - special), np.int64)

    def views(self, report: str, generator: np.random.Generator, /) -> Masked:
        """A run of sentences from one section of the report, masked. Raises EmptyReport."""
        return self.masked(drawn_run(report, generator, self._fits), generator)

    def masked(self, text: str, generator: np.random.Generator) -> Masked:
        """A text with some tokens hidden: at least one, if it has any beside the special ones."""
        encoding = self._tokenizer.encode(text.encode("utf-8", "replace").decode())
        ids = np.array(encoding.ids or [self._pad], np.int64)
        labels = np.full_like(ids, NOT_ASKED)
        words: dict[int, list[int]] = {}
        for at, (special, word) in enumerate(zip(encoding.special_tokens_mask, encoding.word_ids, strict=True)):
            if not special:
                words.setdefault(word if self.config.whole_words and word is not None else -1 - at, []).append(at)
        units = list(words.values())
        wanted = max(1, round(self.config.share * sum(map(len, units)))) if units else 0
        asked: list[int] = []
        for at in generator.permutation(len(units)):
            if len(asked) >= wanted:
                break
            asked += units[at]
        labels[asked] = ids[asked]
        fate = generator.random(len(asked))
        others = generator.choice(self._ordinary, len(asked))
        hidden, swapped = fate < self.config.masked, fate >= 1 - self.config.random
        ids[asked] = np.where(hidden, self._mask, np.where(swapped, others, ids[asked]))
        return Masked(ids, labels)

    def collate(self, items: Sequence[Masked]) -> dict[str, Tensor]:
        """ids, mask, labels, each (n, t) int64 with padding on the right."""
        longest = max(len(item.ids) for item in items)

        def filled(rows: Sequence[NDArray[np.int64]], value: int) -> Tensor:
            padded = [np.pad(row, (0, longest - len(row)), constant_values=value) for row in rows]
            return torch.from_numpy(np.stack(padded))

        return {
            "ids": filled([item.ids for item in items], self._pad),
            "mask": filled([np.ones_like(item.ids) for item in items], 0),
            "labels": filled([item.labels for item in items], NOT_ASKED),
        }

    def batch(self, reports: Sequence[str], *, size: int, seed: int, step: int) -> dict[str, Tensor]:
        """The batch of a step: a pure function of the reports, the seed and the step."""
        generator = np.random.default_rng([seed, step])
        chosen = generator.integers(len(reports), size=size)
        return self.collate([self.views(reports[at], generator) for at in chosen])

    def loss(self, batch: dict[str, Tensor], /) -> dict[str, Tensor]:
        """`loss`: mean cross entropy of the tokens asked for, in nats; `accuracy`: how many were guessed."""
        ids, mask, labels = (batch[name].to(self.network.device) for name in ("ids", "mask", "labels"))
        logits = self.network(input_ids=ids, attention_mask=mask).logits
        asked = labels != NOT_ASKED
        guesses, truth = logits[asked].float(), labels[asked]
        # A sum over at least one: a batch of which nothing is asked has a loss of 0 and not NaN.
        loss = nn.functional.cross_entropy(guesses, truth, reduction="sum") / max(1, len(truth))
        hits = (guesses.argmax(dim=1) == truth).sum() / max(1, len(truth))
        return {"loss": loss, "accuracy": hits.detach()}

    def save(self, folder: Path) -> None:
        """Write the network with its head in Hugging Face format, safetensors; `SentenceEncoder.from_name` reads it.

        The files of sentence-transformers are written too, so pooling, limit and prompt stay what they were.
        """
        self.network.save_pretrained(folder)
        for name in _TOKENIZER_FILES:
            if (self._files.folder / name).is_file():
                shutil.copyfile(self._files.folder / name, folder / name)
        kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
        modules = [
            {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for at, (path, kind) in enumerate(kinds)
        ]
        prompts = {"prompts": {"text": self._files.prompt}, "default_prompt_name": "text"} if self._files.prompt else {}
        width = int(self.network.get_input_embeddings().weight.shape[1])
        for path, values in (
            ("modules.json", modules),
            ("sentence_bert_config.json", {"max_seq_length": self._files.max_tokens, "do_lower_case": False}),
            ("config_sentence_transformers.json", prompts),
            ("1_Pooling/config.json", {"word_embedding_dimension": width, "pooling_mode": self._files.pooling}),
        ):
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(json.dumps(values, indent=2) + "\n")

    def _fits(self, text: str) -> bool:
        return not self._tokenizer.encode(text.encode("utf-8", "replace").decode()).overflowing


def drawn_run(report: str, generator: np.random.Generator, fits: Any) -> str:
    """Sentences that follow each other in one section of a report, as many as fit. Raises EmptyReport."""
    sections: dict[Section, list[list[str]]] = {}
    for span in section_spans(report):
        spans = sentence_spans(report, span.start, span.end)
        if spans:
            sections.setdefault(span.section, []).append([" ".join(report[a:b].split()) for a, b in spans])
    if not sections:
        raise EmptyReport("the report holds no word; leave it out of what is read")
    names = sorted(sections)
    weights = np.array([SECTION_WEIGHTS[name] for name in names])
    bodies = sections[names[int(generator.choice(len(names), p=weights / weights.sum()))]]
    sentences = bodies[int(generator.integers(len(bodies)))]
    start = int(generator.integers(len(sentences)))
    run = sentences[start]
    for sentence in sentences[start + 1 :]:
        if not fits(f"{run} {sentence}"):
            break
        run = f"{run} {sentence}"
    return run


def _network(files: ModelFiles, seed: int) -> tuple[Any, bool]:
    """(the network with its head in training mode, whether the head had to be made)."""
    from transformers import AutoModelForMaskedLM  # noqa: PLC0415

    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network, info = AutoModelForMaskedLM.from_pretrained(
                str(files.folder),
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                dtype=torch.float32,
            )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        detail = " ".join(str(error).split())[:300]
        raise EncoderUnavailable(f"{files.name} cannot be read on as a masked language model: {detail}") from error
    missing = [str(name) for name in info["missing_keys"]]
    body = [name for name in missing if name.startswith(f"{network.base_model_prefix}.")]
    if lacks := hub.first_missing({"missing_keys": body}, besides=("pooler",)):
        raise EncoderUnavailable(
            f"the weights of {files.name} lack tensors that its config.json asks for, e.g. {lacks}; download them again"
        )
    if network.get_output_embeddings().weight is not network.get_input_embeddings().weight and missing:
        network.config.tie_word_embeddings = True
        network.tie_weights()
    return network.train(), bool(missing)
