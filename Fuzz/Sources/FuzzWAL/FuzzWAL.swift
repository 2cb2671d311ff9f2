internal import CFuzzer
internal import Checksums
internal import Environment
internal import EtcdMessages
internal import Glibc
internal import Primitives
internal import SimulatedPlatform
internal import WriteAheadLog

private let directory = "/wal"
private let segment = "\(directory)/0000000000000000-0000000000000000.wal"

/// Reads the input as a segment of the log, repairs it, and goes on with it.
///
/// With a first byte of 0 the rest is the file. Otherwise it is records, which are framed here with the checksums they
/// should have: a fuzzer does not find these by chance.
private func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 0 else { return -1 }
    let input = Bytes(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let disk = SimulatedDisk()
    disk.place(start[0] == 0 ? input : framed(input), at: segment)
    _ = try? WALReader.validSnapshots(disk: disk, directory: directory)
    let contents = try? WALReader.read(disk: disk, directory: directory)
    goOn(disk, contents)
    return 0
}

/// What can be read can be read to append, after a repair if need be, appended to and read again.
private func goOn(_ disk: SimulatedDisk, _ contents: WALContents?) {
    do throws(WALError) {
        let again = try WALReader.readToAppend(disk: disk, directory: directory)
        if let contents { assertAlways(again.entries == contents.entries, "read to append as read") }
        let last = again.lastIndex.rawValue
        let settings = WALSettings()
        guard last < UInt64.max - 1 else { return }
        let writer = try WALWriter.open(continuing: again, disk: disk, settings: settings)
        var entry = RaftEntry()
        entry.index = last + 1
        entry.term = max(1, again.hardState.term, again.entries.last?.term ?? 0)
        try writer.append(state: nil, entries: [entry])
        try writer.sync()
        writer.close()
        let end = try WALReader.read(disk: disk, directory: directory)
        assertAlways(end.entries.last?.index == entry.index, "what was appended is read")
    } catch {
        // Any error is an answer.
    }
}

/// A segment of records: type, length and data of each, and two bytes of type and length in the input.
private func framed(_ input: Bytes) -> Bytes {
    var result: Bytes = []
    var crc = CRC32C()
    var rest = input[...]
    append(type: 4, data: nil, crc, to: &result)
    while let type = rest.popFirst(), let length = rest.popFirst() {
        let data = Bytes(rest.prefix(Int(length)))
        rest = rest.dropFirst(Int(length))
        crc.update(data)
        append(type: Int64(type & 7), data: data, crc, to: &result)
    }
    return result
}

private func append(type: Int64, data: Bytes?, _ crc: CRC32C, to result: inout Bytes) {
    var record = WALRecord()
    record.type = type
    record.crc = crc.value
    record.data = data
    let bytes = record.encoded()
    let padding = (8 - bytes.count % 8) % 8
    // The length's highest byte says how many zeros follow (etcd v3.6 `server/storage/wal/encoder.go`).
    let length = UInt64(bytes.count) | (padding == 0 ? 0 : UInt64(0x80 | padding) << 56)
    result += Bytes(bigEndian: length).reversed() + bytes + Bytes(repeating: 0, count: padding)
}

@main
enum Main {
    static func main() {
        exit(martlet_fuzz(CommandLine.argc, CommandLine.unsafeArgv) { fuzz($0, $1) })
    }
}
