"""What trials get of machines, and what is said or refused where machines differ."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.errors import ClusterError
from study.machines.nodes import (
    Node,
    Share,
    check_resources,
    idle_warnings,
    kinds_of,
    mix_warnings,
    node_facts,
    only_model,
    refuse_mixed,
)
from trackers.node.ledger import TrackerFacts
from trackers.sample import Component, Device, Method

ON_GPU = Share(cpus=1, gpus=1)
ON_CPU = Share(cpus=1, gpus=0, device="cpu")


def node(name: str, *, cpus: float = 8, gpus: float = 0, accelerator: str | None = None) -> Node:
    """A machine."""
    return Node(node_id=name, hostname=name, cpus=cpus, gpus=gpus, accelerator=accelerator)


def facts(*devices: tuple[str, Component]) -> TrackerFacts:
    """What a tracker measures: these devices."""
    return TrackerFacts(
        node_id="n",
        hostname="h",
        source="s",
        note="somehow",
        method=Method.COUNTER,
        refused={},
        devices=tuple(
            Device(uuid=f"GPU-{number}", name=name, component=component)
            for number, (name, component) in enumerate(devices)
        ),
        idle_power_w={},
    )


A10G = facts(("NVIDIA A10G", Component.GPU))
T4 = facts(("Tesla T4", Component.GPU))
XEON = facts(("Xeon", Component.CPU))

MIXED = [node("h1", gpus=1), node("h2", gpus=1), node("h3", gpus=2), node("h4")]
MEASURED = {"h1": A10G, "h2": A10G, "h3": T4}


def test_a_machine_is_what_ray_says_of_it() -> None:
    """Resources that are not named are not there; the GPU's model is a resource's name."""
    listed = {"NodeID": "1", "NodeManagerHostname": "h", "Resources": {"CPU": 2.0, "GPU": 1.0}}
    known = {**listed, "Resources": {"GPU": 1.0, "accelerator_type:A10G": 1.0}}

    assert Node.from_ray(listed) == Node(node_id="1", hostname="h", cpus=2, gpus=1)
    assert Node.from_ray(known) == Node(
        node_id="1", hostname="h", cpus=0, gpus=1, accelerator="A10G"
    )


@given(cpus=st.integers(0, 64), gpus=st.integers(0, 8), each=st.integers(1, 8))
def test_as_many_trials_run_on_a_machine_as_fit(cpus: int, gpus: int, each: int) -> None:
    """What is scarcest decides; a trial more would not fit."""
    machine = node("h", cpus=cpus, gpus=gpus)

    trials = Share(cpus=each, gpus=1).trials_on([machine])

    assert trials * each <= cpus
    assert trials <= gpus
    assert (trials + 1) * each > cpus or trials + 1 > gpus


def test_a_cluster_on_which_nothing_fits_is_refused() -> None:
    """The message has what a trial asks for, what each machine has, and the options to lower."""
    with pytest.raises(
        ClusterError, match=r"8 CPUs and 2 GPUs.*h1: 8 CPUs, 1 GPUs; h2.*--cpus-per"
    ):
        check_resources([node("h1", gpus=1), node("h2")], Share(cpus=8, gpus=2))


def test_machines_that_differ_are_said() -> None:
    """Each kind with its machines; one without a GPU trains nothing, and so is of no kind."""
    kinds = kinds_of(MIXED, MEASURED, ON_GPU)

    (warning,) = mix_warnings(kinds)

    assert kinds == {"NVIDIA A10G": ["h1", "h2"], "Tesla T4": ["h3"]}
    assert "different devices: NVIDIA A10G (h1, h2), Tesla T4 (h3)." in warning
    assert "--mixed-devices refuse" in warning


def test_machines_that_differ_are_refused_on_request() -> None:
    """With what each has, and every way out."""
    with pytest.raises(ClusterError) as refused:
        refuse_mixed(kinds_of(MIXED, MEASURED, ON_GPU), ran_on=())

    said = str(refused.value)
    assert "NVIDIA A10G (h1, h2), Tesla T4 (h3)" in said
    assert "a cluster of one kind, or --device cpu" in said
    assert "or leave the option out" in said


def test_a_study_goes_on_only_with_the_device_it_began_with() -> None:
    """Where mixing is refused, trials that ended on another cluster count."""
    kinds = kinds_of([MIXED[0]], MEASURED, ON_GPU)

    refuse_mixed(kinds, ran_on={"NVIDIA A10G"})
    with pytest.raises(ClusterError, match=r"A10G \(h1\), Tesla T4 \(trials that ended before\)"):
        refuse_mixed(kinds, ran_on={"Tesla T4"})


def test_machines_of_one_kind_are_neither_said_nor_refused() -> None:
    """The usual cluster."""
    kinds = kinds_of(MIXED[:2], MEASURED, ON_GPU)

    refuse_mixed(kinds, ran_on=())

    assert mix_warnings(kinds) == ()


def test_two_models_in_one_machine_are_a_mix() -> None:
    """A trial gets the one or the other."""
    both = facts(("NVIDIA A10G", Component.GPU), ("Tesla T4", Component.GPU))

    kinds = kinds_of([node("h", gpus=2)], {"h": both}, ON_GPU)

    assert set(kinds) == {"NVIDIA A10G", "Tesla T4"}


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("1", {"Tesla T4"}),
        ("GPU-0", {"NVIDIA A10G"}),
        ("0,1", {"NVIDIA A10G", "Tesla T4"}),
        ("MIG-of-neither", {"NVIDIA A10G", "Tesla T4"}),
    ],
)
def test_boards_that_trials_may_not_use_make_no_mix(visible: str, names: set[str]) -> None:
    """A second board for the display does not matter where `CUDA_VISIBLE_DEVICES` leaves it out."""
    both = facts(("NVIDIA A10G", Component.GPU), ("Tesla T4", Component.GPU))

    kinds = kinds_of([node("h", gpus=2)], {"h": replace(both, visible=visible)}, ON_GPU)

    assert set(kinds) == names


def test_processors_differ_as_well() -> None:
    """On --device cpu the GPUs do not count, and the processors do."""
    other = facts(("EPYC", Component.CPU))

    kinds = kinds_of([node("h1", gpus=1), node("h2")], {"h1": XEON, "h2": other}, ON_CPU)

    assert kinds == {"Xeon": ["h1"], "EPYC": ["h2"]}


def test_without_gpus_of_its_own_a_trial_takes_what_the_machine_has() -> None:
    """With --gpus-per-trial 0 trials use a board that is there: a machine without is another kind."""
    share = Share(cpus=1, gpus=0, device="auto")
    both = facts(("NVIDIA A10G", Component.GPU), ("Xeon", Component.CPU))

    kinds = kinds_of([node("h1", gpus=1), node("h2")], {"h1": both, "h2": XEON}, share)

    assert kinds == {"NVIDIA A10G": ["h1"], "Xeon": ["h2"]}


def test_a_recording_stands_for_what_trials_train_on() -> None:
    """The processor beside it is measured too, and makes no mix of devices."""
    recording = Device(uuid="r", name="recording", component=Component.GPU, is_recording=True)
    both = replace(XEON, devices=(recording, *XEON.devices))

    kinds = kinds_of([node("h1")], {"h1": both}, ON_CPU)

    assert kinds == {"recording": ["h1"]}


@pytest.mark.parametrize(("model", "name"), [("A10G", "GPU A10G"), (None, "GPU of unknown model")])
def test_a_board_that_no_tracker_sees_has_rays_name(model: str | None, name: str) -> None:
    """An estimate of the CPU's energy says nothing of the GPU that trains."""
    machine = node("h", gpus=1, accelerator=model)

    assert set(kinds_of([machine], {"h": XEON}, ON_GPU)) == {name}


