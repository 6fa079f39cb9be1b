"""What the bench of traces sends is what it says: spans of a request of their own, as many calls as
asked for.
"""

import gzip

import pytest

from apps.intake.telemetry.otlp.traces import read_traces
from tools.benchmarks.traces import make_requests

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("share", "least", "most"), [(1.0, 512, 512), (0.1, 20, 100)])
def test_every_request_holds_calls_of_its_own(share, least, most):
    bodies = make_requests(share, 0.05)

    reads = [read_traces(gzip.decompress(body), is_json=False) for body in bodies]

    keys = [call.key for read in reads for call in read.calls]
    assert len(bodies) >= 3
    assert len(keys) == len(set(keys))
    assert all(read.n_records == 512 and least <= len(read.calls) <= most for read in reads)
    assert {call.names.service.rsplit("-", 2)[0] for read in reads for call in read.calls} == {
        "bench-traces"
    }
