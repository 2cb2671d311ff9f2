internal import BoltStore
internal import CFuzzer
internal import Checksums
internal import Environment
internal import Glibc
internal import Primitives
internal import SimulatedPlatform

private let path = "/db"
private let settings = BoltSettings(
    pageSizeByteCount: 1024, reservedByteCount: 1 << 24, keepsChecksums: false, growthByteCount: 1024)

/// A sound file with a few buckets, one of them too large for a page, one inline, and free pages.
nonisolated(unsafe) private let soundFile: Bytes = {
    let disk = SimulatedDisk()
    do throws(BoltError) {
        let file = try BoltFile.open(disk: disk, path: path, settings: settings)
        for round in 0..<3 {
            let changes = (0..<60).map { index in
                BoltChange(
                    key: Bytes(bigEndian: UInt64(index)),
                    value: index % 7 == round ? nil : Bytes(repeating: 7, count: index * 3))
            }
            var committer = file.beginCommit([
                BoltBucketChanges(bucket: Bytes(text: "key"), changes: changes),
                BoltBucketChanges(bucket: Bytes(text: "meta"), changes: [BoltChange(key: [1], value: [UInt8(round)])]),
            ])
            file.finish(try committer.run())
        }
        file.close()
    } catch {
        unreachable("a new file: \(error)")
    }
    return disk.contents(of: path) ?? []
}()

/// Opens the input as a store's file, proves it whole, reads all of it, and writes to it.
///
/// With a first byte of 0 the rest is the file. Otherwise it is changes to a sound one, four bytes each: two of place,
/// how many bytes, and their value. Checksums of metas are put right then, which a fuzzer does not find by chance.
private func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 0 else { return -1 }
    let input = Bytes(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let disk = SimulatedDisk()
    disk.place(start[0] == 0 ? input : changed(input), at: path)
    do throws(BoltError) {
        let file = try BoltFile.open(disk: disk, path: path, settings: settings)
        defer { file.close() }
        try use(file)
    } catch {
        // Any error is an answer.
    }
    return 0
}

private func use(_ file: BoltFile) throws(BoltError) {
    try file.check()
    let view = file.pin()
    var byteCount = 0
    for name in try view.bucketNames() {
        try view.scan(bucket: name, from: [], to: nil) { key, value in
            byteCount += key.byteCount + value.byteCount
            return true
        }
        _ = try view.get(bucket: name, key: [1])
    }
    file.release(view)
    var committer = file.beginCommit([
        BoltBucketChanges(
            bucket: Bytes(text: "key"), changes: [BoltChange(key: [1], value: Bytes(repeating: 1, count: 700))])
    ])
    file.finish(try committer.run())
    try file.check()
}

private func changed(_ changes: Bytes) -> Bytes {
    var file = soundFile
    var rest = changes[...]
    while rest.count >= 4 {
        let change = Bytes(rest.prefix(4))
        rest = rest.dropFirst(4)
        let place = Int(change[0]) << 8 | Int(change[1])
        for offset in place..<place + Int(change[2] & 15) + 1 where offset < file.count { file[offset] = change[3] }
    }
    for meta in [16, 1024 + 16] where file.count >= meta + 64 {
        let checksum = file.withUnsafeBytes { FNV1a.hash64(UnsafeRawBufferPointer(rebasing: $0[meta..<meta + 56])) }
        file.replaceSubrange(meta + 56..<meta + 64, with: Bytes(bigEndian: checksum).reversed())
    }
    return file
}

@main
enum Main {
    static func main() {
        exit(martlet_fuzz(CommandLine.argc, CommandLine.unsafeArgv) { fuzz($0, $1) })
    }
}
