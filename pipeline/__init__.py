"""Zhiwei 知微: letters in, what cannot wait first."""
