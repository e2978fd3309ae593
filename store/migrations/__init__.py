"""Migrations, up and down; `flask migrate` runs them, and so does the Procfile's release process."""
