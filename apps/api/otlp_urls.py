"""Under /otlp/v1/, without a slash at the end: exporters append `v1/traces` to the endpoint
themselves."""

from django.urls import path

from apps.api.otlp import LogsDoor, MetricsDoor, TracesDoor

app_name = "otlp"
urlpatterns = [
    path("traces", TracesDoor.as_view(), name="traces"),
    path("metrics", MetricsDoor.as_view(), name="metrics"),
    path("logs", LogsDoor.as_view(), name="logs"),
]
