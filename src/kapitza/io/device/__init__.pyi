"""Files of devices: methods, sinks, materials of regions, sweeps and crossed temperatures."""

from kapitza.io.device.layers import DeviceMethod as DeviceMethod
from kapitza.io.device.layers import device_method as device_method
from kapitza.io.device.layers import names_sink as names_sink
from kapitza.io.device.layers import region_materials as region_materials
from kapitza.io.device.sweeps import ParameterSweep as ParameterSweep
from kapitza.io.device.sweeps import format_device_number as format_device_number
from kapitza.io.device.sweeps import read_sweep as read_sweep
from kapitza.io.device.temperatures import Crossing as Crossing
