"""A file or a sentence goes in, a unit vector comes out."""

import os

# Threads that spin while they wait make encoding several times slower when reading processes share the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
