internal import CFuzzer
internal import Checksums
internal import Environment
internal import EtcdMessages
internal import Glibc
internal import Primitives
internal import SimulatedPlatform
internal import Snapshots

/// Reads the input as a file of a snapshot, and the membership within.
///
/// A first byte of 0: the rest is the file. 1: it is what stands behind a right checksum. Otherwise: it is the
/// membership's JSON.
private func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 0 else { return -1 }
    let input = Bytes(UnsafeBufferPointer(start: start + 1, count: count - 1))
    switch start[0] {
    case 0: load(input)
    case 1:
        var file = SnapshotFile()
        file.crc = CRC32C.checksum(input)
        file.data = input
        load(file.encoded())
    default: membership(input)
    }
    return 0
}

private func load(_ file: Bytes) {
    let disk = SimulatedDisk()
    disk.place(file, at: "/snap/0000000000000001-0000000000000001.snap")
    let directory = SnapshotDirectory(disk: disk, path: "/snap")
    var record = WALSnapshot()
    record.index = 1
    record.term = 1
    _ = try? directory.loadNewest(matching: [record])
    for name in (try? directory.snapshotNames()) ?? [] {
        guard let snapshot = try? directory.load(name) else { continue }
        if let data = snapshot.data { membership(data) }
    }
}

private func membership(_ json: Bytes) {
    do throws(SnapshotError) {
        let members = try V2StoreMembership(decoding: json)
        _ = try V2StoreMembership(decoding: members.encoded())
    } catch {
        // Any error is an answer.
    }
}

@main
enum Main {
    static func main() {
        exit(martlet_fuzz(CommandLine.argc, CommandLine.unsafeArgv) { fuzz($0, $1) })
    }
}
