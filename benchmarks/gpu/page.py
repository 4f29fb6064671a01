"""Text of docs/on-a-gpu.md, from the results of the parts."""

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any


def page(out: Path) -> str:
    """Return the page in Markdown; the section of a part without a result says so."""
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(out.glob("*.json"))}
    return "\n".join(_lines(found)) + "\n"


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield "# On a GPU"
    yield ""
    yield from _head(found)
    for name, (title, write) in SECTIONS.items():
        yield ""
        yield f"## {title}"
        yield ""
        if name in found:
            yield from write(found[name]["result"])
        else:
            yield "This part has no result."


def _head(found: dict[str, Any]) -> Iterator[str]:
    if any(each["emulated"] for each in found.values()):
        yield "**Emulated board: these numbers check the program, not a board.**"
        yield ""
    board = found.get("sources", {}).get("result", {})
    took_s = sum(each["took_s"] for each in found.values())
    yield "This page is for readers who want to know how the project behaves on a real NVIDIA board: how often its"
    yield "sensors are refreshed, how accurate readings are, what our training loop costs, and what number formats"
    yield "use. It is written by `python -m benchmarks.gpu`, then `python -m benchmarks.gpu --page`."
    yield ""
    yield (
        f"Measured on {board.get('board', 'board not known')}, driver {board.get('driver')}, torch "
        f"{board.get('torch')}, CUDA {board.get('cuda')}; {took_s:.0f} s in all. This is one run: repeat "
        "it before you rely on a small difference. The readings are those of the commit below; "
        "[Measure any code](trackers.md#on-a-real-board) discusses such runs."
    )
    runs: dict[tuple[str, str], list[str]] = {}
    for name, each in found.items():
        runs.setdefault((each["board"], each["commit"]), []).append(name)
    for (uuid, commit), parts in runs.items():
        yield ""
        yield f"- board `{uuid}`, commit {commit or 'not known'}: {', '.join(parts)}"


