"""Who gets what at which address: the table of tests/access/test_matrix.py.

Eight letters stand for admin, governance, auditor, owner, editor, viewer, a stranger (owner of another team), and
nobody signed in. y: let in; n: refused (403), because the caller may know that it is there; 0: not there (404); l:
asked to sign in (or 401). Each entry is the name of a route, or the address of a REST resource, and a method.
"""

PAGES = {
    # whoever has signed in; lists show what one sees
    "yyyyyyyl": """
        account:get account:post against:get against-csv:get alert-settings:get alerts:get alerts-csv:get
        answer-discrepancies:post answer-several:post api-docs:get applications:get applications-csv:get
        applications-xlsx:get
        approval:get approvals:get approvals-csv:get ask:post ask-gate-waiver:get ask-gate-waiver:post ask-pack:post
        assess-risks:post audit:get audit-csv:get board:get calendar:get calendar-csv:get campaign-tasks:get
        campaign-tasks-csv:get campaigns:get campaigns-csv:get choosing:get choosing-csv:get component-files:get
        concentration-csv:get contracts:get contracts-csv:get contributions:get contributions-csv:get decide:get
        decide-name:get decide-name:post deliveries:get deliveries-csv:get disagreement:get disagreements:get
        disagreements-csv:get discrepancies:get discrepancies-csv:get document-list:get documents-csv:get
        end-sessions:post
        ends-csv:get event:get events:get events-csv:get evidence:get evidence-csv:get exposure:get exposure-csv:get
        exposure-flow:get exposure-flow-csv:get exposure-node:get exposure-node-csv:get exposure-node-teams:get
        exposure-node-trend-csv:get exposure-states-csv:get exposure-trend-csv:get feed:get feed-notices:get
        feed-notices-csv:get feed-run:get feed-run-progress:get feed-runs:get feeds:get feeds-csv:get
        files:get findings:get link-services:post
        findings-csv:get foundation:get foundation-claims-csv:get foundation-lineage-csv:get
        foundation-prices-csv:get foundation-risk:get foundation-risks:get foundation-risks-csv:get foundations:get
        foundations-csv:get gate:get gate-csv:get gate-policy:get gate-setup:get gate-waivers:get
        gate-waivers-csv:get held:get held-csv:get identity:get intake:get intake-csv:get
        inventory-applications-csv:get inventory-uses-csv:get inventory-xlsx:get issue-token:post make-calendar:post
        names-seen:get names-seen-csv:get not-carried:get not-carried-csv:get observations:get observations-csv:get
        offering:get offering-claims-csv:get offering-prices-csv:get offerings:get offerings-csv:get overview:get
        packs:get preference:post price-gaps:get price-gaps-csv:get provider:get provider-history:get
        provider-history-csv:get providers:get providers-csv:get quarantine:get quarantine-csv:get raise-risk:get
        record-csv:get register-application:get reopen-dismissed:post report-models:get report-models-csv:get
        report-models-xlsx:get report-register:get report-register-xlsx:get reports:get risk-crosswalk:get
        risk-crosswalk-csv:get risk-template:get risks:get risks-csv:get risks-heat-csv:get risks-team-csv:get
        runway-csv:get save-filter:post saved-what-ifs:get search:get selection:get selection-facts-csv:get
        selections:get selections-csv:get services:get services-csv:get services-seen:get services-seen-csv:get
        settings:get single-points:get single-points-csv:get smallest-sets-csv:get start:get subscribe:get
        subscribe:post subscription-foundations:get subscription-preview:get subscriptions:get teams:get
        teams-csv:get tokens:get tokens-csv:get version:get version-claims-csv:get version-lineage-csv:get
        version-prices-csv:get versions:get versions-csv:get ways-out:get ways-out-csv:get what-if:get
        what-if-compare:get what-if-csv:get what-if-picks:get what-if-xlsx:get work-out:post
    """,
    # governance
    "yynnnnnl": """
        add-team:get add-team:post add-webhook:get add-webhook:post ask-documents:post campaign-order:post
        change-contract:post change-foundation-risk:post change-provider:get change-provider:post
        change-selection:post decide:post decide-selection:post disagreement:post edit-source:get edit-source:post
        end-foundation-risk:post gate-policy:post held:post intake-lines:post judge-selection:post new-approval:get
        new-approval:post new-contract:get new-contract:post new-selection:get new-selection:post new-source:get
        new-source:post note-document:post offering:post open-campaign:get open-campaign:post opening-progress:get
        poll:post raise-risk:post remove-team:post reopen-notices:post replace-approval:post reporting-entity:get
        reporting-entity:post revoke-approval:post save-lines:post save-policy:post settle-notices:post
        switch-source:post undo-source:post
    """,
    # governance, and editors of the team that owns it; strangers find nothing
    "yynyyn0l": """
        add-adaptation:get add-adaptation:post answer:post bring-back-application:get bring-back-application:post
        campaign-step:post change-adaptation:get change-adaptation:post change-application:get
        change-application:post change-dependency:get change-dependency:post component-answers:post
        confirm-dependency:post correct-exit-test:get correct-exit-test:post decide-risk:post declare-dependency:get
        declare-dependency:post end-dependency:get end-dependency:post exit-plan:get exit-plan:post lift-mute:post
        merge-application:get merge-application:post model-statement:get model-statement:post order-fallbacks:post
        record-exit-test:get record-exit-test:post release-gate-run:post remove-adaptation:post
        remove-exit-plan:post reopen-dependency:get reopen-dependency:post replace-dependency:get
        replace-dependency:post retire-application:get retire-application:post undo:post
    """,
    # whoever may see the team's record
    "yyyyyy0l": """
        act-on-service:post service-seen:get
        alert:get answers:get application:get application-csv:get application-gate:get application-history:get
        campaign:get campaign-task:get component-file:get component-file-json:get component-file-xlsx:get
        delivery:get evidence-page:get gate-findings-csv:get gate-run:get gate-waiver:get inherited-risk:get
        preference-of-team:post stack-csv:get team:get
    """,
    # the offices
    "yyy0000l": """
        ask-again:post contract:get documents:get flag:get flag-csv:get flags:get flags-csv:get loss:get
        loss-progress:get loss-run:get policies:get policies-csv:get policy:get run-loss:post saved-what-if:get
        webhook:get what-if-progress:get what-if-run:get what-if-run-csv:get what-if-run-xlsx:get
    """,
    # there is nothing at this key here: see the tests of that page
    "0000000l": """
        confirm-email:get confirm-email:post end-session:post
        ask-file:post component-file-csv:get file:get file-body:get file-progress:get
        lift-name:post loss-causes-csv:get loss-csv:get pack-file:get unbind-key:post
        undo-assessments:post what-if-compare-csv:get
    """,
    # governance, where only the offices see it
    "yyn0000l": """
        base-loss:get base-loss:post decide-flag:post loss-rate:get loss-rate:post new-policy:get new-policy:post
        policy:post saved-what-if:post switch-webhook:post test-webhook:post webhook:post webhook-secret:post
    """,
    # governance, and whoever edits some team
    "yynyynyl": """
        add-evidence:get add-evidence:post change-applications:get change-applications:post import-template:get
        imports:get imports:post imports-csv:get register-application:post upload-results:get upload-results:post
    """,
    # governance; there is nothing at this key here
    "00nnnnnl": """
        add-candidate:post feed-run-payload:get lift:post lift-decision:post lift-disagreement:post
        remove-candidate:post tell-notice:post
    """,
    # anybody: the address holds a secret, or there is nothing to hide
    "yyyyyyyy": """
        answer-link:get answer-link:post favicon.ico:get gate-client:get unsubscribe:get unsubscribe:post
    """,
    # whose own it is, not even the offices
    "000y000l": """
        drop-filter:post end-subscription:post revoke-calendar:post subscription:get subscription:post
    """,
    # whose own it is; members of the team see it
    "yyny0n0l": """
        import:get import-application:post import-progress:get import-rows-csv:get import-undo:post
    """,
    # whose own it is
    "nnny0n0l": """
        import-columns:get import-columns:post import-confirm:post import-drop:post
    """,
    # administrators
    "ynnnnnnl": """
        invite:get invite:post invite-again:post person:post reset-factors:post end-person-sessions:post
    """,
    # the offices, and the others are told so
    "yyynnnnl": """
        account-events:get account-events-csv:get metrics:get people:get people-csv:get person:get sign-on:get
    """,
    # governance, and owners of the team
    "yynynn0l": """
        add-member:post campaign-work:post drop-member:post
    """,
    # there is nothing at this key here, for anybody
    "00000000": """
        alerts-feed:get calendar-feed:get changes-feed:get report-register-csv:get undo-provider:post
    """,
    # governance, where the record is a team's
    "yynnnn0l": """
        decide-gate-waiver:post resend:post team:post
    """,
    # the offices, and whose own it is
    "yyyy000l": """
        pack:get pack-progress:get service:get
    """,
    # governance, and whoever owns some team
    "yynynnyl": """
        add-service:get add-service:post
    """,
    # governance, and whose own it is or who looks after it
    "yyny000l": """
        issue-service-token:post service:post
    """,
    # whose own it is, and administrators
    "y0ny000l": """
        revoke-token:post
    """,
    # whose own it is: who reads the new secret acts as that person
    "n0ny000l": """
        rotate-token:post
    """,
    # whose own it is, administrators and the auditor
    "y0yy000l": """
        bind-key:post
    """,
    # editors of the team; there is nothing at this key here
    "00n00n0l": """
        import-refused:get
    """,
}

