"""What the machine offers, and measured defaults for it."""

import os
from typing import Any

import torch

from idc.errors import ConfigError
from idc.runtime.cores import count_cores

Config = dict[str, Any]

# Seen on 2 CPU cores, one training step of 64 patches of 50x50, patches/s: bf16 with channels_last
# raises ResNet50 from 95 to 156 and VGG16 from 37 to 57, but slows the MobileNets' depthwise
# convolutions; channels_last alone doubles those.
BF16_ON_CPU = ("idc.models.backbones.resnet", "idc.models.backbones.vgg")


def choose_precision(config: Config) -> str:
    """Lightning's precision flag for this device and backbone, if it is left to us."""
    asked = str(config["trainer"]["precision"])
    if asked != "auto":
        return asked
    if uses_gpu(config):
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bf16-mixed" if native else "16-mixed"
    fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if fast and config["backbone"]["_target_"] in BF16_ON_CPU else "32-true"


def choose_channels_last(config: Config) -> bool:
    """Whether weights and maps lie channels-last: faster for every backbone that was measured."""
    asked = config["trainer"]["channels_last"]
    return True if asked == "auto" else bool(asked)


def choose_fused(config: Config) -> bool:
    """Whether the optimizer updates all parameters in one kernel.

    Seen on 2 CPU cores with AdamW: MobileNetV3-small 1,034 to 1,223 patches/s, ResNet18 351 to 391,
    ResNet50 126 to 153. Not with float16 and clipping: fused steps unscale gradients by themselves.
    """
    asked = config["optimizer"]["fused"]
    if asked != "auto":
        return bool(asked)
    clips = config["trainer"]["gradient_clip_val"] is not None
    return not (clips and choose_precision(config).startswith("16"))


def choose_compile(config: Config) -> bool:
    """Whether the network is compiled for training.

    Seen on 2 CPU cores: MobileNetV3-small gains 11 %, ResNet18 loses 25 % and ResNet50 7 % (both
    in bf16), and compiling takes 25 to 55 s. Not measured on GPUs yet. So not by itself.
    """
    asked = config["trainer"]["compile"]
    return False if asked == "auto" else bool(asked)


def choose_matmul_precision(config: Config) -> str:
    """PyTorch's precision of float32 products: TF32 on GPUs, exact on CPUs, if it is left to us."""
    asked = str(config["trainer"]["matmul_precision"])
    if asked != "auto":
        return asked
    return "high" if uses_gpu(config) else "highest"


def uses_gpu(config: Config) -> bool:
    """Whether the trainer will run on CUDA GPUs."""
    accelerator = config["trainer"]["accelerator"]
    if accelerator in ("gpu", "cuda"):
        if not torch.cuda.is_available():
            raise ConfigError(
                f"trainer.accelerator={accelerator}: this machine shows no CUDA GPU. Use "
                f"trainer=cpu, or check the driver with nvidia-smi."
            )
        return True
    return accelerator == "auto" and torch.cuda.is_available()


def count_processes(config: Config) -> int:
    """Processes that the trainer needs on this node: one a device.

    Raises:
        ConfigError: More GPUs or cores are asked for than there are, or the value means nothing.
    """
    gpu = uses_gpu(config)
    present = torch.cuda.device_count() if gpu else 1
    asked: Any = config["trainer"]["devices"]
    if asked in ("auto", -1, "-1"):
        return present
    if isinstance(asked, str) and asked.isdigit():
        asked = int(asked)
    wanted = len(asked) if isinstance(asked, list) else asked
    if not isinstance(wanted, int) or wanted < 1:
        raise ConfigError(
            f"trainer.devices={asked}: give auto, a number of 1 or more, or a list of GPU numbers."
        )
    if gpu and wanted > present:
        raise ConfigError(
            f"trainer.devices={asked}: this machine shows {present} GPU(s); ask for no more."
        )
    # Two are let through on one core: to try distributed training where there is nothing more.
    if not gpu and wanted > (most := max(2, count_cores())):
        raise ConfigError(
            f"trainer.devices={asked}: one process a core is the most that helps, and this machine "
            f"gives {count_cores()} core(s); ask for {most} at most."
        )
    return wanted


def is_rank() -> bool:
    """Whether this process is one of several that something else has started (torchrun, SLURM)."""
    slurm = int(os.environ.get("SLURM_NTASKS", "1")) > 1 and "SLURM_PROCID" in os.environ
    return slurm or int(os.environ.get("WORLD_SIZE", "1")) > 1


def global_rank() -> int:
    """This process's rank; 0 where there is only one."""
    return int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")))
