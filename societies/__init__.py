"""What personas do together: one package a society. Rules are pure functions; play is a script."""
