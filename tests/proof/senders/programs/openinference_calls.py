"""OpenInference's instrumentation of the OpenAI SDK, with OpenTelemetry's own exporter as its
variables set it."""

import openai
from calls import call, prompt
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIInstrumentor().instrument(tracer_provider=provider)
call(openai.OpenAI(), prompt())
provider.shutdown()
