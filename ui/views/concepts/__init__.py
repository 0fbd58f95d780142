"""The concepts page: teach from examples, judge what would teach most, see the card, undo."""
