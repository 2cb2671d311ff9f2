/// A file as a loss of power leaves it, put together from what survives.
struct CrashedFile {
    /// The sectors that survive; what is beyond the length is cut off in the end.
    private var image: SparseImage
    /// The same with everything cut off that was cut off since the last surviving length; nil if nothing was.
    private var cutImage: SparseImage?
    private var byteCount: Int

    init(_ durable: SparseImage) {
        image = durable
        byteCount = durable.byteCount
    }

    mutating func copySector(_ sector: Int, of cached: borrowing SparseImage) {
        image.copySector(sector, of: cached)
        cutImage?.copySector(sector, of: cached)
    }

    /// Notes that the file was cut off: it is so once this or any later length survives.
    mutating func prepareCut(at byteCount: Int) {
        var cut = cutImage ?? image
        cut.setByteCount(byteCount)
        cutImage = cut
    }

    /// Lets a length survive, and with it all cuts before it.
    mutating func setByteCount(_ newByteCount: Int) {
        byteCount = newByteCount
        if let cutImage { image = cutImage }
        cutImage = nil
    }

    var result: SparseImage {
        var result = image
        result.setByteCount(byteCount)
        return result
    }
}
