/// How a log is written.
package struct WALSettings: Sendable {
    /// Size of a segment in bytes, reserved when it is made; the next is begun once it is full. etcd's is 64 MB.
    package var segmentByteCount = 64_000_000

    package init() {}
}
