"""faults - real processes killed, locks left behind, disks full."""
