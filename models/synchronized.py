"""Synchronised batch norm for networks that several processes train together."""

from torch import nn


def with_common_statistics(network: nn.Module) -> nn.Module:
    """Return a network whose batch norms use statistics of the whole batch, not of one process's part.

    timm's fused norm layers keep their activations, which torch's own conversion would drop. CUDA only:
    torch has no synchronised batch norm for CPUs.
    """
    # timm takes seconds to import, which trainings in a single process should not have to wait for.
    from timm.layers.norm_act import convert_sync_batchnorm  # noqa: PLC0415

    converted: nn.Module = convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return converted
