"""Eras from dated text: rows with a year become one adapter an era, the people of a history that a run can ask."""
