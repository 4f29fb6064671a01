"""The tables of a study as data frames, for notebooks and scripts."""

import pandas as pd

from analysis.findings import Findings
from analysis.forms.cells import TableInfo
from analysis.tables.setups import table_infos


def data_frames(findings: Findings) -> dict[str, pd.DataFrame]:
    """Return every table of a study as a data frame, by its name.

    The names are those of the report's CSV files (`ranking`, `energy_per_epoch_mwh`, `stages`, ...),
    and so are the columns, with their units. Numbers have all digits; what is missing is NaN.

    Args:
        findings: What `analysis.analyse` says of a study.

    Returns:
        The frames. `frame.attrs` holds the table's `title`, its `legend`, and its `labels`: the
        words, such as `estimated`, without which its numbers must not be shown.

    Examples:
        >>> from analysis import analyse, load
        >>> frames = data_frames(analyse(load("tests/analysis/fixture/regime")))
        >>> frames["ranking"][["place", "setup", "energy_wh"]].head(1)
           place  setup  energy_wh
        0      1      2        1.1
    """
    return {info.name: _data_frame(info, findings.labels) for info in table_infos(findings)}


def _data_frame(info: TableInfo, labels: tuple[str, ...]) -> pd.DataFrame:
    values = [[cell.value for cell in row] for row in info.rows]
    frame = pd.DataFrame(values, columns=[column.key for column in info.columns])
    frame.attrs = {"title": info.title, "legend": info.legend, "labels": labels}
    return frame
