package import Primitives

/// Puts requests into log entries.
///
/// An entry is an `InternalRaftRequest`: a header and the request, each a field of it. The request's bytes are spliced
/// in as the client sent them, if the decoder found them canonical, or as they were encoded anew. The fields stand in
/// the order of their numbers, as etcd writes them:
///
/// ```
/// a request of field 3 to 11    | tag | length | request | 0xA2 0x06 | length | header |
/// a request of field 1000...    | 0xA2 0x06 | length | header | tag | length | request |
/// ```
package enum ProposalEncoder {
    /// The number of the header's field.
    private static let headerField = 100

    /// An entry's data.
    /// - Parameters:
    ///   - field: the number that the request's type has in `InternalRaftRequest`.
    ///   - payload: the encoded request.
    package static func entry(field: Int, payload: RawSpan, header: RequestHeader) -> Bytes {
        let byteCount =
            ProtoSize.field(field, contentByteCount: payload.byteCount)
            + ProtoSize.field(headerField, message: header)
        return unsafe Bytes(unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
            var writer = unsafe BackwardWriter(buffer, count: byteCount)
            if field < headerField {
                writer.field(headerField, message: header)
                writer.field(field, content: payload)
            } else {
                writer.field(field, content: payload)
                writer.field(headerField, message: header)
            }
            assertAlways(writer.position == 0, "an entry as long as it was measured")
            initializedCount = byteCount
        }
    }

    /// An entry's data.
    package static func entry(field: Int, payload: Bytes, header: RequestHeader) -> Bytes {
        unsafe entry(field: field, payload: payload.span.bytes, header: header)
    }
}
