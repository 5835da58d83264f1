"""The command line: what a person runs, one command a module. Nothing of the library imports from here."""
