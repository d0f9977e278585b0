"""The parts of `bench.serve`: machine, data, loaders, competitors, scenarios, table."""
