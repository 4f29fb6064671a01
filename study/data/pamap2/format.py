"""On-disk format of PAMAP2: folders, columns, activities, and the published files.

`PAMAP2_Dataset/Protocol/subject101.dat` .. `subject109.dat`: 100 rows per second, 54 columns separated by
single spaces, no header, NaN for missing values. Columns, counted from 1:

    1   time stamp, s          3   heart rate, beats per minute (about 9 Hz, NaN between)
    2   activity number        4-20 hand, 21-37 chest, 38-54 ankle

and in each of these three sensor units of 17 columns:

    1     temperature, C                            8-10  gyroscope, rad/s
    2-4   acceleration, range 16 g, m/s2            11-13 magnetometer, uT
    5-7   the same, range 6 g: saturates, not used  14-17 orientation: invalid in this collection

Reiss and Stricker, "Introducing a new benchmarked dataset for activity monitoring", ISWC 2012.
Licence of the data: CC BY 4.0.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

from study.errors import DataError

RATE_HZ = 100
COLUMNS = 54
UNITS = ("hand", "chest", "ankle")
UNIT_COLUMNS = 17
FIRST_UNIT_COLUMN = 3
"""Index, from 0, of the first unit's first column; before it are time, activity and heart rate."""

TRANSIENT = 0
"""Activity number of rows between activities, which are discarded."""

ACTIVITIES = {
    1: "lying",
    2: "sitting",
    3: "standing",
    4: "walking",
    5: "running",
    6: "cycling",
    7: "Nordic walking",
    12: "stairs up",
    13: "stairs down",
    16: "vacuum cleaning",
    17: "ironing",
    24: "rope jumping",
}
"""Names of the protocol's twelve activities by number."""

OTHER_ACTIVITIES = (9, 10, 11, 18, 19, 20)
"""Numbers of further activities in the collection (television, computer, driving, laundry, cleaning,
soccer), which are not part of the protocol and are discarded."""

SUBJECTS = tuple(range(101, 110))
VALIDATION_SUBJECT = 105
TEST_SUBJECT = 106

OPTIONAL_FOLDER = "Optional"
"""Name of the folder beside `Protocol` that has files of the same names."""

SYNTHETIC_MARKER = "SYNTHETIC.txt"
"""Name of the file that marks a folder as written by `study.data sample`."""

_UNIT_NAMES = (
    "temperature",
    *(f"{sensor}_{axis}" for sensor in ("acc16", "acc6", "gyro", "mag") for axis in "xyz"),
    *(f"orientation_{part}" for part in "wxyz"),
)

COLUMN_NAMES = (
    "time_s",
    "activity",
    "heart_rate",
    *(f"{unit}_{name}" for unit in UNITS for name in _UNIT_NAMES),
)
"""Our names for the 54 columns; the files have no header."""

CHANNELS = tuple(
    name
    for name in COLUMN_NAMES
    if any(sensor in name for sensor in ("_acc16_", "_gyro_", "_mag_"))
)
"""The 27 columns that networks are given: 16 g acceleration, gyroscope and magnetometer of each unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """Size and SHA-256 of a file as UCI publishes it."""

    size_bytes: int
    sha256: str


PUBLISHED = {
    101: PublishedFile(
        size_bytes=141_698_539,
        sha256="80b3fffd089c236ae88098df3b906b8d3c67a858023fe4f75045d78612147266",
    ),
    102: PublishedFile(
        size_bytes=207_349_310,
        sha256="468f3c6ba3e6e961f383783665265afbcddbbd33a3a84bba0386b7d0d4e3c632",
    ),
    103: PublishedFile(
        size_bytes=117_863_364,
        sha256="5be64631d085e3efc700728395516da3512ff9de17dab30d253508441a98d3f0",
    ),
    104: PublishedFile(
        size_bytes=153_227_482,
        sha256="7eb272213cbfe11d9e466a2163b6c9c2ed8d2542fc6f08283fd1bf222cac8994",
    ),
    105: PublishedFile(
        size_bytes=173_773_599,
        sha256="7837cfede57fe45ec20d553c6c2b0c498ab324daae23bfd202c0ffea9f71a7f6",
    ),
    106: PublishedFile(
        size_bytes=168_263_273,
        sha256="0da1dda3fa56d75d6413fc9198949d3ebc2102d77574cb5fe0739674687609f2",
    ),
    107: PublishedFile(
        size_bytes=145_823_268,
        sha256="a02195e9599eb249f79103912d27eb4f62d8a0f59e4763b0dd8250fee5f3f020",
    ),
    108: PublishedFile(
        size_bytes=190_019_653,
        sha256="81ce6b21b9c1e01dc02099c4f9387699547b08b28b387d09a56e0cb0a8af22fc",
    ),
    109: PublishedFile(
        size_bytes=3_891_140,
        sha256="5109d5cd8334769566b4ae602adf3e5f4bb7b9ee8ca678f0c481d333114b07c7",
    ),
}
"""Protocol files of UCI data set 231 by subject."""


def file_name(subject: int) -> str:
    """Return the name of a subject's file."""
    return f"subject{subject}.dat"


def find_protocol(data_dir: Path) -> Path:
    """Find the Protocol folder of a data set.

    Args:
        data_dir: Folder that holds `Protocol` or `PAMAP2_Dataset/Protocol`, or the Protocol
            folder itself.

    Raises:
        DataError: There is no Protocol folder, or the folder `Optional` was given.
    """
    if data_dir.name == OPTIONAL_FOLDER:
        message = (
            f"{data_dir}: these are the further activities that some people did, and no part of the "
            f"Protocol. Give the folder that holds it, {data_dir.parent}."
        )
        raise DataError(message)
    for folder in (data_dir / "Protocol", data_dir / "PAMAP2_Dataset" / "Protocol", data_dir):
        if any((folder / file_name(subject)).is_file() for subject in SUBJECTS):
            return folder
    what = "has no" if data_dir.is_dir() else "is no folder; expected is one with"
    message = (
        f"{data_dir}: {what} Protocol/{file_name(SUBJECTS[0])}. Give the folder that was "
        "unpacked from UCI (PAMAP2_Dataset), or fetch it with "
        f"`python -m study.data get pamap2 --data-dir {shlex.quote(str(data_dir))}`, or write a synthetic one with "
        "`python -m study.data sample pamap2 --data-dir NEW_FOLDER`."
    )
    raise DataError(message)


def is_synthetic(protocol: Path) -> bool:
    """Return whether a Protocol folder was written by `study.data sample`."""
    return any((folder / SYNTHETIC_MARKER).is_file() for folder in (protocol, protocol.parent))
