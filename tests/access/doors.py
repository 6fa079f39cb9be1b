"""Who gets what at which address: the table of tests/access/test_matrix.py.

Eight letters stand for admin, governance, auditor, owner, editor, viewer, a stranger (owner of
another team), and nobody signed in. y: let in; n: refused (403), because the caller may know that
it is there; 0: not there (404); l: asked to sign in (or 401). Each entry is the name of a route, or
the address of a REST resource, and a method.
"""

PAGES = {
    # whoever has signed in; lists show what one sees
    "yyyyyyyl": """
        channels:choose:get channels:create:get channels:create:post
        account:detail:get account:detail:post account:end-other-sessions:post
        alert-settings:detail:get alerts:bulk-respond:post alerts:csv:get alerts:list:get
        alerts:xlsx:get api:docs:get applications:create:get applications:csv:get
        applications:list:get applications:xlsx:get approvals:csv:get approvals:detail:get
        billed-costs:csv:get billed-costs:list:get billed-costs:xlsx:get
        approvals:list:get approvals:violations-csv:get approvals:violations-xlsx:get
        approvals:violations:get approvals:xlsx:get audit:csv:get audit:list:get audit:xlsx:get
        calendar-feeds:create:post calendar:csv:get calendar:list:get campaign-tasks:csv:get
        campaigns:successors:get
        campaign-tasks:list:get campaign-tasks:xlsx:get campaigns:csv:get campaigns:list:get
        campaigns:xlsx:get capability-contradictions:csv:get capability-contradictions:list:get
        capability-contradictions:xlsx:get
        component-files:list-csv:get component-files:list-xlsx:get
        component-files:list:get connections:csv:get connections:list:get connections:xlsx:get
        contracts:csv:get contracts:list:get contracts:xlsx:get delegations:csv:get
        delegations:list:get delegations:list:post delegations:xlsx:get deliveries:csv:get
        deliveries:list:get deliveries:not-sent-csv:get deliveries:not-sent-xlsx:get
        deliveries:not-sent:get deliveries:xlsx:get disagreements:csv:get disagreements:detail:get
        disagreements:list:get disagreements:xlsx:get discrepancies:bulk-respond:post
        discrepancies:csv:get discrepancies:list:get discrepancies:reopen:post
        discrepancies:xlsx:get documents:csv:get documents:list:get documents:xlsx:get
        events:csv:get events:detail:get events:list:get events:xlsx:get evidence-packs:create:post
        evidence-packs:csv:get evidence-packs:list:get evidence-packs:xlsx:get evidence:csv:get
        evidence:compare:get evidence:list:get evidence:xlsx:get exchange-rates:csv:get
        exchange-rates:list:get exchange-rates:xlsx:get exposure:blast-radius-csv:get
        exposure:blast-radius-teams:get exposure:blast-radius-trend-csv:get
        exposure:blast-radius-xlsx:get exposure:blast-radius:get exposure:concentration-csv:get
        exposure:concentration:get exposure:contributions-csv:get exposure:contributions-xlsx:get
        exposure:contributions:get exposure:exit-readiness-csv:get exposure:exit-readiness-xlsx:get
        exposure:exit-readiness:get exposure:flow-csv:get exposure:flow:get
        exposure:minimal-cut-sets-csv:get exposure:months-csv:get exposure:months-xlsx:get
        exposure:open-weights-csv:get exposure:open-weights-xlsx:get exposure:open-weights:get
        exposure:months:get exposure:portfolio:get exposure:single-points-csv:get
        exposure:single-points-xlsx:get exposure:single-points:get exposure:states-csv:get
        exposure:trend-csv:get feed-runs:csv:get feed-runs:detail:get feed-runs:list:get
        features:csv:get features:list:get
        features:xlsx:get feed-runs:progress:get feed-runs:xlsx:get
        feeds:csv:get feeds:detail:get feeds:list:get
        feeds:on-hold-csv:get feeds:on-hold-xlsx:get feeds:on-hold:get feeds:quarantine-csv:get
        feeds:quarantine-xlsx:get feeds:quarantine:get feeds:sources-csv:get feeds:sources-xlsx:get
        files:csv:get files:list:get files:xlsx:get findings:csv:get findings:list:get
        findings:xlsx:get foundation-risks:create:get foundation-risks:csv:get
        foundation-risks:detail:get foundation-risks:list:get foundation-risks:xlsx:get
        foundations:csv:get foundations:detail:get foundations:lifecycle-csv:get
        foundations:lineage-csv:get foundations:list:get foundations:prices-csv:get
        foundations:xlsx:get gate-runs:csv:get gate-runs:list:get gate-runs:xlsx:get gate:policy:get
        gate:setup:get home:concentration-csv:get home:overview:get home:retirements-csv:get
        home:runways-csv:get home:search:get home:start:get imports:applications-csv:get
        imports:dependencies-csv:get imports:inventory-xlsx:get incidents:csv:get
        incidents:detail:get incidents:list:get incidents:xlsx:get inherited-risks:bulk-assess:post
        inherited-risks:csv:get inherited-risks:groups-csv:get inherited-risks:groups-xlsx:get
        inherited-risks:heat-map-csv:get inherited-risks:heat-map:get inherited-risks:list:get
        inherited-risks:teams-csv:get inherited-risks:xlsx:get issues/:get issues:bulk-respond:post
        issues:csv:get issues:list:get issues:xlsx:get notification-preferences:edit:post
        notification-preferences:send-summary:post observations:csv:get observations:list:get
        observations:xlsx:get offerings:csv:get offerings:detail:get offerings:list:get
        offerings:prices-csv:get offerings:source-values-csv:get offerings:xlsx:get
        price-gaps:csv:get price-gaps:list:get price-gaps:xlsx:get provider-notices:csv:get
        products:csv:get products:detail:get products:list:get products:models-csv:get
        products:xlsx:get
        provider-notices:list:get provider-notices:xlsx:get providers:csv:get providers:detail:get
        providers:edit:get providers:history-csv:get providers:history:get providers:list:get
        providers:track-record-csv:get providers:xlsx:get records:history-csv:get
        records:history:get reported-services:bulk-link:post reported-services:csv:get
        reported-services:list:get reported-services:xlsx:get reports:board-summary:get
        reports:home:get reports:model-inventory-csv:get reports:model-inventory-xlsx:get
        reports:model-inventory:get reports:register-xlsx:get reports:register:get
        retirements:csv:get retirements:detail:get retirements:list:get retirements:xlsx:get
        risk-templates:crosswalk-csv:get risk-templates:crosswalk-xlsx:get
        risk-templates:crosswalk:get risk-templates:detail:get saved-filters:create:post
        scenarios:compare:get scenarios:csv:get scenarios:list:get scenarios:preview-csv:get
        scenarios:preview-xlsx:get scenarios:preview:get scenarios:replacement:get
        scenarios:replacement:post scenarios:run:post scenarios:search:get
        scenarios:xlsx:get selections:compare-csv:get selections:compare:get selections:csv:get
        selections:detail:get selections:facts-csv:get selections:list:get selections:xlsx:get
        service-accounts:csv:get service-accounts:list:get service-accounts:xlsx:get
        settings:home:get subscriptions:create:get subscriptions:create:post
        subscriptions:foundations:get subscriptions:list:get subscriptions:preview:get teams:csv:get
        teams:list:get teams:xlsx:get tokens:create:post tokens:csv:get tokens:list:get
        tokens:xlsx:get unrecognised-names:csv:get unrecognised-names:decide:get
        unrecognised-names:decide:post unrecognised-names:list:get unrecognised-names:xlsx:get
        unresolved-models:csv:get unresolved-models:decide:get unresolved-models:list:get
        tickets:csv:get tickets:list:get tickets:xlsx:get
        unresolved-models:xlsx:get versions:csv:get versions:detail:get versions:lifecycle-csv:get
        versions:lineage-csv:get versions:list:get versions:prices-csv:get versions:xlsx:get
        waivers:create:get waivers:create:post waivers:csv:get waivers:list:get waivers:xlsx:get
    """,
    # governance
    "yynnnnnl": """
        alert-settings:edit-policy:post alert-settings:edit:post approvals:create:get
        approvals:create:post approvals:replace:post approvals:revoke:post campaigns:action:post
        campaigns:create-progress:get campaigns:create:get campaigns:create:post
        campaigns:successors:post
        account-deployments:csv:get account-deployments:list:get account-deployments:xlsx:get
        cloud-accounts:choose:get cloud-accounts:create:get cloud-accounts:create:post
        cloud-accounts:credentials:post cloud-accounts:csv:get
        cloud-accounts:delete-credentials:post cloud-accounts:detail:get cloud-accounts:edit:get
        cloud-accounts:edit:post cloud-accounts:list:get cloud-accounts:progress:get
        cloud-accounts:pull:post cloud-accounts:test:post cloud-accounts:toggle:post
        cloud-accounts:xlsx:get
        ticket-connections:create:get ticket-connections:create:post ticket-connections:csv:get
        ticket-connections:delete-secrets:post ticket-connections:detail:get
        ticket-connections:edit:get ticket-connections:edit:post ticket-connections:list:get
        ticket-connections:secrets:post ticket-connections:test:post
        ticket-connections:toggle:post ticket-connections:xlsx:get
        connections:tolerances:post contracts:create:get contracts:create:post
        disagreements:detail:post documents:note:post documents:request:post
        feeds:create:get feeds:create:post feeds:edit:get feeds:edit:post feeds:on-hold:post
        feeds:poll:post feeds:toggle:post feeds:undo:post foundation-risks:action:post
        foundation-risks:create:post foundation-risks:edit:post gate:policy:post
        offerings:data-terms:get offerings:data-terms:post offerings:remove-data-term:post
        data-terms:import-template:get data-terms:import:get data-terms:import:post
        data-terms:undo:post providers:data-terms:get providers:data-terms:post
        offerings:enter-capability:get offerings:enter-capability:post
        offerings:remove-capability:post offerings:undo-capability:post
        offerings:detail:post provider-notices:close:post provider-notices:reopen:post
        received-notices:csv:get received-notices:list:get received-notices:rules:get
        received-notices:rules:post received-notices:xlsx:get use-case-links:create:get
        use-case-links:create:post records:create:get records:create:post
        records:delete:post records:edit:get records:edit:post records:undo:post
        reports:board-commentary:get reports:board-commentary:post reports:reporting-entity:get
        reports:reporting-entity:post retirements:announce:get retirements:announce:post
        retirements:withdraw:post selections:create:get selections:create:post
        selections:decide:post selections:edit:post selections:score:post teams:create:get
        teams:create:post teams:delete:post unresolved-models:decide:post users:bulk-change:post
        users:contact-action:post users:create-contact:get users:create-contact:post
        users:domains:get users:domains:post webhooks:create:get webhooks:create:post
    """,
    # governance, and editors of the team that owns it; strangers find nothing
    "yynyyn0l": """
        adaptations:create:get adaptations:create:post adaptations:delete:post adaptations:edit:get
        adaptations:edit:post alerts:respond:post alerts:unmute:post applications:edit:get
        applications:edit:post applications:merge:get applications:merge:post
        applications:order-fallbacks:post applications:reactivate:get applications:reactivate:post
        applications:retire:get applications:retire:post campaign-steps:action:post
        changes:undo:post component-files:answers:post dependencies:confirm:post
        dependencies:create:get dependencies:create:post dependencies:edit:get
        dependencies:edit:post dependencies:end:get dependencies:end:post dependencies:reopen:get
        dependencies:requirements:get dependencies:requirements:post dependencies:successor:post
        dependencies:reopen:post dependencies:replace:get dependencies:replace:post
        exit-plans:delete:post exit-plans:edit:get exit-plans:edit:post exit-tests:create:get
        exit-tests:create:post exit-tests:edit:get exit-tests:edit:post gate-runs:mark-released:post
        inherited-risks:decide:post issues:respond:post reports:model-statement:get
        reports:model-statement:post
        tickets:create-for-campaign:get tickets:create-for-campaign:post
        tickets:create-for-issue:get tickets:create-for-issue:post tickets:create-for-task:get
        tickets:create-for-task:post tickets:refresh:post tickets:remove:post
    """,
    # whoever may see the team's record
    "yyyyyy0l": """
        channels:detail:get
        alerts:detail:get alerts:responses:get applications:detail:get applications:history:get
        applications:stack-csv:get applications:table-csv:get campaign-tasks:detail:get
        campaigns:detail:get campaigns:plan:get campaigns:table:get component-files:detail:get
        component-files:json:get component-files:xlsx:get deliveries:detail:get
        dependencies:successor-csv:get dependencies:successor:get evidence:detail:get
        gate-runs:detail:get gate-runs:findings-csv:get gate-runs:findings-xlsx:get
        gate-runs:findings:get gate:application:get inherited-risks:detail:get issues:detail:get
        notification-preferences:edit-team:post reported-services:action:post
        reported-services:detail:get teams:detail:get waivers:detail:get
    """,
    # the offices
    "yyy0000l": """
        confirmation-settings:detail:get contracts:detail:get documents:detail:get
        exposure-flags:applications-csv:get exposure-flags:csv:get exposure-flags:detail:get
        exposure-flags:list:get exposure-flags:xlsx:get exposure-policies:csv:get
        exposure-policies:detail:get exposure-policies:list:get exposure-policies:xlsx:get
        loss-runs:create:post loss-runs:detail:get loss-runs:latest:get loss-runs:progress:get
        loss-runs:runs-csv:get loss-runs:runs-xlsx:get scenario-runs:csv:get
        scenario-runs:detail:get scenario-runs:progress:get scenario-runs:xlsx:get
        scenarios:detail:get scenarios:rerun:post use-case-links:csv:get use-case-links:list:get
        use-case-links:xlsx:get use-cases:csv:get use-cases:detail:get use-cases:exposure:get
        use-cases:list:get use-cases:xlsx:get webhooks:detail:get
    """,
    # there is nothing at this key here: see the tests of that page
    "0000000l": """
        account:confirm-email:get account:confirm-email:post account:end-session:post
        component-files:table-csv:get connections:unbind-token:post evidence-packs:download:get
        evidence:compare-csv:get
        files:create:post files:detail:get files:download:get files:progress:get
        inherited-risks:undo:post loss-runs:causes-csv:get loss-runs:curve-csv:get
        offerings:choose-model-id:get offerings:choose-model-id:post offerings:undo-model-id:post
        scenario-runs:migration:get scenario-runs:migration:post
        scenarios:compare-csv:get unrecognised-names:undo-decision:post
    """,
    # governance, where only the offices see it
    "yyn0000l": """
        contracts:edit:get contracts:edit:post
        use-case-links:restore:post use-case-links:revoke:post use-cases:accept:get
        use-cases:accept:post use-cases:ask:post use-cases:decline:post use-cases:undo:post
        use-cases:withdraw-question:post
        confirmation-settings:detail:post decision-proposals:decide:post exposure-flags:decide:post
        exposure-policies:create:get exposure-policies:create:post exposure-policies:detail:post
        loss-assumptions:base-loss:get loss-assumptions:base-loss:post
        loss-assumptions:event-rate:get loss-assumptions:event-rate:post
        loss-assumptions:outage-threshold:get loss-assumptions:outage-threshold:post
        scenarios:detail:post
        webhooks:detail:post webhooks:rotate-secret:post webhooks:test:post webhooks:toggle:post
    """,
    # governance, and whoever edits some team
    "yynyynyl": """
        applications:bulk-update:get applications:bulk-update:post applications:create:post
        evidence:create:get evidence:create:post evidence:upload:get evidence:upload:post
        imports:csv:get imports:example:get imports:list:get imports:list:post imports:template:get
        imports:upload-example:post imports:xlsx:get
    """,
    # governance; there is nothing at this key here
    "00nnnnnl": """
        disagreements:remove-override:post feed-runs:payload:get offerings:remove-override:post
        provider-notices:announce:post selections:add-candidate:post
        selections:remove-candidate:post unresolved-models:undo-decision:post
    """,
    # governance; others find nothing
    "yy00000l": """
        received-notices:detail:get received-notices:dismiss:post received-notices:reopen:post
    """,
    # anybody: the address holds a secret, or there is nothing to hide
    "yyyyyyyy": """
        alerts:respond-by-link:get alerts:respond-by-link:post favicon.ico:get gate:client:get
        gate:lifecycle-callback:get
        notification-preferences:unsubscribe:get notification-preferences:unsubscribe:post
        use-case-form:propose:get use-case-form:propose:post
    """,
    # whoever signs the body; API tokens alone, whatever the session
    "llllllll": """
        integrations:jira:post
        programs:mcp:post
    """,
    # whose own it is, not even the offices
    "000y000l": """
        calendar-feeds:revoke:post saved-filters:delete:post subscriptions:delete:post
        subscriptions:edit:get subscriptions:edit:post
    """,
    # whose own it is; members of the team see it
    "yyny0n0l": """
        imports:choose-application:post imports:detail:get imports:progress:get imports:rows-csv:get
        imports:rows-xlsx:get imports:undo:post
    """,
    # whose own it is
    "nnny0n0l": """
        imports:columns:get imports:columns:post imports:confirm:post imports:discard:post
        imports:edit-row:get imports:edit-row:post imports:values:get imports:values:post
    """,
    # whose own it is; there are no values at this key here
    "nnn00n0l": """
        imports:values-csv:get
    """,
    # governance; whose own it is may not invite
    "yynn0n0l": """
        imports:invite:post
    """,
    # administrators
    "ynnnnnnl": """
        settings:create-provisioning-token:post
        users:detail:post users:end-sessions:post users:invite:get users:invite:post
        users:resend-invitation:post users:reset-two-factor:post
    """,
    # the offices, and the others are told so
    "yyynnnnl": """
        account-events:csv:get account-events:list:get account-events:xlsx:get
        monitoring:metrics:get reports:filing-csv:get reports:filing-package:get
        reports:filing:get settings:provisioning:get settings:single-sign-on:get users:csv:get
        users:detail:get
        users:list:get users:xlsx:get
    """,
    # governance, and owners of the team
    "yynynn0l": """
        channels:detail:post channels:test:post channels:toggle:post
        campaign-tasks:action:post teams:add-member:post teams:remove-member:post
    """,
    # there is nothing at this key here, for anybody
    "00000000": """
        use-case-form:answer:get use-case-form:answer:post
        reports:register-csv:get secret-feeds:alerts:get secret-feeds:calendar:get
        secret-feeds:changes:get
    """,
    # governance, where the record is a team's
    "yynnnn0l": """
        deliveries:resend:post teams:detail:post waivers:decide:post
    """,
    # the offices, and whose own it is
    "yyyy000l": """
        evidence-packs:detail:get evidence-packs:progress:get service-accounts:detail:get
    """,
    # governance, and whoever owns some team
    "yynynnyl": """
        service-accounts:create:get service-accounts:create:post
    """,
    # governance, and whose own it is or who looks after it
    "yyny000l": """
        delegations:end:post service-accounts:create-token:post service-accounts:detail:post
    """,
    # whose own it is, and administrators
    "y0ny000l": """
        tokens:revoke:post
    """,
    # whose own it is: who reads the new secret acts as that person
    "n0ny000l": """
        tokens:rotate:post
    """,
    # whose own it is, administrators and the auditor
    "y0yy000l": """
        connections:bind-token:post
    """,
    # editors of the team; there is nothing at this key here
    "00n00n0l": """
        imports:rejected-csv:get
    """,
    # Slack alone, by its signature
    "nnnnnnnn": """
        slack-requests:receive:post
    """,
}

