"""What single commands put out: tables of their own, rows for a spreadsheet, pictures."""
