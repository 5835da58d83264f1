"""`python -m duoflow`: the command line, where the `duoflow` script is not on the path."""

from duoflow.tools.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
