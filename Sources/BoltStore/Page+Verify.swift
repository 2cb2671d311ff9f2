internal import Primitives

extension Page {
    /// Checks all that the page says about itself, so that nothing read from it later leads outside of it: flags, counts,
    /// bounds of keys and values, the order of keys, inline buckets. Answers what is wrong, nil if nothing is.
    func problem() -> String? {
        guard Self.headerByteCount + count * Self.elementByteCount <= byteCount else {
            return "\(count) elements do not fit its \(byteCount) bytes"
        }
        switch flags {
        case .leaf: return leafProblem(mayHoldBuckets: true)
        case .branch: return branchProblem()
        default: return "flags \(flags.rawValue) are neither a branch's nor a leaf's"
        }
    }

    private func leafProblem(mayHoldBuckets: Bool) -> String? {
        let dataStart = Self.headerByteCount + count * Self.elementByteCount
        for index in 0..<count {
            let element = Self.headerByteCount + index * Self.elementByteCount
            let flags = number32(at: element)
            // Four numbers of 32 bits cannot overflow 64.
            let keyStart = element + Int(number32(at: element + 4))
            let keyEnd = keyStart + Int(number32(at: element + 8))
            let valueEnd = keyEnd + Int(number32(at: element + 12))
            guard flags <= Self.bucketFlag else { return "element \(index) has flags \(flags)" }
            guard keyStart >= dataStart, valueEnd <= byteCount else { return "element \(index) lies outside of it" }
            guard keyEnd > keyStart else { return "element \(index) has no key" }
            if index > 0, unsafe compareBytes(leafKey(index - 1), leafKey(index)) >= 0 {
                return "keys \(index - 1) and \(index) are out of order"
            }
            if flags == Self.bucketFlag {
                guard mayHoldBuckets else { return "element \(index) is a bucket within an inline bucket" }
                if let problem = unsafe bucketProblem(value(index)) { return "bucket \(index): \(problem)" }
            }
        }
        return nil
    }

    private func bucketProblem(_ value: UnsafeRawBufferPointer) -> String? {
        guard value.count >= Self.bucketHeaderByteCount, let start = value.baseAddress else { return "has no header" }
        guard let leaf = unsafe BucketHeader(start, byteCount: value.count).inlineLeaf else { return nil }
        guard leaf.byteCount >= Self.headerByteCount, leaf.isLeaf,
            Self.headerByteCount + leaf.count * Self.elementByteCount <= leaf.byteCount
        else { return "its inline page is not a leaf" }
        return leaf.leafProblem(mayHoldBuckets: false)
    }

    private func branchProblem() -> String? {
        guard count > 0 else { return "a branch without children" }
        let dataStart = Self.headerByteCount + count * Self.elementByteCount
        for index in 0..<count {
            let element = Self.headerByteCount + index * Self.elementByteCount
            let keyStart = element + Int(number32(at: element))
            let keyEnd = keyStart + Int(number32(at: element + 4))
            guard keyStart >= dataStart, keyEnd <= byteCount else { return "element \(index) lies outside of it" }
            if index > 0, unsafe compareBytes(branchKey(index - 1), branchKey(index)) >= 0 {
                return "keys \(index - 1) and \(index) are out of order"
            }
        }
        return nil
    }
}

/// The value of a bucket in the leaf that holds it.
///
/// ```
/// 0  page of its root u64, 0 if it is inline     8  sequence u64     16  if inline: its only leaf
/// ```
@safe
struct BucketHeader {
    let rootPage: UInt64
    let sequence: UInt64
    /// The leaf of an inline bucket.
    let inlineLeaf: Page?

    /// - Parameter byteCount: at least `Page.bucketHeaderByteCount`.
    @inline(__always)
    init(_ start: UnsafeRawPointer, byteCount: Int) {
        let value = unsafe Page(base: start, byteCount: byteCount)
        rootPage = value.number64(at: 0)
        sequence = value.number64(at: 8)
        inlineLeaf =
            rootPage == 0
            ? unsafe Page(
                base: start + Page.bucketHeaderByteCount, byteCount: byteCount - Page.bucketHeaderByteCount) : nil
    }
}
