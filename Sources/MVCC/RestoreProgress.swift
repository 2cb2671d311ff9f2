/// How far the making of the index at the start is.
package struct RestoreProgress: Equatable, Sendable {
    /// Records read.
    package var recordCount = 0
    /// Bytes of keys and values read.
    package var byteCount = 0
    /// Bytes that the store's file has in use: somewhat more than will be read.
    package var totalByteCount: Int

    /// After how many records it is told of.
    static let reportInterval = 10_000
}
