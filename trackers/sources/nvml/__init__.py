"""NVIDIA boards through NVML."""
