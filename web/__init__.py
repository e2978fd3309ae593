"""Shows: the few pages of Trellis itself. People live in GitHub and Loomio; these are for looking.

Belongs here: pages, templates, static files, health.
Never here: an outside call, or anything about a person on a page that needs no key.
"""
