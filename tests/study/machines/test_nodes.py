"""Shares of machines that trials get, and warnings and errors where machines differ."""

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
    """Return a machine."""
    return Node(node_id=name, hostname=name, cpus=cpus, gpus=gpus, accelerator=accelerator)


def facts(*devices: tuple[str, Component]) -> TrackerFacts:
    """Return the facts of a tracker that measures these devices."""
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


def test_a_machine_is_read_from_rays_description() -> None:
    """Resources that Ray does not list are 0; the GPU's model is part of a resource's name."""
    listed = {"NodeID": "1", "NodeManagerHostname": "h", "Resources": {"CPU": 2.0, "GPU": 1.0}}
    known = {**listed, "Resources": {"GPU": 1.0, "accelerator_type:A10G": 1.0}}

    assert Node.from_ray(listed) == Node(node_id="1", hostname="h", cpus=2, gpus=1)
    assert Node.from_ray(known) == Node(
        node_id="1", hostname="h", cpus=0, gpus=1, accelerator="A10G"
    )


@given(cpus=st.integers(0, 64), gpus=st.integers(0, 8), each=st.integers(1, 8))
def test_as_many_trials_run_on_a_machine_as_fit(cpus: int, gpus: int, each: int) -> None:
    """The scarcest resource decides; one more trial would not fit."""
    machine = node("h", cpus=cpus, gpus=gpus)

    trials = Share(cpus=each, gpus=1).trials_on([machine])

    assert trials * each <= cpus
    assert trials <= gpus
    assert (trials + 1) * each > cpus or trials + 1 > gpus


def test_a_cluster_on_which_no_trial_fits_is_refused() -> None:
    """The message says what a trial requires, what each machine has, and which options to lower."""
    with pytest.raises(
        ClusterError, match=r"8 CPUs and 2 GPUs.*h1: 8 CPUs, 1 GPUs; h2.*--cpus-per"
    ):
        check_resources([node("h1", gpus=1), node("h2")], Share(cpus=8, gpus=2))


def test_machines_that_differ_are_warned_about() -> None:
    """The warning lists the machines of each kind; one without a GPU trains nothing and is left out."""
    kinds = kinds_of(MIXED, MEASURED, ON_GPU)

    (warning,) = mix_warnings(kinds)

    assert kinds == {"NVIDIA A10G": ["h1", "h2"], "Tesla T4": ["h3"]}
    assert "different devices: NVIDIA A10G (h1, h2), Tesla T4 (h3)." in warning
    assert "--mixed-devices refuse" in warning


def test_machines_that_differ_are_refused_on_request() -> None:
    """The message lists the kinds and every possible remedy."""
    with pytest.raises(ClusterError) as refused:
        refuse_mixed(kinds_of(MIXED, MEASURED, ON_GPU), ran_on=())

    message = str(refused.value)
    assert "NVIDIA A10G (h1, h2), Tesla T4 (h3)" in message
    assert "a cluster of one kind, or --device cpu" in message
    assert "or leave the option out" in message


def test_a_resumed_study_counts_devices_of_earlier_trials() -> None:
    """Where mixing is refused, trials that ended on another cluster's devices count as well."""
    kinds = kinds_of([MIXED[0]], MEASURED, ON_GPU)

    refuse_mixed(kinds, ran_on={"NVIDIA A10G"})
    with pytest.raises(ClusterError, match=r"A10G \(h1\), Tesla T4 \(trials that ended before\)"):
        refuse_mixed(kinds, ran_on={"Tesla T4"})


def test_machines_of_one_kind_give_no_warning_and_no_error() -> None:
    """This is the usual cluster."""
    kinds = kinds_of(MIXED[:2], MEASURED, ON_GPU)

    refuse_mixed(kinds, ran_on=())

    assert mix_warnings(kinds) == ()


def test_two_models_in_one_machine_are_a_mix() -> None:
    """A trial gets one or the other."""
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
    """A board for the display does not matter if `CUDA_VISIBLE_DEVICES` excludes it."""
    both = facts(("NVIDIA A10G", Component.GPU), ("Tesla T4", Component.GPU))

    kinds = kinds_of([node("h", gpus=2)], {"h": replace(both, visible=visible)}, ON_GPU)

    assert set(kinds) == names


