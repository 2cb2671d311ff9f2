internal import NIOCore
internal import NIOHTTP1
internal import PeerProtocol
internal import Primitives

/// A request with a small body, and the answer to it.
struct PeerExchange: Sendable {
    var method: HTTPMethod
    var path: String
    var fields: [PeerField]
    /// Nil for a request without one.
    var body: Bytes?
    var timeoutMilliseconds: Int64
    /// The greatest length of the answer, in bytes.
    var maxAnswerByteCount = 16 << 20
    /// Whether it does no harm to make it twice. Only then does it go through a connection that was used before: the peer may
    /// be closing that, and then it is not known whether the request was heard.
    var isRepeatable = true

    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: Bytes
        /// From the last byte of the request to the first of the answer.
        let roundTripNanoseconds: Int64

        /// The body without the line feed that Go puts behind an error's text.
        var text: String { body.last == UInt8(ascii: "\n") ? Bytes(body.dropLast()).text : body.text }
    }

    /// Why there is no answer.
    enum Failure: Error, CustomStringConvertible {
        case timeout
        case closed
        case tooLong

        var description: String {
            switch self {
            case .timeout: "i/o timeout"
            case .closed: "EOF"
            case .tooLong: "the answer is too long"
            }
        }
    }
}
