"""Amends as an OAuth 2 provider: agents give a helpdesk's app access to act as themselves."""

from webhooks.sidebar.oauth.clients import CALLBACK, SCOPE, SECRET
from webhooks.sidebar.oauth.pages import blueprint

__all__ = ["CALLBACK", "SCOPE", "SECRET", "blueprint"]
