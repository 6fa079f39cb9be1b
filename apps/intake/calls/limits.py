"""What one request and one sender may bring."""

MOST_BYTES = 4 * 1024 * 1024
MOST_INFLATED = 20 * 1024 * 1024
# a gateway's record of one call has about 13 KB, most of it prices
MOST_LOG_BYTES = 10 * 1024 * 1024
MOST_RECORDS = 10_000
# each opening bracket becomes an object: more than this many never came from a real exporter
MAX_BRACKETS = 1_000_000

# per token and UTC day: a name made up for every request would fill the register with rows
MOST_SERVICES = 2_000
MOST_NAMES = 2_000
MOST_USES = 20_000

# the same response id within so many seconds is the same call, told twice
SAME_CALL_SECONDS = 600
# ids such as `chatcmpl-417` come again: they tell nothing
SHORTEST_RESPONSE_ID = 16
# a span or record that was counted is known for so long
SEEN_HOURS = 48

# batches that wait to be added up; beyond it senders are asked to come again later
MOST_WAITING = 20_000

# more tokens than any call has: a unit mistaken, or an overflow
MOST_TOKENS = 1_000_000_000
MOST_COST_USD = 10_000.0
# what a counter cannot have reached
MOST_COUNTED = 1e15
# of an id in hexadecimal; those of traces have 32 digits
LONGEST_TRACE = 64
