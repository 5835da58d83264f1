"""duoflow against its peers on this machine, as ratios of times taken in one run. See `python -m benchmarks --help`."""
