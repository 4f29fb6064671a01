"""Reach a cluster, its nodes and devices, and find out who sees the storage."""
