"""Alert pages: inbox, responses, notification preferences, and the delivery log as proof of
notification."""
