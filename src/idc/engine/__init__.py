"""One run from configuration to tracked result: wires the other rooms together."""
