internal import Environment
package import Primitives

// What a test may see and do behind the back of the program: none of it is a numbered call.
extension SimulatedDisk {
    /// What a file holds, as a reader would see it; nil if there is no such file.
    package func contents(of path: String) -> Bytes? {
        guard case .file(let file) = node(at: path) else { return nil }
        return file.live.bytes
    }

    /// What a file holds now, of which nothing is copied before it is asked for; nil if there is no such file.
    package func kept(_ path: String) -> KeptContents? {
        guard case .file(let file) = node(at: path) else { return nil }
        return KeptContents(image: file.live)
    }

    /// What a file held at some time.
    package struct KeptContents {
        fileprivate let image: SparseImage

        package var bytes: Bytes { image.bytes }
    }

    /// What a file holds up to the last page that was ever written, and its length, behind which all is zero: much less than
    /// `contents` of one that was made longer ahead of its use.
    package func writtenContents(of path: String) -> (bytes: Bytes, byteCount: Int)? {
        guard case .file(let file) = node(at: path) else { return nil }
        return (file.live.writtenBytes, file.live.byteCount)
    }

    /// The names in a directory, sorted by their bytes; none if there is no such directory.
    package func names(in path: String) -> [String] {
        guard case .directory(let directory) = node(at: path) else { return [] }
        return directory.live.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Turns over one bit (0 to 7) of a byte that is stored, on disk and in the cache.
    package func flipBit(_ bit: Int, at offset: Int, of path: String) {
        guard case .file(let file) = node(at: path) else { unreachable("no file at \(path)") }
        assertAlways((0..<8).contains(bit) && (0..<file.live.byteCount).contains(offset), "no such bit in \(path)")
        file.flipBit(bit, at: offset)
    }

    /// Replaces bytes that are stored, on disk and in the cache; all within the file, which has no changes that are not synced.
    package func replace(with bytes: Bytes, at offset: Int, of path: String) {
        guard case .file(let file) = node(at: path) else { unreachable("no file at \(path)") }
        assertAlways(offset >= 0 && offset + bytes.count <= file.live.byteCount, "beyond the end of \(path)")
        file.replace(with: bytes, at: offset)
    }

    /// Takes a name away that was there for good, without a trace. What it led to stays open where it is open.
    package func lose(_ path: String) {
        var names = components(of: path)
        guard let name = names.popLast(),
            case .directory(let directory)? = node(at: "/" + names.joined(separator: "/")),
            let lost = directory.live.removeValue(forKey: name)
        else { unreachable("nothing at \(path)") }
        directory.durable[name] = nil
        if case .file(let file) = lost { unlink(file) }
    }

    /// Puts a file in place, durable with the directories made for it, as if it had been there from the start.
    package func place(_ bytes: Bytes, at path: String, permissions: UInt16 = 0o600) {
        var names = components(of: path)
        guard let name = names.popLast() else { unreachable("no name for a file: \(path)") }
        let directory = placeDirectories(names)
        assertAlways(directory.live[name] == nil, "there is something at \(path)")
        var image = SparseImage()
        unsafe image.write(bytes.span.bytes, at: 0)
        let file = FileNode(number: nextNodeNumber(), permissions: permissions, durable: image)
        occupy(file)
        directory.live[name] = .file(file)
        directory.durable[name] = .file(file)
    }

    /// Puts a directory in place, durable with those made above it, as if it had been there from the start.
    package func placeDirectory(_ path: String) {
        _ = placeDirectories(components(of: path))
    }

    private func placeDirectories(_ names: [String]) -> DirectoryNode {
        var directory = root
        for name in names {
            switch directory.live[name] {
            case .directory(let found): directory = found
            case .file: unreachable("a file in the way: \(name)")
            case nil:
                let made = DirectoryNode(number: nextNodeNumber())
                directory.live[name] = .directory(made)
                directory.durable[name] = .directory(made)
                directory = made
            }
        }
        return directory
    }
}
