"""An agent of pydantic-ai, told of by logfire, which exports as the variables of OpenTelemetry
say."""

import logfire
from calls import prompt
from pydantic_ai import Agent

logfire.configure(send_to_logfire=False, console=False)
logfire.instrument_pydantic_ai()
print(Agent("openai-chat:gpt-4o").run_sync(prompt()).output)
logfire.shutdown()
