"""Tandem's shared helpers: one module a question; nothing is imported until it is asked for."""
