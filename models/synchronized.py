"""Batch norms of networks that several processes train together."""

from torch import nn


def with_common_statistics(network: nn.Module) -> nn.Module:
    """Return a network whose batch norms see the whole batch, and not the part of one process.

    Those of timm keep their activations, which torch's own conversion would lose. For CUDA; torch
    has none for CPUs.
    """
    # timm takes seconds to load, which trainings without it and in one process do not have to spend.
    from timm.layers.norm_act import convert_sync_batchnorm  # noqa: PLC0415

    converted: nn.Module = convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return converted
