"""Copies of the vectors on servers that search them, Milvus or PostgreSQL's pgvector; SQL stays the truth."""
