"""What people use: the command line, the pages, and how they are set up."""

import gc

gc.set_threshold(50_000, 20, 20)
"""A command makes hundreds of thousands of objects before its work begins (modules, patterns, tables) and drops hardly
any: looking for garbage among them time and again took a tenth of a second of every command."""
