"""Resumable download of one file over HTTP.

The unfinished file is kept beside a note of its URL and version (ETag or Last-Modified). With these the
server is asked for the rest only if its file is still the same; a server that does not support this sends
the whole file, and the download starts over.
"""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from study.errors import DataError

Progress = Callable[[int, int | None], None]
"""Callback that takes the number of bytes received and of all bytes (None if the server does not say)."""

_FRUITLESS_ATTEMPTS = 4
_WAIT_S = 2.0
_TIMEOUT = httpx.Timeout(60.0, connect=20.0)
MOST_BYTES = 20 << 30
"""Largest download if the server does not tell the file's length: twice the largest data set known here."""

_SPARE_BYTES = 100 << 20


class _TryAgainError(Exception):
    """Error: the attempt failed in a way that another attempt may not."""


def download(
    url: str,
    part: Path,
    *,
    progress: Progress,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Download `url` to the file `part`, continuing what an earlier call left there.

    A broken connection is retried, until four attempts in a row have received nothing. `part` is then kept
    for the next call.

    Args:
        url: Address of the file.
        part: File to write; its note is the file of the same name with `.json` appended.
        progress: Called at the start and after each chunk.
        wait: Waits for a number of seconds, between attempts.

    Raises:
        DataError: The server cannot be reached or refuses, or the disk is too small.
    """
    fruitless = 0
    with httpx.Client(follow_redirects=True, timeout=_TIMEOUT) as client:
        while True:
            before = _size(part)
            try:
                _attempt(client, url, part, progress)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                message = (
                    f"--url: {url!r} is not a usable address ({error}); "
                    "give an http or https address"
                )
                raise DataError(message) from error
            except (httpx.TransportError, _TryAgainError) as error:
                fruitless = 0 if _size(part) > before else fruitless + 1
                if fruitless == _FRUITLESS_ATTEMPTS:
                    reason = str(error) or type(error).__name__
                    message = f"{url}: {reason}. {_how_to_resume(part)}"
                    raise DataError(message) from error
                wait(_WAIT_S)
            except httpx.HTTPError as error:
                message = f"{url}: {error}"
                raise DataError(message) from error
            else:
                return


def discard(part: Path) -> None:
    """Delete a download and its note."""
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


def require_space(folder: Path, needed_bytes: int, purpose: str) -> None:
    """Make sure that a folder's disk has `needed_bytes` free, with 100 MiB to spare.

    Raises:
        DataError: The disk has too little space.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + _SPARE_BYTES:
        message = (
            f"{folder}: {free / 1e9:.1f} GB free, {(needed_bytes + _SPARE_BYTES) / 1e9:.1f} GB "
            f"needed for {purpose}. Make room or choose another --data-dir."
        )
        raise DataError(message)


def _how_to_resume(part: Path) -> str:
    if _size(part) == 0:
        return "Nothing was downloaded; run the same command again when the server can be reached."
    return f"{_size(part):,} bytes are kept in {part}; run the same command again to continue."


def _attempt(client: httpx.Client, url: str, part: Path, progress: Progress) -> None:
    have = _size(part)
    headers = {"Accept-Encoding": "identity"}  # ranges count bytes of the uncompressed file
    if have:
        version = _noted_version(part, url)
        if version is None:
            have = 0
        else:
            headers["Range"] = f"bytes={have}-"
            if version:
                headers["If-Range"] = version
    with client.stream("GET", url, headers=headers) as response:
        content_range = response.headers.get("Content-Range", "")
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            if content_range == f"bytes */{have}":
                progress(have, have)
                return
            discard(part)
            message = "the file on the server has changed"
            raise _TryAgainError(message)
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            message = f"the server answers {response.status_code} {response.reason_phrase}"
            raise _TryAgainError(message)
        if response.status_code == httpx.codes.PARTIAL_CONTENT:
            if not content_range.startswith(f"bytes {have}-"):
                discard(part)
                message = f"the server sends the range {content_range!r}, not the one asked for"
                raise _TryAgainError(message)
        elif response.status_code == httpx.codes.OK:
            have = 0
        else:
            message = (
                f"{url}: the server answers {response.status_code} {response.reason_phrase} "
                "instead of the file. Check the address."
            )
            raise DataError(message)
        _receive(response, url, part, have, progress)


def _receive(response: httpx.Response, url: str, part: Path, have: int, progress: Progress) -> None:
    length = response.headers.get("Content-Length")
    total = None if length is None else have + int(length)
    if total is not None:
        require_space(part.parent, total - have, "the download")
    if have == 0:
        part.write_bytes(b"")  # before the note, which describes what is in the file
        _note_path(part).write_text(
            json.dumps({"url": url, "version": _version(response)}), encoding="utf-8"
        )
    with part.open("ab") as file:
        progress(have, total)
        for chunk in response.iter_raw():
            have += len(chunk)
            if total is None and have > MOST_BYTES:
                message = (
                    f"{url}: the server sends no Content-Length, and has sent more than "
                    f"{MOST_BYTES / 1e9:.0f} GB. Fetch it in another way, and give its folder as --data-dir."
                )
                raise DataError(message)
            file.write(chunk)
            progress(have, total)


def _version(response: httpx.Response) -> str:
    """Return the version of the file that the server states; empty if it states none."""
    tag: str = response.headers.get("ETag", "")
    # A weak tag does not promise the same bytes and may not be used for ranges.
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _noted_version(part: Path, url: str) -> str | None:
    """Return the version of an unfinished file; None if it is not known to be from `url`."""
    try:
        note = json.loads(_note_path(part).read_text(encoding="utf-8"))
        return str(note["version"]) if note["url"] == url else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
