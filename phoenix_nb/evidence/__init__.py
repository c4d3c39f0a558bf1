"""Evidence: sequences that stay valid however often they are looked at, and the verdict. Pure."""

from phoenix_nb.evidence._blocks import BlockPlan, block_length
from phoenix_nb.evidence._boundaries import (
    bernoulli_interval,
    msprt_two_arms,
    normal_mixture_bound,
    normal_mixture_log_evidence,
    normal_mixture_rho,
)
from phoenix_nb.evidence._calibration import (
    Calibration,
    calibrate,
    equal_arms_differ,
    require_calibrated,
    require_equal_arms,
)
from phoenix_nb.evidence._columns import ArmColumns, IntervalColumns, interval_columns
from phoenix_nb.evidence._counts import (
    discordant_evalue,
    noninferiority_evalue,
    sample_ratio_p_value,
    zero_miss_upper,
)
from phoenix_nb.evidence._judge import Judge, decide, decide_columns
from phoenix_nb.evidence._latency import (
    exceedance_difference,
    exceedance_from_histogram,
    log_quantile_difference,
    quantile_bucket,
    samples_for_quantile,
)
from phoenix_nb.evidence._planning import (
    OperatingRow,
    PlanCheck,
    check_plan,
    check_plan_columns,
    require_long_enough,
)
from phoenix_nb.evidence._ratio import ratio_sequence
from phoenix_nb.evidence._saving_sequence import SavingSequence
from phoenix_nb.evidence._secondary import (
    SecondaryInterval,
    adjusted_p_values,
    hac_interval,
    sign_flip_p_value,
    stationary_block_length,
    stationary_bootstrap_interval,
)
from phoenix_nb.evidence._secondary_saving import SecondarySaving, secondary_saving
from phoenix_nb.evidence._t_sequence import t_evalue, t_sequence
from phoenix_nb.evidence._table import analyze_table, table_columns
from phoenix_nb.evidence._two_sample import Sample, TwoSampleResult, two_sample_interval

__all__ = [
    "ArmColumns",
    "BlockPlan",
    "Calibration",
    "IntervalColumns",
    "Judge",
    "OperatingRow",
    "PlanCheck",
    "Sample",
    "SavingSequence",
    "SecondaryInterval",
    "SecondarySaving",
    "TwoSampleResult",
    "adjusted_p_values",
    "analyze_table",
    "bernoulli_interval",
    "block_length",
    "calibrate",
    "check_plan",
    "check_plan_columns",
    "decide",
    "decide_columns",
    "discordant_evalue",
    "equal_arms_differ",
    "exceedance_difference",
    "exceedance_from_histogram",
    "hac_interval",
    "interval_columns",
    "log_quantile_difference",
    "msprt_two_arms",
    "noninferiority_evalue",
    "normal_mixture_bound",
    "normal_mixture_log_evidence",
    "normal_mixture_rho",
    "quantile_bucket",
    "ratio_sequence",
    "require_calibrated",
    "require_equal_arms",
    "require_long_enough",
    "sample_ratio_p_value",
    "samples_for_quantile",
    "secondary_saving",
    "sign_flip_p_value",
    "stationary_block_length",
    "stationary_bootstrap_interval",
    "t_evalue",
    "t_sequence",
    "table_columns",
    "two_sample_interval",
    "zero_miss_upper",
]
