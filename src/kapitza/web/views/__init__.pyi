"""Views of the page, one module each: `build_NAME(session)` lays it out when its tab is first shown."""

from kapitza.web.views.device import build_device as build_device
from kapitza.web.views.interface import build_interface as build_interface
from kapitza.web.views.screen import build_screen as build_screen
from kapitza.web.views.spectra import build_spectra as build_spectra
from kapitza.web.views.thermoreflectance import build_thermoreflectance as build_thermoreflectance
