"""The archive as tools of an assistant, by the Model Context Protocol: see docs/assistants.md."""
