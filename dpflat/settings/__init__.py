"""Groups of settings: how they are declared, read, written, migrated and what is wrong with them. No torch."""
