"""Write a run's events into its folder: the only module that does both torch and files."""

from __future__ import annotations

import io
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save

from dpflat.core.prefix import Parameters, active_layers
from dpflat.flatness.twin import PHASE as TWIN
from dpflat.runs import layout
from dpflat.runs.files import append_line, is_there, read_json, read_lines, replace_file, replace_json
from dpflat.runs.links import passes_link
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status
from dpflat.training.cross_check import add_second_opinions
from dpflat.training.environment import describe_environment, peak_memory_mb
from dpflat.training.events import Evaluated, Event, LayerRemoved, PhaseStarted, StepDone, Trained, TwinStep
from dpflat.training.experiment import Experiment
from dpflat.training.state import TrainState, encode_state

CHECKPOINT_SECONDS, CHECKPOINT_SHARE, HEARTBEAT_SECONDS = 2.0, 0.05, 0.5


class Recorder:
    """Keeps a run's folder true while events arrive.

    Lines of steps and rounds that are in the files already (after a resume) are not written again.
    """

    def __init__(self, folder: Path, experiment: Experiment) -> None:
        """Open a run's folder, new or resumed."""
        self.folder, self.experiment = folder, experiment
        self.private, self.artifacts = folder / layout.PRIVATE, folder / layout.ARTIFACTS
        self.started = time.monotonic()
        self.last_beat = self.last_checkpoint = self.checkpoint_took = 0.0
        recorded = read_lines(folder / layout.METRICS)
        self.recorded_step = recorded[-1]["step"] if recorded else 0
        self.seconds_before = recorded[-1]["seconds"] if recorded else 0.0
        reported = read_lines(folder / layout.EVENTS)
        self.measured = {e["step"] for e in reported if e["event"] == "evaluated"}
        self.removals = {(e["round"], e["layer"]) for e in reported if e["event"] == "layer_removed"}
        self.state: TrainState | None = None
        self.phase, self.rows_trained, self.seconds_training = "loading", 0, 0.0
        self.step_began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds of work so far, earlier sessions of this run included."""
        return self.seconds_before + time.monotonic() - self.started

    def begin(self) -> None:
        """Write what is known before the first step."""
        environment = describe_environment(self.experiment)
        if not (self.folder / layout.LEDGER).exists():
            replace_json(self.folder / layout.ENV, environment)
            ledger = add_second_opinions(self.experiment.ledger, self.experiment.plan)
            replace_json(self.folder / layout.LEDGER, ledger.model_dump(mode="json"))
        if 0 in self.experiment.schedule.trajectory_steps:
            self._keep_point(0, self.experiment.initial)
        event = "resumed" if self.recorded_step else "started"
        self._note(event, step=self.recorded_step, versions=environment["versions"], threads=environment["threads"])

    def record(self, event: Event) -> None:
        """Write one event."""
        match event:
            case PhaseStarted():
                self.phase, self.step_began = event.phase, time.monotonic()
                self.beat(force=True)
            case TwinStep():
                self.state = event.state
                self._checkpoint_when_due()
                self.beat()
            case LayerRemoved():
                self._record_removal(event)
            case StepDone():
                self._record_step(event)
            case Evaluated():
                self.step_began = time.monotonic()
                if event.step not in self.measured:
                    self.measured.add(event.step)
                    self._note(
                        "evaluated",
                        step=event.step,
                        examples=event.examples,
                        loss=event.loss,
                        **_shares_of(event),
                        seconds=self.seconds,
                    )
            case Trained():
                self._finish(event)

    def _record_step(self, event: StepDone) -> None:
        self.state = event.state
        now = time.monotonic()
        self.rows_trained += event.metrics["examples"]
        self.seconds_training += now - self.step_began
        self.step_began = now
        if event.step > self.recorded_step:
            self.recorded_step = event.step
            append_line(self.folder / layout.METRICS, {"step": event.step, "seconds": self.seconds, **event.metrics})
            if event.metrics["nonfinite"]:
                self._note("nonfinite_gradients", step=event.step, units=event.metrics["nonfinite"])
        if event.step in self.experiment.schedule.trajectory_steps:
            self._keep_point(event.step, event.state.parameters)
        self._checkpoint_when_due()
        self.beat()

    def _record_removal(self, event: LayerRemoved) -> None:
        """Keep a round of the selection: who went is released, the scores are not where the data are private."""
        path = self._scores_folder() / layout.SELECTION
        rounds = read_json(path)["rounds"] if path.exists() and event.number > 1 else []
        replace_json(path, {"step": event.step, "rounds": [*rounds[: event.number - 1], asdict(event.round)]})
        removal = (event.number, event.round.removed)
        if removal not in self.removals:
            self.removals.add(removal)
            self._note("layer_removed", step=event.step, layer=event.round.removed, round=event.number)

    def _checkpoint_when_due(self) -> None:
        """Save every two seconds, or less often where that would take more than a small share of the time."""
        if time.monotonic() - self.last_checkpoint > max(CHECKPOINT_SECONDS, self.checkpoint_took / CHECKPOINT_SHARE):
            self.checkpoint()

    def checkpoint(self) -> None:
        """Save the state to go on from."""
        if self.state is not None:
            began = time.monotonic()
            replace_file(self.private / layout.CHECKPOINT, encode_state(self.state), mode=0o600)
            self.last_checkpoint = time.monotonic()
            self.checkpoint_took = self.last_checkpoint - began

    def stop(self) -> None:
        """End early at a person's wish: everything done so far stays, and the run can go on."""
        self.checkpoint()
        if self.state is not None and self.state.phase != TWIN:
            replace_file(self.artifacts / layout.WEIGHTS, save(self.state.parameters))
        self._note("stopped", step=self.recorded_step)
        write_status(self.folder, own_status("stopped", **self._position()))

    def _finish(self, event: Trained) -> None:
        evaluation = event.evaluation
        weights = save(event.state.parameters)
        replace_file(self.artifacts / layout.WEIGHTS, weights)
        replace_file(self._scores_folder() / layout.PREDICTIONS, encode_arrays(evaluation.scores))
        canaries = self.experiment.data.canaries
        if canaries is not None:
            arrays = {"units": canaries.units, "included": canaries.included, "labels": canaries.labels}
            replace_file(self.private / layout.CANARIES, encode_arrays(arrays), mode=0o600)
        self._gather_trajectory()
        replace_json(self.artifacts / layout.RESULTS, self._results(event))
        close_folder(self.folder)

    def _results(self, event: Trained) -> dict[str, Any]:
        evaluation = event.evaluation
        nonfinite = sum(line["nonfinite"] for line in read_lines(self.folder / layout.METRICS))
        speed = self.rows_trained / self.seconds_training if self.seconds_training else None
        return {
            "split": "test",
            "examples": evaluation.examples,
            **_shares_of(evaluation),
            "loss": evaluation.loss,
            **{name: {"accuracy": arm.accuracy, "loss": arm.loss} for name, arm in event.arms.items()},
            "steps": evaluation.step,
            "nonfinite_gradients": nonfinite,
            "trained_entries": sum(p.numel() for p in event.state.parameters.values()),
            "kept_layers": list(active_layers(event.state.parameters)),
            "seconds": round(self.seconds, 1),
            "examples_per_second": speed,
            "peak_memory_mb": peak_memory_mb(),
        }

    def _scores_folder(self) -> Path:
        return self.artifacts if self.experiment.data.task.public else self.private

    def _keep_point(self, step: int, parameters: Parameters) -> None:
        folder = self.private / layout.POINTS
        folder.mkdir(exist_ok=True)
        half = {key: value.to(torch.float16) for key, value in parameters.items()}
        replace_file(folder / f"{step:06d}.safetensors", save(half))

    def _gather_trajectory(self) -> None:
        files = sorted((self.private / layout.POINTS).glob("[0-9]*.safetensors"))
        files = [file for file in files if not passes_link(self.folder, file)]
        if files:
            points = {f"{f.stem}/{key}": value for f in files for key, value in load_file(f).items()}
            replace_file(self.artifacts / layout.TRAJECTORY, save(points))

    def _position(self) -> dict[str, Any]:
        schedule = self.experiment.schedule
        trained = self.state is not None and self.state.phase != TWIN
        step = max(self.recorded_step, self.state.step if self.state is not None and trained else 0)
        left = None
        if self.rows_trained and self.seconds_training:
            rows_left = (schedule.steps - step) * schedule.expected_batch_size
            left = rows_left * self.seconds_training / self.rows_trained
        return {"phase": self.phase, "step": step, "steps": schedule.steps, "seconds_left": left}

    def beat(self, force: bool = False) -> None:
        """Say that the run lives, where that was last said half a second ago."""
        now = time.monotonic()
        if force or now - self.last_beat > HEARTBEAT_SECONDS:
            self.last_beat = now
            write_status(self.folder, own_status("running", **self._position()))

    def _note(self, event: str, **fields: Any) -> None:
        append_line(self.folder / layout.EVENTS, {"event": event, "time": time.time(), **fields})


