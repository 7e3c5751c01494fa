//! Storage with nothing to install beside it: log, tables and keys on SQLite, cache in memory.
