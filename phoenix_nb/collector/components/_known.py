"""Types that the real collector's distributions have and this engine does not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from phoenix_nb.collector.components._base import ComponentKind

__all__ = ["KNOWN"]

_RECEIVERS: Final = """
active_directory_ds aerospike apache apachespark awscloudwatch awscontainerinsightreceiver awsecscontainermetrics
awsfirehose awss3 awsxray azureblob azure_event_hub azureeventhub azuremonitor bigip carbon chrony cloudflare
cloudfoundry collectd couchdb datadog docker_stats elasticsearch envoyals expvar faro file_stats filelog file_log
filestats flinkmetrics fluent_forward fluentforward github gitlab gitproxy googlecloudmonitoring googlecloudpubsub
googlecloudspanner haproxy httpcheck http_check huaweicloudces iis influxdb jaeger jmx journald k8s_cluster k8s_events
k8sobjects k8s_objects k8slog kafka kafkametrics kubeletstats kubelet_stats libhoney loki memcached mongodb
mongodbatlas mysql namedpipe netflow nginx nsxt ntp opencensus oracledb osquery otelarrow otlpjsonfile podman_stats
postgresql prometheus prometheus_simple purefa purefb pulsar rabbitmq receiver_creator redis riak saphana signalfx
simpleprometheus skywalking snmp snowflake solace splunk_hec splunkenterprise sqlquery sqlserver sshcheck statsd
stefexporter syslog systemd tcpcheck tcplog tcp_log tlscheck udplog udp_log vcenter vcr wavefront webhookevent
windowseventlog windows_event_log windowsperfcounters windows_perf_counters windowsservice yanggrpc zipkin zookeeper
"""
_PROCESSORS: Final = """
cardinality_guardian coralogix cumulative_to_delta cumulativetodelta datadogsemantics delta_to_cumulative delta_to_rate
deltatocumulative deltatorate dnslookup drain filter geoip groupbyattrs groupbytrace interval isolationforest
k8sattributes k8s_attributes logdedup logs_transform logstransform lookup metric_start_time metrics_generation
metrics_transform metricsgeneration metricstarttime metricstransform probabilistic_sampler queuebatch redaction
remotetap resourcedetection resource_detection schema schematransform span spanpruning sumologic tail_sampling
transform unroll
"""
_EXPORTERS: Final = """
alertmanager alibabacloud_logservice awscloudwatchlogs awsemf awskinesis awss3 awsxray azureblob azuredataexplorer
azuremonitor bmchelix carbon cassandra clickhouse coralogix datadog dataset doris elasticsearch faro
google_cloud_storage googlecloud googlecloudpubsub googlemanagedprometheus honeycombmarker influxdb kafka kinetica
load_balancing loadbalancing logicmonitor logzio loki mezmo opencensus opensearch otelarrow otlp_arrow
prometheusremotewrite prometheus_remote_write pulsar rabbitmq sapm sematext sentry signalfx splunk_hec stef sumologic
syslog tencentcloud_logservice tinybird zipkin
"""
_CONNECTORS: Final = """
count datadog exceptions failover grafanacloud metricsaslogs otlpjson roundrobin routing servicegraph signaltometrics
signal_to_metrics slowsql span_metrics spanmetrics sum
"""
_EXTENSIONS: Final = """
ack asapauthclient awsproxy azure_auth azureauth basicauth bearertokenauth cgroupruntime cfgardenobserver datadog
docker_observer ecs_observer ecs_task_observer file_storage googleclientauth headers_setter host_observer
http_forwarder jaegerremotesampling k8s_leader_elector k8s_observer memory_ballast memory_limiter oauth2client oidc
opamp redis_storage remotetap sigv4auth solarwindsapmsettings sumologic text_encoding otlp_encoding json_log_encoding
"""

KNOWN: Final[Mapping[ComponentKind, frozenset[str]]] = {
    ComponentKind.RECEIVER: frozenset(_RECEIVERS.split()),
    ComponentKind.PROCESSOR: frozenset(_PROCESSORS.split()),
    ComponentKind.EXPORTER: frozenset(_EXPORTERS.split()),
    ComponentKind.CONNECTOR: frozenset(_CONNECTORS.split()),
    ComponentKind.EXTENSION: frozenset(_EXTENSIONS.split()),
}
"""Per section the spellings that are known and not supported; a supported spelling wins."""
