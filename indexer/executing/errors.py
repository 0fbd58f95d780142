"""What can go wrong with processes elsewhere. Every message names what is at fault and the remedy."""

from __future__ import annotations

from spinecho.errors import SpinechoError


class ClusterError(SpinechoError):
    """The cluster cannot be asked, or does not answer any more; what is stored is well, and the next run goes on."""

    exit_status = 3


class ClusterUnfit(SpinechoError):
    """Its processes could not do what this one would: a library, the weights or the files are not there."""
