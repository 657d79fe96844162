"""The agent's sidebar, as a helpdesk shows it beside a ticket."""

from console.sidebar.pages import blueprint
from console.sidebar.shell import shell

__all__ = ["blueprint", "shell"]