def _table(titles: Sequence[str], rows: Iterator[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(str(cell) for cell in row)} |"


def _number(value: float | None, form: str = ".3g") -> str:
    return "-" if value is None else format(value, form)


def _refresh(result: dict[str, float | None]) -> Iterator[str]:
    yield "Median time between two changes of a value, while the board is busy and idle in turn."
    yield ""
    yield from _table(("value", "ms"), ((k, _number(v)) for k, v in result.items()))


def _calls(result: dict[str, dict[str, float]]) -> Iterator[str]:
    rows = (
        (name, *(_number(each[k], ",.0f") for k in ("median_us", "p99_us", "worst_us")))
        for name, each in result.items()
    )
    yield from _table(("call", "median, us", "99 %, us", "worst, us"), rows)


def _window(result: dict[str, float]) -> Iterator[str]:
    rows = (
        (name, _number(result[f"{name}_median_ms"]), _number(result[f"{name}_worst_ms"]))
        for name in ("open", "close")
    )
    yield "How long `EnergyMeter` takes to open and close a window, in one process."
    yield ""
    yield from _table(("", "median, ms", "worst, ms"), rows)


def _counter(result: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    yield "Readings of windows. The ratio is the counter's energy over the integral of the power, where both were known."
    yield ""
    titles = ("load", "window, s", "mean power, W", "ratio: median, lowest, highest", "status")
    yield from _table(titles, _counter_rows(result))


def _counter_rows(result: dict[str, list[dict[str, Any]]]) -> Iterator[Sequence[object]]:
    for load, rows in result.items():
        for length_s in dict.fromkeys(row["length_s"] for row in rows):
            same = [row for row in rows if row["length_s"] == length_s]
            powers = [row["mean_power_w"] for row in same if row["mean_power_w"] is not None]
            ratios = [r for row in same if (r := row["counter_over_power"]) is not None]
            shown = "-"
            if ratios:
                three = (statistics.median(ratios), min(ratios), max(ratios))
                shown = ", ".join(f"{each:.3f}" for each in three)
            power = _number(statistics.median(powers) if powers else None, ".1f")
            counts = {
                s: sum(row["status"] == s for row in same) for s in ("ok", "degraded", "missing")
            }
            yield load, length_s, power, shown, _counts(counts)


def _loop(result: list[dict[str, Any]]) -> Iterator[str]:
    rows = (
        (
            row["batch_size"],
            _number(row["samples_per_s"], ".0f"),
            f"{row['ratio']:.3f} ({row['low']:.3f} to {row['high']:.3f})",
        )
        for row in result
    )
    yield from _table(("batch size", "samples/s", "ours over bare (quartiles)"), rows)


def _table2(result: dict[str, Any]) -> Iterator[str]:
    yield "Median energy of an epoch in joules, on the CelebA sample (synthetic faces) with timm's resnet18 at 128 pixels."
    yield ""
    rows = {(row["batch_size"], row["learning_rate"]): row for row in result["rows"]}
    rates = sorted({rate for _, rate in rows}, reverse=True)
    sizes = sorted({size for size, _ in rows})
    yield from _table(
        ("batch size", *(f"rate {rate:g}" for rate in rates), "s per epoch"),
        (
            (
                size,
                *(_number(rows[size, rate]["epoch_energy_j"]) for rate in rates),
                _number(statistics.median(rows[size, rate]["epoch_time_s"] for rate in rates)),
            )
            for size in sizes
        ),
    )
    yield ""
    yield f"Epochs: {_counts(result['status'])}."


def _shared(result: dict[str, Any]) -> Iterator[str]:
    yield "The same four trainings, one by one and two at once. A shared board is charged to its trials in equal parts, and its readings say so."
    yield ""
    rows = (
        (
            name,
            _number(each["energy_j"], ".0f"),
            _number(each["time_s"], ".1f"),
            _counts(each["status"]),
        )
        for name, each in result.items()
    )
    yield from _table(("trials", "J in all", "s in all", "epochs"), rows)


def _precision(result: list[dict[str, Any]]) -> Iterator[str]:
    yield "Training steps of timm's resnet18 on noise, with batches of 256 images of 160 pixels."
    yield ""
    rows = (
        (
            row["precision"],
            _number(row["j_per_1000_images"]),
            _number(row["s_per_1000_images"]),
            _number(row["mean_power_w"], ".0f"),
        )
        for row in result
    )
    yield from _table(("", "J per 1,000 images", "s per 1,000 images", "mean W"), rows)


def _sources(result: dict[str, Any]) -> Iterator[str]:
    surveyed = [
        device
        for source in result["trackers"]["sources"]
        if source["name"] == "nvml"
        for device in source["devices"]
    ]
    titles = ("device", "power limit, W", "idle, W", "counter refresh interval, ms")
    yield from _table(
        titles,
        (
            (
                each["device"]["name"],
                _number(each["device"]["power_limit_w"]),
                _number(each["idle_power_w"], ".1f"),
                _number(None if each["refresh_s"] is None else each["refresh_s"] * 1000),
            )
            for each in surveyed
        ),
    )


def _same_work(result: list[dict[str, Any]]) -> Iterator[str]:
    yield "Each window contains the same matrix products, with pauses of random length between the windows. Their"
    yield "true energy comes from the board's counter over the whole series, and errors are shares of it. Zeus"
    yield "measured the same windows from within ours."
    yield ""

    def rows() -> Iterator[Sequence[object]]:
        for row in result:
            for name in ("ours", "zeus"):
                if (errors := row[name]) is None:
                    continue
                ours = name == "ours"
                yield (
                    f"{row['length_s']:g} ({row['windows']})",
                    name,
                    *(f"{errors[key]:.2%}" for key in ("median", "mean", "p95", "worst")),
                    f"{row['within_uncertainty']:.0%}" if ours else "",
                    _counts(row["status"]) if ours else "",
                )

    titles = ("length, s (windows)", "by", "median", "mean", "95 %", "worst")
    yield from _table((*titles, "within the stated uncertainty", "status"), rows())


def _counts(status: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in status.items() if count)


def _formats(result: dict[str, Any]) -> Iterator[str]:
    yield "`--axis precision=fp32,tf32,bf16` on the CelebA sample, two seeds each. Joules and seconds are those of the median epoch."
    yield ""
    rows = (
        (
            row["batch_size"],
            row["precision"],
            row["trials"],
            _number(row["epoch_energy_j"]),
            _number(row["epoch_time_s"]),
            f"{row['best_val_score']:.1%}",
        )
        for row in result["rows"]
    )
    titles = ("batch size", "format", "trainings", "J", "s", "best accuracy, mean")
    yield from _table(titles, rows)
    yield ""
    yield f"Epochs: {_counts(result['status'])}."


def _command(result: dict[str, Any]) -> Iterator[str]:
    yield "A program that multiplies matrices, measured by `python -m trackers run`. For comparison, the board's"
    yield "own counter is read around the whole call, which takes a little longer than the program."
    yield ""
    account = result["account"]
    rows = [
        (
            f"{name}, {', '.join(part['methods']) or 'not measured'}",
            _number(part["energy_j"], ".1f"),
            _number(part["mean_power_w"], ".1f"),
            _number(account["duration_s"], ".2f"),
        )
        for name, part in account["components"].items()
    ]
    rows.append(
        (
            "the counter around it",
            _number(result["counter_j"], ".1f"),
            _number(result["counter_j"] / result["took_s"], ".1f"),
            _number(result["took_s"], ".2f"),
        )
    )
    yield from _table(("", "J", "mean W", "s"), iter(rows))


SECTIONS: dict[str, tuple[str, Callable[[Any], Iterator[str]]]] = {
    "sources": ("What the board reports", _sources),
    "refresh": ("How often a value is refreshed", _refresh),
    "calls": ("How long one NVML call takes", _calls),
    "window": ("How long opening and closing a window takes", _window),
    "counter": ("The energy counter against integrated power", _counter),
    "same_work": ("Accuracy: the same work, measured repeatedly, beside Zeus", _same_work),
    "loop": ("Speed of our training loop against a bare one", _loop),
    "table2": ("Energy per epoch by batch size and learning rate (Table 2)", _table2),
    "shared": ("Two trials on one board at once", _shared),
    "precision": ("Number formats and compilation", _precision),
    "formats": ("Number formats as an axis of a study", _formats),
    "command": ("Measuring a command", _command),
}
"""Title and writer of each part's section, by the part's name."""
