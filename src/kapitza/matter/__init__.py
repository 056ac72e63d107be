"""What an interface is made of: solids, fluids, crystals, sheets, and the library of materials."""
