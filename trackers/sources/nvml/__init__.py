"""Power source for NVIDIA boards, through NVML."""
