"""Kinds of index, each behind one protocol, and the choice of one by measurement."""
