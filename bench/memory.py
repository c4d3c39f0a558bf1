"""Peak memory of one comparison of 720 intervals over 200 simulated processes, against importing what it uses."""

from __future__ import annotations

from functools import partial

from bench._measure import Row, compare, peak_mebibytes

_IMPORTS = "import phoenix_nb.lab, pandas, polars\n"
_COMPARE = """
import phoenix_nb
from phoenix_nb.interfaces import ProcessCountConfig
from phoenix_nb.simulation import _profile_file

# The realistic profile with 200 processes instead of its own number.
file = _profile_file.load_profile_file("realistic")
count = ProcessCountConfig(initial=200, min=190, max=210)
changed = file.profile.model_copy(update={{"process_count": count}})
_profile_file._CACHE["realistic"] = file.model_copy(update={{"profile": changed}})
with phoenix_nb.connect(":memory:") as lab:
    run = lab.compare(
        "process-baseline-v1",
        "process-priority-v1",
        source="sim:realistic",
        every="10s",
        duration="2h",
        critical=["postgres*"],
        keep_payloads={keep},
    ).wait()
    assert len(run.intervals) == 720
"""


def run(repeats: int) -> list[Row]:
    """The rows."""
    return [
        compare(
            f"peak memory, 720 intervals × 200 processes, {label}",
            partial(peak_mebibytes, _COMPARE.format(keep=keep)),
            partial(peak_mebibytes, _IMPORTS),
            peer_name="the imports alone",
            unit="MiB",
            repeats=min(repeats, 3),
        )
        for label, keep in (("payloads kept in memory", True), ("payloads not kept", False))
    ]
