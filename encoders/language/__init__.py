"""What reports and questions say: sections, sentences, places, sides, sizes, by rules."""
