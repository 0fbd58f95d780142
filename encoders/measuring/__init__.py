"""How well vectors retrieve, over arrays alone: figures with pool, chance and interval."""
