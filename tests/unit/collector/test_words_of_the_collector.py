"""Refused configurations: the words are those that ``otelcol validate`` of release 0.159.0 prints for the same text."""

from __future__ import annotations

import pytest

from phoenix_nb.collector import parse_config, validate_config
from phoenix_nb.interfaces.pipeline import Severity

JOINT = "decoding failed due to the following error(s):\n\n"
UNREADABLE = f"failed to get config: cannot unmarshal the configuration: {JOINT}"
HEAD = "receivers: {nop: }\nexporters: {nop: }\n"
PLAIN = "service: {pipelines: {metrics: {receivers: [nop], exporters: [nop]}}}\n"


def refused(text: str) -> list[str]:
    found = [problem for problem in validate_config(text) if problem.severity is Severity.ERROR]
    return [problem.collector_text for problem in found]


@pytest.mark.parametrize(
    ("lists", "name"),
    [
        ("receivers: nop, exporters: [nop]", "receivers"),
        ("receivers: [nop], processors: batch, exporters: [nop]", "processors"),
        ("receivers: [nop], processors: '', exporters: [nop]", "processors"),
        ("receivers: [nop], exporters: 'nop,nop'", "exporters"),
    ],
)
def test_a_text_is_no_list_of_components(lists: str, name: str) -> None:
    text = f"{HEAD}processors: {{batch: }}\nservice: {{pipelines: {{metrics: {{{lists}}}}}}}\n"
    assert refused(text) == [
        f"{UNREADABLE}'service.pipelines[metrics].{name}' source data must be an array or slice, got string"
    ]


def test_a_text_is_no_list_of_extensions() -> None:
    text = f"{HEAD}extensions: {{pprof: }}\n{PLAIN.replace('{pipelines', '{extensions: pprof, pipelines')}"
    assert refused(text) == [
        f"{UNREADABLE}'service.extensions' source data must be an array or slice, got string"
    ]


@pytest.mark.parametrize(
    ("connector", "pair", "stays"),
    [
        ("forward: ", "traces metrics", False),
        ("forward: ", "metrics logs", False),
        ("forward: ", "logs logs", True),
        ("count: ", "traces metrics", True),
        ("count: ", "metrics logs", False),
        ("count: ", "logs logs", False),
    ],
)
def test_a_connector_joins_the_signals_that_it_is_for(connector: str, pair: str, stays: bool) -> None:
    taken, given = pair.split()
    name = connector.partition(":")[0]
    text = (
        f"{HEAD}connectors: {{{connector}}}\nservice: {{pipelines: {{"
        f"{taken}/a: {{receivers: [nop], exporters: [{name}]}}, "
        f"{given}/b: {{receivers: [{name}], exporters: [nop]}}}}}}\n"
    )
    lonely = (
        f'failed to build pipelines: connector "{name}" used as exporter in [{taken}/a] pipeline '
        "but not used in any supported receiver pipeline"
    )
    assert refused(text)[:1] == ([] if stays else [lonely])


def test_a_connector_needs_a_partner_for_each_of_its_signals() -> None:
    text = (
        f"{HEAD}connectors: {{forward: }}\nservice: {{pipelines: {{"
        "traces: {receivers: [nop], exporters: [forward]}, traces/b: {receivers: [forward], exporters: [nop]}, "
        "metrics/b: {receivers: [forward], exporters: [nop]}}}\n"
    )
    lonely = (
        'failed to build pipelines: connector "forward" used as receiver in [metrics/b] pipeline '
        "but not used in any supported exporter pipeline"
    )
    assert refused(text) == [lonely]


def exporting(exporter: str) -> str:
    name = exporter.partition(":")[0]
    service = PLAIN.replace("exporters: [nop]", f"exporters: [{name}]")
    return f"receivers: {{nop: }}\nexporters: {{{exporter}}}\n{service}"


TLS_PAIR = "TLS configuration must include both certificate and key (CertFile/CertPem and KeyFile/KeyPem)"


