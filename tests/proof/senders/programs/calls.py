"""Calls of the OpenAI SDK: plain, streamed, embeddings, and one for a model that is gone. argv: the
prompt."""

import sys
from contextlib import suppress

import openai


def call(client: openai.OpenAI, prompt: str) -> None:
    messages = [{"role": "user", "content": prompt}]
    client.chat.completions.create(model="gpt-4o", messages=messages)
    options = {"include_usage": True}
    for _ in client.chat.completions.create(
        model="gpt-4o", messages=messages, stream=True, stream_options=options
    ):
        pass
    client.embeddings.create(model="text-embedding-3-small", input=prompt)
    with suppress(openai.NotFoundError):
        client.chat.completions.create(model="gpt-4-32k", messages=messages)


def prompt() -> str:
    return sys.argv[1]
