"""Files that describe devices, their measured temperatures and their geometry."""