API = {
    # whoever has signed in; lists show what one sees
    "yyyyyyyl": """
        adaptations/:get adaptations/:post adaptations/bulk/:post alert-policies/:get alert-policies/{pk}/:get
        alert-settings/:get alerts/:get alerts/answer/:post annex-items/:get applications/:get applications/:post
        applications/bulk/:post applications/change/:post approvals/:get approvals/against/:get approvals/{pk}/:get
        assertions/:get assertions/{pk}/:get assessments/:get assessments/:post assessments/accept/:post
        assessments/bulk/:post assessments/not-applicable/:post audit/:get base-losses/:get calendar-feeds/:get
        calendar-feeds/:post calendar.ics:get campaign-steps/:get campaign-tasks/:get campaigns/:get
        concentration/:get contracts/:get costs/:get deliveries/:get dependencies/:get dependencies/:post
        dependencies/bulk/:post derivations/:get derivations/{pk}/:get disagreements/:get disagreements/{pk}/:get
        discrepancies/:get senders/:get
        event-rates/:get evidence-packs/:get evidence-packs/:post evidence/:get evidence/:post exit-plans/:get
        exit-plans/:post exit-plans/bulk/:post exit-tests/:get exit-tests/:post exposure-flags/:get
        feed-notices/:get feed-runs/:get feed-runs/{pk}/:get findings/:get foundation-risks/:get
        foundation-risks/{pk}/:get foundation-risks/{pk}/reach/:get foundations/:get foundations/{slug}/:get
        foundations/{slug}/blast-radius/:get foundations/{slug}/scorecard/:get gate-policy/:get gate-runs/:get
        gate-waivers/:get gate-waivers/:post imports/:get inherited-risks/:get inherited-risks/totals/:get jobs/:get
        loss-runs/:get mail-preferences/me/:get mail-preferences/me/:patch mail-preferences/me/:put memberships/:get
        mail-preferences/me/ask/:post mutes/:get mutes/:post notices/:get notices/account/:get observations/:get
        offerings/:get offerings/{pk}/:get offerings/{pk}/blast-radius/:get policies/:get policies/:post prices/:get
        prices/{pk}/:get provider-events/:get provider-events/{event_id}/affected/:get provider-events/{pk}/:get
        providers/:get providers/{slug}/:get providers/{slug}/blast-radius/:get providers/{slug}/record/:get
        providers/{slug}/scorecard/:get reports/board/:get reports/models/:get reports/models/rows/:get
        reports/register/:get risk-templates/:get risk-templates/{pk}/:get runways/:get scenario-runs/:get
        scenarios/:get scenarios/:post scenarios/run/:post scorecards/compare/:get selections/:get
        selections/{pk}/:get selections/{pk}/candidates/:get service-accounts/:get single-points-of-failure/:get
        snapshots/:get sources/:get sources/{pk}/:get subscriptions/:get subscriptions/:post
        subscriptions/preview/:post teams/:get tokens/:get tokens/:post users/:get versions/:get versions/{pk}/:get
        versions/{pk}/blast-radius/:get webhooks/:get
    """,
    # whoever may see the team's record
    "yyyyyy0l": """
        discrepancies/{pk}/dismiss/:post memberships/{pk}/:get senders/{pk}/claim/:post
        adaptations/{pk}/:get alerts/{pk}/:get alerts/{pk}/mute/:post alerts/{pk}/turns/:get
        applications/{slug}/:get applications/{slug}/bom/:get applications/{slug}/changes/:get
        applications/{slug}/cost/:get applications/{slug}/findings/:get applications/{slug}/runway/:get
        applications/{slug}/stack/:get assessments/{pk}/:get campaign-steps/{pk}/:get campaign-tasks/{pk}/:get
        campaign-tasks/{pk}/gate/:get campaigns/{pk}/:get campaigns/{pk}/progress/:get deliveries/{pk}/:get
        dependencies/{pk}/:get evidence/{pk}/:get exit-plans/{pk}/:get exit-tests/{pk}/:get gate-runs/{pk}/:get
        gate-runs/{pk}/answer/:get gate-waivers/{pk}/:get inherited-risks/{pk}/:get
        mail-preferences/teams/{slug}/:get mutes/{pk}/:get notices/{pk}/:get observations/{pk}/:get
        discrepancies/{pk}/:get senders/{pk}/:get senders/{pk}/tokens/:get
        reports/components/{slug}/:get teams/{slug}/:get teams/{slug}/bom/:get
    """,
    # governance, and editors of the team that owns it; strangers find nothing
    "yynyyn0l": """
        adaptations/{pk}/:delete adaptations/{pk}/:patch alerts/{pk}/acknowledge/:post alerts/{pk}/assign/:post
        alerts/{pk}/reopen/:post alerts/{pk}/resolve/:post alerts/{pk}/snooze/:post alerts/{pk}/undo/:post
        applications/{slug}/:patch
        applications/{slug}/bring-back/:post applications/{slug}/merge/:post applications/{slug}/retire/:post
        assessments/{pk}/attach/:post assessments/{pk}/undo/:post campaign-steps/{pk}/tick/:post
        campaign-steps/{pk}/untick/:post
        campaign-tasks/{pk}/:patch campaign-tasks/{pk}/add-step/:post campaign-tasks/{pk}/measurements/:post
        campaign-tasks/{pk}/switch/:post campaign-tasks/{pk}/target/:post changes/{change}/undo/:post
        dependencies/{pk}/:patch dependencies/{pk}/confirm/:post dependencies/{pk}/end/:post
        dependencies/{pk}/reopen/:post dependencies/{pk}/replace/:post exit-plans/{pk}/:delete
        exit-plans/{pk}/:patch exit-tests/{pk}/:patch gate-waivers/{pk}/withdraw/:post mutes/{pk}/lift/:post
        senders/{pk}/unclaim/:post
        discrepancies/{pk}/declare/:post discrepancies/{pk}/end/:post
    """,
    # governance
    "yynnnnnl": """
        alert-policies/{pk}/:patch alert-settings/:patch annex-items/note/:post annex-items/request/:post
        approvals/:post approvals/{pk}/replace/:post approvals/{pk}/revoke/:post campaigns/:post contracts/:post
        foundation-risks/:post foundation-risks/{pk}/:patch foundation-risks/{pk}/attach/:post
        foundation-risks/{pk}/close/:post
        foundation-risks/{pk}/dismiss/:post foundation-risks/{pk}/reinstate/:post foundation-risks/{pk}/reopen/:post
        gate-policy/:patch providers/{slug}/:patch selections/:post selections/{pk}/:patch
        selections/{pk}/add-candidate/:post selections/{pk}/decide/:post selections/{pk}/remove-candidate/:post
        selections/{pk}/score/:post sources/:post sources/preview/:post sources/{pk}/:patch teams/:post webhooks/:post
    """,
    # administrators
    "ynnnnnnl": """
        users/:post
    """,
    # administrators, where only the organisation roles see it
    "ynn0000l": """
        users/{pk}/:patch users/{pk}/invite/:post
    """,
    # the offices
    "yyy0000l": """
        annex-items/{pk}/:get base-losses/{pk}/:get contracts/{pk}/:get event-rates/{pk}/:get
        exposure-flags/{pk}/:get exposure-flags/{pk}/accept/:post exposure-flags/{pk}/revoke/:post
        exposure-settings/:get loss-runs/{pk}/:get policies/{pk}/:get scenario-runs/{pk}/:get scenarios/{pk}/:get
        scenarios/{pk}/ask/:post snapshots/{pk}/:get users/{pk}/:get webhooks/{pk}/:get
    """,
    # programs with another scope
    "nnnnnnnl": """
        bom:post bom:put bom/token/{token}:get gate/:post gate/bundle/:get gate/{pk}/:get gate/{pk}/released/:post
        intake/litellm-callback/:post intake/{kind}/:post
    """,
    # governance, where only the offices see it
    "yyn0000l": """
        contracts/{pk}/:patch exposure-flags/{pk}/acknowledge/:post exposure-settings/:patch policies/{pk}/:patch
        scenarios/{pk}/:patch webhooks/{pk}/:patch webhooks/{pk}/new-secret/:post webhooks/{pk}/switch-off/:post
        webhooks/{pk}/try/:post
    """,
    # governance, where the record is a team's
    "yynnnn0l": """
        senders/{pk}/ignore/:post
        campaigns/{pk}/:patch campaigns/{pk}/close/:post campaigns/{pk}/extend/:post campaigns/{pk}/reopen/:post
        campaigns/{pk}/reschedule/:post deliveries/{pk}/resend/:post gate-waivers/{pk}/grant/:post
        gate-waivers/{pk}/refuse/:post teams/{slug}/:delete teams/{slug}/:patch
    """,
    # governance, and whoever owns some team
    "yynynnyl": """
        memberships/:post service-accounts/:post
    """,
    # governance, and owners of the team
    "yynynn0l": """
        assessments/{pk}/revoke/:post campaign-tasks/{pk}/lift-waiver/:post campaign-tasks/{pk}/reopen/:post
        campaign-tasks/{pk}/sign-off/:post campaign-tasks/{pk}/waive/:post mail-preferences/teams/{slug}/:patch
        mail-preferences/teams/{slug}/:put memberships/{pk}/:delete
    """,
    # there is nothing at this key here: see the tests of that page
    "0000000l": """
        evidence-packs/{pk}/file/:get feed-notices/{pk}/:get feed-notices/{pk}/reopen/:post
        feed-notices/{pk}/settle/:post jobs/{pk}/:get jobs/{pk}/cancel/:post jobs/{pk}/resume/:post
        reports/register/{table}/:get
    """,
    # whose own it is, not even the offices
    "000y000l": """
        calendar-feeds/{pk}/:get calendar-feeds/{pk}/revoke/:post subscriptions/{pk}/:delete subscriptions/{pk}/:get
        subscriptions/{pk}/:patch subscriptions/{pk}/preview/:get
    """,
    # the offices, and whose own it is
    "yyyy000l": """
        evidence-packs/{pk}/:get imports/{pk}/:get imports/{pk}/application/:post imports/{pk}/undo/:post
        service-accounts/{pk}/:get
    """,
    # the offices, and the others are told so
    "yyynnnnl": """
        loss-runs/:post
    """,
    # whose own it is, administrators and the auditor
    "y0yy000l": """
        tokens/{pk}/:get
    """,
    # whose own it is, and administrators
    "y0ny000l": """
        tokens/{pk}/revoke/:post
    """,
    # whose own it is; a token with fewer scopes does not
    "n0nn000l": """
        tokens/{pk}/rotate/:post
    """,
}

