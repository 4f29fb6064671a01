"""Every exporter with its real receiver: all values arrive, and a resumed study is continued."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.trackers.exports.receivers import (
    Energies,
    mlflow_energies,
    mlflow_files,
    mlflow_runs,
    mlflow_server,
    otlp_receiver,
    scraped,
    wandb_energies,
    wandb_records,
)
from tests.trackers.exports.remembering import an_epoch
from tests.waiting import waited_for
from trackers.exports import known
from trackers.exports.exporter import DeviceUse, Epoch, Exporter, Study, Trial
from trackers.exports.known import EXPORTERS, parse_exporters
from trackers.sample import BoardState, Component

pytestmark = pytest.mark.integrations


@dataclass(frozen=True)
class World:
    """An exporter's receiver.

    Attributes:
        typed: Value of `--log` that selects the exporter.
        energies: Reads the received energies; the exporter may have to be open for it.
        remembers: Whether the energies can still be read after the exporter has ended.
    """

    typed: str
    energies: Callable[[Exporter], Energies]
    remembers: bool


@pytest.fixture(scope="module")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an MLflow server."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as uri:
        yield uri


@pytest.fixture(params=list(EXPORTERS))
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """The receiver of each exporter in turn."""
    match request.param:
        case "mlflow":
            uri = request.getfixturevalue("mlflow_uri")
            yield World(
                f"mlflow={uri}", lambda _: mlflow_energies(uri, str(tmp_path)), remembers=True
            )
        case "wandb":
            monkeypatch.setenv("WANDB_MODE", "offline")
            yield World("wandb", lambda _: wandb_energies(tmp_path), remembers=True)
        case "prometheus":
            yield World(
                "prometheus=0", lambda each: prometheus_energies(each.where), remembers=False
            )
        case _:
            with otlp_receiver() as receiver:
                monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)

                def otlp_energies(_: Exporter) -> Energies:
                    return {
                        str(dict(labels)["trial"]): [value]
                        for (name, labels), value in receiver.points.items()
                        if name == "study.epoch.energy"
                    }

                yield World("otel", otlp_energies, remembers=True)


def prometheus_energies(url: str) -> Energies:
    """Energy of each trial in a scrape; counters hold sums only."""
    return {
        dict(labels)["trial"]: [value]
        for (name, labels), value in scraped(url).items()
        if name == "power_of_training_epoch_energy_joules_total"
    }


def sums(energies: Energies) -> dict[str, float]:
    """Energy of each trial."""
    return {trial_id: sum(each) for trial_id, each in energies.items()}


def received(world: World, exporter: Exporter, trials: set[str]) -> dict[str, float] | None:
    """Energy of each trial; None until all have arrived, because receivers may work in their own processes."""
    found = sums(world.energies(exporter))
    return found if set(found) == trials else None


def study(folder: Path) -> Study:
    """A study in a folder."""
    return Study(
        identity=str(folder),
        name="mine",
        parameters={"repeats": "2", "odd @ name": "x" * 9000},
        tags={"paradigm": "regime"},
        folder=folder,
    )


def trial(trial_id: str) -> Trial:
    """A trial."""
    return Trial(trial_id=trial_id, identity=trial_id, parameters={"batch_size": "64"})


def use(trial_id: str, *, energy_j: float = 50.0) -> DeviceUse:
    """The use of a board."""
    return DeviceUse(
        host="h1",
        device_uuid="GPU-1",
        device_name="A board",
        component=Component.GPU,
        trial_id=trial_id,
        estimated=False,
        power_w=250.0,
        energy_j=energy_j,
        state=BoardState(temperature_c=61.0, power_limit_w=300.0),
    )


def opened(world: World) -> Exporter:
    """The exporter as `--log` opens it."""
    (requested,) = parse_exporters([world.typed])
    return requested.open()


def test_exported_energies_arrive(world: World, tmp_path: Path) -> None:
    """The energies of two trials arrive, although an epoch has none, a trial has failed and files are sent."""
    exporter = opened(world)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("a report")

    exporter.begin(study(tmp_path))
    for name in ("a", "b"):
        exporter.begin_trial(trial(name))
    exporter.devices([use("a")])
    exporter.epoch(an_epoch(1, trial_id="a", energy_j=10.5))
    exporter.epoch(an_epoch(1, trial_id="b", energy_j=1.25))
    exporter.epoch(an_epoch(2, trial_id="a", energy_j=None))
    exporter.epoch(an_epoch(3, trial_id="a", energy_j=20.0))
    exporter.end_trial("a", failed=False, totals={"energy_j": 30.5})
    exporter.end_trial("b", failed=True, totals={})
    exporter.keep([tmp_path / "report"])
    before = {} if world.remembers else sums(world.energies(exporter))
    exporter.end(finished=True, totals={"energy_j": 31.75})

    after = before or waited_for(lambda: received(world, exporter, {"a", "b"}), "the energies")
    assert after == {"a": 30.5, "b": 1.25}


def test_a_resumed_study_continues_its_earlier_runs(world: World, tmp_path: Path) -> None:
    """A later command repeats the epochs of an earlier one; none is counted twice and none is lost."""
    first = opened(world)
    first.begin(study(tmp_path))
    first.begin_trial(trial("a"))
    first.epoch(an_epoch(1, energy_j=10.0))
    first.end(finished=False, totals={})

    again = opened(world)
    again.begin(study(tmp_path))
    again.begin_trial(trial("a"))
    again.epoch(earlier(an_epoch(1, energy_j=10.0)))
    again.begin_trial(trial("a"))
    again.epoch(an_epoch(2, energy_j=5.0))
    before = {} if world.remembers else sums(world.energies(again))
    again.end_trial("a", failed=False, totals={"energy_j": 15.0})
    again.end(finished=True, totals={})

    if world.remembers:
        waited_for(lambda: received(world, again, {"a"}) == {"a": 15.0}, "15 J of the trial")
    else:
        assert before == {"a": 15.0}


def earlier(epoch: Epoch) -> Epoch:
    """The epoch, marked as exported by an earlier command."""
    return replace(epoch, is_earlier=True)


def test_mlflow_nests_trials_in_the_study(mlflow_uri: str, tmp_path: Path) -> None:
    """The study is a run with files, and each trial a child with its parameters, whose attempts share the run."""
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("a report")
    exporter = opened(World(f"mlflow={mlflow_uri}", lambda _: {}, remembers=True))

    exporter.begin(study(tmp_path))
    for name in ("a", "b", "a"):
        exporter.begin_trial(trial(name))
    exporter.epoch(an_epoch(1, energy_j=2.0))
    exporter.end_trial("a", failed=False, totals={"energy_j": 2.0})
    exporter.end_trial("b", failed=True, totals={})
    exporter.keep([tmp_path / "report", Path(__file__)])
    exporter.end(finished=True, totals={"energy_j": 2.0})

    own = {
        run.info.run_name: run
        for run in mlflow_runs(mlflow_uri)
        if run.data.tags["power_of_training.identity"].startswith(f"{tmp_path}/")
    }
    assert set(own) == {"mine", "a", "b"}
    assert own["a"].data.tags["mlflow.parentRunId"] == own["mine"].info.run_id
    assert own["a"].data.params == {"batch_size": "64"}
    assert own["a"].data.tags["energy_method"] == "counter"
    assert [own[each].info.status for each in ("mine", "a", "b")] == [
        *("FINISHED", "FINISHED", "FAILED")
    ]
    assert own["mine"].data.metrics["total/energy_j"] == 2.0
    assert own["a"].data.metrics["total/energy_j"] == 2.0
    files = mlflow_files(mlflow_uri, own["mine"].info.run_id)
    assert files == {"report/index.html", Path(__file__).name}


def test_mlflow_run_without_parameters_gets_them_later(mlflow_uri: str, tmp_path: Path) -> None:
    """A run without parameters is completed when it is found again, even by an identity with a quote."""
    quoted = replace(study(tmp_path), identity=f"{tmp_path}/it's")
    exporter = opened(World(f"mlflow={mlflow_uri}", lambda _: {}, remembers=True))
    exporter.begin(replace(quoted, parameters={}))

    exporter.begin(quoted)
    exporter.end(finished=True, totals={})

    own = [
        run.data.params
        for run in mlflow_runs(mlflow_uri)
        if run.data.tags["power_of_training.identity"].startswith(quoted.identity)
    ]
    assert [each["repeats"] for each in own] == ["2"]


def test_wandb_groups_trials_by_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The study and each trial with an epoch have a run in the group of the study."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    exporter = opened(World("wandb", lambda _: {}, remembers=True))

    exporter.begin(study(tmp_path))
    exporter.begin_trial(trial("a"))
    exporter.begin_trial(trial("b"))
    exporter.epoch(an_epoch(1, energy_j=2.0))
    exporter.end(finished=True, totals={})

    def groups() -> dict[str, str]:
        runs = [each.run for _, each in wandb_records(tmp_path) if each.HasField("run")]
        return {each.display_name: each.run_group for each in runs}

    # W&B writes them in a separate process.
    waited_for(lambda: len(groups()) > 1, "the runs of the study and of its trial")
    assert groups() == {"mine": "mine", "a": "mine"}


def export_a_restarted_trial(typed: str, folder: Path) -> None:
    """Export an epoch of a trial, and from a later command another, under another `trial_id`."""
    for number, trial_id in enumerate(("before", "after"), start=1):
        exporter = opened(World(typed, lambda _: {}, remembers=True))
        exporter.begin(study(folder))
        exporter.begin_trial(replace(trial("a"), trial_id=trial_id))
        exporter.epoch(an_epoch(number, trial_id=trial_id))
        exporter.end(finished=True, totals={})


def test_mlflow_finds_a_trial_by_its_identity(mlflow_uri: str, tmp_path: Path) -> None:
    """A trial that Tune restarts has another `trial_id`; its epochs are added to the same run."""
    export_a_restarted_trial(f"mlflow={mlflow_uri}", tmp_path)

    assert mlflow_energies(mlflow_uri, f"{tmp_path}/a") == {"before": [1.0, 1.0]}


def test_wandb_finds_a_trial_by_its_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial that Tune restarts has another `trial_id`, but the same run in W&B."""
    monkeypatch.setenv("WANDB_MODE", "offline")

    export_a_restarted_trial("wandb", tmp_path)

    def ids() -> dict[str, str]:
        runs = [each.run for _, each in wandb_records(tmp_path) if each.HasField("run")]
        return {each.display_name: each.run_id for each in runs}

    waited_for(lambda: {"before", "after"} <= set(ids()), "both runs")
    assert ids()["before"] == ids()["after"]


