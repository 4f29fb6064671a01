"""Processes that train one trial together (data parallel): Tune's own for the trial, and its workers."""