# the sign-in's own addresses, by GET: somebody signed in, and nobody
ENTRANCE = {
    "00": r"""
        sign-on/:get sign-on/callback/:get
    """,
    "0l": r"""
        2fa/totp/deactivate/:get 2fa/recovery-codes/:get 2fa/recovery-codes/download/:get
    """,
    "ll": r"""
        3rdparty/login/error/:get 3rdparty/signup/:get
    """,
    "yl": r"""
        reauthenticate/:get email/:get password/change/:get password/set/:get login/code/confirm/:get 2fa/:get
        2fa/webauthn/:get 2fa/webauthn/add/:get 2fa/webauthn/reauthenticate/:get
        2fa/webauthn/keys/<int:pk>/remove/:get 2fa/webauthn/keys/<int:pk>/edit/:get
        2fa/authenticate/:get 2fa/reauthenticate/:get 2fa/totp/activate/:get 2fa/recovery-codes/generate/:get
        3rdparty/:get sessions/:get social/login/cancelled/:get social/login/error/:get social/signup/:get
        social/connections/:get
    """,
    "yy": r"""
        login/:get logout/:get inactive/:get signup/:get confirm-email/:get password/reset/:get
        ^confirm-email/(?P<key>[-:\w]+)/$:get password/reset/key/done/:get
        ^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$:get password/reset/done/:get
        3rdparty/login/cancelled/:get
    """,
}

