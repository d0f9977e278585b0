"""What `bench.sync` stands on."""
