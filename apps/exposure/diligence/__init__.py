"""Platform-bet diligence: what is known of a provider or a foundation, fact by fact, with source
and gap. No grade."""
