"""The machine's devices, and defaults measured on them."""

import os
from typing import Any

import torch

from idc.errors import ConfigError
from idc.runtime.cores import count_cores

Config = dict[str, Any]

# Measured on 2 CPU cores, one training step of 64 patches of 50x50, patches/s: bf16 + channels_last
# raises ResNet50 from 95 to 156 and VGG16 from 37 to 57, but slows the MobileNets' depthwise
# convolutions; channels_last alone doubles those.
BF16_ON_CPU = ("idc.models.backbones.resnet", "idc.models.backbones.vgg")


# Side of the images up to which the last map of a ResNet or a VGG is one pixel: in bf16 on a CPU
# the training of a ResNet18 on 16 pixels came out as NaN now and then.
SINGLE_PIXEL = 32


def choose_precision(config: Config) -> str:
    """Lightning's precision flag: as configured or, for ``auto``, by device and backbone."""
    precision = str(config["trainer"]["precision"])
    if precision != "auto":
        return precision
    if uses_gpu(config):
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bf16-mixed" if native else "16-mixed"
    fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    sizes = dict((config.get("callbacks", {}).get("resizing") or {}).get("sizes") or ())
    small = min([config["data"]["image_size"], *sizes.values()]) <= SINGLE_PIXEL
    suits = config["backbone"]["_target_"] in BF16_ON_CPU and not small
    return "bf16-mixed" if fast and suits else "32-true"


def choose_channels_last(config: Config) -> bool:
    """Whether to use the channels-last memory format: faster for every backbone measured."""
    return config["trainer"]["channels_last"] in ("auto", True)


def choose_fused(config: Config) -> bool:
    """Whether the optimizer updates all parameters in one kernel.

    Measured on 2 CPU cores with AdamW, in patches/s: MobileNetV3-small 1,034 to 1,223, ResNet18 351
    to 391, ResNet50 126 to 153. Not with float16 and clipping, as fused steps unscale gradients
    themselves.
    """
    choice = config["optimizer"]["fused"]
    if choice != "auto":
        return bool(choice)
    clips = config["trainer"]["gradient_clip_val"] is not None
    return not (clips and choose_precision(config).startswith("16"))


def choose_compile(config: Config) -> bool:
    """Whether the network is compiled for training.

    Off by default. Measured on 2 CPU cores: MobileNetV3-small gains 11 %, ResNet18 loses 25 % and
    ResNet50 7 % (both in bf16), and compiling takes 25 to 55 s. Not measured on GPUs yet.
    """
    return config["trainer"]["compile"] is True


def choose_matmul_precision(config: Config) -> str:
    """PyTorch's float32 matmul precision; ``auto`` is TF32 on GPUs and exact on CPUs."""
    precision = str(config["trainer"]["matmul_precision"])
    if precision != "auto":
        return precision
    return "high" if uses_gpu(config) else "highest"


def uses_gpu(config: Config) -> bool:
    """Whether the trainer will run on CUDA GPUs."""
    accelerator = config["trainer"]["accelerator"]
    if accelerator in ("gpu", "cuda"):
        if not torch.cuda.is_available():
            raise ConfigError(
                f"trainer.accelerator={accelerator}: this machine has no CUDA GPU. Use "
                f"trainer=cpu, or check the driver with nvidia-smi."
            )
        return True
    return accelerator == "auto" and torch.cuda.is_available()


def count_processes(config: Config) -> int:
    """Number of processes that the trainer needs on this node: one per device.

    Raises:
        ConfigError: There are fewer GPUs or cores than requested.
    """
    gpu = uses_gpu(config)
    available = torch.cuda.device_count() if gpu else 1
    devices: Any = config["trainer"]["devices"]
    if devices in ("auto", -1, "-1"):
        return available
    processes = len(devices) if isinstance(devices, list) else int(devices)
    if gpu and processes > available:
        raise ConfigError(f"trainer.devices={devices}: this machine has {available} GPU(s).")
    # Two are allowed on one core, so that distributed training can be tried there.
    if not gpu and processes > (limit := max(2, count_cores())):
        raise ConfigError(
            f"trainer.devices={devices}: more than one process per core does not help, and this "
            f"machine has {count_cores()} core(s). Set trainer.devices to {limit} or less."
        )
    return processes


def is_rank() -> bool:
    """Whether this process is one of several started by torchrun or SLURM."""
    slurm = int(os.environ.get("SLURM_NTASKS", "1")) > 1 and "SLURM_PROCID" in os.environ
    return slurm or int(os.environ.get("WORLD_SIZE", "1")) > 1


def global_rank() -> int:
    """This process's global rank; 0 if it is the only one."""
    return int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")))
