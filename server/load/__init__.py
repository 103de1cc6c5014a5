"""Reading input files: rules, network, nodes, SKUs, stock. Every mistake names its file and line."""
