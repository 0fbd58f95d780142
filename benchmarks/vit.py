"""How fast the 3D network runs, beside MONAI's ViT of the same sizes over the same tokens, in one run.

    python -m benchmarks.vit --sizes tiny small base --tokens 512 --device cpu --json vit.json

Volumes/s and tokens/s are of the forward pass, from patches that lie on the device; GFLOP are counted from the sizes
(two for each multiplication and addition of matrices, attention included), and MFU is their share of a peak: given by
--peak-tflops, else measured with one large matrix product in the same precision. MONAI comes by
`pip install --no-deps monai`; its ViT offers no SDPA, and without it its rows are left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common import machine
from spinecho.encoders.networks.vit.encoder import SIZES, VisionTransformer, VitConfig
from spinecho.encoders.networks.vit.packing import Packed, pack
from spinecho.encoders.preparing.preparation import BlockPreparation
from spinecho.encoders.reading.volume import Volume


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--tokens", type=int, default=512, help="patches a volume: a multiple of 64")
    parser.add_argument("--batch", type=int, help="volumes at once (1 on a CPU, 32 on a card)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="compile the layers (both networks)")
    parser.add_argument("--peak-tflops", type=float)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.tokens % 64:
        parser.error("--tokens must be a multiple of 64")
    device = torch.device(given.device)
    batch = given.batch or (1 if device.type == "cpu" else 32)
    peak = given.peak_tflops or measured_peak(device)
    rows = []
    for size in given.sizes:
        rows += measured(size, given.tokens, batch, device, given.repeats, compiled=given.compile)
        if given.peak_tflops is None:  # on a machine that does other things too, the best of several moments
            peak = max(peak, measured_peak(device))
    for row in rows:
        row["mfu_percent"] = row["volumes_per_s"] * row["gflop_per_volume"] / peak / 10
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{machine()}; {device} ({where}), torch {torch.__version__}, peak {peak:.3f} TFLOP/s, batch {batch}")
    print(f"{'network':16}{'M weights':>10}{'volumes/s':>11}{'tokens/s':>11}{'GFLOP':>9}{'MFU %':>8}{'ms/volume':>11}")
    for row in rows:
        print(
            f"{row['network']:16}{row['million_weights']:10.1f}{row['volumes_per_s']:11.2f}{row['tokens_per_s']:11.0f}"
            f"{row['gflop_per_volume']:9.2f}{row['mfu_percent']:8.1f}{1000 / row['volumes_per_s']:11.1f}"
        )
    prepared = preparation_seconds(given.tokens)
    print(f"preparation of a 256 x 256 x 180 volume: {prepared:.3f} s")
    if given.json:
        facts = {"machine": machine(), "device": str(device), "where": where, "peak_tflops": peak, "batch": batch}
        facts |= {"tokens": given.tokens, "preparation_s": prepared, "rows": rows}
        given.json.write_text(json.dumps(facts, indent=2) + "\n")


def measured(
    size: str, tokens: int, batch: int, device: torch.device, repeats: int, *, compiled: bool
) -> list[dict[str, Any]]:
    """Ours and MONAI's of one size, taking turns so that both meet the same machine."""
    config = SIZES[size]
    ours = VisionTransformer(config).eval().to(device)
    if compiled:
        ours.compile_layers()
    packed = full_batch(config, tokens, batch).to(device)
    runs: dict[str, tuple[torch.nn.Module, Callable[[], Any], float]] = {
        f"{size}": (ours, lambda: ours(packed), flop(config, tokens, 1 + config.registers)),
    }
    theirs = monai_vit(config, tokens)
    if theirs is not None:
        theirs = theirs.eval().to(device)
        if compiled:
            theirs.compile()
        voxels = torch.randn(batch, 1, *monai_shape(config, tokens), device=device)
        runs[f"{size} (MONAI)"] = (theirs, lambda: theirs(voxels), flop(config, tokens, 1, projected=False))
    times: dict[str, list[float]] = {name: [] for name in runs}
    mixed = torch.autocast("cuda", dtype=torch.bfloat16) if device.type == "cuda" else nullcontext()
    with torch.inference_mode(), mixed:
        for turn in range(repeats + 1):
            for name, (_, run, _) in runs.items():
                seconds = timed(run, device)
                if turn:  # the first warms up
                    times[name].append(seconds)
    found = []
    for name, (network, _, gflop) in runs.items():
        per_second = batch / statistics.median(times[name])
        found.append(
            {
                "network": name,
                "million_weights": sum(value.numel() for value in network.parameters()) / 1e6,
                "volumes_per_s": per_second,
                "tokens_per_s": per_second * tokens,
                "gflop_per_volume": gflop / 1e9,
            }
        )
    return found


def timed(run: Callable[[], Any], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def flop(config: VitConfig, tokens: int, own: int, *, projected: bool = True) -> float:
    """Of one volume's forward pass: products of matrices alone."""
    width, t = config.width, tokens + own
    layers = config.depth * (2 * t * 12 * width**2 + 4 * t**2 * width)
    head = 2 * tokens * (width**2 + 60 * width) + 4 * tokens * width + 2 * width * config.projection
    return layers + 2 * tokens * config.voxels * width + (head if projected else 0)


def full_batch(config: VitConfig, tokens: int, batch: int) -> Packed:
    """Volumes of exactly so many patches."""
    shape = tuple(n * p for n, p in zip((tokens // 64, 8, 8), config.patch, strict=True))
    random = np.random.default_rng(0)
    grey = random.integers(1, 256, shape, dtype=np.uint8)
    item = BlockPreparation(config.patch, tokens).pad(grey, (4.0, 1.0, 1.0), 2)
    return pack([item] * batch, config.patch)


def monai_shape(config: VitConfig, tokens: int) -> tuple[int, ...]:
    return tuple(n * p for n, p in zip((tokens // 64, 8, 8), config.patch, strict=True))


def monai_vit(config: VitConfig, tokens: int) -> torch.nn.Module | None:
    """MONAI's network of that size, with CLS; None where MONAI is not installed."""
    try:
        from monai.networks.nets import ViT  # noqa: PLC0415
    except ImportError:
        print("MONAI is not installed (pip install --no-deps monai): its rows are left out")
        return None
    made: torch.nn.Module = ViT(
        in_channels=1,
        img_size=monai_shape(config, tokens),
        patch_size=config.patch,
        hidden_size=config.width,
        mlp_dim=4 * config.width,
        num_layers=config.depth,
        num_heads=config.heads,
        classification=True,
        num_classes=config.projection,
        qkv_bias=True,
    )
    return made


def measured_peak(device: torch.device, size: int = 2048) -> float:
    """TFLOP/s of one large matrix product, the best of ten, in the precision that the networks run in."""
    kind = torch.bfloat16 if device.type == "cuda" else torch.float32
    size = 8192 if device.type == "cuda" else size
    a, b = torch.randn(2, size, size, device=device, dtype=kind)
    best = min(timed(lambda: a @ b, device) for _ in range(10))
    return 2 * size**3 / best / 1e12


def preparation_seconds(tokens: int) -> float:
    voxels = np.random.default_rng(0).random((256, 256, 180), dtype=np.float32)
    volume, prepare = Volume(voxels, np.eye(4)), BlockPreparation(tokens=tokens)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        prepare(volume)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
