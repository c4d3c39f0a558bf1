"""The collector configurations that engines are measured with, and how much less ours may cost."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CANDIDATES", "CHAINS", "Chain"]

_HEAD = "receivers: {otlp: {protocols: {http: {}}}}\nexporters: {file: {path: out.jsonl}}\n"
_STRIP = r"""
  resource:
    attributes:
      - {pattern: '^process\.(pid|parent_pid|command_line|command|executable\.path|owner)$$', action: delete}
"""


@dataclass(frozen=True)
class Chain:
    """Processors in the order of the text, and the largest ratio of evaluation that is the goal."""

    processors: str
    """The ``processors`` section."""
    most: float | None = 0.1
    """Ten times less, unless said otherwise; ``None`` = no goal."""
    most_at: tuple[tuple[int, float], ...] = ()
    """Other goals, by number of processes."""

    @property
    def config(self) -> str:
        """A whole configuration."""
        lines = self.processors.splitlines()
        names = [line.strip().partition(":")[0] for line in lines if line[:2] == "  " and line[2:3].strip()]
        pipeline = f"{{receivers: [otlp], processors: [{', '.join(names)}], exporters: [file]}}"
        return f"{_HEAD}processors:{self.processors}service: {{pipelines: {{metrics: {pipeline}}}}}\n"

    def goal(self, processes: int) -> float | None:
        """The largest ratio that is the goal."""
        return dict(self.most_at).get(processes, self.most)


CHAINS: dict[str, Chain] = {
    # A chain that does nothing costs the collector nothing either.
    "pass-through": Chain("\n  batch: {send_batch_size: 0}\n", most=None),
    "three OTTL conditions": Chain(
        """
  filter:
    metrics:
      datapoint:
        - IsMatch(resource.attributes["process.executable.name"], "^(sh|bash|sleep|python)")
        - metric.name == "process.disk.io" and attributes["direction"] == "read"
        - IsMatch(resource.attributes["process.command_line"], "--worker") and metric.name != "process.cpu.time"
"""
    ),
    # What is left is most of the points, and copying them is most of the work.
    "filter on value": Chain(
        """
  filter:
    metrics:
      datapoint:
        - metric.name == "process.memory.usage" and value_int < 20000000
        - metric.name == "process.cpu.time" and value_double < 0.5
""",
        most=0.25,
    ),
    # The collector compares every resource with every other one.
    "groupbyattrs": Chain("\n  groupbyattrs: {}\n", most_at=((5000, 0.02),)),
    "strip, group, aggregate": Chain(
        f"""{_STRIP}  groupbyattrs: {{}}
  transform:
    metric_statements:
      - context: metric
        statements: ['aggregate_on_attributes("sum")']
"""
    ),
    "metricstransform combine": Chain(
        f"""{_STRIP}  metricstransform:
    transforms:
      - include: ^process\\.memory\\.(?P<kind>.*)$$
        match_type: regexp
        action: combine
        aggregation_type: sum
        new_name: process.memory
        operations:
          - {{action: aggregate_labels, label_set: [kind], aggregation_type: sum}}
"""
    ),
    "cumulativetodelta": Chain("\n  cumulativetodelta: {}\n"),
    "rename": Chain(
        r"""
  metricstransform:
    transforms:
      - include: ^process\.(.*)$$
        match_type: regexp
        action: update
        new_name: host.process.$${1}
"""
    ),
}
"""The chains by name."""

CANDIDATES = (
    "three OTTL conditions",
    "filter on value",
    "strip, group, aggregate",
    "metricstransform combine",
    "cumulativetodelta",
)
"""Five configurations that somebody may want to compare."""
