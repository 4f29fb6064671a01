"""A cluster of machines that differ, under real Ray: which get trials, the warnings, and refusal on request."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import ray.cluster_utils

from study.errors import ClusterError
from study.machines.cluster import Cluster, connect
from study.machines.storage_visibility import can_access
from study.options import StudyOptions
from study.store.folder import StudyFolder
from tests.cluster.node_keywords import LEAN
from tests.fake_nvml import Boards, build

pytestmark = [pytest.mark.ray, pytest.mark.integrations]

A10G, T4 = "NVIDIA Fake A10G", "NVIDIA Fake T4"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a cluster: a head without a board, a machine with an A10G, and one with a T4."""
    library = build(tmp_path_factory.mktemp("boards"))
    machines = ray.cluster_utils.Cluster()
    machines.add_node(num_cpus=1, **LEAN)
    for model in ("A10G", "T4"):
        environment = Boards(model=model).environment(library)
        own = {k: v for k, v in environment.items() if "NVML" in k or k.startswith("LD_")}
        resources = {f"accelerator_type:{model}": 1.0}
        machines.add_node(num_cpus=1, **LEAN, num_gpus=1, resources=resources, env_vars=own)
    yield machines.address
    machines.shutdown()  # type: ignore[no-untyped-call]


def connected(
    stack: ExitStack,
    address: str,
    results: Path,
    **changes: Any,  # noqa: ANN401 - any option
) -> Cluster:
    """Connect to the cluster as a study does."""
    options = StudyOptions(address=address, **changes)
    folder = StudyFolder(str(results), "a")
    return stack.enter_context(connect(options, folder, accelerator=False))


def test_machines_that_differ_are_used_and_said(address: str, tmp_path: Path) -> None:
    """Both boards get trials, and a warning names them; the head, without a board, gets no trials."""
    with ExitStack() as stack:
        cluster = connected(stack, address, tmp_path, tracker=("nvml",))
        mixed, idle = cluster.warnings()
        sources = [facts.source for facts in cluster.node_facts()]
        answers = cluster.on_each_node(can_access, str(tmp_path), "a", "another study's")

    assert cluster.slots == 2
    assert A10G in mixed
    assert T4 in mixed
    assert idle.startswith("no trial runs on ")
    assert sorted(map(str, sources)) == ["None", "nvml", "nvml"]
    assert [answer for _, answer in answers] == [False, False, False]
    assert cluster.visibility is not None
    assert cluster.visibility.without == ()


def test_machines_that_differ_are_refused_on_request(address: str, tmp_path: Path) -> None:
    """With `--mixed-devices refuse` the error names both boards before the first trial."""
    with (
        ExitStack() as stack,
        pytest.raises(ClusterError, match="--mixed-devices refuse") as refused,
    ):
        connected(stack, address, tmp_path, mixed_devices="refuse")

    assert A10G in str(refused.value)
    assert T4 in str(refused.value)


def test_processors_alone_are_of_one_kind(address: str, tmp_path: Path) -> None:
    """Differing boards do not matter to trials on CPUs: all three machines share this processor."""
    with ExitStack() as stack:
        cluster = connected(
            stack, address, tmp_path, mixed_devices="refuse", device="cpu", tracker=("estimate",)
        )

    assert cluster.slots == 3
    assert cluster.warnings() == ()


def test_a_cluster_without_a_dashboard_is_refused_on_request(address: str, tmp_path: Path) -> None:
    """`--dashboard` is refused when the cluster's head was started without one."""
    with ExitStack() as stack, pytest.raises(ClusterError, match="--dashboard: the cluster at"):
        connected(stack, address, tmp_path, dashboard=True)
