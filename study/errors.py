"""Errors that are found before a study starts, with their exit status.

    StudyError                  every error a user can mend; exit status 2
    |-- OptionError             an option's value, alone or together with another
    |-- DataError               a data folder or a file in it
    |-- ScenarioError           --scenario names something that is not a scenario
    |-- StorageError            the results folder cannot be written or read
    `-- ClusterError            Ray cannot be reached, or lacks what a trial asks for

A message says what was got, what is allowed and what to do. Whatever happens inside a running
trial is not raised: it is a result with a `stop_reason` (`study.record.records.StopReason`).
"""


class StudyError(Exception):
    """Something the user can mend; no trial was started."""


class OptionError(StudyError):
    """An option has a value that is not allowed."""


class DataError(StudyError):
    """A data set is missing, incomplete or malformed."""


class ScenarioError(StudyError):
    """`--scenario` does not lead to a usable scenario."""


class StorageError(StudyError):
    """The results folder cannot be written or read."""


class ClusterError(StudyError):
    """Ray cannot be reached, or has not the resources that one trial asks for."""
