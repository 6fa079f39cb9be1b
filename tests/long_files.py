"""Which files a worker begins first: those that take longest, so that none is begun when the others
are done."""

from collections import Counter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
# twenty seconds and more, longest first, also where drills are few: else they are begun last, and
# the other workers wait for them; the others by their number of tests
_LONGEST = [
    "tests/histories/test_histories.py",
    "tests/registry/test_outages.py",
    "tests/registry/test_demo.py",
    "tests/common/database/test_advisory_lock.py",
    "tests/registry/test_reading_files.py",
    "tests/web/test_accessible.py",
    "tests/web/test_accessible_too.py",
    "tests/histories/test_incident_seasons.py",
    "tests/proof/generated_clients/test_generated_clients.py",
    "tests/registry/test_beat.py",
    "tests/registry/test_manage.py",
    "tests/common/test_patterns.py",
    "tests/alerts/faults/test_kills.py",
    "tests/common/test_job_kills.py",
    "tests/feeds/polls/test_commands.py",
    "tests/feeds/polls/test_worker.py",
    "tests/registry/server/test_site.py",
    "tests/web/test_ten_tasks.py",
    "tests/web/test_statement_counts.py",
    "tests/web/test_seven_tasks.py",
    "tests/gate/rules/test_preview.py",
    "tests/proof/senders/test_senders.py",
    "tests/gate/test_samples.py",
    "tests/accounts/provisioning/test_client_library.py",
    "tests/catalog/capabilities/test_scores.py",
    "tests/feeds/test_faults_by_source.py",
    "tests/alerts/faults/test_answers.py",
    "tests/alerts/faults/test_outages.py",
    "tests/alerts/faults/test_beats.py",
    "tests/alerts/faults/test_daylight.py",
    "tests/alerts/faults/test_clocks.py",
    "tests/alerts/test_random_portfolios.py",
    "tests/tools/worked_portfolios/test_command.py",
    "tests/exposure/engine/test_scenarios.py",
    "tests/exposure/engine/test_table_refresh.py",
    "tests/demo/test_loader.py",
    "tests/feeds/polls/test_package.py",
    "tests/api/openapi/test_fuzzing.py",
    "tests/access/test_matrix.py",
    "tests/tools/worked_portfolios/test_statement_counts.py",
    "tests/access/test_moved_meanwhile.py",
    "tests/registry/test_embedded.py",
    "tests/registry/server/test_requests.py",
    "tests/common/database/test_scratch_database.py",
    "tests/gate/rules/test_catalogue_freshness.py",
    "tests/alerts/test_simulated_days.py",
    "tests/registry/test_container_checks.py",
    "tests/web/test_first_view.py",
    "tests/web/test_routes.py",
    "tests/registry/test_upgrade.py",
    "tests/api/openapi/test_schema.py",
    "tests/alerts/faults/test_month.py",
    "tests/histories/test_page_seasons.py",
    "tests/catalog/ingestion/test_builtin_loading.py",
]


def longest_first(items: list[pytest.Item]) -> None:
    """In place; the tests of a file stay together and in their order."""
    ranks = {CHECKOUT / name: rank for rank, name in enumerate(_LONGEST)}
    n_tests = Counter(item.path for item in items)
    items.sort(
        key=lambda item: (ranks.get(item.path, len(ranks)), -n_tests[item.path], str(item.path))
    )
