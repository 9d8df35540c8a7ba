"""The phases of an assembly, one module a theme. A phase is a script over clerk (who asks) and hall (what is)."""