API = {
    # whoever has signed in; lists show what one sees
    "yyyyyyyl": """
        channels/:get channels/:post
        adaptations/:get adaptations/:post adaptations/bulk/:post alert-policies/:get
        alert-policies/{pk}/:get alert-settings/:get alerts/:get alerts/bulk-respond/:post
        aliases/:get aliases/{pk}/:get annex-items/:get applications/:get applications/:post
        applications/bulk-update/:post applications/bulk/:post approvals/:get billed-costs/:get
        approvals/violations/:get approvals/{pk}/:get assertions/:get assertions/{pk}/:get
        assessments/:get assessments/:post assessments/accept/:post assessments/bulk/:post
        assessments/not-applicable/:post audit/:get base-losses/:get calendar-feeds/:get
        calendar-feeds/:post calendar.ics:get campaign-steps/:get campaign-tasks/:get
        campaign-tasks/bulk-assign/:post campaigns/:get causes/:get concentration/:get
        account-deployments/:get cloud-accounts/:get cloud-pulls/:get
        ticket-connections/:get tickets/:get tickets/:post
        contracts/:get costs/:get decision-proposals/:get delegations/:get delegations/:post
        proposed-use-cases/:get
        deliveries/:get dependencies/:get dependencies/:post dependencies/bulk/:post
        derivations/:get derivations/{pk}/:get disagreements/:get disagreements/{pk}/:get
        discrepancies/:get event-rates/:get evidence-packs/:get evidence-packs/:post
        evidence/compare/:get evidence/:get
        evidence/:post exchange-rates/:get exchange-rates/{pk}/:get exit-plans/:get
        exit-plans/:post exit-plans/bulk/:post exit-tests/:get exit-tests/:post exposure-flags/:get
        exposure-policies/:get exposure-policies/:post
        feed-runs/:get feed-runs/{pk}/:get findings/:get fit/:get foundation-risks/:get
        foundation-risks/{pk}/:get foundation-risks/{pk}/reach/:get foundations/:get
        foundations/{slug}/:get foundations/{slug}/blast-radius/:get
        foundations/{slug}/scorecard/:get gate-policy/:get gate-runs/:get gate-waivers/:get
        gate-waivers/:post imports/:get incidents/:get incidents/{pk}/:get inherited-risks/:get
        inherited-risks/totals/:get issues/:get lifecycle/:get lifecycle/litellm.yaml:get
        issues/bulk-respond/:post jobs/:get loss-runs/:get memberships/:get mutes/:get mutes/:post
        notice-policies/:get notice-policies/{pk}/:get notification-preferences/me/:get
        notification-preferences/me/:patch notification-preferences/me/:put
        notification-preferences/me/send-summary/:post notifications/:get notifications/summary/:get
        observations/:get offering-regions/:get offering-regions/{pk}/:get offerings/:get
        offerings/{pk}/data-terms/:get
        offerings/{pk}/capabilities/:get
        offerings/{pk}/:get offerings/{pk}/blast-radius/:get people/:get people/{pk}/:get
        prices/:get prices/{pk}/:get provider-events/:get provider-events/{event_id}/affected/:get
        provider-events/{pk}/:get provider-notices/:get providers/:get providers/{slug}/:get
        providers/{slug}/blast-radius/:get providers/{slug}/scorecard/:get
        product-models/:get product-models/{pk}/:get
        products/:get products/{pk}/:get providers/{slug}/track-record/:get received-notices/:get
        regions/:get regions/{pk}/:get
        reported-services/:get reports/board/:get reports/models/:get reports/models/rows/:get
        reports/register/:get retirement-announcements/:get retirement-announcements/{pk}/:get
        risk-mappings/:get risk-mappings/{pk}/:get risk-modifiers/:get risk-modifiers/{pk}/:get
        risk-templates/:get risk-templates/{pk}/:get runways/:get scenario-runs/:get scenarios/:get
        scenarios/:post scenarios/run/:post scorecards/compare/:get selections/:get
        selections/{pk}/:get selections/{pk}/candidates/:get service-accounts/:get
        single-points-of-failure/:get snapshots/:get sources/:get sources/{pk}/:get
        subscriptions/:get subscriptions/:post subscriptions/preview/:post teams/:get tokens/:get
        tokens/:post users/:get versions/:get versions/{pk}/:get versions/{pk}/blast-radius/:get
        webhooks/:get
    """,
    # whoever may see the team's record
    "yyyyyy0l": """
        channels/{pk}/:get
        adaptations/{pk}/:get alerts/{pk}/:get alerts/{pk}/activity/:get alerts/{pk}/mute/:post
        applications/{slug}/billed-cost/:get billed-costs/{pk}/:get
        applications/{slug}/:get applications/{slug}/bom/:get applications/{slug}/changes/:get
        applications/{slug}/cost/:get applications/{slug}/findings/:get
        applications/{slug}/runway/:get applications/{slug}/stack/:get assessments/{pk}/:get
        campaign-steps/{pk}/:get campaign-tasks/{pk}/:get
        campaign-tasks/{pk}/sign-off-requirements/:get campaigns/{pk}/:get
        campaigns/{pk}/progress/:get causes/{pk}/:get causes/{pk}/issues/:get deliveries/{pk}/:get
        dependencies/{pk}/:get dependencies/{pk}/requirements/:get
        dependencies/{pk}/successors/:get discrepancies/{pk}/:get discrepancies/{pk}/dismiss/:post
        evidence/{pk}/:get exit-plans/{pk}/:get exit-tests/{pk}/:get gate-runs/{pk}/:get
        gate-runs/{pk}/answer/:get gate-waivers/{pk}/:get inherited-risks/{pk}/:get issues/{pk}/:get
        issues/{pk}/activity/:get memberships/{pk}/:get mutes/{pk}/:get
        tickets/{pk}/:get tickets/{pk}/events/:get
        notification-preferences/teams/{slug}/:get notifications/{pk}/:get observations/{pk}/:get
        reported-services/{pk}/:get reported-services/{pk}/link/:post
        reported-services/{pk}/tokens/:get reports/components/{slug}/:get teams/{slug}/:get
        teams/{slug}/bom/:get
    """,
    # governance, and editors of the team that owns it; strangers find nothing
    "yynyyn0l": """
        adaptations/{pk}/:delete adaptations/{pk}/:patch alerts/{pk}/acknowledge/:post
        alerts/{pk}/assign/:post alerts/{pk}/reopen/:post alerts/{pk}/resolve/:post
        alerts/{pk}/snooze/:post alerts/{pk}/undo/:post applications/{slug}/:patch
        applications/{slug}/merge/:post applications/{slug}/reactivate/:post
        applications/{slug}/retire/:post assessments/{pk}/attach/:post assessments/{pk}/undo/:post
        campaign-steps/{pk}/complete/:post campaign-steps/{pk}/reopen/:post
        campaign-tasks/{pk}/:patch campaign-tasks/{pk}/add-step/:post
        campaign-tasks/{pk}/measurements/:post campaign-tasks/{pk}/switch/:post
        campaign-tasks/{pk}/target/:post changes/{change}/undo/:post dependencies/{pk}/:patch
        dependencies/{pk}/confirm/:post dependencies/{pk}/end/:post dependencies/{pk}/reopen/:post
        dependencies/{pk}/requirements/:put
        dependencies/{pk}/replace/:post discrepancies/{pk}/declare/:post
        discrepancies/{pk}/end/:post exit-plans/{pk}/:delete exit-plans/{pk}/:patch
        exit-tests/{pk}/:patch gate-waivers/{pk}/withdraw/:post issues/{pk}/accept/:post
        issues/{pk}/acknowledge/:post issues/{pk}/assign/:post issues/{pk}/reopen/:post
        issues/{pk}/resolve/:post issues/{pk}/revoke/:post issues/{pk}/snooze/:post
        issues/{pk}/undo/:post mutes/{pk}/unmute/:post reported-services/{pk}/unlink/:post
        tickets/{pk}/:delete tickets/{pk}/refresh/:post
    """,
    # governance, where the offices and editors of the team see it
    "yynnn00l": """
        ticket-connections/{pk}/:delete ticket-connections/{pk}/:patch
        ticket-connections/{pk}/delete-secrets/:post ticket-connections/{pk}/secrets/:post
        ticket-connections/{pk}/test/:post
    """,
    # the offices, and editors of the team
    "yyyyy00l": """
        ticket-connections/{pk}/:get
    """,
    # governance, and members of the team
    "yynyyy0l": """
        issues/{pk}/comment/:post
    """,
    # governance
    "yynnnnnl": """
        alert-policies/{pk}/:patch alert-settings/:patch aliases/:post aliases/{pk}/:delete
        aliases/{pk}/:patch annex-items/note/:post annex-items/request/:post approvals/:post
        approvals/{pk}/replace/:post approvals/{pk}/revoke/:post campaigns/:post contracts/:post
        cloud-accounts/:post ticket-connections/:post
        derivations/:post derivations/{pk}/:delete derivations/{pk}/:patch event-rates/:post
        exchange-rates/:post exchange-rates/{pk}/:patch
        foundation-risks/:post foundation-risks/{pk}/:patch foundation-risks/{pk}/attach/:post
        foundation-risks/{pk}/close/:post foundation-risks/{pk}/dismiss/:post
        foundation-risks/{pk}/reinstate/:post foundation-risks/{pk}/reopen/:post foundations/:post
        foundations/{slug}/:delete foundations/{slug}/:patch gate-policy/:patch
        notice-mail-settings/:get notice-mail-settings/:patch notice-policies/:post
        notice-policies/{pk}/:delete notice-policies/{pk}/:patch offering-regions/:post
        offerings/{pk}/data-terms/:delete offerings/{pk}/data-terms/:post
        offerings/{pk}/capabilities/:delete offerings/{pk}/capabilities/:post
        offering-regions/{pk}/:delete offerings/:post offerings/{pk}/:delete offerings/{pk}/:patch
        people-settings/:get people-settings/:patch people/:post people/confirm/:post
        people/invite/:post people/{pk}/:patch people/{pk}/close/:post people/{pk}/erase/:post
        people/{pk}/invite/:post people/{pk}/merge/:post prices/:post prices/{pk}/:delete
        prices/{pk}/:patch providers/:post providers/{slug}/:delete providers/{slug}/:patch
        product-models/:post product-models/{pk}/:delete product-models/{pk}/:patch products/:post
        products/{pk}/:delete products/{pk}/:patch regions/:post regions/{pk}/:delete
        regions/{pk}/:patch retirement-announcements/:post
        retirement-announcements/{pk}/withdraw/:post risk-mappings/:post risk-mappings/{pk}/:delete
        risk-mappings/{pk}/:patch risk-modifiers/:post risk-modifiers/{pk}/:delete
        risk-modifiers/{pk}/:patch risk-templates/:post risk-templates/{pk}/:delete
        risk-templates/{pk}/:patch selections/:post selections/{pk}/:patch
        selections/{pk}/add-candidate/:post selections/{pk}/decide/:post
        selections/{pk}/remove-candidate/:post selections/{pk}/score/:post sources/:post
        sources/preview/:post sources/{pk}/:patch teams/:post versions/:post versions/{pk}/:delete
        versions/{pk}/:patch webhooks/:post
    """,
    # administrators
    "ynnnnnnl": """
        users/:post
    """,
    # administrators, where only the organisation roles see it
    "ynn0000l": """
        users/{pk}/:patch users/{pk}/invite/:post
    """,
    # governance; others find nothing
    "yy00000l": """
        account-deployments/{pk}/:get cloud-accounts/{pk}/:delete cloud-accounts/{pk}/:get
        cloud-accounts/{pk}/:patch cloud-accounts/{pk}/credentials/:post
        cloud-accounts/{pk}/delete-credentials/:post cloud-accounts/{pk}/pull/:post
        cloud-pulls/{pk}/:get
        received-notices/{pk}/:get received-notices/{pk}/dismiss/:post
        received-notices/{pk}/reopen/:post
    """,
    # the offices
    "yyy0000l": """
        annex-items/{pk}/:get base-losses/{pk}/:get confirmation-settings/:get contracts/{pk}/:get
        decision-proposals/{pk}/:get event-rates/{pk}/:get exposure-flags/{pk}/:get
        exposure-flags/{pk}/accept/:post exposure-flags/{pk}/revoke/:post
        exposure-policies/{pk}/:get exposure-settings/:get loss-runs/{pk}/:get
        proposed-use-cases/{pk}/:get scenario-runs/{pk}/:get scenarios/{pk}/:get
        scenarios/{pk}/ask/:post snapshots/{pk}/:get
        users/{pk}/:get webhooks/{pk}/:get
    """,
    # programs with another scope
    "nnnnnnnl": """
        bom/token/{token}:get bom:post bom:put gate/:post gate/bundle/:get gate/{pk}/:get
        gate/{pk}/released/:post intake/litellm-callback/:post intake/{kind}/:post
        intake/{kind}/propose/:post
    """,
    # governance, where only the offices see it
    "yyn0000l": """
        confirmation-settings/:patch contracts/{pk}/:patch decision-proposals/{pk}/confirm/:post
        decision-proposals/{pk}/reject/:post event-rates/{pk}/:patch
        exposure-flags/{pk}/acknowledge/:post exposure-policies/{pk}/:patch exposure-settings/:patch
        scenarios/{pk}/:patch webhooks/{pk}/:patch webhooks/{pk}/disable/:post
        webhooks/{pk}/rotate-secret/:post webhooks/{pk}/test/:post
    """,
    # its author alone
    "nnn0000l": """
        decision-proposals/{pk}/withdraw/:post
    """,
    # governance, where the record is a team's
    "yynnnn0l": """
        campaigns/{pk}/:patch campaigns/{pk}/close/:post campaigns/{pk}/extend/:post
        campaigns/{pk}/reopen/:post campaigns/{pk}/reschedule/:post deliveries/{pk}/resend/:post
        gate-waivers/{pk}/grant/:post gate-waivers/{pk}/refuse/:post
        reported-services/{pk}/ignore/:post teams/{slug}/:delete teams/{slug}/:patch
    """,
    # governance, and whoever owns some team
    "yynynnyl": """
        memberships/:post service-accounts/:post
    """,
    # governance, and owners of the team
    "yynynn0l": """
        channels/{pk}/:patch channels/{pk}/test/:post
        assessments/{pk}/revoke/:post campaign-tasks/{pk}/cancel-deferral/:post
        campaign-tasks/{pk}/defer/:post campaign-tasks/{pk}/reopen/:post
        campaign-tasks/{pk}/sign-off/:post memberships/{pk}/:delete
        notification-preferences/teams/{slug}/:patch notification-preferences/teams/{slug}/:put
    """,
    # there is nothing at this key here: see the tests of that page
    "0000000l": """
        evidence-packs/{pk}/file/:get jobs/{pk}/:get jobs/{pk}/cancel/:post jobs/{pk}/resume/:post
        provider-notices/{pk}/:get provider-notices/{pk}/close/:post
        provider-notices/{pk}/reopen/:post reports/register/{table}/:get
    """,
    # whose own it is, not even the offices
    "000y000l": """
        calendar-feeds/{pk}/:get calendar-feeds/{pk}/revoke/:post subscriptions/{pk}/:delete
        subscriptions/{pk}/:get subscriptions/{pk}/:patch subscriptions/{pk}/preview/:get
    """,
    # the offices, and whose own it is
    "yyyy000l": """
        delegations/{pk}/:get evidence-packs/{pk}/:get imports/{pk}/:get
        imports/{pk}/application/:post imports/{pk}/undo/:post service-accounts/{pk}/:get
    """,
    # the offices, and the others are told so
    "yyynnnnl": """
        loss-runs/:post reports/filing/:get reports/filing/package/:get
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
    # governance, and whose own it is
    "yyny000l": """
        delegations/{pk}/:delete
    """,
}

# the sign-in's own addresses, by GET: somebody signed in, and nobody
ENTRANCE = {
    "00": r"""
        sign-on/:get sign-on/callback/:get sign-on/saml/:get
        sign-on/saml/finish/:get sign-on/saml/metadata/:get
    """,
    "0l": r"""
        2fa/totp/deactivate/:get 2fa/recovery-codes/:get 2fa/recovery-codes/download/:get
    """,
    "ll": r"""
        3rdparty/login/error/:get 3rdparty/signup/:get
    """,
    "yl": r"""
        reauthenticate/:get email/:get password/change/:get password/set/:get
        login/code/confirm/:get 2fa/:get
        2fa/webauthn/:get 2fa/webauthn/add/:get 2fa/webauthn/reauthenticate/:get
        2fa/webauthn/keys/<int:pk>/remove/:get 2fa/webauthn/keys/<int:pk>/edit/:get
        2fa/authenticate/:get 2fa/reauthenticate/:get 2fa/totp/activate/:get
        2fa/recovery-codes/generate/:get
        3rdparty/:get sessions/:get social/login/cancelled/:get social/login/error/:get
        social/signup/:get
        social/connections/:get
    """,
    "yy": r"""
        sign-on/saml/acs/:get
        login/:get logout/:get inactive/:get signup/:get confirm-email/:get password/reset/:get
        ^confirm-email/(?P<key>[-:\w]+)/$:get password/reset/key/done/:get
        ^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$:get password/reset/done/:get
        3rdparty/login/cancelled/:get
    """,
}

# own things, and questions whose answer is worked out and kept for the asker: nothing of the
# register changes by them
AUDITOR_ASKS = frozenset(
    {
        "scenarios:replacement",
        "scenarios:rerun",
        "evidence-packs:create",
        "evidence-packs/",
        "loss-runs/",
        "loss-runs:create",
        "scenarios/",
        "scenarios/run/",
        "scenarios/{pk}/ask/",
        "scenarios:run",
    }
)
OWN_TABLES = frozenset(
    {
        "accounts_accountevent",
        "accounts_apitoken",
        "accounts_delegation",
        "accounts_savedfilter",
        "alerts_calendarfeed",
        "alerts_mute",
        "alerts_preference",
        "alerts_subscription",
        "django_session",
        # emptied with each request, of what others changed as well
        "issues_changedapplication",
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
# those below /scim/v2/, for tokens of that scope alone
SCIM = {
    "/scim/v2/Groups",
    "/scim/v2/Groups/1",
    "/scim/v2/Me",
    "/scim/v2/ResourceTypes",
    "/scim/v2/ResourceTypes/User",
    "/scim/v2/Schemas",
    "/scim/v2/Schemas/x",
    "/scim/v2/ServiceProviderConfig",
    "/scim/v2/Users",
    "/scim/v2/Users/1",
    "/scim/v2/unknown",
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
