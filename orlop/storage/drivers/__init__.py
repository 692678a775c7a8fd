"""Storage drivers, one file each; `orlop.storage.driver` says what a driver is."""
