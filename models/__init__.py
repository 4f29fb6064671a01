"""Networks for sensor windows and images; they import torch and timm, but nothing else of this project."""
