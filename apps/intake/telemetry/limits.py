"""Limits of one telemetry request and of one sender."""

MAX_BYTES = 4 * 1024 * 1024
MAX_INFLATED_BYTES = 20 * 1024 * 1024
# a gateway's record of one call has about 13 KB, most of it prices
MAX_LOG_BYTES = 10 * 1024 * 1024
MAX_RECORDS = 10_000
# each opening bracket becomes an object; real exporters never send as many
MAX_BRACKETS = 1_000_000

# per token and UTC day: names that change per request would fill the tables
MAX_SERVICES = 2_000
MAX_NAMES = 2_000
MAX_USES = 20_000

# the same response id within this time is the same call, reported twice
SAME_CALL_SECONDS = 600
# shorter ids such as `chatcmpl-417` are not unique
MIN_RESPONSE_ID_LENGTH = 16
# keys of counted spans and records are stored for this time
CALL_KEY_HOURS = 48

# waiting batches; beyond this number senders get an error and must retry later
MAX_WAITING_BATCHES = 20_000

# more tokens than any call has: a wrong unit or an overflow
MAX_TOKENS = 1_000_000_000
MAX_COST_USD = 10_000.0
# no real counter reaches this value
MAX_COUNTER = 1e15
# characters of a hexadecimal id; trace ids have 32
MAX_TRACE_LENGTH = 64
