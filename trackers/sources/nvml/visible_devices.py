"""Board that an entry of `CUDA_VISIBLE_DEVICES` stands for, among given boards. Pure text processing.

CUDA accepts indices, `GPU-` UUIDs and `MIG-` UUIDs; a UUID may be abbreviated to a unique prefix (CUDA C++
Programming Guide, environment variables). Indices here are in PCI order, as with
`CUDA_DEVICE_ORDER=PCI_BUS_ID`; CUDA's own default, fastest first, gives the same order where boards are alike.
"""

from collections.abc import Callable, Iterable, Sequence

from trackers.errors import UnknownDeviceError


def resolve(
    visible: str, boards: Sequence[str], *, parts_of: Callable[[str], Iterable[str]]
) -> str:
    """Return the board that an entry stands for.

    Args:
        visible: One entry, such as `2`, `GPU-8932f937`, `MIG-8932f937-...` or, in the old form,
            `MIG-GPU-8932f937-.../1/0`.
        boards: The boards' full UUIDs in PCI order.
        parts_of: Returns the UUIDs of a board's MIG instances.

    Returns:
        One of `boards`; for a MIG instance the board that it is part of.

    Raises:
        UnknownDeviceError: The entry matches no board, or several; the message lists the boards.
    """
    meant = _meant(visible.strip(), boards, parts_of)
    if len(meant) == 1:
        return meant[0]
    fault = f"{len(meant)} boards match" if meant else "no board matches"
    listed = ", ".join(f"{index} = {uuid}" for index, uuid in enumerate(boards))
    message = (
        f"{fault} {visible!r} in CUDA_VISIBLE_DEVICES; there are {listed or 'none'}. Give an "
        "index, or the UUID of a board (GPU-) or of a MIG instance (MIG-), or enough of its start"
    )
    raise UnknownDeviceError(message)


def _meant(
    visible: str, boards: Sequence[str], parts_of: Callable[[str], Iterable[str]]
) -> Sequence[str]:
    if visible.isascii() and visible.isdecimal():
        return boards[int(visible) :][:1]
    # The prefix is removed as a whole; lstrip("MIG-") would turn GPU-... into PU-...
    if visible.startswith("MIG-GPU-"):
        return _meant(visible.removeprefix("MIG-").partition("/")[0], boards, parts_of)
    if visible.startswith("MIG-") and visible.removeprefix("MIG-"):
        return [each for each in boards if any(p.startswith(visible) for p in parts_of(each))]
    if visible.startswith("GPU-") and visible.removeprefix("GPU-"):
        return [each for each in boards if each.startswith(visible)]
    return []
