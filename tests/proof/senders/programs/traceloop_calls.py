"""OpenLLMetry's instrumentation of the OpenAI SDK: traces and metrics."""

import openai
from calls import call, prompt
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

traces = TracerProvider()
traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
metrics = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
OpenAIInstrumentor().instrument(tracer_provider=traces, meter_provider=metrics)
call(openai.OpenAI(), prompt())
traces.shutdown()
metrics.shutdown()
