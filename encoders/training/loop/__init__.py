"""The training loop: any objective, resumed to the bit after a kill."""
