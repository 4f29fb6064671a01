"""Rated power of CPU models, for the estimate; matched by full names only, as a wrong match is worse than none.

A short list here has watts and threads. A long one, `rated_watts.csv`, has only the watts of some 4,600 chips.
It is taken from CodeCarbon 3.3.2 (`data/hardware/cpu_power.csv`, MIT licence, from the makers' product pages):
the chips of AMD and Intel whose name has a single rating. It does not say how many logical CPUs a chip has,
nor does a virtual machine, so it is used for the watts of a chip only, and not for those of a logical CPU.

A model is looked up by its full name, without what systems add to it ("(R)", "64-Core Processor",
"@ 2.90GHz"). The rating is the default TDP (AMD), or the TDP or processor base power (Intel): the power that
the chip dissipates at its base clock with all cores busy. In turbo mode it draws more, with few busy cores
less. Where a chip can be configured to several (the Core i7-1165G7 from 12 W on), it is the highest.

All rows were checked against public tables on 2026-11-25 and agree: the watts of each with CodeCarbon
3.3.2 (`data/hardware/cpu_power.csv`, taken from the makers' product pages), watts and threads with
Boavizta's API 2.5.0 (`data/crowdsourcing/cpu_specs.csv`, taken from TechPowerUp and CPU-World). The
latter lacks the threads of the Ryzen 7 7840U and 9 9950X, the Xeon Gold 6248 and Silver 4214R, which
have two for each of 8, 16, 20 and 12 cores according to owners and sellers of such machines.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_ADDED = re.compile(
    r"\((?:R|TM)\)|^\d+th Gen |\bCPU\b|@.*$|\b\d+-Cores?\b|\bProcessor\b| (?:w/|with) .*$",
    flags=re.IGNORECASE,
)
"""Text that systems add to a model's name."""

CODECARBON = "CodeCarbon 3.3.2, cpu_power.csv"
AMD = "AMD, product specifications: default TDP, threads"
INTEL = "Intel ARK, product specifications: TDP or processor base power, threads"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedCpu:
    """Rating of one CPU model.

    Attributes:
        model: Name of the model, as `plain_name` returns it.
        watts: Rated power of the chip.
        threads: Number of logical CPUs of the chip.
        source: Publication from which both were taken.
    """

    model: str
    watts: float
    threads: int
    source: str

    @property
    def watts_per_cpu(self) -> float:
        """Rated power of one logical CPU, which applies to virtual machines and to several chips too."""
        return self.watts / self.threads


RATED_CPUS = (
    RatedCpu(model="AMD EPYC 7543", watts=225, threads=64, source=AMD),
    RatedCpu(model="AMD EPYC 7742", watts=225, threads=128, source=AMD),
    RatedCpu(model="AMD EPYC 7763", watts=280, threads=128, source=AMD),
    RatedCpu(model="AMD EPYC 9554", watts=360, threads=128, source=AMD),
    RatedCpu(model="AMD EPYC 9654", watts=360, threads=192, source=AMD),
    RatedCpu(model="AMD Ryzen 7 7840U", watts=28, threads=16, source=AMD),
    RatedCpu(model="AMD Ryzen 9 5950X", watts=105, threads=32, source=AMD),
    RatedCpu(model="AMD Ryzen 9 7950X", watts=170, threads=32, source=AMD),
    RatedCpu(model="AMD Ryzen 9 9950X", watts=170, threads=32, source=AMD),
    RatedCpu(model="AMD Ryzen Threadripper 3990X", watts=280, threads=128, source=AMD),
    RatedCpu(model="AMD Ryzen Threadripper PRO 5995WX", watts=280, threads=128, source=AMD),
    RatedCpu(model="Intel Core i7-1165G7", watts=28, threads=8, source=INTEL),
    RatedCpu(model="Intel Core i9-13900K", watts=125, threads=32, source=INTEL),
    RatedCpu(model="Intel Xeon E5-2690 v4", watts=135, threads=28, source=INTEL),
    RatedCpu(model="Intel Xeon Gold 6248", watts=150, threads=40, source=INTEL),
    RatedCpu(model="Intel Xeon Platinum 8280", watts=205, threads=56, source=INTEL),
    RatedCpu(model="Intel Xeon Platinum 8480+", watts=350, threads=112, source=INTEL),
    RatedCpu(model="Intel Xeon Silver 4214R", watts=100, threads=24, source=INTEL),
)


def plain_name(name: str) -> str:
    """Return a CPU's model name without the text that systems add to it."""
    return " ".join(_ADDED.sub(" ", name.strip()).split())


def rated(name: str) -> RatedCpu | None:
    """Return the rating of a CPU model; None where the list does not have exactly that model.

    Args:
        name: Model name that the operating system reports.
    """
    model = plain_name(name).casefold()
    return next((each for each in RATED_CPUS if each.model.casefold() == model), None)


def rated_chip_w(name: str) -> float | None:
    """Rated watts of one chip of a model, from either list; None where neither has it.

    Args:
        name: Model name that the operating system reports.
    """
    chip = rated(name)
    return chip.watts if chip is not None else _published().get(plain_name(name).casefold())


@cache
def _published() -> dict[str, float]:
    """Watts by plain name in lower case, of the long list."""
    text = files(__package__).joinpath("rated_watts.csv").read_text(encoding="utf-8")
    return {
        row["model"].casefold(): float(row["watts"]) for row in csv.DictReader(text.splitlines())
    }
