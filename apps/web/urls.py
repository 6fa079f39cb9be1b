"""URL routes of the pages, by subject. Every list has a CSV of the same rows beside it."""

from collections.abc import Iterator

from django.urls import URLPattern, include, path, re_path
from django.views.generic import RedirectView

from apps.web.views import (
    calendar,
    export_files,
    saved_filters,
    search,
    start,
    undo,
)
from apps.web.views.alerts import (
    alert_rules,
    channels,
    delivery_log,
    email_links,
    inbox,
    preferences,
    slack_requests,
    subscriptions,
)
from apps.web.views.alerts import detail as alerts_detail
from apps.web.views.applications import bulk_edit, tables
from apps.web.views.applications import detail as applications_detail
from apps.web.views.applications import edit as applications_edit
from apps.web.views.applications import list as applications_list
from apps.web.views.campaigns import create as campaigns_create
from apps.web.views.campaigns import detail as campaigns_detail
from apps.web.views.campaigns import list as campaigns_list
from apps.web.views.campaigns import successors as campaigns_successors
from apps.web.views.campaigns import task_detail
from apps.web.views.catalog import (
    capabilities,
    data_terms,
    data_terms_import,
    events,
    features,
    foundation_detail,
    foundation_list,
    incidents,
    model_ids,
    offerings,
    products,
    providers,
    versions,
)
from apps.web.views.data_quality import (
    capability_contradictions,
    disagreements,
    price_gaps,
    unresolved_models,
)
from apps.web.views.data_quality import findings as data_quality_findings
from apps.web.views.dependencies import adaptations, exit_plans
from apps.web.views.dependencies import create as dependencies_create
from apps.web.views.dependencies import edit as dependencies_edit
from apps.web.views.dependencies import requirements as dependencies_requirements
from apps.web.views.dependencies import successor as dependencies_successor
from apps.web.views.exposure import (
    assumptions,
    concentration,
    exit_readiness,
    flags,
    flow,
    hhi_contributions,
    loss,
    node_failure,
    nodes,
    open_weights,
    outage_rates,
    policies,
    single_points,
)
from apps.web.views.exposure import months as exposure_months
from apps.web.views.exposure import portfolio as exposure_portfolio
from apps.web.views.feeds import pending_changes, provider_notices, quarantine, source_edit, sources
from apps.web.views.feeds import runs as feeds_runs
from apps.web.views.gate import application_gate, client, policy, waivers
from apps.web.views.gate import runs as gate_runs
from apps.web.views.governance import (
    approval_violations,
    approvals,
    comparison,
    contracts,
    developer_documents,
    proposals,
    selection_detail,
    selection_list,
)
from apps.web.views.home import downloads as home_downloads
from apps.web.views.home import organisation as home
from apps.web.views.imports import detail as imports_detail
from apps.web.views.imports import documents, exports, steps, upload
from apps.web.views.imports import rows as import_rows
from apps.web.views.imports import values as import_values
from apps.web.views.imports.exchange_rates import ExchangeRateList
from apps.web.views.intake import (
    billed_costs,
    cloud_accounts,
    connections,
    discrepancies,
    observations,
    reported_services,
    unrecognised_names,
)
from apps.web.views.issues import bulk as issues_bulk
from apps.web.views.issues import detail as issues_detail
from apps.web.views.issues import list as issues_list
from apps.web.views.records import edit as record_edit
from apps.web.views.reports import (
    board_summary,
    component_files,
    evidence_packs,
    filing,
    model_inventory,
)
from apps.web.views.reports import home as reports_home
from apps.web.views.reports import register as reports_register
from apps.web.views.retirements import announce as retirement_announce
from apps.web.views.retirements import pages as retirement_pages
from apps.web.views.retirements import received_notices
from apps.web.views.risks import (
    bulk_assessment,
    evaluation_upload,
    evidence,
    foundation_risks,
    result_comparison,
    taxonomies,
)
from apps.web.views.risks import detail as risks_detail
from apps.web.views.risks import groups as risk_groups
from apps.web.views.risks import register as risks_register
from apps.web.views.risks import summaries as risks_summaries
from apps.web.views.scenarios import (
    change_search,
    node_replacement,
    planned_migration,
    saved_scenarios,
)
from apps.web.views.scenarios import preview as scenario_preview
from apps.web.views.settings import (
    account_events,
    audit,
    delegations,
    email_address,
    people,
    profile,
    provisioning,
    service_accounts,
    single_sign_on,
    teams,
    tokens,
    users,
)
from apps.web.views.settings import home as settings_home
from apps.web.views.tickets import connections as ticket_connections
from apps.web.views.tickets import create as ticket_create
from apps.web.views.tickets import list as ticket_list
from apps.web.views.tickets import webhook as ticket_webhook
from apps.web.views.use_cases import added_exposure, proposal_form
from apps.web.views.use_cases import decisions as use_case_decisions
from apps.web.views.use_cases import detail as use_case_detail
from apps.web.views.use_cases import links as use_case_links
from apps.web.views.use_cases import list as use_case_list

