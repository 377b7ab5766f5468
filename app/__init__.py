"""What a person uses: the pages and the command line."""
