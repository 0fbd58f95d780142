"""Header facts to sequence, plane, body region and contrast, by written rules."""
