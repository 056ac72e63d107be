"""Views of the page, one module each: a class that lays the view out, and whose `begin` takes what is asked of it."""

from kapitza.web.views.device import DeviceView as DeviceView
from kapitza.web.views.interface import InterfaceView as InterfaceView
from kapitza.web.views.screen import ScreenView as ScreenView
from kapitza.web.views.spectra import SpectraView as SpectraView
from kapitza.web.views.thermoreflectance import ThermoreflectanceView as ThermoreflectanceView
