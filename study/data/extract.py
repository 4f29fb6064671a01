"""Safe extraction of an untrusted zip archive and of zip archives in it.

Refused before anything is written: absolute paths, `..`, drives, links, encrypted members, and more
bytes or members than the data set can have. Existing files are never overwritten.
"""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from study.data.download import require_space
from study.errors import DataError

_MOST_MEMBERS = 10_000


def extract_zip(archive: Path, folder: Path, *, most_bytes: int) -> None:
    """Unpack an archive, and replace each archive in it by its contents (but not archives in those).

    Args:
        archive: The zip file.
        folder: Existing folder to unpack into.
        most_bytes: Largest size of all unpacked files together.

    Raises:
        DataError: The archive is damaged, dangerous or too big, or the disk is too small.
    """
    names, left = _extract_one(archive, folder, most_bytes)
    for inner in (folder / name for name in names if name.lower().endswith(".zip")):
        _extract_one(inner, inner.parent, left)
        inner.unlink()


def _extract_one(archive: Path, folder: Path, most_bytes: int) -> tuple[list[str], int]:
    """Unpack one archive, and return its members' names and how many more bytes are allowed."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            size = _checked_size(archive, opened.infolist(), most_bytes)
            require_space(folder, size, f"unpacking {archive.name}")
            for member in members:
                target = folder / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                # zipfile yields at most the declared size, and checks the CRC at the end.
                with opened.open(member) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        message = f"{archive}: damaged, or not a zip archive: {error}"
        raise DataError(message) from error
    except OSError as error:
        message = f"{archive}: cannot be unpacked to {folder}: {error}"
        raise DataError(message) from error
    return [member.filename for member in members], most_bytes - size


def _checked_size(archive: Path, members: list[zipfile.ZipInfo], most_bytes: int) -> int:
    for member in members:
        reason = _unsafe_reason(member)
        if reason:
            message = (
                f"{archive}: member {member.filename!r} {reason}; nothing was unpacked. "
                "Do not use this archive."
            )
            raise DataError(message)
    size = sum(member.file_size for member in members)
    if size > most_bytes or len(members) > _MOST_MEMBERS:
        message = (
            f"{archive}: {len(members):,} members with {size / 1e9:.1f} GB; allowed: "
            f"up to {_MOST_MEMBERS:,} with {most_bytes / 1e9:.1f} GB. Is it the right archive?"
        )
        raise DataError(message)
    return size


def _unsafe_reason(member: zipfile.ZipInfo) -> str | None:
    name = member.filename
    path = PurePosixPath(name)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        return "leads out of the folder"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if member.flag_bits & 1:
        return "is encrypted"
    return None
