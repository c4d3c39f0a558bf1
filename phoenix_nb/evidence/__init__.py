"""Evidence: sequences that stay valid however often they are looked at, and the verdict. Pure."""

from phoenix_nb.evidence._blocks import BlockPlan, block_length
from phoenix_nb.evidence._counts import discordant_evalue, zero_miss_upper
from phoenix_nb.evidence._ratio import ratio_sequence
from phoenix_nb.evidence._t_sequence import t_evalue, t_sequence

__all__ = [
    "BlockPlan",
    "block_length",
    "discordant_evalue",
    "ratio_sequence",
    "t_evalue",
    "t_sequence",
    "zero_miss_upper",
]
