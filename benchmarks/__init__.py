"""What Trellis costs, measured: one command each, figures as ratios within one run, with the machine's line.

Belongs here: programs that measure the real code. Never here: a test; timing never decides one. No product code imports
this.
"""
