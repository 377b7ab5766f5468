"""One run, read from its folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from dpflat.config import RunConfig, build_config
from dpflat.errors import ChangedError
from dpflat.privacy.ledger import PrivacyLedger
from dpflat.runs import layout
from dpflat.runs.contradiction import find_contradiction
from dpflat.runs.files import is_there, read_json, read_last_line, unreadable
from dpflat.runs.schemas import ANY, ENVIRONMENT, EVENT, LABEL, RESULTS, STEP
from dpflat.runs.status import JobFolder
from dpflat.runs.stored import check_schema, read_manifest, read_stored, read_stored_lines

if TYPE_CHECKING:
    import pandas as pd

    from dpflat.runs.store import Store

LEDGER = TypeAdapter(PrivacyLedger)


@dataclass(frozen=True)
class Run(JobFolder):
    """A run's folder, read when asked. A damaged file raises a sentence, and the other files can still be read.

    Attributes:
        folder: where it lies.
        shipped: whether it came with the lab.
        store: that it was found for, where analyses of a shipped run lie; None where it was found for none.
    """

    folder: Path
    shipped: bool = False
    store: Store | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def named_at(self) -> Path:
        """The folder by which a command finds it and its analyses: a shipped run in the store it was found for."""
        return self.store.root / self.id if self.shipped and self.store is not None else self.folder

    @cached_property
    def config(self) -> RunConfig:
        """The settings."""
        return build_config(read_stored(self.folder, layout.CONFIG, ANY), f"config.json of '{self.id}'", quote=False)

    @cached_property
    def label(self) -> dict[str, Any]:
        """Name, note and group, if given."""
        path = f"{self.folder}/{layout.LABEL}"
        return check_schema(path, read_json(path), LABEL) if self.has(layout.LABEL) else {}

    @property
    def steps(self) -> list[dict[str, Any]]:
        """One mapping for each finished step, in order, each step once."""
        by_step = {line["step"]: line for line in read_stored_lines(self.folder, layout.METRICS, STEP)}
        return [by_step[step] for step in sorted(by_step)]

    @property
    def last_step(self) -> dict[str, Any] | None:
        """The newest finished step, however many there are; None before the first."""
        path = self.folder / layout.METRICS
        last = read_last_line(path)
        return None if last is None else check_schema(path, last, STEP)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What happened, in order."""
        return read_stored_lines(self.folder, layout.EVENTS, EVENT)

    @property
    def metrics(self) -> pd.DataFrame:
        """One row a step, with `test_accuracy` and `test_loss` where the test split was measured."""
        import pandas as pd

        table = pd.DataFrame(self.steps)
        measured = {e["step"]: e for e in self.events if e["event"] == "evaluated"}
        if not table.empty:
            for column, name in (("test_accuracy", "accuracy"), ("test_loss", "loss")):
                table[column] = [measured.get(step, {}).get(name) for step in table["step"]]
        return table

    @cached_property
    def ledger(self) -> PrivacyLedger:
        """Every touch of data; epsilon by other accountants only where a manifest says what was written."""
        ledger = read_stored(self.folder, layout.LEDGER, LEDGER)
        try:
            ledger.guarantee()
        except ValueError:
            raise unreadable(self.folder / layout.LEDGER, "lacks an epsilon or a delta") from None
        if problem := find_contradiction(self.config, ledger):
            raise ChangedError(
                f"changed since: {layout.LEDGER} of '{self.id}' {problem}, so no guarantee is stated for it."
            )
        sealed = read_manifest(self.folder) is not None
        others = ("epsilon_rdp", "epsilon_pld", "epsilon_prv")
        return ledger if sealed else ledger.model_copy(update=dict.fromkeys(others))

    @property
    def results(self) -> dict[str, Any]:
        """The final measurement; empty until the run is finished. A loss that was not finite is None."""
        name = f"{layout.ARTIFACTS}/{layout.RESULTS}"
        sealed = read_manifest(self.folder) is not None
        found = read_stored(self.folder, name, RESULTS) if sealed or self.has(name) else {}
        return found if sealed else {}

    @property
    def environment(self) -> dict[str, Any]:
        """Versions and hardware."""
        return read_stored(self.folder, layout.ENV, ENVIRONMENT) if self.has(layout.ENV) else {}

    def has(self, name: str) -> bool:
        """Whether one of its files is there, packed or not; no where one may not look."""
        try:
            return is_there(f"{self.folder}/{name}")
        except OSError:
            return False