@pytest.mark.parametrize(
    ("exporter", "words"),
    [
        ("debug: {verbosity: none}", 'exporters::debug: verbosity level "None" is not supported'),
        (
            "debug: {use_internal_logger: true, output_paths: [stdout]}",
            "exporters::debug: output_paths is not supported when use_internal_logger is true",
        ),
        (
            "debug: {sending_queue: {queue_size: -1}}",
            "exporters::debug::sending_queue: `queue_size` must be positive",
        ),
        (
            "otlp_grpc: {endpoint: 'x:1', sending_queue: {num_consumers: 0, queue_size: -1}}",
            "exporters::otlp_grpc::sending_queue: `num_consumers` must be positive",
        ),
        (
            "otlp_grpc: {endpoint: 'x:1', sending_queue: {sizer: items, queue_size: 10, batch: {min_size: 5000}}}",
            "exporters::otlp_grpc::sending_queue: `min_size` must be less than or equal to `queue_size`",
        ),
        (
            "otlp_grpc: {endpoint: 'x:1', sending_queue: {batch: {sizer: requests}}}",
            (
                "exporters::otlp_grpc::sending_queue: `min_size` must be less than or equal to `queue_size`\n"
                'batch: `batch` supports only `items` or `bytes` sizer, found "requests"'
            ),
        ),
        (
            "otlp_http: {endpoint: 'http://x', sending_queue: {batch: {min_size: 10, max_size: 5}}}",
            "exporters::otlp_http::sending_queue: batch: `max_size` (5) must be greater or equal to `min_size` (10)",
        ),
        (
            "otlp_http: {endpoint: 'http://x', sending_queue: {batch: {flush_timeout: -1s}}}",
            "exporters::otlp_http::sending_queue: batch: `flush_timeout` must be positive, found -1000000000",
        ),
        (
            "otlp_grpc: {endpoint: 'x:1', retry_on_failure: {enabled: false, max_elapsed_time: -1s}}",
            "exporters::otlp_grpc::retry_on_failure: max_elapsed_time value must be greater than or equal to 0",
        ),
        (
            "otlp_http: {endpoint: 'http://x', retry_on_failure: {max_interval: -1s, initial_interval: -1s}}",
            (
                "exporters::otlp_http::retry_on_failure: initial_interval value must be greater than or equal to 0\n"
                "max_interval value must be greater than or equal to 0"
            ),
        ),
        (
            "otlp_grpc: {endpoint: 'x:1', retry_on_failure: {max_elapsed_time: 10s}}",
            "exporters::otlp_grpc::retry_on_failure: 'max_elapsed_time' must not be less than 'max_interval'",
        ),
        (
            "otlp_grpc: {endpoint: 'x:1', tls: {cert_file: /a}}",
            f"exporters::otlp_grpc::clientconfig::tls: {TLS_PAIR}",
        ),
        (
            "prometheus: {endpoint: 'x:1', tls: {key_file: /a}}",
            f"exporters::prometheus::serverconfig::tls: config: {TLS_PAIR}",
        ),
        (
            "otlp_http: {endpoint: 'http://x', tls: {min_version: '1.5'}}",
            'exporters::otlp_http::clientconfig::tls: invalid TLS min_version: unsupported TLS version: "1.5"',
        ),
        (
            "otlp_http: {endpoint: 'http://x', tls: {max_version: '1.1'}}",
            (
                "exporters::otlp_http::clientconfig::tls: invalid TLS configuration: "
                "min_version cannot be greater than max_version"
            ),
        ),
        (
            "otlp_grpc: {endpoint: x}",
            "exporters::otlp_grpc::clientconfig: address x: missing port in address",
        ),
        ("otlp_grpc: {endpoint: 'x:y'}", 'exporters::otlp_grpc::clientconfig: invalid port "y"'),
        (
            "otlp_grpc: {endpoint: '::1:4317'}",
            "exporters::otlp_grpc::clientconfig: address ::1:4317: too many colons in address",
        ),
        (
            "otlp_grpc: {endpoint: 'x:1', timeout: -1s}",
            "exporters::otlp_grpc::timeoutconfig: 'timeout' must be non-negative",
        ),
        (
            "otlp_http: {endpoint: 'http://x', compression: gzip, compression_params: {level: 20}}",
            'exporters::otlp_http::clientconfig: unsupported parameters {Level:20} for compression type "gzip"',
        ),
        ("file: {path: a, compression: gzip}", "exporters::file: compression is not supported"),
        (
            "file: {path: a, append: true, rotation: {max_megabytes: 1}}",
            "exporters::file: append and rotation enabled at the same time is not supported",
        ),
    ],
)
def test_exporters_are_checked_as_the_collector_checks_them(exporter: str, words: str) -> None:
    assert refused(exporting(exporter))[0] == words


