"""Where a network is trained: Lightning Fabric's process groups, precision and wrappers, and what is saved of them.

Weights and optimizer are read out whole and by name, whatever wraps the network, so a run may go on with another number
of processes or another strategy.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint import state_dict as distributed
from torch.distributed.checkpoint.state_dict import StateDictOptions

from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.training.loop.schedule import RunningMean, groups
from spinecho.encoders.training.loop.state import StateError
from spinecho.encoders.training.run_config import TrainConfig, TrainError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_WRAPPERS = ("_forward_module.", "_original_module.", "module.", "_fsdp_wrapped_module.", "_orig_mod.")


@dataclass(frozen=True, slots=True)
class Devices:
    """This process's device, and its place among the others."""

    fabric: Fabric
    bfloat16: bool

    @property
    def rank(self) -> int:
        """0 for the process that writes."""
        return self.fabric.global_rank

    @property
    def processes(self) -> int:
        """In the whole run."""
        return self.fabric.world_size

    @property
    def device(self) -> torch.device:
        """Of this process."""
        return self.fabric.device

    def barrier(self) -> None:
        """Wait for all processes."""
        if self.processes > 1:
            self.fabric.barrier()

    def mean(self, value: Tensor) -> Tensor:
        """A scalar's mean over all processes."""
        if self.processes == 1:
            return value
        reduced: Tensor = self.fabric.all_reduce(value.clone(), reduce_op="mean")  # type: ignore[assignment]
        return reduced

    def any_of(self, here: bool) -> bool:
        """Whether it is so in any process."""
        if self.processes == 1:
            return here
        total: Tensor = self.fabric.all_reduce(  # type: ignore[assignment]
            torch.tensor(float(here), device=self.device), reduce_op="sum"
        )
        return bool(total > 0)

    def peak_flops(self, config: TrainConfig) -> float | None:
        """Operations a second of all devices together; None where a device's are not known."""
        one = config.peak_flops
        if one is None and self.device.type == "cuda":
            from lightning_fabric.utilities.throughput import get_available_flops  # noqa: PLC0415

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a device that is not in its table is no reason to warn
                one = get_available_flops(self.device, torch.bfloat16 if self.bfloat16 else torch.float32)
        return one * self.processes if one else None


def launch(config: TrainConfig) -> Devices:
    """Join the other processes, or start them. Raises EncoderUnavailable without Fabric, TrainError without devices."""
    try:
        from lightning_fabric import Fabric  # noqa: PLC0415
    except ImportError as error:
        raise EncoderUnavailable(f"training needs Lightning Fabric ({error}): pip install 'spinecho[train]'") from error
    bfloat16 = config.precision == "bfloat16" or (config.precision == "auto" and _native_bfloat16(config.accelerator))
    try:
        fabric = Fabric(
            accelerator=config.accelerator,
            strategy=config.strategy,
            devices=config.devices or "auto",
            num_nodes=config.nodes,
            precision="bf16-mixed" if bfloat16 else "32-true",
        )
        fabric.launch()
    except (ValueError, RuntimeError, TypeError) as error:
        raise TrainError(
            f"accelerator {config.accelerator!r}, strategy {config.strategy!r} with {config.devices} devices cannot be "
            f"had here: {error}"
        ) from error
    return Devices(fabric, bfloat16)


def _native_bfloat16(accelerator: str) -> bool:
    wanted = accelerator in ("auto", "cuda", "gpu")
    return wanted and torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)