def test_machines_without_trials_are_said() -> None:
    """With what they have and what a trial asks for."""
    (warning,) = idle_warnings(MIXED, ON_GPU)

    assert warning.startswith("no trial runs on h4: 8 CPUs, 0 GPUs: each asks for 1 CPUs and 1 GPU")
    assert idle_warnings(MIXED[:3], ON_GPU) == ()


@pytest.mark.parametrize(
    ("models", "share", "only"),
    [
        (("A10G", "A10G"), ON_GPU, "A10G"),
        (("A10G", "T4"), ON_GPU, None),
        (("A10G", None), ON_GPU, None),
        (("A10G", "A10G"), ON_CPU, None),
    ],
)
def test_machines_of_another_model_can_be_kept_off(
    models: tuple[str | None, ...], share: Share, only: str | None
) -> None:
    """Ray can do it where trials get GPUs and it knows the model of each."""
    nodes = [node(f"h{n}", gpus=1, accelerator=model) for n, model in enumerate(models)]

    assert only_model([*nodes, node("head")], share) == only


def test_a_trial_asks_ray_for_the_model() -> None:
    """As a sliver of a resource that only machines with it have."""
    assert Share(cpus=2, gpus=1).bundles() == [{"CPU": 2, "GPU": 1}]
    assert Share(cpus=2, gpus=0).bundles() == [{"CPU": 2}]
    assert Share(cpus=2, gpus=1, accelerator="A10G").bundles() == [
        {"CPU": 2, "GPU": 1, "accelerator_type:A10G": 0.001}
    ]


def test_the_workers_of_a_trial_share_what_it_gets() -> None:
    """Each is a bundle; they may be on several machines, as long as all of them fit."""
    share = Share(cpus=3, gpus=2, workers=2)
    machines = [node("h1", cpus=8, gpus=1), node("h2", cpus=8, gpus=2)]

    assert share.bundles() == [{"CPU": 1.5, "GPU": 1}] * 2
    assert [share.workers_on(each) for each in machines] == [1, 2]
    assert share.trials_on(machines) == 1
    assert share.trials_on(machines[:1]) == 0


def test_the_manifest_has_machines_without_trials_too() -> None:
    """Nothing is measured there."""
    idle, busy = node_facts(MIXED[3], None), node_facts(MIXED[0], A10G)

    assert (idle.hostname, idle.source, idle.devices) == ("h4", None, ())
    assert [device.name for device in busy.devices] == ["NVIDIA A10G"]


def test_the_manifest_has_what_each_component_is_measured_by() -> None:
    """Its source and method, once for boards of a kind."""
    both = replace(
        facts(("A10G", Component.GPU), ("A10G", Component.GPU), ("Xeon", Component.CPU)),
        sources={"GPU-0": "nvml", "GPU-1": "nvml", "GPU-2": "rapl"},
        methods={"GPU-2": Method.ESTIMATED},
    )

    found = node_facts(MIXED[0], both).components

    assert [(each.component, each.source, each.method) for each in found] == [
        ("cpu", "rapl", Method.ESTIMATED),
        ("gpu", "nvml", Method.COUNTER),
    ]
