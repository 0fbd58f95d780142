"""Networks that others published, written anew under the names of their tensors, so that weights can be loaded."""
