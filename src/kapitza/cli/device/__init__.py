"""The verbs that ask for the temperatures of devices."""
