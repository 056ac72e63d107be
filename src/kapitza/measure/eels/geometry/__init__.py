"""Where an interface lies in a map of temperatures."""
