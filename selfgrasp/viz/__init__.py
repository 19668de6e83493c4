"""Readers of nouns: drawing over pictures, charts, pages, films. Imports core and vision only;
nothing here runs a robot."""