def has_results(folder: Path) -> bool:
    """Whether all was computed and written, so that only `close_folder` may be left."""
    return is_there(folder / layout.ARTIFACTS / layout.RESULTS)


def close_folder(folder: Path) -> None:
    """Delete what only a resume needs, and seal the folder. May be repeated after a kill."""
    private, events = folder / layout.PRIVATE, folder / layout.EVENTS
    for name in (layout.CHECKPOINT, layout.NOISE_KEY):
        (private / name).unlink(missing_ok=True)
    if (private / layout.POINTS).is_symlink():
        (private / layout.POINTS).unlink()
    elif (private / layout.POINTS).exists():
        shutil.rmtree(private / layout.POINTS)
    (folder / layout.STOP).unlink(missing_ok=True)
    steps = read_json(folder / layout.ARTIFACTS / layout.RESULTS)["steps"]
    if all(e["event"] != "finished" for e in read_lines(events)):
        append_line(events, {"event": "finished", "time": time.time(), "step": steps})
    write_status(folder, own_status("finished", phase="evaluation", step=steps, steps=steps, seconds_left=0.0))
    write_manifest(folder)


def encode_arrays(arrays: dict[str, np.ndarray]) -> bytes:
    """Arrays as a compressed npz without pickle."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _shares_of(evaluation: Evaluated) -> dict[str, Any]:
    """What is kept of a measurement beside its loss, in the log and in the result."""
    kept = {
        "accuracy": evaluation.accuracy,
        "majority_share": evaluation.majority_share,
        "balanced_accuracy": evaluation.balanced_accuracy,
        "absent_classes": evaluation.absent_classes,
    }
    return {**kept, "metrics": evaluation.metrics} if evaluation.metrics else kept