# own things, and questions whose answer is worked out and kept for the asker: nothing of the register changes by them
AUDITOR_ASKS = frozenset(
    {
        "ask-again",
        "ask-pack",
        "evidence-packs/",
        "loss-runs/",
        "run-loss",
        "scenarios/",
        "scenarios/run/",
        "scenarios/{pk}/ask/",
        "work-out",
    }
)
OWN_TABLES = frozenset(
    {
        "accounts_accountevent",
        "accounts_apitoken",
        "accounts_savedfilter",
        "alerts_calendarfeed",
        "alerts_mute",
        "alerts_preference",
        "alerts_subscription",
        "django_session",
        "pghistory_context",
    }
)
# what a token for sending gets although it cannot read: the answer to what it sent itself
READ_BY_SENDERS = {"intake": {"bom/token/{token}"}, "gate": {"gate/bundle/", "gate/{pk}/"}}
OTLP = {
    "/otlp/v1/logs",
    "/otlp/v1/metrics",
    "/otlp/v1/traces",
    "/otlp/api/public/otel/v1/traces",
    "/api/public/otel/v1/traces",
}
# apps with models in the admin
ADMIN = {
    "account",
    "accounts",
    "alerts",
    "auth",
    "catalog",
    "exposure",
    "feeds",
    "inventory",
    "mfa",
    "risks",
    "socialaccount",
    "usersessions",
}