def test_prometheus_has_devices_and_their_state() -> None:
    """Power is that of the present trial; the energy of an ended trial remains; the board's state is shown."""
    exporter = opened(World("prometheus=0", lambda _: {}, remembers=False))
    exporter.begin(Study(identity="i", name="mine"))

    exporter.devices([use("a", energy_j=50.0)])
    exporter.devices([use("b", energy_j=7.0)])

    scrape = {
        (name, dict(labels).get("trial")): value
        for (name, labels), value in scraped(exporter.where).items()
    }
    exporter.end(finished=True, totals={})
    assert scrape["power_of_training_device_power_watts", "b"] == 250.0
    assert ("power_of_training_device_power_watts", "a") not in scrape
    assert scrape["power_of_training_device_energy_joules_total", "a"] == 50.0
    assert scrape["power_of_training_device_energy_joules_total", "b"] == 7.0
    assert scrape["power_of_training_temperature_celsius", None] == 61.0
    assert ("power_of_training_clock_hertz", None) not in scrape


def test_the_dashboard_queries_only_exported_metrics() -> None:
    """Each metric and label in `grafana.json` occurs in a scrape."""
    text = (Path(known.__file__).parent / "grafana.json").read_text()
    exporter = opened(World("prometheus=0", lambda _: {}, remembers=False))
    exporter.begin(Study(identity="i", name="mine"))
    whole = BoardState(temperature_c=61.0, sm_clock_hz=1e9, utilization=0.5, power_limit_w=300.0)

    exporter.devices([replace(use("a"), state=whole)])
    exporter.epoch(an_epoch(1))

    labels_of = {name: dict(labels) for name, labels in scraped(exporter.where)}
    exporter.end(finished=True, totals={})
    expressions = [
        target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]
    ]
    for expression in expressions:
        (name,) = re.findall(r"power_of_training_\w+", expression)
        labels = re.findall(r"(\w+)(?==~|!=)|by \(([\w, ]+)\)", expression)
        queried = {each for one, some in labels for each in (one, *some.split(", ")) if each}
        assert queried <= set(labels_of[name]), expression
