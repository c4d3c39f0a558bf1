"""What kind of process an executable name stands for, as people group them."""

from __future__ import annotations

from typing import Final

import re2

__all__ = ["process_class"]

_CLASSES: Final = {
    "database": "postgres|postmaster|mysqld|mysql|mariadb|mongod|redis|memcached|etcd|clickhouse|cassandra"
    "|elasticsearch|opensearch|sqlservr|oracle|influxd|beam|rabbitmq|kafka|zookeeper",
    "web server": "nginx|apache2|httpd|haproxy|envoy|traefik|caddy|lighttpd|varnish|squid",
    "application": "java|node|python|ruby|php|perl|dotnet|gunicorn|uwsgi|uvicorn|puma|erlang|deno|bun",
    "container": "dockerd|docker|containerd|crio|runc|kubelet|kube|podman|conmon|pause",
    "monitoring": "otelcol|prometheus|grafana|telegraf|datadog|node_exporter|fluent|vector|collectd|zabbix|agent",
    "system": "systemd|init|sshd|dbus|cron|crond|rsyslog|udevd|polkit|NetworkManager|chronyd|ntpd|agetty|login|su",
    "kernel": "kworker|ksoftirqd|kthreadd|migration|rcu_|cpuhp|idle_inject|kswapd|jbd2|irq/",
    "build": "gcc|g\\+\\+|cc1|ld|collect2|as|make|cmake|ninja|cargo|rustc|go|javac|git|clang",
    "browser": "chrome|chromium|firefox|safari|msedge",
    "shell and helper": "sh|bash|dash|zsh|fish|sleep|timeout|cat|grep|sed|awk|find|xargs|ls|ps|top|tail|less|ssh|scp"
    "|rsync|curl|wget|tar|gzip|xz|sudo|watch|env|tee|sort|head|psql|pgbench",
}
_PATTERNS: Final = {
    name: re2.compile(f"^(?:{alternatives})(?:[^a-zA-Z]|$)") for name, alternatives in _CLASSES.items()
}
OTHER: Final = "other"
"""Everything that no class claims."""


def process_class(name: str) -> str:
    """The class of an executable name; ``other`` when none claims it.

    Example:
        >>> process_class("postgres"), process_class("python3.11"), process_class("shop-api")
        ('database', 'application', 'other')
    """
    return next((title for title, pattern in _PATTERNS.items() if pattern.search(name)), OTHER)
