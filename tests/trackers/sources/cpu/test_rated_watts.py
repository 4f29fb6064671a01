"""Rated power of CPU models: found by the whole name, or not at all."""

import pytest

from trackers.sources.cpu.rated_watts import RATED_CPUS, _published, plain_name, rated, rated_chip_w


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("AMD EPYC 7763 64-Core Processor", "AMD EPYC 7763"),
        ("AMD Ryzen 9 7950X 16-Core Processor", "AMD Ryzen 9 7950X"),
        ("AMD Ryzen 7 7840U w/ Radeon 780M Graphics", "AMD Ryzen 7 7840U"),
        ("AMD Ryzen Threadripper PRO 5995WX 64-Cores", "AMD Ryzen Threadripper PRO 5995WX"),
        ("13th Gen Intel(R) Core(TM) i9-13900K", "Intel Core i9-13900K"),
        ("11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", "Intel Core i7-1165G7"),
        ("Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz", "Intel Xeon E5-2690 v4"),
        ("Intel(R) Xeon(R) Platinum 8480+", "Intel Xeon Platinum 8480+"),
    ],
)
def test_a_model_is_found_by_the_name_that_a_system_gives_it(name: str, model: str) -> None:
    """Trademarks, clock rates and numbers of cores around the name do not matter."""
    found = rated(name)

    assert found is not None
    assert found.model == model


@pytest.mark.parametrize(
    "name",
    [
        "AMD EPYC",  # what a virtual machine may say
        "AMD EPYC 7763P 64-Core Processor",
        "AMD Ryzen 9 7950X3D 16-Core Processor",
        "Intel(R) Xeon(R) Gold 6248R CPU @ 3.00GHz",
        "Intel(R) Xeon(R) CPU @ 2.20GHz",
        "",
    ],
)
def test_a_similar_model_is_not_taken(name: str) -> None:
    """A wrong match is worse than none, because variants of a model have other ratings."""
    assert rated(name) is None


def test_the_list_is_sound() -> None:
    """Each model is listed once, by its plain name, with a source and a plausible power."""
    models = [each.model for each in RATED_CPUS]

    assert len(set(models)) == len(models)
    for each in RATED_CPUS:
        assert plain_name(each.model) == each.model
        assert each.source
        assert 1 <= each.watts_per_cpu <= 10


@pytest.mark.parametrize(
    ("name", "watts"),
    [
        ("Intel(R) Xeon(R) Platinum 8358 CPU @ 2.60GHz", 250),
        ("AMD EPYC 7763 64-Core Processor", 280),
        ("12th Gen Intel(R) Core(TM) i7-12700H", 45),
        ("AMD Ryzen 5 5600X 6-Core Processor", 65),
        ("AMD EPYC 7B13 64-Core Processor", None),
        ("AMD EPYC 7763P 64-Core Processor", None),
    ],
)
def test_the_watts_of_a_chip_are_known_or_none(name: str, watts: float | None) -> None:
    """The watts of one chip are known for thousands of models; a similar name does not match."""
    assert rated_chip_w(name) == watts


def test_both_lists_agree() -> None:
    """The long list has each chip of the short list, with the same watts."""
    published = {each.model: _published().get(each.model.casefold()) for each in RATED_CPUS}

    assert [m for m, watts in published.items() if watts is None] == []
    assert {each.model: each.watts for each in RATED_CPUS} == published
