/// How far a defragmentation is.
package struct DefragmentationProgress: Equatable, Sendable {
    /// In hundredths; it never goes back.
    package var percent: Int
    /// Bytes of pages moved so far.
    package var movedByteCount: Int
}
