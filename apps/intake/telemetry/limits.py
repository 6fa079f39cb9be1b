"""Limits of one telemetry request and of one sender."""

MAX_BYTES = 4 * 1024 * 1024
MAX_INFLATED_BYTES = 20 * 1024 * 1024
# a gateway's record of one call has about 13 KB, most of it prices
MAX_LOG_BYTES = 10 * 1024 * 1024
MAX_RECORDS = 10_000
# each opening bracket becomes an object: more than this many never came from a real exporter
MAX_BRACKETS = 1_000_000

# per token and UTC day: a name made up for every request would fill the register with rows
MAX_SERVICES = 2_000
MAX_NAMES = 2_000
MAX_USES = 20_000

# the same response id within so many seconds is the same call, told twice
SAME_CALL_SECONDS = 600
# ids such as `chatcmpl-417` come again: they tell nothing
MIN_RESPONSE_ID_LENGTH = 16
# a span or record that was counted is known for so long
CALL_KEY_HOURS = 48

# batches that wait to be added up; beyond it senders are asked to come again later
MAX_WAITING_BATCHES = 20_000

# more tokens than any call has: a unit mistaken, or an overflow
MAX_TOKENS = 1_000_000_000
MAX_COST_USD = 10_000.0
# what a counter cannot have reached
MAX_COUNTER = 1e15
# of an id in hexadecimal; those of traces have 32 digits
MAX_TRACE_LENGTH = 64
