"""CRS and ICANS by the ASTCT consensus of 2019."""
