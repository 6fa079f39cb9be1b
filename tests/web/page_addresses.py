"""Addresses of the pages that the small portfolio fills."""

from tests.worlds.portfolio import PortfolioWorld

PAGES = {
    "overview": "/",
    "account": "/account/",
    "search": "/search/?q=claude",
    "applications": "/applications/",
    "application": "/applications/{triage.slug}/",
    "foundations": "/foundations/",
    "foundation": "/foundations/anthropic-claude-sonnet-4-5/",
    "offerings": "/offerings/",
    "offering": "/offerings/{sonnet.pk}/",
    "identity": "/identity/",
    "decide": "/identity/{unknown.pk}/",
    "providers": "/providers/",
    "provider": "/providers/anthropic/",
    "events": "/events/",
    "event": "/events/{event.pk}/",
    "feeds": "/feeds/",
    "feed": "/feeds/litellm/",
    "run": "/feeds/runs/{run.pk}/",
    "alerts": "/alerts/?state=",
    "alert": "/alerts/{alert.pk}/",
    "subscriptions": "/alerts/subscriptions/",
    "subscribe": "/alerts/subscriptions/new/",
    "alert-settings": "/alerts/settings/",
    "deliveries": "/deliveries/",
    "not-carried": "/deliveries/not-carried/",
    "delivery": "/deliveries/{delivery.pk}/",
}


def address_of(path: str, world: PortfolioWorld) -> str:
    """Fill the keys of the world's rows in."""
    return path.format(**vars(world))
