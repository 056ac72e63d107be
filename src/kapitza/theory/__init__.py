"""From matter to transmission: one function a theory."""
