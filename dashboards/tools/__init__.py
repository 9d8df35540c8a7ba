"""Tools on people's own files: a reader, findings, tables and one chart each. No run folder and no model is needed."""
