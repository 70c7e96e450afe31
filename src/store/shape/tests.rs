//! Every event written down, read back, and read from what older or foreign writers left.
