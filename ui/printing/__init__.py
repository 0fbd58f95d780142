"""How commands print: consoles, tables, progress, pictures, and one line for what fails."""
