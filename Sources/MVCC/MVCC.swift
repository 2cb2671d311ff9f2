// The multi-version key-value store: revisions, key index, ranges, transactions, compaction, hashes.
