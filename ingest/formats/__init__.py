"""One reader per file format: `read_batches` gives columns, `read_lines` the raw bytes of single rows."""
