"""How the sidebar comes into a helpdesk: each helpdesk's way in, and what all of them share."""
