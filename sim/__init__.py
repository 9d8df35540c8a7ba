"""What makes it happen: engines, scheduler, journal, run store, world and the command line."""
