"""Every effect: processes, files, clock, environment, network, console."""
