"""Reports that come over the network: HL7 messages over MLLP, on the disk before they are acknowledged."""
