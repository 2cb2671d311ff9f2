"""Reads the segments of etcd's write-ahead log: which records stand in each, and whether their checksums hold.

A frame is a length (u64: low 56 bits; the top byte is 0x80 + padding), a walpb.Record, and padding to 8 bytes."""
import os
import struct

from support.bolt import crc32c
from support.messages import decode

METADATA, ENTRY, STATE, CRC, SNAPSHOT = 1, 2, 3, 4, 5
SEGMENT_BYTES = 64_000_000


def segments(folder):
    return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".wal"))


def records(path, verify=False):
    """(type, data) of each record up to the first that is torn or the end; with `verify` checksums are followed (slow)."""
    running = 0
    with open(path, "rb") as file:
        while len(head := file.read(8)) == 8:
            length = struct.unpack("<Q", head)[0]
            size, padding = length & (1 << 56) - 1, (length >> 56) & 7 if length >> 63 else 0
            if size == 0:
                return
            frame = file.read(size + padding)
            if len(frame) < size + padding:
                return
            try:
                record = decode("walpb.Record", frame[:size])
            except ValueError:
                return
            data = record.get("data", b"")
            if verify:
                running = record.get("crc", 0) if record["type"] == CRC else crc32c(data, running)
                if running != record.get("crc", 0):
                    return
            yield record.get("type", 0), data


def last_entry(folder):
    """(index of the last entry in the log, number of entries in its last segment)."""
    index, count = 0, 0
    for path in reversed(segments(folder)):
        entries = [data for kind, data in records(path) if kind == ENTRY]
        count = count or (len(entries) if path == segments(folder)[-1] else 0)
        if entries:
            return decode("raftpb.Entry", entries[-1]).get("Index", 0), count
    return index, count


def is_preallocated(path):
    """Whether a file has not been written to yet: it begins with zeroes."""
    with open(path, "rb") as file:
        return not any(file.read(64))
