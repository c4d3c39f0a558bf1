"""Evidence: sequences that stay valid however often they are looked at, and the verdict. Pure."""

from phoenix_nb.evidence._blocks import BlockPlan, block_length
from phoenix_nb.evidence._columns import ArmColumns, IntervalColumns, interval_columns
from phoenix_nb.evidence._counts import (
    discordant_evalue,
    noninferiority_evalue,
    sample_ratio_p_value,
    zero_miss_upper,
)
from phoenix_nb.evidence._judge import Judge, decide, decide_columns
from phoenix_nb.evidence._ratio import ratio_sequence
from phoenix_nb.evidence._t_sequence import t_evalue, t_sequence

__all__ = [
    "ArmColumns",
    "BlockPlan",
    "IntervalColumns",
    "Judge",
    "block_length",
    "decide",
    "decide_columns",
    "discordant_evalue",
    "interval_columns",
    "noninferiority_evalue",
    "ratio_sequence",
    "sample_ratio_p_value",
    "t_evalue",
    "t_sequence",
    "zero_miss_upper",
]
