package import EtcdMessages
package import Primitives

/// Writes the stream of entries; `AppendStreamDecoder` says how it looks.
package struct AppendStreamEncoder {
    private var term: UInt64 = 0
    /// The last entry that was sent.
    private var index: UInt64 = 0

    package init() {}

    /// Adds a MsgApp. It has the short form if it goes on where the last one ended, in the same term.
    package mutating func append(_ message: RaftMessage, _ sections: inout EntrySections, to output: inout Bytes) {
        if message.index == index, message.logTerm == term, message.logTerm == message.term {
            output.append(AppendStreamFrame.entries)
            output.append(bigEndian: UInt64(message.entries.count))
            sections.append(message.entries, to: &output)
            output.append(bigEndian: message.commit)
            index &+= UInt64(message.entries.count)
        } else {
            output.append(AppendStreamFrame.message)
            message.appendFrame(to: &output)
            term = message.term
            index = message.entries.last?.index ?? message.index
        }
    }

    /// Adds what shows an idle stream to be alive.
    package static func appendLinkHeartbeat(to output: inout Bytes) {
        output.append(AppendStreamFrame.linkHeartbeat)
    }
}

/// Entries in the form in which they are sent. A leader sends the same ones to each follower; they are encoded once.
///
/// Two runs of entries with the same ends are the same ones, for the index and the term of an entry name it (Raft thesis,
/// section 3.5, the Log Matching property).
package struct EntrySections {
    private struct Section {
        var first: RaftEntry
        var last: RaftEntry
        var bytes: Bytes
    }

    private var sections: [Section] = []
    /// How many runs are kept: followers need not be at the same place.
    private static let maxSectionCount = 2
    /// From what length on a run is kept, and up to which, in bytes: short ones cost less than to look for them.
    private static let retainedByteCounts = 256...(4 << 20)

    package init() {}

    mutating func append(_ entries: [RaftEntry], to output: inout Bytes) {
        guard let first = entries.first, let last = entries.last else { return }
        let known = sections.first { section in
            section.first.index == first.index && section.first.term == first.term && section.last.index == last.index
                && section.last.term == last.term
        }
        if let known {
            output += known.bytes
            return
        }
        let start = output.count
        for entry in entries { entry.appendFrame(to: &output) }
        guard Self.retainedByteCounts.contains(output.count - start) else { return }
        if sections.count == Self.maxSectionCount { sections.removeFirst() }
        sections.append(Section(first: first, last: last, bytes: Bytes(output[start...])))
    }
}

extension RaftEntry {
    /// Adds the entry with its length to a stream of entries: as `encoded()` has it, without an allocation of its own.
    func appendFrame(to output: inout Bytes) {
        let type = UInt64(bitPattern: Int64(type.rawValue))
        var byteCount =
            ProtoSize.field(1, varint: type) + ProtoSize.field(2, varint: term) + ProtoSize.field(3, varint: index)
        if let data { byteCount += ProtoSize.field(4, bytes: data) }
        output.append(bigEndian: UInt64(byteCount))
        output.append(0x08)
        output.append(varint: type)
        output.append(0x10)
        output.append(varint: term)
        output.append(0x18)
        output.append(varint: index)
        guard let data else { return }
        output.append(0x22)
        output.append(varint: UInt64(data.count))
        output += data
    }
}

extension Array where Element == UInt8 {
    fileprivate mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}
