"""The tables of a study as data frames, for notebooks and scripts."""

import pandas as pd

from analysis.findings import Findings
from analysis.forms.cells import TableInfo
from analysis.tables.setups import table_infos


def data_frames(findings: Findings) -> dict[str, pd.DataFrame]:
    """Return every table of a study as a data frame, by the table's name.

    Tables and columns have the same names as the report's CSV files (`ranking`,
    `energy_per_epoch_mwh`, `stages`, ...); column names include the unit. Numbers have all digits;
    missing values are NaN or None.

    Args:
        findings: Results of `analysis.analyse`.

    Returns:
        The frames by name. `frame.attrs` holds the table's `title`, `legend` and `labels`: words such
        as `estimated`, without which its numbers must not be shown.

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
