"""The shipped price file and what users lay over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_nb.errors import SettingsError
from phoenix_nb.interfaces.cost import PerGbPrice
from phoenix_nb.runtime._prices import default_prices, load_prices


def test_every_shipped_row_says_where_it_comes_from() -> None:
    book = default_prices()
    assert len(book.models) == 12
    assert {model.kind for model in book.models} == {
        "per_gb",
        "per_series_hour_mean",
        "metric_name",
        "max_series_dpm",
        "tiered_samples",
        "self_hosted_disk",
        "tiered_metrics",
    }
    assert all(model.source and model.as_of.year >= 2025 for model in book.models)
    assert book.month_hours == 730


def test_a_user_changes_only_what_is_given(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(
        "models:\n"
        "  new_relic: {price_per_gb: 0.35, bytes_factor: 1.12, as_of: 2026-11-01,"
        " source: our contract, grade: user}\n"
        "  azure_prometheus: null\n"
        "  in_house: {kind: tiered_samples, title: In house, per: 1000000, "
        "tiers: [{up_to: null, price: 0.01}], as_of: 2026-11-01, source: finance, grade: user, "
        "currency: EUR}\n"
        "overhead: {cpu_core_hour: 0.04}\n"
    )
    book = load_prices(path)
    model = book.get("new_relic")
    assert isinstance(model, PerGbPrice)
    assert (model.price_per_gb, model.bytes_factor, model.free_gb) == (0.35, 1.12, 100)
    assert "azure_prometheus" not in book.names
    assert book.names[-1] == "in_house"
    assert book.overhead.cpu_core_hour == 0.04
    assert load_prices().get("new_relic") == default_prices().get("new_relic")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: [", "is not YAML"),
        ("- 1\n", "must hold a mapping"),
        ("models: 3\n", "must map a name"),
        ("models: {new_relic: {price_per_gb: -1}}\n", r"models::new_relic::price_per_gb"),
        ("models: {new_relic: {colour: red}}\n", r"models::new_relic::colour"),
        ("models: {acme: {kind: per_moon}}\n", "cannot be used"),
        ("month_hours: nan\n", "month_hours"),
    ],
)
def test_bad_price_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_prices(path)


def test_a_missing_price_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_prices(tmp_path / "nothing.yaml")


def test_an_empty_price_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("")
    assert load_prices(path) == default_prices()