@pytest.mark.parametrize(
    ("exporter", "words"),
    [
        ("debug: {verbosity: loud}", "'verbosity' unknown metrics level \"loud\""),
        (
            "otlp_http: {endpoint: 'http://x', compression: zip}",
            "'compression' unsupported compression type \"zip\"",
        ),
        ("otlp_grpc: {endpoint: 'x:1', sending_queue: {sizer: big}}", "'sizer' invalid sizer: \"big\""),
        (
            "otlp_grpc: {endpoint: 'x:1', sending_queue: {batch: {size: 1}}}",
            "'queuebatch.BatchConfig' has invalid keys: size",
        ),
        (
            "otlp_grpc: {endpoint: 'x:1', keepalive: {every: 1s}}",
            "'configgrpc.KeepaliveClientConfig' has invalid keys: every",
        ),
    ],
)
def test_words_of_exporters_are_known_ones(exporter: str, words: str) -> None:
    name = exporter.partition(":")[0]
    parts = [f"'exporters' error reading configuration for \"{name}\": ", words]
    inner = {"sending_queue": ["'sending_queue' ", "'' "], "keepalive": ["'keepalive' "]}
    parts[1:1] = next((layers for part, layers in inner.items() if part in exporter), [])
    if "batch" in exporter:
        parts[-1:-1] = ["'batch' "]
    assert refused(exporting(exporter)) == [f"{UNREADABLE}{JOINT.join(parts)}"]


@pytest.mark.parametrize(
    "exporter",
    [
        "debug: {verbosity: Detailed, output_paths: }",
        "debug: {verbosity: 1}",
        "otlp_grpc: {endpoint: 'x:1', sending_queue: {enabled: false, queue_size: -1}}",
        "otlp_grpc: {endpoint: 'x:1', timeout: , compression: , sending_queue: {storage: }}",
        "otlp_grpc: {endpoint: 'dns:///x:1', retry_on_failure: {max_interval: }, tls: {cert_file: , insecure: true}}",
        "otlp_grpc: {endpoint: 'https://x:1', sending_queue: {batch: , sizer: bytes}, keepalive: }",
        "otlp_http: {endpoint: 'http://x', compression: zstd, compression_params: {level: 20}, tls: }",
        "file: {path: a, compression: , append: true, group_by: }",
    ],
)
def test_exporters_that_the_collector_takes_are_taken(exporter: str) -> None:
    assert refused(exporting(exporter)) == []


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("grpc: {tls: {cert_file: /a}}", f"receivers::otlp::protocols::grpc: tls: config: {TLS_PAIR}"),
        (
            "http: {tls: {key_file: /a}}",
            f"receivers::otlp::protocols::http: serverconfig::tls: config: {TLS_PAIR}",
        ),
        (
            "grpc: {tls: {client_ca_file: /a}}",
            (
                "receivers::otlp::protocols::grpc: tls: "
                "TLS configuration must include both certificate and key for server connections"
            ),
        ),
        (
            "grpc: {read_buffer_size: -1}",
            "receivers::otlp::protocols::grpc: invalid read_buffer_size value: -1",
        ),
        (
            "grpc: {foo: 1}",
            (
                f"{UNREADABLE}'receivers' error reading configuration for \"otlp\": {JOINT}"
                f"'protocols.grpc' {JOINT}'configgrpc.ServerConfig' has invalid keys: foo"
            ),
        ),
        (
            "http: [a]",
            (
                f"{UNREADABLE}'receivers' error reading configuration for \"otlp\": {JOINT}"
                "'protocols.http' '' expected a map or struct, got \"slice\""
            ),
        ),
    ],
)
def test_servers_are_checked_as_the_collector_checks_them(server: str, words: str) -> None:
    service = PLAIN.replace("[nop]", "[otlp]", 1)
    text = f"receivers: {{otlp: {{protocols: {{{server}}}}}}}\nexporters: {{nop: }}\n{service}"
    assert refused(text) == [words]


def telling(telemetry: str) -> str:
    return f"{HEAD}{PLAIN.replace('{pipelines', f'{{telemetry: {{{telemetry}}}, pipelines')}"


