"""Smartwatch recordings that pip brings (seglearn): the scenario of the first run."""
