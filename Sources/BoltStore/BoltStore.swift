// bbolt's file format: pages, B+tree, free list, and the committer that writes one transaction after another.
