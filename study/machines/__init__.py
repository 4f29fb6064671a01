"""Connect to a Ray cluster, find its nodes and devices, and check which nodes can reach the storage."""
