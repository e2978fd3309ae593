"""Stand-ins for GitHub, Loomio, mail and chat over real HTTP and SMTP, with pages to click: demonstration and tests.

What belongs here: how these services behave towards an API client, an invented co-op to fill them, test controls, and
pages on which a person plays a member. What never belongs here: Trellis itself. The sandbox imports nothing from the
rest of the project, nothing imports the sandbox, and it talks only to addresses it was told at start.
"""
