"""Engines: each compiles a specialised graph into something that runs."""
