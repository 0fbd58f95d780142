"""Training an encoder or heads from a TOML file, see docs/training.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from spinecho.errors import QueryError
from spinecho.setup.places import place_of
from spinecho.setup.private import private_files

if TYPE_CHECKING:
    import os

    from spinecho.encoders.training.loop.loop import Progress
    from spinecho.training_runs.train_plan import Command

STAGES = ("pretrain", "align", "head")
OnStep = Callable[[int, int, str], None]
"""Given how much is done, of how much (0 where that is not known), and how it goes in words."""


def train(
    stage: str,
    config: str | os.PathLike[str],
    *,
    device: str = "auto",
    dry_run: bool = False,
    on_progress: OnStep | None = None,
    stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Train what a file says, or go on with it where it was; gives what came of it as plain values.

    stage: "pretrain" (without words), "align" (with reports), or "head" (on a frozen encoder). device: of heads; the
    file names that of the others. dry_run: say what would be done, and do nothing. stop: asked after every step; the
    state is saved, and the same call goes on. Raises `ConfigError`, which names file, key, value and remedy, and
    `TrainError`.
    """
    from spinecho.encoders.registry import pick_device  # noqa: PLC0415
    from spinecho.training_runs.train_jobs import JOBS  # noqa: PLC0415
    from spinecho.training_runs.train_plan import HeadsPlan, read_plan  # noqa: PLC0415
    from spinecho.training_runs.train_runs import describe, run_fit, run_heads  # noqa: PLC0415

    if stage not in STAGES:
        raise QueryError(f"{stage!r} is none of: {', '.join(STAGES)}")
    plan = read_plan(place_of(config), cast("Command", stage), ("head",) if stage == "head" else tuple(JOBS[stage]))
    tell = on_progress or _silent
    with private_files():
        if dry_run:
            return dict(describe(plan))
        if isinstance(plan, HeadsPlan):
            found = run_heads(plan, device=pick_device(device), progress=lambda done: tell(done, 0, f"{done} volumes"))
            return dict(found)
        steps = [0, plan.train.steps]
        tell(*_numbers(steps), "")

        def progress(now: Progress) -> None:
            steps[0] = now.step
            tell(*_numbers(steps), _line(now))

        def note(words: str) -> None:
            tell(*_numbers(steps), words)

        return dict(run_fit(plan, progress=progress, stop=stop or _never, note=note))


def _numbers(steps: list[int]) -> tuple[int, int]:
    return steps[0], steps[1]


def _line(now: Progress) -> str:
    left = f"{int(now.left_s // 3600)}:{int(now.left_s % 3600 // 60):02d}:{int(now.left_s % 60):02d} left"
    mfu = "" if now.mfu is None else f", MFU {100 * now.mfu:.1f} %"
    return f"loss {now.loss:.4f}, {now.examples_per_s:.1f} examples/s{mfu}, {left}"


def _silent(done: int, known: int, words: str) -> None:
    """Nobody asked how it goes."""


def _never() -> bool:
    return False
