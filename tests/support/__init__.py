"""What tests share: given / when / then, a shop in memory, stored events made by hand, an emulated log."""
