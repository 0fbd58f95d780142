"""Tiny random networks in Hugging Face format, with a tokenizer that knows a few words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
VOCABULARY = (
    "left right mass no in brain liver spine acute infarct cyst normal the of a lobe shift oedema query : . impression"
    " findings unremarkable kidney simple disc small large"
)
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}


def save_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    words = {word: number for number, word in enumerate((*SPECIAL, *VOCABULARY.split()))}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(word, words[word]) for word in ("[CLS]", "[SEP]")]
    )
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SPECIAL, strict=True))
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=40, **{f"{name}_token": word for name, word in names.items()}
    )
    made.save_pretrained(folder)
    return made


def size_of_vocabulary() -> int:
    return len(SPECIAL) + len(VOCABULARY.split())


def save_model(folder: Path, family: str, head: str = "Model", **options: Any) -> torch.nn.Module:
    """A model of "Bert", "Roberta", ... with its weights far from zero, so that a wrong order shows."""
    names = {"hidden_size": "dim", "num_hidden_layers": "n_layers", "num_attention_heads": "n_heads",
             "intermediate_size": "hidden_dim"} if family == "DistilBert" else {}  # fmt: skip
    sizes = {names.get(name, name): value for name, value in SIZES.items()}
    config = getattr(transformers, f"{family}Config")(
        vocab_size=size_of_vocabulary(), max_position_embeddings=64, pad_token_id=0, **sizes, **options
    )
    torch.manual_seed(0)
    model = getattr(transformers, f"{family}{head}")(config).eval()
    for name, parameter in model.named_parameters():
        if "norm" not in name.lower():
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return model
