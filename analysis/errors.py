"""Errors of `analysis`, in words for the person who asked."""


class AnalysisError(Exception):
    """A study cannot be read, or its report not written; exit status 2.

    The message says what was got, what is allowed and what to do. What is merely missing in a
    study is never raised: it is a note beside the result.
    """