class Placed:
    """A network on its device with its optimizer: what the loop steps, saves and puts back."""

    def __init__(self, objective: nn.Module, config: TrainConfig, devices: Devices) -> None:
        trainable = _trainable(objective)
        self.devices = devices
        self.module: Any = devices.fabric.setup_module(objective)
        self.module.mark_forward_method("loss")
        # Names and shapes are asked before and after, as FSDP may flatten what it shards.
        self._parameters = {
            _clean(name): parameter for name, parameter in self.module.named_parameters() if _clean(name) in trainable
        }
        rows = [(name, parameter, trainable[name]) for name, parameter in self._parameters.items()]
        self._sharded = _is_sharded(self.module)
        self._optimizer = torch.optim.AdamW(groups(rows, config), lr=config.learning_rate, betas=config.betas)
        self.optimizer: Any = devices.fabric.setup_optimizers(self._optimizer)
        self.mean = RunningMean(list(self._parameters.values()), config.ema) if config.ema else None

    def clip(self, longest: float) -> float:
        """Shorten the gradient to `longest` (0: leave it); gives its norm before."""
        norm = self.devices.fabric.clip_gradients(
            self.module, self.optimizer, max_norm=longest or float("inf"), error_if_nonfinite=False
        )
        return float(norm) if norm is not None else 0.0

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Whole, by part and name: "model", "optimizer" and, where one is kept, "mean". Every process calls it."""
        parts = {"model": self._weights(), "optimizer": self._moments()}
        if self.mean is not None:
            if self._sharded:
                with self.mean.applied():
                    parts["mean"] = {name: value for name, value in self._weights().items() if name in self._parameters}
            else:
                parts["mean"] = dict(zip(self._parameters, self.mean.means, strict=True))
        return parts

    def put(self, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Put back what `tensors` gave; StateError where it is of another network."""
        try:
            if self.mean is not None:
                with self.mean.applied():  # what is put in here is the mean's when this ends
                    self._put_weights({**parts["model"], **parts["mean"]})
            self._put_weights(parts["model"])
            self._put_moments(parts["optimizer"])
        except (KeyError, RuntimeError) as error:
            detail = " ".join(str(error).split())[:300]
            raise StateError(f"the saved state is of another network ({detail}); name another folder") from error

    def _weights(self) -> dict[str, Tensor]:
        if self._sharded:
            options = StateDictOptions(full_state_dict=True, cpu_offload=True)
            found: Any = distributed.get_model_state_dict(self.module, options=options)
        else:
            found = self.module.state_dict()
        return {_clean(name): value for name, value in found.items()}

    def _put_weights(self, weights: Mapping[str, Tensor]) -> None:
        if self._sharded:
            given: Any = {name: weights[_clean(name)] for name in distributed.get_model_state_dict(self.module)}
            distributed.set_model_state_dict(self.module, given, options=StateDictOptions(full_state_dict=True))
        else:
            self.module.load_state_dict({name: weights[_clean(name)] for name in self.module.state_dict()})

    def _moments(self) -> dict[str, Tensor]:
        if self._sharded:
            return {
                "/".join(_clean(name.removeprefix("state.")).rsplit(".", 1)): value
                for name, value in self._flat_moments().items()
                if name.startswith("state.") and isinstance(value, Tensor)
            }
        return {
            f"{name}/{kind}": value
            for name, parameter in self._parameters.items()
            for kind, value in self._optimizer.state.get(parameter, {}).items()
        }

    def _put_moments(self, moments: Mapping[str, Tensor]) -> None:
        if self._sharded:
            given: Any = {name: value for name, value in self._flat_moments().items() if not name.startswith("state.")}
            given |= {f"state.{name.replace('/', '.')}": value for name, value in moments.items()}
            options = StateDictOptions(full_state_dict=True, flatten_optimizer_state_dict=True)
            distributed.set_optimizer_state_dict(self.module, self._optimizer, given, options=options)
            return
        for name, value in moments.items():
            owner, _, kind = name.rpartition("/")
            parameter = self._parameters[owner]
            # Adam counts its steps on the CPU.
            self._optimizer.state[parameter][kind] = value.clone() if kind == "step" else value.to(parameter, copy=True)

    def _flat_moments(self) -> dict[str, Any]:
        options = StateDictOptions(full_state_dict=True, cpu_offload=True, flatten_optimizer_state_dict=True)
        return distributed.get_optimizer_state_dict(self.module, self._optimizer, options=options)


def _trainable(objective: nn.Module) -> dict[str, int]:
    """Names of what is trained, and how many axes each has; TrainError where nothing is."""
    asked = getattr(objective, "trainable_parameters", None)
    given: Iterable[nn.Parameter] = objective.parameters() if asked is None else asked()
    wanted = {id(parameter) for parameter in given if parameter.requires_grad}
    found = {name: parameter.ndim for name, parameter in objective.named_parameters() if id(parameter) in wanted}
    if not found:
        raise TrainError(f"{type(objective).__name__} has nothing to train: every weight is frozen")
    return found


def _clean(name: str) -> str:
    """The name within the objective, without the wrappers' parts at its start."""
    while True:
        wrapper = next((wrapper for wrapper in _WRAPPERS if name.startswith(wrapper)), None)
        if wrapper is None:
            return name
        name = name.removeprefix(wrapper)


def _is_sharded(module: nn.Module) -> bool:
    from torch.distributed.fsdp import FSDPModule, FullyShardedDataParallel  # noqa: PLC0415

    return any(isinstance(part, FullyShardedDataParallel | FSDPModule) for part in module.modules())
