"""Catalogues of terms as data."""