def test_on_cpu_the_processors_decide() -> None:
    """With --device cpu, machines differ by their CPUs and not by their GPUs."""
    other = facts(("EPYC", Component.CPU))

    kinds = kinds_of([node("h1", gpus=1), node("h2")], {"h1": XEON, "h2": other}, ON_CPU)

    assert kinds == {"Xeon": ["h1"], "EPYC": ["h2"]}


def test_without_gpus_per_trial_the_machines_own_board_decides() -> None:
    """With --gpus-per-trial 0, trials use a GPU if there is one: a machine without one is another kind."""
    share = Share(cpus=1, gpus=0, device="auto")
    both = facts(("NVIDIA A10G", Component.GPU), ("Xeon", Component.CPU))

    kinds = kinds_of([node("h1", gpus=1), node("h2")], {"h1": both, "h2": XEON}, share)

    assert kinds == {"NVIDIA A10G": ["h1"], "Xeon": ["h2"]}


def test_a_recording_stands_for_the_device_that_trials_train_on() -> None:
    """The CPU is measured as well, but makes no mix of devices."""
    recording = Device(uuid="r", name="recording", component=Component.GPU, is_recording=True)
    both = replace(XEON, devices=(recording, *XEON.devices))

    kinds = kinds_of([node("h1")], {"h1": both}, ON_CPU)

    assert kinds == {"recording": ["h1"]}


@pytest.mark.parametrize(("model", "name"), [("A10G", "GPU A10G"), (None, "GPU of unknown model")])
def test_an_unmeasured_gpu_has_the_model_that_ray_knows(model: str | None, name: str) -> None:
    """A tracker that estimates the CPU does not know the GPU that trains."""
    machine = node("h", gpus=1, accelerator=model)

    assert set(kinds_of([machine], {"h": XEON}, ON_GPU)) == {name}


def test_machines_without_trials_are_warned_about() -> None:
    """The warning says what they have and what a trial requires."""
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
def test_trials_are_confined_to_one_gpu_model_where_possible(
    models: tuple[str | None, ...], share: Share, only: str | None
) -> None:
    """It is possible where trials get GPUs, and Ray knows that all are of one model."""
    nodes = [node(f"h{n}", gpus=1, accelerator=model) for n, model in enumerate(models)]

    assert only_model([*nodes, node("head")], share) == only


def test_a_trial_requests_its_gpu_model_from_ray() -> None:
    """It requests a tiny amount of a resource that only machines with that model have."""
    assert Share(cpus=2, gpus=1).bundles() == [{"CPU": 2, "GPU": 1}]
    assert Share(cpus=2, gpus=0).bundles() == [{"CPU": 2}]
    assert Share(cpus=2, gpus=1, accelerator="A10G").bundles() == [
        {"CPU": 2, "GPU": 1, "accelerator_type:A10G": 0.001}
    ]


def test_the_workers_of_a_trial_share_its_resources() -> None:
    """Each worker is a bundle; they may be on several machines if all of them fit."""
    share = Share(cpus=3, gpus=2, workers=2)
    machines = [node("h1", cpus=8, gpus=1), node("h2", cpus=8, gpus=2)]

    assert share.bundles() == [{"CPU": 1.5, "GPU": 1}] * 2
    assert [share.workers_on(each) for each in machines] == [1, 2]
    assert share.trials_on(machines) == 1
    assert share.trials_on(machines[:1]) == 0


def test_the_manifest_has_machines_without_trials_too() -> None:
    """They have no source and no devices, since nothing is measured there."""
    idle, busy = node_facts(MIXED[3], None), node_facts(MIXED[0], A10G)

    assert (idle.hostname, idle.source, idle.devices) == ("h4", None, ())
    assert [device.name for device in busy.devices] == ["NVIDIA A10G"]


def test_the_manifest_has_source_and_method_of_each_component() -> None:
    """Several boards are one component."""
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