@pytest.mark.parametrize(
    ("telemetry", "section", "words"),
    [
        ("metrics: {address: ':8888'}", "metrics", "'migration.MetricsConfigV030' has invalid keys: address"),
        ("metrics: {level: Max}", "metrics", "'level' unknown metrics level \"max\""),
        ("traces: {level: x}", "traces", "'level' unknown metrics level \"x\""),
        ("logs: {level: Loud}", "logs", "'level' unrecognized level: \"Loud\""),
        ("logs: {foo: 1}", "logs", "'migration.LogsConfigV030' has invalid keys: foo"),
        ("logs: {sampling: {tick: x}}", "logs", "'sampling.tick' time: invalid duration"),
        ("metrics: {readers: x}", "metrics", "'readers' source data must be an array or slice, got string"),
        ("metrics: {readers: [{foo: 1}]}", "metrics", "'readers[0]' has invalid keys: foo"),
        ("metrics: {views: [{foo: 1}]}", "metrics", "'views[0]' has invalid keys: foo"),
        (
            "metrics: {readers: [{pull: {exporter: {prometheus: {host: 1, port: x}}}}]}",
            "metrics",
            (
                "'readers[0].pull.exporter.prometheus.host' expected type 'string', got unconvertible type 'int'\n"
                "'readers[0].pull.exporter.prometheus.port' expected type 'int', got unconvertible type 'string'"
            ),
        ),
        (
            "metrics: {readers: [{periodic: {interval: 10s, exporter: {console: {}}}}]}",
            "metrics",
            "'readers[0].periodic.interval' expected type 'int', got unconvertible type 'string'",
        ),
    ],
)
def test_telemetry_is_decoded_as_the_collector_decodes_it(telemetry: str, section: str, words: str) -> None:
    assert refused(telling(telemetry)) == [f"{UNREADABLE}'service.telemetry.{section}' {JOINT}{words}"]


@pytest.mark.parametrize(
    ("telemetry", "words"),
    [
        ("resource: x", f"{UNREADABLE}'service.telemetry.resource' expected a map or struct, got \"string\""),
        ("metrics: x", f"{UNREADABLE}'service.telemetry.metrics' expected a map or struct, got \"string\""),
        ("foo: 1", f"{UNREADABLE}'service.telemetry' has invalid keys: foo"),
        (
            "resource: {a: 1}",
            'service::telemetry::resource: legacy resource attribute "a" must be string or null',
        ),
        (
            "metrics: {readers: []}",
            "service::telemetry: collector telemetry metrics reader should exist when metric level is not none",
        ),
        (
            "metrics: {views: [{selector: {instrument_name: a}}]}",
            (
                "service::telemetry: service::telemetry::metrics::views can only be set when "
                "service::telemetry::metrics::level is detailed"
            ),
        ),
    ],
)
def test_telemetry_is_checked_as_the_collector_checks_it(telemetry: str, words: str) -> None:
    assert refused(telling(telemetry)) == [words]


@pytest.mark.parametrize(
    "telemetry",
    [
        "metrics: {level: Detailed, views: [{selector: {instrument_name: a}, stream: {name: b}}]}",
        "metrics: {level: none, readers: []}",
        "metrics: {readers: [{pull: {exporter: {prometheus: {host: localhost, port: 8888, without_units: true}}}}]}",
        "metrics: {readers: [{periodic: {exporter: {otlp: {protocol: grpc, headers: {a: b}}}}}]}",
        "logs: {level: WARN, encoding: json, output_paths: a, sampling: {enabled: true, tick: 10s}}",
        "traces: {propagators: [b3], sampler: {always_on: {}}}, resource: {a: , b: c, schema_url: d}",
        "resource: {attributes: [{name: a, value: 1}]}",
    ],
)
def test_telemetry_that_the_collector_takes_is_taken(telemetry: str) -> None:
    assert refused(telling(telemetry)) == []


def test_both_ways_to_write_the_resource_say_the_same() -> None:
    found = [
        dict(parse_config(telling(telemetry)).resource)
        for telemetry in (
            "resource: {service.name: a, b: }",
            "resource: {attributes: [{name: service.name, value: a}, {name: b}]}",
        )
    ]
    assert found == [{"service.name": "a", "b": ""}] * 2


@pytest.mark.parametrize(
    "value", ["2020-01-01", "2020-01-01T00:00:00Z", "[a, 2020-01-01]", "{a: 2020-01-01}"]
)
@pytest.mark.parametrize(("processor", "key"), [("resource", "attributes"), ("attributes", "actions")])
def test_a_date_without_quotes_is_no_value(processor: str, key: str, value: str) -> None:
    settings = f"{{{key}: [{{key: a, action: insert, value: {value}}}]}}"
    service = PLAIN.replace("exporters", f"processors: [{processor}], exporters")
    assert refused(f"{HEAD}processors: {{{processor}: {settings}}}\n{service}") == [
        (
            f'failed to build pipelines: failed to create "{processor}" processor, in pipeline "metrics": '
            "<Invalid value type time.Time>"
        )
    ]
