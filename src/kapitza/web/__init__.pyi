"""The local page `kapitza explore`: views that draw what public functions return, served to this machine alone."""

from kapitza.web.page import application as application
