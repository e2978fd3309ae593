"""Stand-ins for GitHub and Loomio over real HTTP, with pages to click: the demonstration and the end-to-end tests.

What belongs here: how the two services behave towards an API client, an invented co-op to fill them, test controls, and
pages on which a person plays a member. What never belongs here: Trellis itself. The sandbox imports nothing from the
rest of the project, nothing imports the sandbox, and it talks only to addresses it was told at start.
"""