# by namespace; one whose paths take any word (`feeds/<slug>/`) comes after those that begin alike
ROUTES: dict[str, list[URLPattern]] = {
    "home": [
        path("", home.home, name="overview"),
        path("concentration.csv", home_downloads.concentration_csv, name="concentration-csv"),
        path("runway.csv", home_downloads.runway_csv, name="runways-csv"),
        path("ends.csv", home_downloads.ends_csv, name="retirements-csv"),
        path("start/", start.setup_page, name="start"),
        path("search/", search.search_page, name="search"),
    ],
    "account": [
        path("account/", profile.profile_page, name="detail"),
        path("account/sessions/end/", profile.end_other_sessions, name="end-other-sessions"),
        path("account/sessions/<int:pk>/end/", profile.end_one_session, name="end-session"),
        path("account/email/<str:token>/", email_address.confirm_email, name="confirm-email"),
    ],
    "audit": [
        *audit.AuditLog.urls("audit"),
    ],
    "account-events": [
        *account_events.AccountEventList.urls("audit/accounts"),
    ],
    "changes": [
        path("undo/<uuid:change>/", undo.undo_change, name="undo"),
    ],
    "saved-filters": [
        path("filters/save/", saved_filters.save_filter, name="create"),
        path("filters/<int:pk>/drop/", saved_filters.delete_filter, name="delete"),
    ],
    "settings": [
        path("settings/", settings_home.settings_home, name="home"),
        path("settings/sign-on/", single_sign_on.single_sign_on_page, name="single-sign-on"),
        path("settings/provisioning/", provisioning.provisioning_page, name="provisioning"),
        path(
            "settings/provisioning/tokens/",
            provisioning.create_provisioning_token,
            name="create-provisioning-token",
        ),
    ],
    "teams": [
        *teams.TeamList.urls("settings/teams"),
        path("settings/teams/new/", teams.add_team, name="create"),
        path("settings/teams/of/<slug:slug>/", teams.team_detail, name="detail"),
        path("settings/teams/of/<slug:slug>/remove/", teams.remove_team, name="delete"),
        path("settings/teams/of/<slug:slug>/members/", teams.add_member, name="add-member"),
        path(
            "settings/teams/of/<slug:slug>/members/<int:pk>/end/",
            teams.remove_member,
            name="remove-member",
        ),
    ],
    "users": [
        *users.UserList.urls("settings/people"),
        path("settings/people/invite/", users.invite_user, name="invite"),
        path("settings/people/contacts/new/", people.add_contact, name="create-contact"),
        path("settings/people/selected/", people.change_selected, name="bulk-change"),
        path("settings/people/domains/", people.edit_domains, name="domains"),
        path(
            "settings/people/<int:pk>/contact/<slug:action>/",
            people.change_contact,
            name="contact-action",
        ),
        path("settings/people/<int:pk>/", users.edit_user, name="detail"),
        path("settings/people/<int:pk>/invite/", users.resend_invitation, name="resend-invitation"),
        path(
            "settings/people/<int:pk>/sessions/end/",
            users.end_user_sessions,
            name="end-sessions",
        ),
        path(
            "settings/people/<int:pk>/second-factors/",
            users.reset_two_factor,
            name="reset-two-factor",
        ),
    ],
    "delegations": [
        *delegations.DelegationList.urls("settings/delegations"),
        path("settings/delegations/<int:pk>/end/", delegations.stop_delegation, name="end"),
    ],
    "tokens": [
        *tokens.TokenList.urls("settings/keys"),
        path("settings/keys/new/", tokens.create_token, name="create"),
        path("settings/keys/<int:pk>/rotate/", tokens.rotate_listed_token, name="rotate"),
        path("settings/keys/<int:pk>/revoke/", tokens.revoke_listed_token, name="revoke"),
    ],
    "service-accounts": [
        *service_accounts.ServiceAccountList.urls("settings/programs"),
        path("settings/programs/new/", service_accounts.create_service, name="create"),
        path("settings/programs/<int:pk>/", service_accounts.service_detail, name="detail"),
        path(
            "settings/programs/<int:pk>/keys/new/",
            service_accounts.issue_service_token,
            name="create-token",
        ),
    ],
    "imports": [
        *upload.ImportList.urls("imports"),
        path("imports/template.xlsx", exports.import_template, name="template"),
        path("imports/example.xlsx", exports.example_sheet, name="example"),
        path("imports/example/", upload.upload_example, name="upload-example"),
        path("imports/inventory.xlsx", exports.inventory_xlsx, name="inventory-xlsx"),
        path("imports/applications.csv", exports.applications_csv, name="applications-csv"),
        path("imports/uses.csv", exports.dependencies_csv, name="dependencies-csv"),
        path("imports/<int:pk>/", imports_detail.import_page, name="detail"),
        path("imports/<int:pk>/rows.csv", imports_detail.ImportRowList.as_csv(), name="rows-csv"),
        path(
            "imports/<int:pk>/rows.xlsx", imports_detail.ImportRowList.as_xlsx(), name="rows-xlsx"
        ),
        path("imports/<int:pk>/refused.csv", exports.rejected_csv, name="rejected-csv"),
        path("imports/<int:pk>/columns/", steps.submit_columns, name="columns"),
        path("imports/<int:pk>/values/", import_values.values_page, name="values"),
        path("imports/<int:pk>/values.csv", import_values.values_csv, name="values-csv"),
        path("imports/<int:pk>/rows/<int:position>/", import_rows.edit_row_page, name="edit-row"),
        path("imports/<int:pk>/confirm/", steps.submit_confirmation, name="confirm"),
        path("imports/<int:pk>/progress/", steps.import_progress, name="progress"),
        path(
            "imports/<int:pk>/application/", documents.choose_application, name="choose-application"
        ),
        path("imports/<int:pk>/invite/", steps.invite_people_of_import, name="invite"),
        path("imports/<int:pk>/undo/", steps.undo_import, name="undo"),
        path("imports/<int:pk>/drop/", steps.submit_discard, name="discard"),
    ],
    "exchange-rates": [*ExchangeRateList.urls("imports/exchange-rates")],
    "applications": [
        *applications_list.ApplicationList.urls("applications"),
        path("applications/<slug:slug>/", applications_detail.application_detail, name="detail"),
        path("applications/<slug:slug>/stack.csv", tables.stack_csv, name="stack-csv"),
        path("register/", applications_edit.register_application, name="create"),
        path("register/several/", bulk_edit.bulk_edit_applications, name="bulk-update"),
        path("applications/<slug:slug>/edit/", applications_edit.edit_application, name="edit"),
        path(
            "applications/<slug:slug>/retire/", applications_edit.retire_application, name="retire"
        ),
        path(
            "applications/<slug:slug>/bring-back/",
            applications_edit.reactivate_application,
            name="reactivate",
        ),
        path("applications/<slug:slug>/merge/", applications_edit.merge_applications, name="merge"),
        path(
            "applications/<slug:slug>/history/",
            applications_detail.application_history,
            name="history",
        ),
        path(
            "applications/<slug:slug>/fallbacks/",
            dependencies_edit.order_fallbacks,
            name="order-fallbacks",
        ),
        path("applications/<slug:slug>/<slug:table>.csv", tables.table_csv, name="table-csv"),
    ],
    "files": [
        *export_files.FileList.urls("files"),
        path("files/ask/", export_files.submit_file_request, name="create"),
        path("files/<int:pk>/", export_files.file_detail, name="detail"),
        path("files/<int:pk>/progress/", export_files.file_progress, name="progress"),
        path("files/<int:pk>/file.xlsx", export_files.file_body, name="download"),
    ],
    "dependencies": [
        path(
            "applications/<slug:slug>/declare/",
            dependencies_create.declare_dependency,
            name="create",
        ),
        path("dependencies/<int:pk>/edit/", dependencies_edit.edit_dependency, name="edit"),
        path(
            "dependencies/<int:pk>/confirm/", dependencies_edit.confirm_dependency, name="confirm"
        ),
        path(
            "dependencies/<int:pk>/requirements/",
            dependencies_requirements.edit_requirements,
            name="requirements",
        ),
        path("dependencies/<int:pk>/end/", dependencies_edit.end_dependency, name="end"),
        path("dependencies/<int:pk>/reopen/", dependencies_edit.reopen_dependency, name="reopen"),
        path(
            "dependencies/<int:pk>/replace/", dependencies_create.replace_dependency, name="replace"
        ),
        path(
            "dependencies/<int:pk>/successor/",
            dependencies_successor.find_successor,
            name="successor",
        ),
        path(
            "dependencies/<int:pk>/successor.csv",
            dependencies_successor.successors_csv,
            name="successor-csv",
        ),
    ],
    "adaptations": [
        path("dependencies/<int:pk>/adaptations/new/", adaptations.add_adaptation, name="create"),
        path("adaptations/<int:pk>/", adaptations.edit_adaptation, name="edit"),
        path("adaptations/<int:pk>/remove/", adaptations.remove_adaptation, name="delete"),
    ],
    "exit-plans": [
        path("dependencies/<int:pk>/plan/", exit_plans.edit_exit_plan, name="edit"),
        path("exit-plans/<int:pk>/remove/", exit_plans.remove_exit_plan, name="delete"),
    ],
    "exit-tests": [
        path("dependencies/<int:pk>/tests/new/", exit_plans.record_exit_test, name="create"),
        path("exit-tests/<int:pk>/", exit_plans.correct_exit_test, name="edit"),
    ],
    "findings": [
        *data_quality_findings.FindingList.urls("findings"),
    ],
    "foundations": [
        *foundation_list.FoundationList.urls("foundations"),
        path("foundations/<slug:slug>/", foundation_detail.foundation_detail, name="detail"),
        path(
            "foundations/<slug:slug>/prices.csv",
            foundation_detail.foundation_prices_csv,
            name="prices-csv",
        ),
        path(
            "foundations/<slug:slug>/lineage.csv",
            foundation_detail.foundation_lineage_csv,
            name="lineage-csv",
        ),
        path(
            "foundations/<slug:slug>/lifecycle.csv",
            foundation_detail.foundation_claims_csv,
            name="lifecycle-csv",
        ),
    ],
    "versions": [
        *versions.VersionList.urls("versions"),
        path("versions/<int:pk>/", versions.version_detail, name="detail"),
        path("versions/<int:pk>/prices.csv", versions.version_prices_csv, name="prices-csv"),
        path("versions/<int:pk>/lineage.csv", versions.version_lineage_csv, name="lineage-csv"),
        path("versions/<int:pk>/lifecycle.csv", versions.version_claims_csv, name="lifecycle-csv"),
    ],
    "products": [
        *products.ProductList.urls("products"),
        path("products/<slug:slug>/", products.product_detail, name="detail"),
        path("products/<slug:slug>/models.csv", products.product_models_csv, name="models-csv"),
    ],
    "records": [
        path("catalogue/<slug:kind>/new/", record_edit.create_record, name="create"),
        path("catalogue/<slug:kind>/<int:pk>/change/", record_edit.edit_record, name="edit"),
        path("catalogue/<slug:kind>/<int:pk>/delete/", record_edit.delete_record, name="delete"),
        path("catalogue/<slug:kind>/<int:pk>/history/", record_edit.record_history, name="history"),
        path(
            "catalogue/<slug:kind>/<int:pk>/history.csv",
            record_edit.record_history_csv,
            name="history-csv",
        ),
        path(
            "catalogue/<slug:kind>/undo/<uuid:change>/",
            record_edit.undo_record_change,
            name="undo",
        ),
    ],
    "offerings": [
        *offerings.OfferingList.urls("offerings"),
        path("offerings/<int:pk>/", offerings.offering_detail, name="detail"),
        path("offerings/<int:pk>/model-id/", model_ids.choose_model_id, name="choose-model-id"),
        path(
            "offerings/<int:pk>/model-id/undo/<uuid:change>/",
            model_ids.undo_model_id,
            name="undo-model-id",
        ),
        path(
            "offerings/<int:pk>/capabilities/undo/<uuid:change>/",
            capabilities.undo_capability,
            name="undo-capability",
        ),
        path(
            "offerings/<int:pk>/capabilities/<slug:field>/",
            capabilities.enter_capability,
            name="enter-capability",
        ),
        path(
            "offerings/<int:pk>/capabilities/<slug:field>/remove/",
            capabilities.remove_capability,
            name="remove-capability",
        ),
        path("offerings/<int:pk>/prices.csv", offerings.offering_prices_csv, name="prices-csv"),
        path(
            "offerings/<int:pk>/claims.csv", offerings.offering_claims_csv, name="source-values-csv"
        ),
        path("manual/<int:pk>/lift/", offerings.remove_override, name="remove-override"),
        path("offerings/<int:pk>/data-terms/", data_terms.enter_offering_terms, name="data-terms"),
        path(
            "offerings/<int:pk>/data-terms/remove/",
            data_terms.remove_term,
            name="remove-data-term",
        ),
    ],
    "data-terms": [
        path("data-terms/import/", data_terms_import.import_terms, name="import"),
        path(
            "data-terms/import/template.csv",
            data_terms_import.download_template,
            name="import-template",
        ),
        path("data-terms/undo/<uuid:change>/", data_terms.undo_terms, name="undo"),
    ],
    "features": features.FeatureList.urls("features"),
    "unresolved-models": [
        *unresolved_models.UnresolvedModelList.urls("identity"),
        path("identity/<int:pk>/", unresolved_models.save_decision, name="decide"),
        path(
            "identity/decisions/<int:pk>/lift/",
            unresolved_models.revoke_decision,
            name="undo-decision",
        ),
    ],
    "providers": [
        *providers.ProviderList.urls("providers"),
        path("providers/<slug:slug>/", providers.provider_detail, name="detail"),
        path("providers/<slug:slug>/data-terms/", data_terms.enter_host_terms, name="data-terms"),
        path(
            "providers/<slug:slug>/record.csv", providers.track_record_csv, name="track-record-csv"
        ),
        # until the next release: the pages of editable records took their place
        path("providers/<slug:slug>/change/", providers.redirect_to_form, name="edit"),
        path("providers/<slug:slug>/history/", providers.redirect_to_history, name="history"),
        path(
            "providers/<slug:slug>/history.csv",
            providers.redirect_to_history_csv,
            name="history-csv",
        ),
    ],
    "inherited-risks": [
        *risks_register.RegisterList.urls("risks"),
        path("risks/heat-map/", risks_summaries.heat_map, name="heat-map"),
        path("risks/groups.csv", risk_groups.RiskGroupList.as_csv(), name="groups-csv"),
        path("risks/groups.xlsx", risk_groups.RiskGroupList.as_xlsx(), name="groups-xlsx"),
        path("risks/heat.csv", risks_summaries.heat_csv, name="heat-map-csv"),
        path("risks/teams.csv", risks_summaries.team_csv, name="teams-csv"),
        path("risks/assess/", bulk_assessment.bulk_assess, name="bulk-assess"),
        path("risks/undo/<uuid:change>/", bulk_assessment.undo_bulk_assessment, name="undo"),
        path(
            "risks/inherited/<int:risk>-<int:dependency>/",
            risks_detail.inherited_risk_detail,
            name="detail",
        ),
        re_path(
            r"^risks/inherited/(?P<risk>[0-9]{1,18})-(?P<dependency>[0-9]{1,18})/"
            r"(?P<action>assess|accept|not-applicable|revoke|evidence)/$",
            risks_detail.decide_inherited_risk,
            name="decide",
        ),
    ],
    "foundation-risks": [
        *foundation_risks.FoundationRiskList.urls("risks/foundations"),
        path("risks/foundations/new/", foundation_risks.create_risk, name="create"),
        path("risks/foundations/<int:pk>/", foundation_risks.foundation_risk_detail, name="detail"),
        path("risks/foundations/<int:pk>/change/", foundation_risks.edit_risk, name="edit"),
        re_path(
            r"^risks/foundations/(?P<pk>[0-9]{1,18})/(?P<action>close|reopen|dismiss|reinstate)/$",
            foundation_risks.end_risk,
            name="action",
        ),
    ],
    "risk-templates": [
        *taxonomies.Crosswalk.urls("risks/crosswalk"),
        path("risks/templates/<str:code>/", taxonomies.template_detail, name="detail"),
    ],
    "evidence": [
        *evidence.EvidenceList.urls("risks/evidence"),
        path("risks/evidence/upload/", evaluation_upload.upload_evaluation, name="upload"),
        path("risks/evidence/new/", evidence.add_evidence, name="create"),
        path("risks/evidence/compare/", result_comparison.compare_results, name="compare"),
        path(
            "risks/evidence/compare.csv", result_comparison.compare_results_csv, name="compare-csv"
        ),
        path("risks/evidence/<int:pk>/", evidence.evidence_detail, name="detail"),
    ],
    "incidents": [
        *incidents.IncidentList.urls("incidents"),
        path("incidents/<int:pk>/", incidents.incident_detail, name="detail"),
    ],
    "events": [
        *events.EventList.urls("events"),
        path("events/<int:pk>/", events.event_detail, name="detail"),
    ],
    "reports": [
        path("reports/", reports_home.report_list, name="home"),
        path("reports/register/", reports_register.register_page, name="register"),
        path("reports/register.xlsx", reports_register.register_xlsx, name="register-xlsx"),
        path(
            "reports/register/<slug:template>.csv",
            reports_register.register_csv,
            name="register-csv",
        ),
        path("reports/filing/", filing.filing_page, name="filing"),
        path("reports/filing/package.zip", filing.filing_package, name="filing-package"),
        path("reports/filing/<slug:template>.csv", filing.filing_csv, name="filing-csv"),
        path("reports/entity/", reports_register.edit_entity, name="reporting-entity"),
        path("reports/models/", model_inventory.model_inventory, name="model-inventory"),
        path("reports/models.csv", model_inventory.model_csv, name="model-inventory-csv"),
        path("reports/models.xlsx", model_inventory.model_xlsx, name="model-inventory-xlsx"),
        path(
            "reports/models/<slug:slug>/statement/",
            model_inventory.edit_statement,
            name="model-statement",
        ),
        path("reports/board/", board_summary.board_summary, name="board-summary"),
        path(
            "reports/board/commentary/",
            board_summary.board_commentary,
            name="board-commentary",
        ),
    ],
    "component-files": [
        *component_files.ComponentFileList.urls("reports/components"),
        path("reports/components/<slug:slug>/", component_files.component_detail, name="detail"),
        path(
            "reports/components/<slug:slug>/answers/",
            component_files.save_component_answers,
            name="answers",
        ),
        path(
            "reports/components/<slug:slug>/file.xlsx", component_files.component_xlsx, name="xlsx"
        ),
        path(
            "reports/components/<slug:slug>/file.json", component_files.component_json, name="json"
        ),
        path(
            "reports/components/<slug:slug>/<slug:table>.csv",
            component_files.component_csv,
            name="table-csv",
        ),
    ],
    "evidence-packs": [
        *evidence_packs.EvidencePackList.urls("reports/packs"),
        path("reports/packs/ask/", evidence_packs.submit_pack_request, name="create"),
        path("reports/packs/<int:pk>/", evidence_packs.pack_detail, name="detail"),
        path("reports/packs/<int:pk>/progress/", evidence_packs.pack_progress, name="progress"),
        path("reports/packs/<int:pk>/file/", evidence_packs.pack_file, name="download"),
    ],
    "feed-runs": [
        *feeds_runs.FeedRunList.urls("feeds/runs"),
        path("feeds/runs/<int:pk>/", feeds_runs.feed_run_detail, name="detail"),
        path("feeds/runs/<int:pk>/progress/", feeds_runs.feed_run_progress, name="progress"),
        path("feeds/runs/<int:pk>/payload/", feeds_runs.feed_run_payload, name="payload"),
    ],
    "disagreements": [
        *disagreements.DisagreementList.urls("feeds/disagreements"),
        path("feeds/disagreements/<int:pk>/", disagreements.disagreement_detail, name="detail"),
        path(
            "feeds/disagreements/<int:pk>/lift/",
            disagreements.remove_override,
            name="remove-override",
        ),
    ],
    "capability-contradictions": [
        *capability_contradictions.CapabilityContradictionList.urls(
            "feeds/disagreements/capabilities"
        ),
    ],
    "price-gaps": [
        *price_gaps.PriceGapList.urls("feeds/disagreements/prices"),
    ],
    "provider-notices": [
        *provider_notices.ProviderNoticeList.urls("feeds/notices"),
        path("feeds/notices/settle/", provider_notices.close_selected, name="close"),
        path("feeds/notices/reopen/", provider_notices.reopen_selected, name="reopen"),
        path("feeds/notices/<int:pk>/tell/", provider_notices.notify_applications, name="announce"),
    ],
    "feeds": [
        *sources.FeedList.urls("feeds", "feeds/sources"),
        # the runs, as before these had an address of their own
        path("feeds.csv", feeds_runs.FeedRunList.as_csv(), name="csv"),
        *quarantine.QuarantineList.urls("feeds/quarantine"),
        path("feeds/new/", source_edit.new_source, name="create"),
        path("feeds/<slug:slug>/", sources.feed_detail, name="detail"),
        path("feeds/<slug:slug>/change/", source_edit.edit_source, name="edit"),
        path("feeds/<slug:slug>/switch/", source_edit.toggle_source, name="toggle"),
        path("feeds/<slug:slug>/undo/<uuid:change>/", source_edit.undo_edit, name="undo"),
        path("feeds/<slug:slug>/poll/", feeds_runs.poll_source, name="poll"),
        *pending_changes.PendingChangeList.urls("feeds/<slug:slug>/held"),
    ],
    "subscriptions": [
        path("alerts/subscriptions/", preferences.preference_page, name="list"),
        path("alerts/subscriptions/new/", subscriptions.add_subscription, name="create"),
        path("alerts/subscriptions/preview/", subscriptions.subscription_preview, name="preview"),
        path(
            "alerts/subscriptions/foundations/",
            subscriptions.foundation_options,
            name="foundations",
        ),
        path("alerts/subscriptions/<int:pk>/", subscriptions.edit_subscription, name="edit"),
        path(
            "alerts/subscriptions/<int:pk>/end/", subscriptions.remove_subscription, name="delete"
        ),
    ],
    "notification-preferences": [
        path("alerts/mail/", preferences.save_preference, name="edit"),
        path("alerts/mail/ask/", preferences.send_digest_now, name="send-summary"),
        path("alerts/mail/of/<slug:slug>/", preferences.save_team_preference, name="edit-team"),
        path("unsubscribe/<str:token>/", email_links.unsubscribe, name="unsubscribe"),
    ],
    "calendar-feeds": [
        path("alerts/calendar/", preferences.create_calendar_link, name="create"),
        path("alerts/calendar/<int:pk>/revoke/", preferences.revoke_calendar_link, name="revoke"),
    ],
    "alert-settings": [
        path("alerts/settings/", alert_rules.alert_settings, name="detail"),
        path("alerts/settings/lines/", alert_rules.save_settings, name="edit"),
        path("alerts/settings/of/<int:criticality>/", alert_rules.save_policy, name="edit-policy"),
    ],
    "webhooks": [
        path("alerts/settings/webhooks/new/", alert_rules.add_webhook, name="create"),
        path("alerts/settings/webhooks/<int:pk>/", alert_rules.webhook, name="detail"),
        path(
            "alerts/settings/webhooks/<int:pk>/secret/",
            alert_rules.rotate_webhook_secret,
            name="rotate-secret",
        ),
        path(
            "alerts/settings/webhooks/<int:pk>/switch/", alert_rules.toggle_webhook, name="toggle"
        ),
        path("alerts/settings/webhooks/<int:pk>/test/", alert_rules.test_webhook, name="test"),
    ],
    "channels": [
        path("alerts/settings/channels/new/", channels.choose_service, name="choose"),
        path("alerts/settings/channels/new/<slug:service>/", channels.add_channel, name="create"),
        path("alerts/settings/channels/<int:pk>/", channels.channel, name="detail"),
        path("alerts/settings/channels/<int:pk>/switch/", channels.toggle_channel, name="toggle"),
        path("alerts/settings/channels/<int:pk>/test/", channels.test_channel, name="test"),
    ],
    # posted to by Slack, which cannot sign in
    "slack-requests": [
        path("integrations/slack/", slack_requests.receive, name="receive"),
    ],
    "issues": [
        *issues_list.IssueList.urls("work", "issues"),
        path("issues/respond/", issues_bulk.bulk_respond, name="bulk-respond"),
        path("issues/<int:pk>/", issues_detail.issue_detail, name="detail"),
        path("issues/<int:pk>/<slug:action>/", issues_detail.respond_to_issue, name="respond"),
    ],
    "tickets": [
        *ticket_list.TicketList.urls("tickets"),
        path(
            "tickets/new/issue/<int:pk>/", ticket_create.create_for_issue, name="create-for-issue"
        ),
        path("tickets/new/task/<int:pk>/", ticket_create.create_for_task, name="create-for-task"),
        path(
            "tickets/new/migration/<int:pk>/",
            ticket_create.create_for_campaign,
            name="create-for-campaign",
        ),
        path("tickets/<int:pk>/read/", ticket_create.refresh, name="refresh"),
        path("tickets/<int:pk>/remove/", ticket_create.remove, name="remove"),
    ],
    "ticket-connections": [
        *ticket_connections.TicketConnectionList.urls("settings/tickets"),
        path("settings/tickets/new/", ticket_connections.create_connection, name="create"),
        path("settings/tickets/<int:pk>/", ticket_connections.connection_detail, name="detail"),
        path("settings/tickets/<int:pk>/change/", ticket_connections.edit_connection, name="edit"),
        path(
            "settings/tickets/<int:pk>/secrets/", ticket_connections.change_secrets, name="secrets"
        ),
        path(
            "settings/tickets/<int:pk>/secrets/delete/",
            ticket_connections.remove_secrets,
            name="delete-secrets",
        ),
        path("settings/tickets/<int:pk>/test/", ticket_connections.test_connection, name="test"),
        path(
            "settings/tickets/<int:pk>/toggle/", ticket_connections.toggle_connection, name="toggle"
        ),
    ],
    "integrations": [
        path(
            "integrations/jira/<uuid:webhook_id>/",
            ticket_webhook.receive_jira_call,
            name="jira",
        ),
    ],
    "alerts": [
        *inbox.AlertList.urls("alerts"),
        path("alerts/several/", inbox.bulk_respond, name="bulk-respond"),
        path("alerts/<int:pk>/", alerts_detail.alert_detail, name="detail"),
        path("alerts/<int:pk>/answers/", alerts_detail.activity_list, name="responses"),
        path("alerts/<int:pk>/<slug:action>/", alerts_detail.respond_to_alert, name="respond"),
        path("alerts/answer/<str:token>/", email_links.respond_by_link, name="respond-by-link"),
        path("alerts/mutes/<int:pk>/lift/", preferences.unmute, name="unmute"),
    ],
    "received-notices": [
        *received_notices.ReceivedNoticeList.urls("retirements/notices"),
        path("retirements/notices/rules/", received_notices.edit_rules, name="rules"),
        path("retirements/notices/<int:pk>/", received_notices.notice_detail, name="detail"),
        path("retirements/notices/<int:pk>/dismiss/", received_notices.dismiss, name="dismiss"),
        path("retirements/notices/<int:pk>/reopen/", received_notices.reopen, name="reopen"),
    ],
    "retirements": [
        *retirement_pages.AnnouncementList.urls("retirements"),
        path("retirements/announce/", retirement_announce.announce_page, name="announce"),
        path("retirements/<int:pk>/", retirement_pages.announcement_detail, name="detail"),
        path("retirements/<int:pk>/withdraw/", retirement_pages.withdraw, name="withdraw"),
    ],
    "campaign-tasks": [
        *campaigns_list.CampaignTaskList.urls("campaigns/tasks"),
        path("campaigns/tasks/<int:pk>/", task_detail.task_detail, name="detail"),
        path("campaigns/tasks/<int:pk>/<slug:action>/", task_detail.change_task, name="action"),
    ],
    "campaign-steps": [
        path("campaigns/steps/<int:pk>/<slug:action>/", task_detail.change_step, name="action"),
    ],
    "campaigns": [
        *campaigns_list.CampaignList.urls("campaigns"),
        path("campaigns/new/", campaigns_create.open_campaign_page, name="create"),
        path(
            "campaigns/successors/", campaigns_successors.find_shared_successor, name="successors"
        ),
        path("campaigns/new/progress/", campaigns_create.opening_progress, name="create-progress"),
        path("campaigns/<int:pk>/", campaigns_detail.campaign_detail, name="detail"),
        path("campaigns/<int:pk>/table/", campaigns_detail.CampaignTable.as_view(), name="table"),
        path("campaigns/<int:pk>/plan/", campaigns_detail.campaign_plan, name="plan"),
        path("campaigns/<int:pk>/<slug:action>/", campaigns_detail.change_campaign, name="action"),
    ],
    "gate": [
        path("gate/registry-gate", client.client_file, name="client"),
        path("gate/registry-lifecycle", client.lifecycle_file, name="lifecycle-callback"),
        path("gate/set-up/", client.client_page, name="setup"),
        path("gate/policy/", policy.gate_policy, name="policy"),
        path("gate/of/<slug:slug>/", application_gate.application_gate, name="application"),
    ],
    "gate-runs": [
        *gate_runs.GateRunList.urls("gate"),
        path("gate/runs/<int:pk>/", gate_runs.run_detail, name="detail"),
        *gate_runs.GateFindingList.urls("gate/runs/<int:pk>/findings"),
        path("gate/runs/<int:pk>/released/", gate_runs.mark_released, name="mark-released"),
    ],
    "waivers": [
        *waivers.WaiverList.urls("gate/waivers"),
        path("gate/waivers/new/", waivers.new_waiver, name="create"),
        path("gate/waivers/<int:pk>/", waivers.waiver_detail, name="detail"),
        path("gate/waivers/<int:pk>/<slug:action>/", waivers.decide_waiver, name="decide"),
    ],
    "selections": [
        path("choosing/", comparison.compare_candidates, name="compare"),
        path("choosing.csv", comparison.compare_csv, name="compare-csv"),
        *selection_list.SelectionList.urls("selections"),
        path("selections/new/", selection_list.new_selection, name="create"),
        path("selections/<int:pk>/", selection_detail.selection_detail, name="detail"),
        path("selections/<int:pk>/facts.csv", selection_detail.facts_csv, name="facts-csv"),
        path("selections/<int:pk>/change/", selection_detail.edit_selection, name="edit"),
        path("selections/<int:pk>/add/", selection_detail.add_to_selection, name="add-candidate"),
        path(
            "selections/<int:pk>/out/<int:candidate>/",
            selection_detail.remove_from_selection,
            name="remove-candidate",
        ),
        path("selections/<int:pk>/judge/", selection_detail.save_scores, name="score"),
        path("selections/<int:pk>/decide/", selection_detail.decide_selection, name="decide"),
    ],
    "approvals": [
        *approvals.ApprovalList.urls("approvals"),
        path("approvals/new/", approvals.new_approval, name="create"),
        *approval_violations.ViolationList.urls("approvals/against"),
        path("approvals/<int:pk>/", approvals.approval_detail, name="detail"),
        path("approvals/<int:pk>/replace/", approvals.replace_approval, name="replace"),
        path("approvals/<int:pk>/revoke/", approvals.revoke_approval, name="revoke"),
    ],
    "decision-proposals": [
        path(
            "decision-proposals/<int:pk>/<slug:action>/", proposals.decide_proposal, name="decide"
        ),
    ],
    "confirmation-settings": [
        path("settings/confirmations/", proposals.edit_confirmation_settings, name="detail"),
    ],
    "use-cases": [
        *use_case_list.UseCaseList.urls("use-cases"),
        path("use-cases/<int:pk>/", use_case_detail.use_case_detail, name="detail"),
        path(
            "use-cases/<int:pk>/exposure/",
            added_exposure.show_added_exposure,
            name="exposure",
        ),
        path("use-cases/<int:pk>/accept/", use_case_decisions.accept, name="accept"),
        path("use-cases/<int:pk>/decline/", use_case_decisions.decline, name="decline"),
        path("use-cases/<int:pk>/ask/", use_case_decisions.ask, name="ask"),
        path(
            "use-cases/<int:pk>/withdraw-question/",
            use_case_decisions.withdraw,
            name="withdraw-question",
        ),
        path("use-cases/<int:pk>/undo/", use_case_decisions.undo, name="undo"),
    ],
    "use-case-links": [
        *use_case_links.UseCaseLinkList.urls("use-cases/links"),
        path("use-cases/links/new/", use_case_links.create_form_link, name="create"),
        path("use-cases/links/<int:pk>/revoke/", use_case_links.revoke_form_link, name="revoke"),
        path("use-cases/links/<int:pk>/restore/", use_case_links.restore_form_link, name="restore"),
    ],
    "use-case-form": [
        path("propose/answer/<str:token>/", proposal_form.answer_by_link, name="answer"),
        path("propose/<str:token>/", proposal_form.propose_use_case, name="propose"),
    ],
    "contracts": [
        *contracts.ContractList.urls("contracts"),
        path("contracts/new/", record_edit.create_record, {"kind": "contracts"}, name="create"),
        path("contracts/<int:pk>/", contracts.contract_detail, name="detail"),
        path(
            "contracts/<int:pk>/change/",
            record_edit.edit_record,
            {"kind": "contracts"},
            name="edit",
        ),
    ],
    "documents": [
        *developer_documents.DocumentList.urls("contracts/documents"),
        path(
            "contracts/documents/<slug:slug>/",
            developer_documents.foundation_documents,
            name="detail",
        ),
        path(
            "contracts/documents/<slug:slug>/ask/",
            developer_documents.submit_document_request,
            name="request",
        ),
        path(
            "contracts/documents/<slug:slug>/note/",
            developer_documents.record_document_state,
            name="note",
        ),
    ],
    "calendar": [
        path("calendar/", calendar.calendar_page, name="list"),
        path("calendar.csv", calendar.calendar_csv, name="csv"),
    ],
    "deliveries": [
        *delivery_log.DeliveryList.urls("deliveries"),
        *delivery_log.UnsentNotificationList.urls("deliveries/not-carried"),
        path("deliveries/<int:pk>/", delivery_log.delivery, name="detail"),
        path("deliveries/<int:pk>/resend/", delivery_log.resend, name="resend"),
    ],
    "connections": [
        *connections.ConnectionList.urls("intake", "intake/senders"),
        path("intake/lines/", connections.change_usage_settings, name="tolerances"),
        path("intake/keys/<int:pk>/bind/", connections.bind_connection, name="bind-token"),
        path("intake/keys/<int:pk>/unbind/", connections.unbind_connection, name="unbind-token"),
    ],
    "cloud-accounts": [
        *cloud_accounts.CloudAccountList.urls("intake/accounts"),
        path("intake/accounts/new/", cloud_accounts.choose_kind, name="choose"),
        path("intake/accounts/new/<slug:kind>/", cloud_accounts.create_account, name="create"),
        path("intake/accounts/<int:pk>/", cloud_accounts.account_detail, name="detail"),
        path("intake/accounts/<int:pk>/change/", cloud_accounts.edit_account, name="edit"),
        path(
            "intake/accounts/<int:pk>/credentials/",
            cloud_accounts.change_credentials,
            name="credentials",
        ),
        path(
            "intake/accounts/<int:pk>/credentials/delete/",
            cloud_accounts.remove_credentials,
            name="delete-credentials",
        ),
        path("intake/accounts/<int:pk>/test/", cloud_accounts.check_account, name="test"),
        path("intake/accounts/<int:pk>/pull/", cloud_accounts.pull_account, name="pull"),
        path("intake/accounts/<int:pk>/toggle/", cloud_accounts.toggle_account, name="toggle"),
        path(
            "intake/accounts/pulls/<int:pk>/progress/",
            cloud_accounts.pull_progress,
            name="progress",
        ),
    ],
    "account-deployments": [
        *cloud_accounts.AccountDeploymentList.urls("intake/accounts/deployments"),
    ],
    "billed-costs": [
        *billed_costs.BilledCostList.urls("costs/billed"),
    ],
    "observations": [
        *observations.ObservationList.urls("intake/observations"),
    ],
    "discrepancies": [
        *discrepancies.DiscrepancyList.urls("intake/discrepancies"),
        path(
            "intake/discrepancies/answer/",
            discrepancies.respond_to_discrepancies,
            name="bulk-respond",
        ),
        path("intake/discrepancies/reopen/", discrepancies.reopen_dismissed, name="reopen"),
    ],
    "reported-services": [
        *reported_services.ReportedServiceList.urls("intake/services"),
        path("intake/services/link/", reported_services.link_services, name="bulk-link"),
        path("intake/services/<int:pk>/", reported_services.service_detail, name="detail"),
        path("intake/services/<int:pk>/act/", reported_services.change_service, name="action"),
    ],
    "unrecognised-names": [
        *unrecognised_names.UnrecognisedNameList.urls("intake/names"),
        path("intake/names/decide/", unrecognised_names.save_decision, name="decide"),
        path(
            "intake/names/decisions/<int:pk>/lift/",
            unrecognised_names.revoke_name_decision,
            name="undo-decision",
        ),
    ],
    "exposure": [
        path("exposure/", concentration.concentration_page, name="concentration"),
        path("exposure.csv", concentration.concentration_csv, name="concentration-csv"),
        path("exposure/trend.csv", concentration.trend_csv, name="trend-csv"),
        path("exposure/states.csv", node_failure.states_csv, name="states-csv"),
        path("exposure/portfolio/", exposure_portfolio.portfolio_page, name="portfolio"),
        *exposure_months.MonthList.urls("exposure/months"),
        path("exposure/flow/", flow.exposure_flow, name="flow"),
        path("exposure/flow.csv", flow.flow_csv, name="flow-csv"),
        *hhi_contributions.ContributionList.urls("exposure/contributions"),
        *exit_readiness.ExitReadinessList.urls("exposure/ways-out"),
        *open_weights.OpenWeightList.urls("exposure/open-weights"),
        *single_points.SinglePointList.urls("exposure/single-points"),
        path("exposure/smallest-sets.csv", single_points.cut_set_csv, name="minimal-cut-sets-csv"),
        *nodes.DependentList.urls(
            "exposure/nodes/<slug:kind>/<int:ref>",
            "exposure/nodes/<slug:kind>/<int:ref>/applications",
        ),
        path(
            "exposure/nodes/<slug:kind>/<int:ref>/teams/",
            nodes.node_teams,
            name="blast-radius-teams",
        ),
        path(
            "exposure/nodes/<slug:kind>/<int:ref>/trend.csv",
            nodes.node_trend_csv,
            name="blast-radius-trend-csv",
        ),
    ],
    "exposure-flags": [
        *flags.FlagList.urls("exposure/flags"),
        path("exposure/flags/<int:pk>/", flags.flag_detail, name="detail"),
        path(
            "exposure/flags/<int:pk>/applications.csv",
            flags.flag_applications_csv,
            name="applications-csv",
        ),
        path("exposure/flags/<int:pk>/<slug:decision>/", flags.decide_flag, name="decide"),
    ],
    "exposure-policies": [
        *policies.PolicyList.urls("exposure/lines"),
        path("exposure/lines/new/", policies.new_policy, name="create"),
        path("exposure/lines/of/<slug:slug>/", policies.policy_detail, name="detail"),
    ],
    "loss-runs": [
        *loss.LossRunList.urls("exposure/loss"),
        path("exposure/loss/run/", loss.run_loss, name="create"),
        path("exposure/loss/<int:pk>/", loss.loss_run, name="detail"),
        path("exposure/loss/<int:pk>/progress/", loss.loss_progress, name="progress"),
        path("exposure/loss/<int:pk>/curve.csv", loss.loss_csv, name="curve-csv"),
        path("exposure/loss/<int:pk>/causes.csv", loss.causes_csv, name="causes-csv"),
    ],
    "loss-assumptions": [
        path("exposure/loss/rates/<int:pk>/", assumptions.edit_event_rate, name="event-rate"),
        path("exposure/loss/losses/<slug:kind>/", assumptions.edit_base_loss, name="base-loss"),
        path(
            "exposure/loss/threshold/",
            outage_rates.edit_outage_threshold,
            name="outage-threshold",
        ),
    ],
    "scenarios": [
        path("what-if/", scenario_preview.scenario_preview, name="preview"),
        path("what-if.csv", scenario_preview.scenario_preview_csv, name="preview-csv"),
        path("what-if.xlsx", scenario_preview.scenario_preview_xlsx, name="preview-xlsx"),
        path("what-if/find/", change_search.change_search_fragment, name="search"),
        path("what-if/replacement/", node_replacement.replacement_page, name="replacement"),
        path("what-if/work-out/", scenario_preview.run_scenario, name="run"),
        *saved_scenarios.ScenarioList.urls("what-if/saved"),
        path("what-if/saved/<int:pk>/", saved_scenarios.scenario_detail, name="detail"),
        path("what-if/saved/<int:pk>/again/", saved_scenarios.rerun_scenario, name="rerun"),
        path("what-if/compare/", saved_scenarios.scenario_comparison, name="compare"),
        path("what-if/compare.csv", saved_scenarios.scenario_comparison_csv, name="compare-csv"),
    ],
    "scenario-runs": [
        path("what-if/answers/<int:pk>/", saved_scenarios.run_detail, name="detail"),
        path(
            "what-if/answers/<int:pk>/migration/",
            planned_migration.plan_migration,
            name="migration",
        ),
        path("what-if/answers/<int:pk>/progress/", saved_scenarios.run_progress, name="progress"),
        path("what-if/answers/<int:pk>/applications.csv", saved_scenarios.run_csv, name="csv"),
        path("what-if/answers/<int:pk>/applications.xlsx", saved_scenarios.run_xlsx, name="xlsx"),
    ],
}
# addresses of earlier releases: a permanent redirect to the route, with the query
MOVED = {
    "issues/": "issues:list",
}
urlpatterns = [
    *(path("", include((routes, namespace))) for namespace, routes in ROUTES.items()),
    *(
        path(old, RedirectView.as_view(pattern_name=route, permanent=True, query_string=True))
        for old, route in MOVED.items()
    ),
]


def named_routes() -> Iterator[tuple[str, URLPattern]]:
    """Yield each route with its name, `applications:detail`."""
    for namespace, routes in ROUTES.items():
        for route in routes:
            yield f"{namespace}:{route.name}", route
