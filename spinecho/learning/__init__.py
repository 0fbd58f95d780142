"""Encoders and concepts: used alone, trained, adapted, taught, compared, measured."""
