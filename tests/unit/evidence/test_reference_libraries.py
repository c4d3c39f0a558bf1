"""Libraries that the kit relies on give the reference numbers too: statistics reference, sections 3.3, 3.4 and 3.6."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats


def test_exact_interval_of_no_failure() -> None:
    found = stats.binomtest(0, 100).proportion_ci(0.95, method="exact")
    assert found.high == pytest.approx(0.0362167, abs=1e-7)


def test_signed_ranks() -> None:
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    found = stats.wilcoxon(before, after)
    assert float(found.statistic) == 5.0
    assert float(found.pvalue) == pytest.approx(0.0390625, abs=1e-7)


@pytest.mark.parametrize(("effect", "pairs"), [(0.5, 33.367), (0.2, 198.151)])
def test_pairs_for_a_fixed_look(effect: float, pairs: float) -> None:
    from statsmodels.stats.power import tt_solve_power

    assert tt_solve_power(effect, alpha=0.05, power=0.8) == pytest.approx(pairs, abs=1e-3)


@pytest.mark.parametrize(
    ("corrected", "errors"),
    [
        (True, (0.33125644884, 0.29582347593, 1.18593380877)),
        (False, (0.32878742, 0.29361855, 1.17709443)),
    ],
)
def test_newey_west(corrected: bool, errors: tuple[float, ...]) -> None:
    from statsmodels.datasets import macrodata
    from statsmodels.regression.linear_model import OLS
    from statsmodels.stats.sandwich_covariance import cov_hac_simple

    data = macrodata.load_pandas().data
    growth = {name: 400 * np.diff(np.log(data[name].to_numpy())) for name in ("realinv", "realgdp")}
    regressors = np.column_stack([growth["realgdp"], data["realint"].to_numpy()[:-1], np.ones(len(data) - 1)])
    fit = OLS(growth["realinv"], regressors).fit()
    assert fit.params == pytest.approx([4.3742216647, -0.6139969695, -9.4816727747], abs=1e-6)
    found = np.sqrt(np.diag(cov_hac_simple(fit, nlags=4, use_correction=corrected)))
    assert found == pytest.approx(errors, abs=1e-6)
