"""Routes under /otlp/v1/, without a trailing slash: exporters append `v1/traces` to the
endpoint."""

from django.urls import path

from apps.api.telemetry.otlp import LogsIngestView, MetricsIngestView, TracesIngestView

app_name = "otlp"
urlpatterns = [
    path("traces", TracesIngestView.as_view(), name="traces"),
    path("metrics", MetricsIngestView.as_view(), name="metrics"),
    path("logs", LogsIngestView.as_view(), name="logs"),
]
