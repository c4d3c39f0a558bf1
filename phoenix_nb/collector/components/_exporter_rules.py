"""What the collector asks of queues, retries, addresses and TLS settings that decode, in the order in which it asks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from phoenix_nb.collector.config import quote

__all__ = [
    "Findings",
    "grpc_endpoint_problem",
    "grpc_server_problem",
    "present",
    "queue_problems",
    "retry_problems",
    "server_tls_problem",
    "tls_problem",
    "tls_problems",
]

Findings = Iterator[tuple[tuple[str, ...], str]]
"""Problems as path and message."""

_SECOND: Final = 1_000_000_000
_RETRY: Final[Mapping[str, float]] = {
    "initial_interval": 5 * _SECOND,
    "max_elapsed_time": 300 * _SECOND,
    "max_interval": 30 * _SECOND,
    "multiplier": 1.5,
    "randomization_factor": 0.5,
}
_QUEUE: Final[Mapping[str, Any]] = {"queue_size": 1000, "num_consumers": 10, "sizer": "requests"}
_BATCH: Final[Mapping[str, Any]] = {
    "flush_timeout": _SECOND // 5,
    "min_size": 8192,
    "max_size": 0,
    "sizer": "items",
}
_MOST_MIB: Final = ((1 << 63) - 1) // 1024 // 1024
_TLS_VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3")


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are there; those without a value keep their defaults."""
    return {
        key: present(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value is not None
    }


def queue_problems(values: Mapping[str, Any]) -> Findings:
    """What is wrong with ``sending_queue``."""
    given = values.get("sending_queue")
    if not isinstance(given, Mapping) or given.get("enabled") is False:
        return
    queue = {**_QUEUE, **given}
    batch = _batch_of(given)
    found = [*_queue(queue, batch), *(f"batch: {text}" for text in _batch(batch))]
    if found:
        yield ("sending_queue",), "\n".join(found)


def _batch_of(queue: Mapping[str, Any]) -> Mapping[str, Any] | None:
    given = queue.get("batch")
    if not isinstance(given, Mapping) or given.get("enabled") is False:
        return None
    # A batch without a sizer takes that of the queue, when the queue has one of its own.
    sized = {"sizer": queue["sizer"]} if "sizer" in queue else {}
    return {**_BATCH, **sized, **given}


def _queue(queue: Mapping[str, Any], batch: Mapping[str, Any] | None) -> Iterator[str]:
    if queue["num_consumers"] <= 0:
        yield "`num_consumers` must be positive"
    elif queue["queue_size"] <= 0:
        yield "`queue_size` must be positive"
    elif queue.get("storage") is not None and queue.get("wait_for_result"):
        yield "`wait_for_result` is not supported with a persistent queue configured with `storage`"
    elif batch and batch["sizer"] == queue["sizer"] and batch["min_size"] > queue["queue_size"]:
        yield "`min_size` must be less than or equal to `queue_size`"


def _batch(batch: Mapping[str, Any] | None) -> Iterator[str]:
    if batch is None:
        return
    least, most = batch["min_size"], batch["max_size"]
    if batch["sizer"] == "requests":
        yield '`batch` supports only `items` or `bytes` sizer, found "requests"'
    elif batch["flush_timeout"] <= 0:
        yield f"`flush_timeout` must be positive, found {batch['flush_timeout']}"
    elif least < 0:
        yield f"`min_size` must be non-negative, found {least}"
    elif most < 0:
        yield f"`max_size` must be non-negative, found {most}"
    elif 0 < most < least:
        yield f"`max_size` ({most}) must be greater or equal to `min_size` ({least})"
    seen: set[str] = set()
    for key in (batch.get("partition") or {}).get("metadata_keys") or ():
        if key.lower() in seen:
            yield f"partition: duplicate entry in metadata_keys: {quote(key.lower())} (case-insensitive)"
            return
        seen.add(key.lower())


def retry_problems(values: Mapping[str, Any]) -> Findings:
    """What is wrong with ``retry_on_failure``; it is checked also where it is switched off."""
    given = values.get("retry_on_failure")
    if not isinstance(given, Mapping):
        return
    retry = {**_RETRY, **given}
    found: list[str] = []
    for key in ("initial_interval", "max_interval"):
        if 0 < retry["max_elapsed_time"] < retry[key] and not found:
            found.append(f"'max_elapsed_time' must not be less than '{key}'")
    found.extend(f"{key} value must be greater than or equal to 0" for key in _RETRY if retry[key] < 0)
    if retry["randomization_factor"] > 1:
        found.append("randomization_factor value must be less than or equal to 1")
    if found:
        yield ("retry_on_failure",), "\n".join(found)


def tls_problems(values: Mapping[str, Any]) -> Findings:
    """What is wrong with the TLS settings of a client; the collector says it twice."""
    text = tls_problem(values.get("tls"))
    if text:
        yield ("clientconfig", "tls"), text
        yield ("clientconfig", "tls", "config"), text


def tls_problem(tls: object) -> str:
    """What is wrong with what TLS settings of clients and servers have in common; empty when it is right."""
    if not isinstance(tls, Mapping):
        return ""
    has = {name: bool(tls.get(f"{name}_file")) for name in ("ca", "cert", "key")}
    pem = {name: bool(tls.get(f"{name}_pem")) for name in has}
    for name, both in (
        ("ca", "provide either a CA file or the PEM-encoded string, but not both"),
        ("cert", "provide either certificate file or PEM, but not both"),
        ("key", "provide either key file or PEM, but not both"),
    ):
        if has[name] and pem[name]:
            return both
    if (has["cert"] or pem["cert"]) != (has["key"] or pem["key"]):
        return "TLS configuration must include both certificate and key (CertFile/CertPem and KeyFile/KeyPem)"
    return _tls_versions(tls)


def _tls_versions(tls: Mapping[str, Any]) -> str:
    for key in ("min_version", "max_version"):
        version = tls.get(key)
        if version and version not in _TLS_VERSIONS:
            return f"invalid TLS {key}: unsupported TLS version: {quote(version)}"
    # Without a least version it is 1.2.
    if tls.get("max_version") and tls["max_version"] < (tls.get("min_version") or "1.2"):
        return "invalid TLS configuration: min_version cannot be greater than max_version"
    return ""


def server_tls_problem(tls: object) -> str:
    """What is wrong with the TLS settings of a server; empty when it is right."""
    if not isinstance(tls, Mapping) or tls.get("enabled") is False:
        return ""
    if not any(tls.get(key) for key in ("cert_file", "cert_pem", "key_file", "key_pem")):
        return "TLS configuration must include both certificate and key for server connections"
    text = tls_problem(tls)
    return f"config: {text}" if text else ""


def grpc_endpoint_problem(endpoint: str) -> str:
    """What is wrong with the address of a gRPC client; empty when it has a host and a port."""
    if endpoint.startswith("unix://"):
        return "" if endpoint != "unix://" else "unix socket path cannot be empty"
    address = endpoint.removeprefix("http://")
    if address == endpoint:
        address = endpoint.removeprefix("https://")
    if address == endpoint and "://" in endpoint:
        # The path is what follows the authority; what comes after it takes no part.
        address = endpoint.partition("://")[2].partition("/")[2].partition("?")[0].partition("#")[0]
    return _address_problem(address) if address else ""


def _address_problem(address: str) -> str:
    host, colon, port = address.rpartition(":")
    if not colon or (address.startswith("[") and address.endswith("]")):
        return f"address {address}: missing port in address"
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        return f"address {address}: too many colons in address"
    return "" if re.fullmatch(r"[-+]?[0-9]+", port, re.ASCII) else f'invalid port "{port}"'


def grpc_server_problem(server: Mapping[str, Any]) -> str:
    """What is wrong with the sizes of a gRPC server; empty when they are right."""
    size = server.get("max_recv_msg_size_mib", 0)
    if size < 0:
        return f"invalid max_recv_msg_size_mib value, must be between 1 and {_MOST_MIB}: {size}"
    for key in ("read_buffer_size", "write_buffer_size"):
        if server.get(key, 0) < 0:
            return f"invalid {key} value: {server[key]}"
    return ""
