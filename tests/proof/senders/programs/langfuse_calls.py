"""Langfuse's wrapper of the OpenAI SDK, with its default exporter."""

from calls import call, prompt
from langfuse import get_client
from langfuse.openai import OpenAI

call(OpenAI(), prompt())
get_client().flush()
get_client().shutdown()
