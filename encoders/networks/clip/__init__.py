"""Others' towers for pictures and sentences in one space, made to see volumes."""
