"""The settings of a worker in a hurry at jobs: whoever shows no heartbeat for two seconds is taken
for dead."""

from registry.settings import *  # noqa: F403

JOB_HEARTBEAT_SECONDS = 0.3
JOB_TAKEOVER_SECONDS = 2
