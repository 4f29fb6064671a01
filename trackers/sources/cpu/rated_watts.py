"""Rated power of CPU models, for the estimate; whole names alone, because a wrong match is worse than none.

A short list has watts and threads. A long one, `rated_watts.csv`, has the watts alone of some 4,600 chips:
taken from CodeCarbon 3.3.2 (`data/hardware/cpu_power.csv`, MIT licence, from the makers' product pages),
those of AMD and Intel whose name has one rating. It does not say how many logical CPUs a chip has,
and a virtual machine does not show it, so it names watts of a chip and makes none of a logical CPU.

A model is looked up by its whole name, freed of what systems add to it ("(R)", "64-Core Processor",
"@ 2.90GHz"). Rated is the default TDP (AMD), the TDP or the processor base power (Intel): what the
chip sheds at its base clock with all cores busy. In a turbo it draws more, with few busy cores less.
Where a chip may be set to several (the Core i7-1165G7 from 12 W on), it is the highest.

All rows were held against public tables on 2026-11-25 and agree: the watts of each with CodeCarbon
3.3.2 (`data/hardware/cpu_power.csv`, taken from the makers' product pages), watts and threads with
Boavizta's API 2.5.0 (`data/crowdsourcing/cpu_specs.csv`, taken from TechPowerUp and CPU-World). The
latter has not the threads of the Ryzen 7 7840U and 9 9950X, the Xeon Gold 6248 and Silver 4214R:
those are two for each of 8, 16, 20 and 12 cores by what owners and sellers of such machines write.
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
"""What systems put around a model's name."""

CODECARBON = "CodeCarbon 3.3.2, cpu_power.csv"
AMD = "AMD, product specifications: default TDP, threads"
INTEL = "Intel ARK, product specifications: TDP or processor base power, threads"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedCpu:
    """One chip.

    Attributes:
        model: Its name, as in `plain_name`.
        watts: Its rated power.
        threads: Its logical CPUs.
        source: Where both were read.
    """

    model: str
    watts: float
    threads: int
    source: str

    @property
    def watts_per_cpu(self) -> float:
        """Rated power of one logical CPU; holds for virtual machines and several chips alike."""
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
    """A CPU's model without what the system puts around it."""
    return " ".join(_ADDED.sub(" ", name.strip()).split())


def rated(name: str) -> RatedCpu | None:
    """The chip of that name; None where it is not in the list, however near another one is.

    Args:
        name: The model as the operating system names it.
    """
    model = plain_name(name).casefold()
    return next((each for each in RATED_CPUS if each.model.casefold() == model), None)


def rated_chip_w(name: str) -> float | None:
    """Rated watts of one chip of that name, of whatever number of threads; None where none is published.

    Args:
        name: The model as the operating system names it.
    """
    chip = rated(name)
    return chip.watts if chip is not None else _published().get(plain_name(name).casefold())


@cache
def _published() -> dict[str, float]:
    """Watts by the plain name in small letters, of the long list."""
    text = files(__package__).joinpath("rated_watts.csv").read_text(encoding="utf-8")
    return {
        row["model"].casefold(): float(row["watts"]) for row in csv.DictReader(text.splitlines())
    }
