"""Errors of `analysis`, with messages for the user."""


class AnalysisError(Exception):
    """An option is not allowed, a study cannot be read, or a file cannot be written; exit status 2.

    The message says what was given, what is allowed and what to do. Data that is merely missing from
    a study raises nothing: a note beside the result says so.
    """
