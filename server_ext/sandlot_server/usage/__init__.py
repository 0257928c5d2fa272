"""What this server's processes use. `reading` measures and calculates, `sampler` keeps time."""
